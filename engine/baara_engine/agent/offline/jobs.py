"""The small jobs of the offline planner, and doing several of them in order."""

import re
import shlex

from baara_engine.agent.offline import extract
from baara_engine.agent.offline.plan import Desk, Job, JobFailed, Plan, Result, Use, bash, looking, once, results

SIGNATURE = "(Done by the offline planner: fixed steps, without understanding.)"
HELP = """\
This is the offline planner. It has no understanding of language: it knows a few jobs by their wording, and does them \
with real tools. What it can do, with an example of each:

- look over a folder: “Look over this folder and report what is in it.”
- count: “Count the lines in notes.txt”, “How many .md files are in docs?”
- search: “Search for 'invoice' in letters”, “Find files named '*.csv'”
- extract the telling sentences of a text: “Summarise README.md”
- run a command: “run: ls -l”
- write a file: “Write 'hello' to greeting.txt”
- ask you: “Ask me which folder to take (docs, letters)”

Several jobs are done in order, one in each line or with “then” between them. For anything else, choose another model; \
it needs an API key."""

HITS = 30  # lines of a search that are shown in the answer
OUTPUT = 4000  # characters of a command's output that are shown in the answer
PART = "\n\n"

UNITS = {"words": "wc -w", "characters": "wc -m", "bytes": "wc -c", "lines": "awk 'END { print NR }'"}
KINDS = {"files": "f", "folders": "d"}
UNKNOWN = "Whether it took effect is unknown, and it was not repeated. Look for yourself before you ask for it again."


def in_order(jobs: list[Job], strange: list[str], desk: Desk) -> Plan:
    """Do the jobs one after another, or say why not; `strange` are the parts of the prompt that fit no job."""
    missing = frozenset[str]().union(*(job.needs for job in jobs)) - desk.tools
    if strange or not jobs:
        return _not_understood(strange)
    if missing:
        return f"This needs tools that are not allowed here ({', '.join(sorted(missing))}), so nothing was done."
    said: list[str] = []
    left = len(jobs)
    for job in jobs:
        left -= 1
        try:
            said.append((yield from job.plan(desk)))
        except JobFailed as failure:
            said.append(f"{failure}{f'{PART}What was to come after it was left undone.' if left else ''}")
            break
    numbered = [f"{number}. {text}" for number, text in enumerate(said, 1)] if len(jobs) > 1 else said
    return PART.join([*numbered, SIGNATURE])


def count_files(unit: str, pattern: str, path: str) -> Job:
    """Count the files (such as `.md` ones) or folders below a path; Git's own are left out."""
    name = f" -name {shlex.quote('*.' + pattern.strip().lstrip('*.'))}" if pattern else ""
    top = shlex.quote(path if path.startswith("/") else f"./{path}")
    kind = KINDS[unit.lower()]
    found = f"find {top} -mindepth 1 -name .git -prune -o -type {kind}{name} -print0"
    what = f"{pattern.strip()} {unit}".strip()

    def plan(_desk: Desk) -> Plan:
        count = bash(f"{found} | LC_ALL=C tr -dc '\\000' | wc -c | tr -d ' '")
        result = _done(f"Counting the {what}", (yield from looking(f"Counting the {what}.", count)))
        return f"{what.capitalize()} in {_place(path)}: {_first_line(result)}"

    return Job(frozenset({"bash"}), plan)


def count_in(unit: str, path: str) -> Job:
    """Count the lines, words, characters or bytes of a file."""

    def plan(_desk: Desk) -> Plan:
        what = f"Counting the {unit} in {path}"
        count = bash(f"{UNITS[unit.lower()]} < {shlex.quote(path)}")
        result = _done(what, (yield from looking(f"{what}.", count)))
        return f"{unit.capitalize()} in {path}: {_first_line(result)}"

    return Job(frozenset({"bash"}), plan)


def find_files(pattern: str) -> Job:
    """List files by their names."""

    def plan(_desk: Desk) -> Plan:
        names = Use("glob", {"pattern": pattern if "/" in pattern else f"**/{pattern}"})
        result = _done("Looking for files", (yield from looking(f"Looking for files named {pattern}.", names)))
        return _hits(result, f"Files named {pattern}")

    return Job(frozenset({"glob"}), plan)


def search(text: str, path: str) -> Job:
    """Look for a text, word for word, in files."""

    def plan(_desk: Desk) -> Plan:
        lines = Use("grep", {"pattern": re.escape(text), "path": path})
        result = _done("Searching", (yield from looking(f"Searching for “{text}”.", lines)))
        return _hits(result, f"Lines with “{text}” in {_place(path)}")

    return Job(frozenset({"grep"}), plan)


def summarise(path: str) -> Job:
    """Extract the telling sentences of a file."""

    def plan(_desk: Desk) -> Plan:
        file = Use("read", {"file_path": path})
        result = _done(f"Reading {path}", (yield from looking(f"Reading {path}.", file)))
        found = extract.telling(result.text)
        if not found:
            return f"{path} has no sentences. It begins:\n\n{extract.beginning(result.text, 10, 800)}"
        points = "\n".join(f"- {sentence}" for sentence in found)
        return f"An extract of {path}: the sentences whose words are the most frequent in it.\n\n{points}"

    return Job(frozenset({"read"}), plan)


def run(command: str) -> Job:
    """Run a command as it stands."""

    def plan(_desk: Desk) -> Plan:
        result = _done(f"`{command}`", (yield from once("Running the command.", bash(command))))
        return f"`{command}` gave:\n\n{_shown(result.text)}"

    return Job(frozenset({"bash"}), plan)


def write(path: str, text: str) -> Job:
    """Write a file."""

    def plan(_desk: Desk) -> Plan:
        file = Use("write", {"file_path": path, "content": text})
        return _done(f"Writing {path}", (yield from once(f"Writing {path}.", file))).text

    return Job(frozenset({"write"}), plan)


def ask(question: str) -> Job:
    """Ask the person; choices stand in brackets at the end of the question."""
    match = re.fullmatch(r"(?P<question>.+?)\s*\((?P<options>.+)\)", question)
    text = match["question"] if match else question
    use = Use("ask_user", {"question": f"{text[:1].upper()}{text[1:].rstrip('?')}?"})
    if match:
        use.input["options"] = [option for option in re.split(r"\s*,\s*|\s+or\s+", match["options"]) if option]

    def plan(_desk: Desk) -> Plan:
        result = _done("Asking you", (yield from once("This is for you to say.", use)))
        return f"Asked: {use.input['question']} You said: {result.text}"

    return Job(frozenset({"ask_user"}), plan)


def _not_understood(strange: list[str]) -> str:
    if not strange:
        return HELP
    parts = "\n".join(f"> {part}" for part in strange)
    return f"Nothing was done, because this was not understood:\n\n{parts}\n\n{HELP}"


def _done(what: str, result: Result) -> Result:
    """Pass on a result that is one. Raises `JobFailed`."""
    if result.is_uncertain:
        raise JobFailed(f"{what} was interrupted. {UNKNOWN}")
    if result.is_error:
        raise JobFailed(f"{what} did not work:\n\n{_shown(result.text)}")
    return result


def _hits(result: Result, what: str) -> str:
    hits, remarks = results(result.text)
    more = [f"… and {len(hits) - HITS} more"] if len(hits) > HITS else []
    return "\n".join([f"{what}: {len(hits)}", *hits[:HITS], *more, *remarks])


def _first_line(result: Result) -> str:
    return result.text.strip().splitlines()[0].strip()


def _place(path: str) -> str:
    return "this folder" if path == "." else path


def _shown(text: str) -> str:
    return text if len(text) <= OUTPUT else text[:OUTPUT] + "\n… (cut here; the whole is in the journal)"

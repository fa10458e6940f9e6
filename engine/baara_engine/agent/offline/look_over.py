"""The plan for looking over a folder: list, count, read a little, search, and report.

It keeps notes as it goes, one line for each step, by appending to a file: doing that twice would show. It takes nine to
eleven turns on any folder, however empty, large or unreadable. Every number in the report is from a tool.
"""

import re
import shlex
from collections.abc import Generator
from dataclasses import dataclass, field

from baara_engine.agent.offline import extract
from baara_engine.agent.offline.plan import (
    NOTES,
    Desk,
    Job,
    Plan,
    Result,
    Turn,
    Use,
    bash,
    looking,
    noting,
    once,
    results,
)

NEEDS = frozenset({"glob", "grep", "bash", "read", "report"})
TODO = "TODO|FIXME"

CANDIDATES = 20  # files whose sizes are looked at
READS = 2  # files that are read
READ_LINES = 200  # lines of each: enough to see what it is about
HITS = 20  # lines with TODO or FIXME in the report
README_LINES = 15  # of its beginning in the report
EXTRACT = 1200  # characters of a file in the report

README = 0  # first of the ranks by which files are chosen
UNREAD = 9  # last of them: files that are not read
RANKS: dict[str, int] = {
    **dict.fromkeys((".md", ".rst", ".txt", ".org", ".adoc", ".tex"), 1),
    **dict.fromkeys((".py", ".js", ".ts", ".rs", ".go", ".c", ".h", ".cpp", ".java", ".rb", ".sh", ".sql", ".r"), 2),
    **dict.fromkeys((".html", ".csv", ".tsv", ".json", ".toml", ".yaml", ".yml", ".ini", ".cfg"), 3),
}

# Portable between the tools of GNU, BSD and BusyBox. Git's own files are not counted.
FIND = "find . -mindepth 1 -name .git -prune -o"
COUNT = (
    f'n() {{ {FIND} -type "$1" -print0 2>/dev/null | LC_ALL=C tr -dc "\\000" | wc -c | tr -d " "; }}; '
    "files=$(n f); folders=$(n d); links=$(n l); kib=$(du -sk . 2>/dev/null | cut -f1); "
)
COUNTED = '"$files files, $folders folders, $links links, $kib KiB on disk"'
COUNTS = re.compile(r"turn \d+: (\d+) files, (\d+) folders, (\d+) links, (\d+) KiB")
MOST_TYPES = 12  # that are told apart
BY_TYPE = (
    f"types=$({FIND} -type f -print0 2>/dev/null | LC_ALL=C tr '\\n\\000' '?\\n' | LC_ALL=C awk -F/ '"
    '{ name = $NF; type = "without extension"; '
    "if (match(name, /[^.][.][A-Za-z0-9_-]+$/) && RLENGTH < 14) type = tolower(substr(name, RSTART + 1)); "
    'count[type]++ } END { for (type in count) print count[type] "\\t" type }\' | LC_ALL=C sort -k1,1nr -k2 | '
    f"awk -F '\\t' 'NR <= {MOST_TYPES} "
    """{ printf "%s%s × %s", (NR > 1 ? ", " : ""), $1, $2 }'); """
)
TYPED = '"by type: ${types:-none}"'
TYPES = re.compile(r"turn \d+: by type: (.*)")
LONG_LINE = re.compile(r"^-\S+\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\S+\s+\S+\s+\S+\s(.+)$")  # of `ls -ln`: size and name


@dataclass(slots=True)
class Findings:
    """What was found so far."""

    paths: list[str] = field(default_factory=list)
    counts: str = "could not be counted"
    types: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)  #: of the files that were read
    hits: list[str] = field(default_factory=list)
    hits_cut: bool = False
    notes: str = ""


def look_over(desk: Desk) -> Plan:
    """Look over the workspace."""
    found = Findings()
    names = Use("glob", {"pattern": "**/*"})
    listed = yield from looking("Offline planner: I look over this folder. First, the names of its files.", names)
    found.paths = [] if listed.is_error else results(listed.text)[0]
    sizes = yield from _count(desk, found)
    yield from _read(desk, found, _chosen(found.paths, sizes))
    yield from _search(desk, found)
    notes = yield from looking("My notes so far.", bash(f"cat {NOTES}"))
    found.notes = "could not be kept" if notes.is_error else notes.text
    report = Use("report", {"title": "What is in this folder", "markdown": _markdown(found)})
    posted = yield from once("All of this goes into a report.", report)
    return f"{_essentials(found)} {'The report could not be posted.' if posted.is_error else 'The report says more.'}"


JOB = Job(NEEDS, look_over)


def _count(desk: Desk, found: Findings) -> Generator[Turn, list[Result], dict[str, int]]:
    """Count files by number and type, and give the sizes of those that may be worth reading."""
    counted = yield from noting(desk, "How many files are there, and how large?", COUNTED, before=COUNT)
    match = COUNTS.search(counted.text)
    if match:
        files, folders, links, kib = match.groups()
        found.counts = f"{files} files in {folders} folders and {links} links, {kib} KiB on disk"
    listed = " ".join(shlex.quote(f"./{path}") for path in _candidates(found.paths))
    after = f"; LC_ALL=C ls -ln {listed} 2>/dev/null || true" if listed else ""
    typed = yield from noting(desk, "What types are they of?", TYPED, before=BY_TYPE, after=after)
    match = TYPES.search(typed.text)
    if match and match[1] != "none":
        found.types = match[1].split(", ")
    return _sizes(typed.text)


def _read(desk: Desk, found: Findings, chosen: list[str]) -> Generator[Turn, list[Result], None]:
    """Read the first of the chosen files, two at a time; if they cannot be read, the next, once."""
    for at in (0, READS):
        paths = chosen[at : at + READS]
        if found.texts or not paths:
            break
        uses = tuple(Use("read", {"file_path": path, "view_range": [1, READ_LINES]}) for path in paths)
        came = yield Turn(f"I read {' and '.join(paths)}.", uses)
        found.texts = {path: result.text for path, result in zip(paths, came, strict=True) if not result.is_error}
    said = f"read {', '.join(found.texts)}" if found.texts else "found no text to read"
    yield from noting(desk, "A note of what I read.", shlex.quote(said))


def _search(desk: Desk, found: Findings) -> Generator[Turn, list[Result], None]:
    """Search for what is left to do."""
    result = yield from looking("Is anything marked as to be done?", Use("grep", {"pattern": TODO}))
    if not result.is_error:
        found.hits, remarks = results(result.text)
        found.hits_cut = any("more" in remark for remark in remarks)
    yield from noting(desk, "A note of that.", shlex.quote(f"{_hit_count(found)} lines say TODO or FIXME"))


def _candidates(paths: list[str]) -> list[str]:
    """Choose the files that may tell most by their names: the README, then documents, programs, data; shallow first."""

    def order(path: str) -> tuple[int, int, str]:
        return _rank(path), path.count("/"), path

    readable = [path for path in paths if _rank(path) < UNREAD and "\\" not in path]  # escapes are not the real name
    return sorted(readable, key=order)[:CANDIDATES]


def _chosen(paths: list[str], sizes: dict[str, int]) -> list[str]:
    """Put the candidates into the order of reading: the first README, then the largest of each rank."""
    candidates = [path for path in _candidates(paths) if not sizes or sizes.get(path)]
    readme = next((path for path in candidates if _rank(path) == README), None)

    def order(path: str) -> tuple[bool, int, int]:
        return path != readme, max(_rank(path), README + 1), -sizes.get(path, 0)

    return sorted(candidates, key=order)


def _rank(path: str) -> int:
    name = path.rpartition("/")[2].lower()
    if name.startswith("readme"):
        return README
    return RANKS.get("." + name.rpartition(".")[2], UNREAD) if "." in name[1:] else UNREAD


def _sizes(text: str) -> dict[str, int]:
    lines = (LONG_LINE.match(line) for line in text.splitlines())
    return {line[2].removeprefix("./"): int(line[1]) for line in lines if line}


def _hit_count(found: Findings) -> str:
    return f"at least {len(found.hits)}" if found.hits_cut else str(len(found.hits))


def _essentials(found: Findings) -> str:
    parts = [f"This folder: {found.counts}."]
    if found.types:
        parts.append(f"By type: {', '.join(found.types[:5])}.")
    for path, text in found.texts.items():
        first = extract.telling(text, 1)
        parts.append(f"{path} says: “{first[0]}”" if first else f"{path} was read.")
    parts.append(f"Lines with TODO or FIXME: {_hit_count(found)}.")
    return " ".join(parts)


def _markdown(found: Findings) -> str:
    kinds = [f"- {kind}" for kind in found.types] or ["There are no files to count."]
    parts = [f"This folder: {found.counts}. Git's own files are not counted.", "## Types of files", "\n".join(kinds)]
    for path, text in found.texts.items():
        is_readme = _rank(path) == README
        excerpt = extract.beginning(text, README_LINES, EXTRACT) if is_readme else _telling(text)
        parts += [f"## {_code(path)}", "Its beginning:" if is_readme else "An extract:", _fenced(excerpt)]
    parts += [f"## Lines with TODO or FIXME: {_hit_count(found)}"]
    parts += [_fenced("\n".join(found.hits[:HITS]))] if found.hits else []
    parts += ["## Notes kept on the way", _fenced(found.notes)]
    parts += ["*By the offline planner. It lists, counts, searches and extracts; it understands nothing of it.*"]
    return "\n\n".join(parts)


def _telling(text: str) -> str:
    found = extract.telling(text)
    return "\n".join(found) if found else extract.beginning(text, README_LINES, EXTRACT)


def _code(text: str) -> str:
    """Write a name so that nothing in it is taken for markup."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _fenced(text: str) -> str:
    """Put text into a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"

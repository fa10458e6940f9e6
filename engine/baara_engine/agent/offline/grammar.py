"""What a prompt asks for, as far as the offline planner knows: one job for each part of it.

A prompt is cut into parts at line ends, at "then" and at sentences; quoted text is hidden from all that. Each part must
fit one rule as a whole. If any part fits none, nothing is done at all: half of what was asked may be worse than none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from baara_engine.agent.offline import jobs, look_over
from baara_engine.agent.offline.plan import Job

QUOTED = re.compile(r"`([^`]+)`|\"([^\"]+)\"|“([^”]+)”|(?<!\w)'((?:[^']|(?<=\w)'(?=\w))+)'(?!\w)")
HIDDEN = re.compile("\ue000(\\d+)\ue001")  # stands for a quoted text; private-use characters, which nobody types

RUN = re.compile(r"(?:please )?run(?: the command)?: *(?P<command>\S.*)", re.IGNORECASE)  # up to the end of the line
CUT = re.compile(
    r"[.,;]?\s+(?:and )?then\b(?! (?:report|tell|say|show|describe|list))[,:]?\s+|;\s+|[.!?]\s+(?=(?-i:[A-Z]))",
    re.IGNORECASE,
)
BULLET = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+")
POLITE = re.compile(
    r"^(?:please|kindly|now|first|next|finally|also|and|can you|could you|would you|i want you to)\b[,:]?\s*|"
    r",? (?:please|for me|thank you|thanks)$|[\s.!?,;]+$",
    re.IGNORECASE,
)
NOTHING = re.compile(  # parts that ask for nothing
    r"thank you|thanks|hello|hi|"
    r"(?:do )?(?:this|these|the following)?(?: ?(?:jobs|tasks|steps|things))?(?: in (?:this |that )?order)?:?",
    re.IGNORECASE,
)

Q = "\ue000\\d+\ue001"
PATH = rf"(?:the )?(?:file |folder )?(?P<path>{Q}|[^\s,;]+)"
HERE = r"(?:(?:this|the|my)(?: current| whole)? (?:folder|directory|workspace|project)|here|everything(?: here)?|\.)"
REPORT = r"(?:,?(?: and)?(?: then)? (?:report|tell|say|show|describe|list|summari[sz]e|write a report)\b.*)?"


@dataclass(slots=True)
class Asked:
    """What a prompt asks for."""

    jobs: list[Job] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)  #: parts that fit no rule


class _Words:
    """What a part says under the names of its rule."""

    def __init__(self, match: re.Match[str], quotes: list[str]) -> None:
        self._groups = match.groupdict()
        self._quotes = quotes

    def get(self, name: str) -> str:
        """Give the words of this name without their quotes; empty if there are none."""
        return HIDDEN.sub(lambda hidden: _inner(self._quotes[int(hidden[1])]), self._groups.get(name) or "")

    def path(self) -> str:
        """Give the path, the workspace itself if there is none."""
        path = self.get("path")
        return "." if not path or re.fullmatch(HERE, path, re.IGNORECASE) else path


Rule = tuple[re.Pattern[str], Callable[[_Words], Job]]


def _rule(pattern: str, make: Callable[[_Words], Job]) -> Rule:
    return re.compile(pattern, re.IGNORECASE), make


# The first that fits counts.
RULES: tuple[Rule, ...] = (
    _rule(
        rf"(?:(?:have|take) a look|look|go) (?:over|through|around|at)(?: {HERE})?{REPORT}",
        lambda _: look_over.JOB,
    ),
    _rule(
        rf"(?:(?:give|show|make|write) (?:me )?)?(?:an? )?overview(?: (?:of|over) {HERE})?{REPORT}",
        lambda _: look_over.JOB,
    ),
    _rule(
        rf"(?:(?:tell|show) me )?what(?:['’]s| is| are| files are)(?: there)? (?:in )?{HERE}{REPORT}",
        lambda _: look_over.JOB,
    ),
    _rule(rf"(?:describe|explore|summari[sz]e) {HERE}{REPORT}", lambda _: look_over.JOB),
    _rule(
        r"(?:count|how many) (?:the |all )?(?P<what>\*?\.\w+ )?(?P<unit>files|folders)(?: are)?(?: there)?"
        rf"(?: (?:in|below|under) (?:{HERE}|{PATH}))?",
        lambda words: jobs.count_files(words.get("unit"), words.get("what"), words.path()),
    ),
    _rule(
        rf"(?:count|how many) (?:the )?(?P<unit>lines|words|characters|bytes)(?: are)?(?: there)? "
        rf"(?:in|of|does|has) {PATH}(?: have| has)?",
        lambda words: jobs.count_in(words.get("unit"), words.path()),
    ),
    _rule(
        rf"(?:find|list) (?:all )?(?:the )?files (?:named|called|matching|like) (?P<what>{Q}|\S+)",
        lambda words: jobs.find_files(words.get("what")),
    ),
    _rule(
        rf"(?:(?:search(?: for)?|grep(?: for)?|look for) (?P<what>{Q}|\S+)|find (?P<text>{Q}))"
        rf"(?: (?:in|below|under) (?:{HERE}|{PATH}))?",
        lambda words: jobs.search(words.get("what") or words.get("text"), words.path()),
    ),
    _rule(
        rf"(?:summari[sz]e|(?:give me|write|make) a summary of) {PATH}",
        lambda words: jobs.summarise(words.path()),
    ),
    _rule(
        rf"write (?P<text>{Q}) (?:to|into|in) {PATH}",
        lambda words: jobs.write(words.path(), words.get("text")),
    ),
    _rule(rf"(?:run|execute)(?: the command)? (?P<command>{Q})", lambda words: jobs.run(words.get("command"))),
    _rule(r"ask me:? (?P<question>.+)", lambda words: jobs.ask(words.get("question"))),
)


def read(prompt: str) -> Asked:
    """Read a prompt."""
    quotes: list[str] = []

    def hide(quoted: re.Match[str]) -> str:
        quotes.append(quoted[0])
        return f"\ue000{len(quotes) - 1}\ue001"

    asked = Asked()
    for line in QUOTED.sub(hide, prompt).splitlines():
        for part in _parts(BULLET.sub("", line)):
            _read_part(part, quotes, asked)
    return asked


def _parts(line: str) -> Iterator[str]:
    """Cut a line into its parts; a command after `run:` goes to its end."""
    rest = line.strip()
    while rest and not RUN.fullmatch(rest):
        part, *more = CUT.split(rest, maxsplit=1)
        yield _plain(part)
        rest = more[0] if more else ""
    if rest:
        yield rest


def _read_part(part: str, quotes: list[str], asked: Asked) -> None:
    command = RUN.fullmatch(part)
    if command is not None:
        asked.jobs.append(jobs.run(_shown(command["command"], quotes)))
        return
    for pattern, make in RULES:
        match = pattern.fullmatch(part)
        if match is not None:
            asked.jobs.append(make(_Words(match, quotes)))
            return
    if not NOTHING.fullmatch(part):
        asked.strange.append(_shown(part, quotes))


def _plain(part: str) -> str:
    """Take polite words and punctuation off both ends."""
    before = ""
    while part != before:
        before, part = part, POLITE.sub("", part.strip())
    return part


def _shown(text: str, quotes: list[str]) -> str:
    """Put the quoted texts back, with their quotes."""
    return HIDDEN.sub(lambda hidden: quotes[int(hidden[1])], text)


def _inner(quoted: str) -> str:
    return quoted[1:-1]

"""What is submitted while engines are killed. Each piece of work is drawn from the seed and its number alone.

An agent's prompt holds all that it will do, so its model can find the next step from the conversation, in any process.
Each act of work appends one line to a file that no engine knows of, `NAME:STEP CALL`: which act it was, and by which
call. So whoever reads that file sees how often each call has acted, and how often each act was done.
"""

import json
import random
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from baara_engine import clock, requests
from baara_engine.agent.offline.plan import Desk, Plan, Result, Step, Turn, Use, bash, once
from baara_engine.errors import FailureKind
from baara_engine.records import Json, Kind, UnknownEffect

MARK = re.compile(r'echo "(\S+) (\S+)" >>')
COUNT = re.compile(r"^\d+$", re.MULTILINE)
COMMAND = "command"  #: in the place of the call, in what a command execution writes
YES = "Yes."
SOON_S = 1.0  # after which a service without room may be asked again; a shorter wait is not granted
SOON_MS = 1500  #: the longest that delayed work waits for its time
ACCOUNTS = ("account-1", "account-2", "account-3")
TROUBLES = (
    FailureKind.RATE_LIMIT, FailureKind.OVERLOADED, FailureKind.OFFLINE, FailureKind.KEY, FailureKind.BILLING,
    FailureKind.SERVER,
)  # fmt: skip

Trouble = tuple[FailureKind, int, float]  # how often the service refuses, and the wait in s that it asks for


@dataclass(frozen=True, slots=True)
class World:
    """A folder with a home, and with what stands outside of it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"  #: of all work: a sandbox that is a boundary lets nothing act beside it

    @property
    def receipts(self) -> Path:
        return self.workspace / "receipts"  #: what has acted, a line each

    @property
    def acknowledged(self) -> Path:
        return self.folder / "acknowledged"  #: "submit ID" or "cancel ID", each written after the call returned

    @property
    def refusals(self) -> Path:
        return self.folder / "refusals"  #: the service's own count of the requests that it refused

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def make(self) -> None:
        """Make an empty one."""
        for folder in (self.folder, self.refusals, self.workspace):
            folder.mkdir()
        for path in (self.receipts, self.acknowledged, self.log):
            path.touch()


def name(number: int) -> str:
    return f"w{number}"


def is_done(title: str) -> str:
    """Give the last word of the agent of this name."""
    return f"{title} is done"


def drawn(world: World, seed: int, number: int) -> requests.Submission:
    """Draw the piece of work of this number."""
    chance = random.Random(f"{seed}/work/{number}")
    draw = _agent if chance.random() < 0.6 else _command
    values = draw(world, chance, name(number))
    if chance.random() < 0.2:
        values["not_before"] = clock.SystemClock().now() + chance.randint(100, SOON_MS)
    values["workspace"] = str(world.workspace)
    values["queue"] = chance.choice(["transfer", "transfer", "visibility"])
    return requests.Submission(name=name(number), idempotency_key=name(number), source="a rig", **values)


def _agent(world: World, chance: random.Random, title: str) -> Json:
    kinds = ["act", "act", "careful", "careful", "files", "report", "ask", "two"]
    steps = [[chance.choice(kinds), chance.randint(0, 60), chance.randint(0, 40)] for _ in range(chance.randint(1, 5))]
    troubles = {}
    if chance.random() < 0.4:
        troubles[chance.randint(1, len(steps))] = (chance.choice(TROUBLES), chance.randint(1, 2), SOON_S)
    policies = [UnknownEffect.TELL, UnknownEffect.TELL, UnknownEffect.ASK, UnknownEffect.RERUN]
    values = {"model": chance.choice(ACCOUNTS), "unknown_effect": chance.choice(policies)}
    return values | {"prompt": prompt(world, title, steps, troubles)}


def prompt(world: World, title: str, steps: Sequence[Sequence[object]], troubles: Mapping[int, Trouble]) -> str:
    """Write down all that an agent will do: (kind, ms before, ms after) each, and its troubles by turn."""
    by_turn = {str(turn): trouble for turn, trouble in troubles.items()}
    return json.dumps({"name": title, "receipts": str(world.receipts), "steps": steps, "troubles": by_turn})


def _command(world: World, chance: random.Random, title: str) -> Json:
    long = chance.random() < 0.08  # it goes on after its engine, and ends in its grace
    before = chance.randint(1000, 2500) if long else chance.randint(0, 60)
    script = append(title, 0, COMMAND, world.receipts, before, chance.randint(0, 40))
    values: Json = {"kind": Kind.COMMAND, "unknown_effect": chance.choice([UnknownEffect.ASK] * 4 + ["rerun"])}
    if chance.random() < 0.2:
        script = f"test -e tried-{title} || {{ touch tried-{title}; exit 3; }}; {script}"
        values["max_retries"] = 2
    return values | {"prompt": script, "unknown_effect": UnknownEffect(values["unknown_effect"])}


def append(title: str, step: int, call: object, receipts: Path, before: int, after: int) -> str:
    """Write the shell command that acts once; `before` and `after` in ms."""
    line = f'echo "{title}:{step} {call}" >> {shlex.quote(str(receipts))}'
    return f"sleep {before / 1000}; {line}; sleep {after / 1000}"


def plan(asked: Json, desk: Desk) -> Plan:
    """Do what a prompt says, step by step."""
    for number, (kind, before, after) in enumerate(asked["steps"]):
        act = partial(_act, asked, number, before, after)
        yield from STEPS[kind](desk, act, asked, number)
    return is_done(asked["name"])


def _act(asked: Json, number: int, before: int, after: int, turn: int, half: str = "") -> Use:
    receipts = Path(asked["receipts"])
    return bash(append(f"{asked['name']}{half}", number, turn, receipts, before, after))


def _once(desk: Desk, act: partial[Use], _asked: Json, _number: int) -> Step:
    return (yield from once("I act, and leave it at that.", act(desk.turn)))


def _careful(desk: Desk, act: partial[Use], asked: Json, number: int) -> Step:
    """Act until it is done, looking each time before acting again."""
    result = yield from once("I act.", act(desk.turn))
    while result.is_error or result.is_uncertain:
        look = bash(f"grep -c '^{asked['name']}:{number} ' {shlex.quote(asked['receipts'])} || true")
        found = yield from once("I look.", look)
        count = COUNT.search(found.text)
        if count is None or found.is_error:
            continue
        if int(count[0]) > 0:
            break
        result = yield from once("It is not there.", act(desk.turn))
    return result


def _two(desk: Desk, act: partial[Use], _asked: Json, _number: int) -> Step:
    uses = (act(desk.turn, "a"), act(desk.turn, "b"))
    results = yield Turn("I act twice at once.", uses)
    return results[0]


def _files(_desk: Desk, _act: partial[Use], asked: Json, number: int) -> Step:
    path, text = f"{asked['name']}-{number}.txt", f"{asked['name']} wrote this"
    yield from once("I write.", Use("write", {"file_path": path, "content": text}))
    results = yield Turn(
        "I read.", (Use("read", {"file_path": path}), Use("glob", {"pattern": f"{asked['name']}-*.txt"}))
    )
    if text not in results[0].text or path not in results[1].text:
        raise ValueError(f"what was written is not there: {results}")
    return results[0]


def _report(_desk: Desk, _act: partial[Use], asked: Json, number: int) -> Step:
    return (yield from once("I tell.", Use("report", {"title": f"Step {number}", "markdown": asked["name"]})))


def _ask(_desk: Desk, _act: partial[Use], asked: Json, number: int) -> Step:
    question = {"question": f"Is {asked['name']} to go on at {number}?", "options": [YES]}
    result: Result = yield from once("I ask.", Use("ask_user", question))
    if result.text != YES:
        raise ValueError(f"the answer has become {result.text}")
    return result


STEPS = {"act": _once, "careful": _careful, "two": _two, "files": _files, "report": _report, "ask": _ask}

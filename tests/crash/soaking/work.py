"""What is submitted, and what the model does about it: read off the conversation, so it is the same after a crash."""

import json
import random
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from baara_engine import requests
from baara_engine.clock import Millis
from baara_engine.records import Json, Kind

SCRIPTED = "scripted"  #: model id that is answered in the engine's own process; any other goes over the SDK
SERVICE = "soak-service"
LAST_TURN = 3
SAID = re.compile(r"Turn (\d)\.")  #: how a turn is told: its answers cannot be counted once the beginning is shortened
MEGABYTES = 3  # that a loud command prints
HANG_S = 1.0  # seconds that a command which hangs is given
SLOW_S = 15  # seconds that a command takes which is called off
LATEST_TIMER_S = 10

# What is submitted, and how often of a hundred.
SHARES: dict[str, int] = {
    "agent-writes": 34,  # the usual: one command with an effect, one more tool, an answer
    "agent-files": 14,  # writes, reads and searches files
    "agent-asks": 5,  # a person has to answer
    "agent-loud": 2,  # its command prints megabytes
    "agent-fails": 4,  # its command fails
    "agent-hangs": 2,  # its command uses up its time
    "agent-later": 6,  # by a timer
    "command": 18,  # a command without a model
    "command-loud": 2,
    "command-fails": 3,
    "command-hangs": 2,
    "command-later": 4,
    "command-slow": 4,  # is called off
}
EFFECT = frozenset({"agent-writes", "agent-later", "command", "command-later"})  #: leave one line in the ledger


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to submit."""

    key: str
    what: str
    submission: requests.Submission


def item(key: str, ledger: Path, chance: random.Random, now: Millis) -> Item:
    """Draw what is submitted under this key."""
    what = chance.choices(list(SHARES), list(SHARES.values()))[0]
    later = now + chance.randint(1, LATEST_TIMER_S) * 1000 if what.endswith("later") else None
    options: Json = {"idempotency_key": key, "not_before": later, "source": "soak"}
    options["queue"] = chance.choice(["transfer", "transfer", "visibility"])
    if what in EFFECT:
        options["workspace"] = str(ledger.parent)
    if what.startswith("agent"):
        options["prompt"] = json.dumps({"what": what, "key": key, "ledger": str(ledger)})
        options["model"] = chance.choice([SCRIPTED, SCRIPTED, SERVICE])
    else:
        options["kind"] = Kind.COMMAND
        options["prompt"] = _command(what.removeprefix("command-").removeprefix("command"), key, ledger)
        options["timeout_s"] = HANG_S if what == "command-hangs" else None
    return Item(key, what, requests.parse(requests.Submission, options))


def answer(messages: list[Json]) -> tuple[list[Json], str]:
    """Give the blocks of the model's next answer to a conversation, and its stop reason."""
    first = messages[0]["content"]
    wanted = json.loads(first if isinstance(first, str) else first[0]["text"])
    turn = 1 + max(map(int, SAID.findall(json.dumps(messages))), default=0)
    if turn >= LAST_TURN:
        return [{"type": "text", "text": f"{wanted['what']} {wanted['key']} is done."}], "end_turn"
    name, value = _call(wanted["what"].removeprefix("agent-"), turn, wanted["key"], Path(wanted["ledger"]))
    text = {"type": "text", "text": f"Turn {turn}."}
    return [text, {"type": "tool_use", "id": f"toolu_{turn}", "name": name, "input": value}], "tool_use"


def _call(what: str, turn: int, key: str, ledger: Path) -> tuple[str, Json]:
    """Give the tool call of a turn: what is asked for in the first, something harmless in the second."""
    if turn > 1:
        follow = {"files": ("grep", {"pattern": key}), "writes": ("report", {"title": key, "markdown": f"# {key}"})}
        return follow.get(what, ("glob", {"pattern": "*"}))
    match what:
        case "files":
            return "write", {"file_path": "notes/note.txt", "content": f"{key}\n" * 200}
        case "asks":
            return "ask_user", {"question": f"Is {key} right?", "options": ["yes", "no"]}
        case "hangs":
            return "bash", {"command": _command(what, key, ledger), "timeout_ms": int(HANG_S * 1000)}
        case _:
            return "bash", {"command": _command(what, key, ledger)}


def _command(what: str, key: str, ledger: Path) -> str:
    match what:
        case "loud":
            return f"head -c {MEGABYTES}000000 /dev/zero | tr '\\0' 'x'"
        case "fails":
            return f"echo {key} >&2; exit 3"
        case "hangs":
            return "sleep 600"
        case "slow":
            return f"sleep {SLOW_S}"
        case _:
            return f"echo {key} >> {shlex.quote(str(ledger))}"

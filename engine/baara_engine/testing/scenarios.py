"""Models with a purpose, for tests of the whole program: they answer from the conversation alone, after any crash."""

import re
from collections.abc import Callable

from baara_engine.agent.offline import planner
from baara_engine.agent.offline.plan import Desk, Plan, Use, bash, looking, once
from baara_engine.records import Json
from baara_engine.testing import longtalk
from baara_engine.testing.replies import Reply

WRITE = "Write the receipts."  #: what a sub-task is asked for
NUMBER = re.compile(r"^\d+$", re.MULTILINE)


def append(turns: int) -> Callable[[Json], Reply]:
    """Make a model that appends `turns` receipts to a file, one in each turn, and looks before it repeats one."""

    def plan(_desk: Desk) -> Plan:
        for number in range(1, turns + 1):
            write = bash(f"echo receipt-{number} >> receipts.txt")
            look = bash(f"grep -c '^receipt-{number}$' receipts.txt || true")
            result = yield from once(f"Receipt {number}.", write)
            while result.is_uncertain:
                count = NUMBER.search((yield from looking("Is it there?", look)).text)
                if count and int(count[0]) > 0:
                    break
                result = yield from once("It is not there.", write)
        return f"all {turns} receipts written"

    def script(request: Json) -> Reply:
        return Reply(*planner.answer(planner.read(request), plan))

    return script


def delegate(turns: int) -> Callable[[Json], Reply]:
    """Make a model that gives the work of `append` to a sub-task if it is asked to delegate, and else does it."""
    append_ = append(turns)

    def plan(_desk: Desk) -> Plan:
        result = yield from once("Somebody else.", Use("submit_task", {"prompt": WRITE}))
        return f"It says: {result.text.splitlines()[-1]}"

    def script(request: Json) -> Reply:
        talk = planner.read(request)
        return append_(request) if talk.prompt == WRITE else Reply(*planner.answer(talk, plan))

    return script


# name → what makes its script from the number of turns
TABLE: dict[str, Callable[[int], Callable[[Json], Reply]]] = {
    "append": append,
    "delegate": delegate,
    "long": longtalk.script,
}

"""Models with a purpose, for tests of the whole program: they answer from the conversation alone, after any crash."""

import re
from collections.abc import Callable

from baara_engine.agent.offline import planner
from baara_engine.agent.offline.plan import Desk, Plan, bash, looking, once
from baara_engine.records import Json
from baara_engine.testing import longtalk
from baara_engine.testing.replies import Reply

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


# name → what makes its script from the number of turns
TABLE: dict[str, Callable[[int], Callable[[Json], Reply]]] = {"append": append, "long": longtalk.script}

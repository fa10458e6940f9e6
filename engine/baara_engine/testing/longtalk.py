"""A model that works for hundreds of turns: it reads one line of a file after the other, and is compacted on the way.

What it does next is read off the conversation alone, so it can be taken up after any crash. It compacts as the service
does when it is asked to, and writes summaries. Its answers say what is missing in a request, where something is.
"""

import re
from collections.abc import Callable

from baara_engine.agent.offline import wire
from baara_engine.records import Json
from baara_engine.testing.replies import Reply, says

REQUEST = "Read the numbers of all lines, some at a time, and add them up."
CONSTRAINT = "Never change a file; “numbers” are whole, and µ stands for itself."
LINES = 16  # read at once
NOTES = 40  #: turns from one note of the progress to the next
CALLED = re.compile(r'"toolu_(\d+)_0"')
TOLD = re.compile(r"up to turn (\d+)\.")


def script(turns: int, path: str = "numbers.txt") -> Callable[[Json], Reply]:
    """Make a model that reads `path` in each of its `turns`, and then ends."""

    def reply(request: Json) -> Reply:
        turn = turn_of(request)
        if request.get("tool_choice", {}).get("type") == "none":
            return says(f"The work was done up to turn {turn}.")
        if _is_to_be_compacted(request):
            block = {"type": "compaction", "content": f"The work was done up to turn {turn}."}
            return Reply([block], "compaction")
        return _next(turn + 1, turns, path)

    return reply


def turn_of(request: Json) -> int:
    """Give the number of the last turn that a request tells of."""
    sent = wire.frame({"type": "", "messages": request["messages"]}).decode()
    numbers = [int(number) for number in [*CALLED.findall(sent), *TOLD.findall(sent)]]
    return max(numbers, default=0)


def _next(turn: int, turns: int, path: str) -> Reply:
    if turn > turns:
        return says(f"All {turns} were read.")
    read = {"file_path": path, "view_range": [turn, turn + LINES - 1]}
    use: Json = {"type": "tool_use", "id": f"toolu_{turn}_0", "name": "read", "input": read}
    if turn == 1:
        use |= {"name": "note_progress", "input": {"constraints": [CONSTRAINT], "next": "Read the first line."}}
    elif turn % NOTES == 0:
        use |= {"name": "note_progress", "input": {"done": [f"Line {turn}"], "next": f"Read line {turn + 1}."}}
    return Reply([{"type": "text", "text": f"Turn {turn}."}, use], "tool_use")


def _is_to_be_compacted(request: Json) -> bool:
    """Do as the service does: what stands before a compaction does not count, and is dropped."""
    edits = (request.get("context_management") or {}).get("edits", [])
    trigger = next((edit["trigger"]["value"] for edit in edits if edit["type"] == "compact_20260112"), None)
    if trigger is None:
        return False
    messages = request["messages"]
    begins = [at for at, message in enumerate(messages) if _has_compaction(message)]
    sent = [request.get("system", ""), request.get("tools", []), messages[begins[-1] if begins else 0 :]]
    return bool(wire.tokens(sent) > trigger)


def _has_compaction(message: Json) -> bool:
    content = message["content"]
    return isinstance(content, list) and any(block.get("type") == "compaction" for block in content)

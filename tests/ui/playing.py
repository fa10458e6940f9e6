"""A whole Baara with its pages in a process of its own, whose agent does what its prompt says.

Run as a program: `python -m tests.ui.playing HOME [PORT]`. It prints the line of `baara serve`.
"""

import asyncio
import sys
from pathlib import Path

from baara_app import lifecycle
from baara_engine.agent.model import Answer, OnPiece, Piece, Request, Usage
from baara_engine.config import Config
from baara_engine.testing import scripted

REPORT = """The figures are in. **Sales rose by 4 %**, mostly in the north.

| region | sold |
|---|---|
| north | 120 |
| south | 80 |

1. Look at [the source](https://example.org/figures).
2. Run `make` again.

```python
def total(rows: list[int]) -> int:
    return sum(rows)  # all of them
```
"""
PIECES = 40  # that a slow answer comes in
PIECE_S = 0.1


class Playing:
    """An agent whose prompt says what it does: its first word, and what follows."""

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        """Do the next thing."""
        turn = sum(1 for message in request.messages if message["role"] == "assistant")
        verb, _, rest = _prompt(request).partition(" ")
        if verb == "slow":
            return await _slowly(on_piece)
        answer = _next(verb, rest.strip(), turn, request)
        if on_piece is not None:
            for index, block in enumerate(answer.content):
                if block["type"] == "text":
                    on_piece(Piece("text", block["text"], index))
        return answer

    async def close(self) -> None:
        """Hold nothing."""


def _next(verb: str, rest: str, turn: int, request: Request) -> Answer:
    last = turn > 0
    if verb == "ask" and not last:
        return scripted.calls(("ask_user", {"question": rest, "options": ["The first", "The second"]}), turn=1)
    if verb == "write" and not last:
        return scripted.calls(("write", {"file_path": rest, "content": "# Written\n\nBy an agent.\n"}), turn=1)
    if verb == "run" and not last:
        return scripted.calls(("bash", {"command": rest}), turn=1)
    if verb == "long" and turn < int(rest):
        return scripted.calls(("glob", {"pattern": "*"}), turn=turn)
    if verb == "echo":
        return scripted.says(rest)
    return scripted.says(f"You chose: {_result(request)}" if verb == "ask" else REPORT)


def _result(request: Request) -> str:
    """Give what the last tool gave."""
    [block] = [one for one in request.messages[-1]["content"] if one["type"] == "tool_result"]
    return " ".join(str(part.get("text")) for part in block["content"])


async def _slowly(on_piece: OnPiece | None) -> Answer:
    words = [f"word{number} " for number in range(PIECES)]
    for word in words:
        await asyncio.sleep(PIECE_S)
        if on_piece is not None:
            on_piece(Piece("text", word, 0))
    return Answer([{"type": "text", "text": "".join(words)}], "end_turn", Usage(10, 5), "scripted", 0)


def _prompt(request: Request) -> str:
    """Give what the person has said last, in words of their own."""
    texts = [
        block["text"] for message in request.messages if message["role"] == "user"
        for block in message["content"] if block.get("type") == "text"
    ]  # fmt: skip
    return str(texts[-1]) if texts else ""


def main() -> int:
    """Serve until told to stop."""
    home, port = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    lifecycle.make_models = lambda _settings: scripted.ScriptedModels(Playing())  # type: ignore[assignment,arg-type,return-value]
    lifecycle.config = lambda: Config(default_model="offline")
    return lifecycle.serve(home, port)


if __name__ == "__main__":
    sys.exit(main())

"""The offline model at work with the real tools in the real sandbox, one answer after the other."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from baara_engine import errors, tools
from baara_engine.agent.anthropic_model import offline
from baara_engine.agent.model import Answer, Model, Request
from baara_engine.records import Json
from baara_engine.sandboxes import Limits
from baara_engine.sandboxes.native import NativeSandbox, NativeSession
from baara_engine.testing import legality
from baara_engine.tools import check

MOST_TURNS = 20  # a conversation that goes on for longer does not end

Tamper = Callable[[int, Json, Json], Awaitable[Json | None]]  # turn, call, result → another result


@dataclass(slots=True)
class Talk:
    """A whole conversation, with each rule of the interface looked after."""

    model: Model
    session: NativeSession
    workspace: Path
    notes: Path
    offered: tuple[str, ...] = tuple(tools.TABLE)
    messages: list[Json] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    posts: list[tools.Post] = field(default_factory=list)
    tamper: Tamper | None = None  #: may do something about a call, and replace its result

    @property
    def text(self) -> str:
        """Give the last words."""
        return "".join(block.get("text", "") for block in self.answers[-1].content)

    def result(self, at: int) -> str:
        """Give the text of the result of a call."""
        results = [block for message in self.messages if message["role"] == "user" for block in message["content"]]
        return str([block for block in results if block["type"] == "tool_result"][at]["content"][0]["text"])

    def request_tools(self) -> list[Json]:
        """Describe the tools that are offered."""
        return [tools.load(name).param() for name in self.offered]

    def request(self) -> Request:
        """Make the next request; the API would take it."""
        params = self.request_tools()
        body = {"model": "offline", "max_tokens": 1000, "messages": self.messages, "tools": params}
        assert legality.problem(body) is None
        return Request("offline", "", copy.deepcopy(self.messages), params, 1000)

    async def about(self, prompt: str) -> "Talk":
        """Talk until the model has ended what it was asked for."""
        self.messages.append({"role": "user", "content": [{"type": "text", "text": prompt}]})
        for _ in range(MOST_TURNS):
            if not await self.turn():
                return self
        raise AssertionError(f"no end after {MOST_TURNS} turns")

    async def turn(self) -> bool:
        """Get one answer and run its calls; say whether it had any."""
        answer = await self.model.answer(self.request())
        self.answers.append(answer)
        self.messages.append({"role": "assistant", "content": answer.content})
        calls = [block for block in answer.content if block["type"] == "tool_use"]
        assert (answer.stop_reason == "tool_use") == bool(calls)
        assert (answer.model, answer.cost_microusd, answer.broken_inputs) == ("offline", 0, {})
        if calls:
            self.messages.append({"role": "user", "content": [await self._result(call) for call in calls]})
        return bool(calls)

    async def _result(self, call: Json) -> Json:
        self.calls.append(call)
        assert check.problem(tools.load(call["name"]), call["input"]) is None
        done = await self._run(call)
        result: Json = {
            "type": "tool_result", "tool_use_id": call["id"], "content": [{"type": "text", "text": done.text}],
        } | ({"is_error": True} if done.is_error else {})  # fmt: skip
        changed = await self.tamper(len(self.answers), call, result) if self.tamper else None
        return changed or result

    async def _run(self, call: Json) -> tools.Done:
        tool = tools.load(call["name"])
        try:
            outcome = await tool.run(tools.Call(call["id"], call["input"], self.session))
        except errors.InvalidInput as error:
            return tools.Done(error.message, is_error=True)
        if isinstance(outcome, tools.Ask):
            return tools.Done("green")
        assert isinstance(outcome, tools.Done)
        if outcome.post is not None:
            self.posts.append(outcome.post)
        return outcome


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """Give a conversation in an empty workspace."""
    workspace, private = tmp_path / "ws", tmp_path / "private"
    workspace.mkdir()
    private.mkdir()
    sandbox, model = NativeSandbox(), offline()
    session = await sandbox.open(workspace, private, Limits())
    yield Talk(model, session, workspace, private / "tmp" / "notes.md")
    await session.close()
    await sandbox.close()
    await model.close()

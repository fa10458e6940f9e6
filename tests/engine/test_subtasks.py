import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from baara_engine import families, states, subtasks
from baara_engine.agent.model import Answer, OnPiece, Request
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Effect, Execution, Json, Permission
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Outcome, Status
from baara_engine.store import executions
from baara_engine.store import journal as rows
from baara_engine.store.transaction import Tx
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

LONG = 60.0  # seconds that no wait here takes unless something is wrong


class Cast(ScriptedModel):
    """Gives each execution the part that its prompt names, at the turn that its conversation shows."""

    def __init__(self, parts: dict[str, list[Answer]]) -> None:
        super().__init__([])
        self._parts = parts

    async def answer(self, request: Request, on_piece: OnPiece | None = None) -> Answer:
        self.requests.append(request)
        turn = sum(1 for message in request.messages if message["role"] == "assistant")
        return self._parts[request.messages[0]["content"][0]["text"]][turn]


@pytest.fixture
def start(engine: Engine) -> Iterator[Callable[[dict[str, list[Answer]]], Cast]]:
    """Give a function that lets the engine work, with a script for each prompt."""

    def begin(parts: dict[str, list[Answer]]) -> Cast:
        cast = Cast(parts)
        engine.start(ScriptedModels(cast))
        return cast

    yield begin
    engine.stop()


def until(engine: Engine, execution_id: str, *wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    with engine.news() as news:
        while time.monotonic() < deadline:
            execution = engine.execution(execution_id)
            if execution.status in (wanted or ENDED):
                return execution
            news.wait(1.0)
    raise AssertionError(f"still {engine.execution(execution_id)}")


def delegating(*wanted: Json) -> Answer:
    return calls(*(("submit_task", one) for one in wanted), turn=1)


def submitted(engine: Engine, **options: Any) -> Execution:
    return engine.submit(Submission(prompt="parent", **options))


def children(engine: Engine, parent: Execution) -> list[Execution]:
    return [one for one in reversed(engine.executions()) if one.parent_id == parent.id]


def results(engine: Engine, parent: Execution) -> list[str]:
    return [call.result[0]["text"] for call in engine.journal(parent.id)[1] if call.result]


def test_the_result_of_a_sub_task_is_the_result_of_the_call(
    engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]
) -> None:
    """The parent waits without a worker, the child works in its workspace, and what it says comes back."""
    start(
        {
            "parent": [delegating({"prompt": "child", "name": "Count"}), says("It is 7.")],
            "child": [calls(("write", {"file_path": "n.txt", "content": "7"})), says("seven")],
        }
    )
    parent = until(engine, submitted(engine).id)
    [child] = children(engine, parent)
    assert (parent.status, parent.output, child.output) == (Status.COMPLETED, "It is 7.", "seven")
    assert (child.name, child.source, child.workspace) == ("Count", "sub-task", parent.workspace)
    assert child.thread_id != parent.thread_id
    assert results(engine, parent) == [f"Sub-task “Count” (execution {child.id}) ended: Ran.\n\nseven"]
    assert (Path(parent.workspace) / "n.txt").read_text() == "7"
    assert parent.attempt == 1


def test_a_parent_that_waits_holds_no_worker(engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]) -> None:
    """With room for one execution only, three levels of sub-tasks get through: nobody waits for who waits for them."""
    engine.set_concurrency("transfer", 1)
    start(
        {
            "parent": [delegating({"prompt": "child"}), says("top")],
            "child": [delegating({"prompt": "grandchild"}), says("middle")],
            "grandchild": [says("bottom")],
        }
    )
    assert until(engine, submitted(engine).id).output == "top"


def test_calls_of_one_answer_work_side_by_side(
    engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]
) -> None:
    """All sub-tasks of one answer are submitted before any has ended; what follows them waits for their results."""
    both = [("submit_task", {"prompt": "a"}), ("submit_task", {"prompt": "b"}), ("bash", {"command": "cat a b"})]
    meet = "touch {}; for i in $(seq 600); do test -e {} && exit; sleep 0.1; done; exit 1"
    start(
        {
            "parent": [calls(*both, turn=1), says("done")],
            "a": [calls(("bash", {"command": meet.format("a", "b")})), says("a met b")],
            "b": [calls(("bash", {"command": meet.format("b", "a")})), says("b met a")],
        }
    )
    parent = until(engine, submitted(engine).id)
    told = results(engine, parent)
    assert [text.splitlines()[-1] for text in told] == ["a met b", "b met a", "[no output]"]
    assert [call.is_error for call in engine.journal(parent.id)[1]] == [False, False, False]


def test_a_routed_sub_task_is_not_awaited(engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]) -> None:
    """With wait: false the parent goes on at once, and the result stands in the thread that was named."""
    held = "for i in $(seq 600); do test -e go && exit; sleep 0.1; done"
    start(
        {
            "parent": [
                delegating({"prompt": "child", "wait": False, "thread": "this"}),
                calls(("write", {"file_path": "go", "content": ""}), turn=2),
                says("I am done."),
            ],
            "child": [calls(("bash", {"command": held})), says("for the person")],
        }
    )
    parent = until(engine, submitted(engine).id)
    [child] = children(engine, parent)
    assert until(engine, child.id).output == "for the person"
    bodies = [one.body for one in engine.thread(parent.thread_id)[1] if one.kind == "result"]
    assert sorted(bodies) == ["I am done.", "for the person"]
    assert results(engine, parent)[0] == f"Submitted as execution {child.id}; its result goes to the person's inbox."


def test_a_sub_task_that_fails_is_told_to_its_parent(
    engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]
) -> None:
    """A dead letter below is an error result above, and the parent decides what to make of it."""
    start(
        {
            "parent": [delegating({"prompt": "child"}), says("It could not be done.")],
            "child": [calls(("bash", {"command": "true"}))] * 2,
        }
    )
    parent = until(engine, submitted(engine, max_turns=1).id, Status.WAITING_FOR_INPUT, Status.DEAD_LETTERED)
    [child] = children(engine, parent)
    assert until(engine, child.id).error_cause == FailureKind.TURNS
    [call] = engine.journal(parent.id)[1]
    assert call.is_error
    assert results(engine, parent)[0].startswith(f"Sub-task “child” (execution {child.id}) ended: Failed. It used all")


def test_cancelling_a_parent_cancels_all_below_it(
    engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]
) -> None:
    """A parent that is called off takes its children and their children along, whether they work or wait."""
    start(
        {
            "parent": [delegating({"prompt": "child"})],
            "child": [delegating({"prompt": "grandchild"})],
            "grandchild": [calls(("bash", {"command": "sleep 4242"}))],
        }
    )
    parent = submitted(engine)
    until(engine, parent.id, Status.WAITING_FOR_INPUT)
    [child] = children(engine, parent)
    waiting = until(engine, child.id, Status.WAITING_FOR_INPUT)
    [grandchild] = children(engine, waiting)
    until(engine, grandchild.id, Status.RUNNING)
    engine.cancel(parent.id)
    ended = [until(engine, one.id) for one in (parent, child, grandchild)]
    assert [one.outcome for one in ended] == [Outcome.CANCELLED] * 3


def test_a_sub_task_that_is_called_off_lets_its_parent_go_on(
    engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]
) -> None:
    """Cancelling a child alone is told to its parent as the call's result."""
    start(
        {
            "parent": [delegating({"prompt": "child"}), says("without it, then")],
            "child": [calls(("bash", {"command": "sleep 4242"}))],
        }
    )
    parent = until(engine, submitted(engine).id, Status.WAITING_FOR_INPUT)
    [child] = children(engine, parent)
    until(engine, child.id, Status.RUNNING)
    assert parent.waiting_reason == states.SUB_TASK
    engine.cancel(child.id)
    assert until(engine, parent.id).output == "without it, then"
    assert results(engine, parent)[0].endswith("ended: Cancelled. Somebody called it off.")


# ---------------------------------------------------------------- limits, without an engine at work


@pytest.fixture
def parent(engine: Engine) -> Execution:
    """Give an execution with a narrow allowance."""
    return submitted(
        engine, budget_microusd=1_000_000, permission=Permission.ASK, allowed_tools=("read", "submit_task"),
        max_turns=7, timeout_s=60.0, max_retries=1,
    )  # fmt: skip


def submit(engine: Engine, parent: Execution, key: str, **wanted: Any) -> Execution:
    asked = {"prompt": "child"} | wanted
    return engine.store.write(lambda tx: subtasks.submit(tx, engine, parent, f"{parent.id}/1/{key}", asked))


def test_limits_are_inherited(engine: Engine, parent: Execution) -> None:
    """A sub-task has what its parent has: sandbox, mode, tools, turns, time, model; and half of what money is left."""
    child = submit(engine, parent, "one")
    for name in ("sandbox", "permission", "allowed_tools", "max_turns", "timeout_s", "max_retries", "model",
                 "workspace", "project_id", "unknown_effect", "mcp_servers", "sandbox_limits"):  # fmt: skip
        assert getattr(child, name) == getattr(parent, name), name
    assert (child.budget_microusd, child.parent_id) == (500_000, parent.id)


def test_no_sub_task_gets_more_than_its_parent_has_left(engine: Engine, parent: Execution) -> None:
    """What open children may spend is gone for the next; what an ended one has not spent comes back."""
    first = submit(engine, parent, "one", budget_usd=0.9)
    with pytest.raises(Exception, match=r"There is not enough money for this: \$0.1000 of your budget is left"):
        submit(engine, parent, "two", budget_usd=0.2)
    assert submit(engine, parent, "three", budget_usd=0.1).budget_microusd == 100_000
    with pytest.raises(Exception, match=r"\$0.0000 of your budget is left"):
        submit(engine, parent, "four")
    engine.cancel(first.id)
    assert submit(engine, parent, "five", budget_usd=0.9).budget_microusd == 900_000


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"permission": "auto"}, "You work in the mode “ask”, so a sub-task cannot work in “auto”"),
        ({"tools": ["read", "bash"]}, "You do not have these tools yourself: bash"),
        ({"prompt": " "}, "it is empty"),
        ({"tools": ["nonsense"]}, "You do not have these tools yourself: nonsense"),
    ],
)
def test_a_sub_task_cannot_be_given_what_its_parent_has_not(
    engine: Engine, parent: Execution, wanted: Json, told: str
) -> None:
    """A wider mode, other tools, an empty request: refused in a sentence, and nothing is submitted."""
    with pytest.raises(Exception, match=told):
        submit(engine, parent, "one", **wanted)
    assert len(engine.executions()) == 1


def test_a_sub_task_may_be_given_less(engine: Engine, parent: Execution) -> None:
    """A stricter mode, fewer tools, a workspace of its own."""
    child = submit(engine, parent, "one", permission="locked", tools=["read"], workspace="own")
    assert (child.permission, child.allowed_tools) == (Permission.LOCKED, ("read",))
    assert child.workspace != parent.workspace


def test_the_same_call_submits_once(engine: Engine, parent: Execution) -> None:
    """The call's key names the sub-task, so a call that is run again finds it; also where the key is very long."""
    for key in ("toolu_1", "t" * 500):
        assert submit(engine, parent, key, budget_usd=0.5).id == submit(engine, parent, key, budget_usd=0.5).id
    assert submit(engine, parent, "toolu_1", budget_usd=0.5).status is Status.QUEUED  # though no money is left
    assert len(children(engine, parent)) == 2


def test_depth_and_number_are_bounded(engine: Engine, parent: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of sub-tasks ends at its depth, and a family at its number."""
    line = [parent]
    for depth in range(subtasks.MAX_DEPTH):
        line.append(submit(engine, line[-1], f"deep-{depth}"))
    with pytest.raises(Exception, match="Sub-tasks go 3 deep"):
        submit(engine, line[-1], "deeper")
    monkeypatch.setattr(subtasks, "MAX_FAMILY", 5)
    submit(engine, parent, "wide", budget_usd=0.01)
    submit(engine, line[1], "wide-2", budget_usd=0.01)
    with pytest.raises(Exception, match="has 5 sub-tasks already"):
        submit(engine, line[1], "wide-3", budget_usd=0.01)


# ---------------------------------------------------------------- what a crash leaves


def delegated(engine: Engine, *ids: str) -> Execution:
    """Leave an execution as a dead engine does: its calls of `submit_task` intended, none of them with a receipt."""
    execution = submitted(engine)
    blocks = [{"type": "tool_use", "id": one, "name": "submit_task", "input": {"prompt": one}} for one in ids]

    def leave(tx: Tx) -> None:
        executions.claim_one(tx, execution.id, "another-boot/1/1", 0, 1)
        executions.move(tx, execution.id, Status.ASSIGNED, Status.RUNNING, started_at=tx.now)
        rows.append(tx, execution.id, turn=0, role="user", content=[{"type": "text", "text": "parent"}])
        rows.append(tx, execution.id, turn=1, role="assistant", content=blocks, stop_reason="tool_use")
        for ordinal, block in enumerate(blocks):
            rows.intend(tx, execution.id, 1, ordinal, block, Effect.KEYED, {})
        tx.sql("UPDATE execution SET turn = 1 WHERE id = ?", (execution.id,))

    engine.store.write(leave)
    return engine.execution(execution.id)


def test_after_a_crash_the_sub_task_is_found_or_submitted(
    engine: Engine, start: Callable[[dict[str, list[Answer]]], Cast]
) -> None:
    """Of two calls without a receipt one had been submitted before the crash: in the end each has one child."""
    parent = delegated(engine, "a", "b")
    submit(engine, parent, "a", prompt="a")
    start({"parent": [says("never asked"), says("both")], "a": [says("A")], "b": [says("B")]})
    assert until(engine, parent.id).output == "both"
    assert [child.prompt for child in children(engine, parent)] == ["a", "b"]
    assert [text.splitlines()[-1] for text in results(engine, parent)] == ["A", "B"]


def test_a_child_that_ends_while_nobody_holds_its_parent_is_not_lost(engine: Engine) -> None:
    """The result is written in the transaction that ends the child, whatever state the parent is in, and only once."""
    parent = delegated(engine, "a")
    child = submit(engine, parent, "a", prompt="a")
    engine.cancel(child.id)
    [call] = engine.journal(parent.id)[1]
    assert (call.is_error, call.receipt_at is None) == (True, False)
    assert engine.journal(parent.id)[0][-1].role == "user"
    engine.store.write(lambda tx: families.ended(tx, child.id))
    assert engine.journal(parent.id)[1] == [call]


def test_a_child_can_end_though_the_journal_of_its_parent_is_damaged(engine: Engine) -> None:
    """A damaged journal above keeps nobody below from ending."""
    parent = delegated(engine, "a")
    child = submit(engine, parent, "a", prompt="a")
    engine.store.write(lambda tx: tx.sql("UPDATE tool_call SET turn = 1, input = x'00'"))
    assert engine.cancel(child.id).status is Status.CANCELLED

"""Forks: what they take over of the first, what they leave to it, and that nothing is done twice."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine import errors, forking, states
from baara_engine.engine import Engine
from baara_engine.records import Effect, Execution, Json
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.store import journal
from baara_engine.store.transaction import Tx
from baara_engine.testing import legality
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

TURNS = 3  # of the execution that is forked: two with a call, and its last word

Run = Callable[..., tuple[Execution, ScriptedModel]]


@pytest.fixture
def run(engine: Engine) -> Iterator[Run]:
    """Give a function that lets an execution run to an end by a script; it submits one unless it is given one."""

    def to_its_end(
        *script: Line, execution: Execution | None = None, **options: object
    ) -> tuple[Execution, ScriptedModel]:
        model = ScriptedModel(script)
        known = execution or engine.submit(Submission.model_validate({"prompt": "Work.", **options}))
        engine.start(ScriptedModels(model))
        deadline = time.monotonic() + 60
        while engine.execution(known.id).status not in states.ENDED and time.monotonic() < deadline:
            time.sleep(0.02)
        engine.stop()
        return engine.execution(known.id), model

    yield to_its_end
    engine.stop()


def script() -> list[Line]:
    """Write a line into a file in each of two turns, then end."""
    lines = [calls(("bash", {"command": f"echo {turn} >> f"}), turn=turn) for turn in range(1, TURNS)]
    return [*lines, says("done")]


def conversation(engine: Engine, execution: Execution) -> list[Json]:
    return [{"role": message.role, "content": message.content} for message in engine.journal(execution.id)[0]]


@pytest.mark.parametrize("turn", range(TURNS + 1))
def test_a_fork_of_every_turn_goes_on_and_does_nothing_again(engine: Engine, run: Run, turn: int) -> None:
    """It begins with the very messages of the first, ends well, and only what came after its turn is done by it."""
    first, _ = run(*script())
    before = engine.journal(first.id)
    fork = engine.fork(first.id, turn, prompt="Now this.")
    done, model = run(*script()[:turn], says("other end"), execution=fork)
    assert (done.status, done.turn, done.output) == (Status.COMPLETED, turn + 1, "other end")
    length = 2 * turn + (turn < TURNS) if turn else 0
    taken = conversation(engine, first)[:length]
    assert conversation(engine, fork)[: len(taken)] == taken
    assert model.requests[-1].messages[-1]["content"][-1] == {"type": "text", "text": "Now this."}
    assert [call.turn for call in engine.journal(fork.id)[1]] == list(range(1, min(turn, TURNS - 1) + 1))
    assert (Path(done.workspace) / "f").read_text() == "1\n2\n"
    assert engine.journal(first.id) == before
    assert engine.execution(first.id) == first
    engine.store.read(lambda view: journal.require_sound(view, fork.id))


@pytest.mark.parametrize("turn", range(TURNS))
def test_without_a_word_it_is_asked_again(engine: Engine, run: Run, turn: int) -> None:
    """A fork of a turn that was not the last needs no prompt: the model gets the same request as the first time."""
    first, asked = run(*script())
    _, model = run(*script()[:turn], says("again"), execution=engine.fork(first.id, turn))
    assert model.requests[-1].messages == asked.requests[turn].messages


def test_a_fork_is_told_from_where_it_is_and_owes_nothing(engine: Engine, run: Run) -> None:
    """It names its origin, has cost nothing, has all its turns before it, and stands in the same thread."""
    first, _ = run(*script(), max_turns=TURNS)
    fork = engine.fork(first.id, 2, model="another", sandbox="native")
    assert (fork.forked_from, fork.forked_turn, fork.turn, fork.turns_from) == (first.id, 2, 2, 2)
    assert (fork.model, fork.thread_id, fork.max_turns) == ("another", first.thread_id, TURNS)
    assert (fork.input_tokens, fork.output_tokens, fork.cost_microusd, fork.attempt) == (0, 0, 0, 0)
    assert [message.usage for message in engine.journal(fork.id)[0]] == [None] * 5


def test_the_end_needs_a_word(engine: Engine, run: Run) -> None:
    """Where the work had ended, nothing is left to be done, so a fork without a prompt is refused."""
    first, _ = run(*script())
    with pytest.raises(errors.InvalidInput, match="Say what is to be done next"):
        engine.fork(first.id, TURNS)
    assert [execution.id for execution in engine.executions()] == [first.id]
    assert [folder.name for folder in Path(first.workspace).parent.iterdir()] == [first.id]


def test_there_must_be_such_a_turn(engine: Engine, run: Run) -> None:
    """A turn that has not been is refused in a sentence, and so is one below none."""
    first, _ = run(*script())
    with pytest.raises(errors.InvalidInput, match="has come to turn 3; it has no turn 4"):
        engine.fork(first.id, TURNS + 1)
    with pytest.raises(errors.InvalidInput, match="turn"):
        engine.fork(first.id, -1)


def test_a_command_cannot_be_forked(engine: Engine) -> None:
    """A command has no turns."""
    command = engine.submit(Submission.model_validate({"prompt": "true", "kind": "command"}, strict=False))
    with pytest.raises(errors.InvalidInput, match="no turns"):
        engine.fork(command.id, 0)


def test_open_calls_are_known_to_be_open(engine: Engine) -> None:
    """A fork of work in the middle of a turn says of each call what is known of it, and the API takes the result."""
    blocks: list[Json] = [
        {"type": "tool_use", "id": f"toolu_{i}", "name": "bash", "input": {"command": "x"}} for i in range(3)
    ]
    first = engine.submit(Submission(prompt="Work."))
    half_way(engine, first, blocks)
    fork = engine.fork(first.id, 1)
    *_, results = conversation(engine, fork)
    texts = [block["content"][0]["text"] for block in results["content"]]
    assert texts == ["did it", forking.UNKNOWN, forking.NOT_RUN]
    body = {"model": "m", "max_tokens": 1, "messages": conversation(engine, fork)}
    assert legality.problem(body) is None


def half_way(engine: Engine, execution: Execution, blocks: list[Json]) -> None:
    """Write the journal of work whose first call is done, whose second has begun, and whose third has not."""
    effect = Effect.UNSAFE

    def work(tx: Tx) -> None:
        journal.append(tx, execution.id, turn=0, role="user", content=journal.text("Work."))
        journal.append(tx, execution.id, turn=1, role="assistant", content=blocks, stop_reason="tool_use")
        for ordinal, block in enumerate(blocks[:2]):
            journal.intend(tx, execution.id, 1, ordinal, block, effect, {})
        journal.receive(tx, execution.id, 1, "toolu_0", journal.text("did it"), is_error=False)
        tx.sql("UPDATE execution SET turn = 1 WHERE id = ?", (execution.id,))

    engine.store.write(work)


def test_a_damaged_journal_is_not_built_upon(engine: Engine, run: Run) -> None:
    """A fork of a journal with a changed byte is refused."""
    first, _ = run(*script())
    changed = "UPDATE message SET content = replace(content, 'Work', 'Wurk') WHERE execution_id = ?"
    engine.store.write(lambda tx: tx.sql(changed, (first.id,)))
    with pytest.raises(errors.JournalDamaged):
        engine.fork(first.id, 1)


def test_a_folder_of_ones_own_is_shared_only_with_a_word(engine: Engine, tmp_path: Path) -> None:
    """What a fork writes must not meet the first one's work unless a person says so."""
    mine = tmp_path / "mine"
    mine.mkdir()
    first = engine.submit(Submission(prompt="Work.", workspace=str(mine)))
    with pytest.raises(errors.Refused, match="--share-workspace"):
        engine.fork(first.id, 0)
    assert engine.fork(first.id, 0, share_workspace=True).workspace == str(mine)
    assert engine.fork(first.id, 0, workspace=str(tmp_path)).workspace == str(tmp_path)


def test_a_copy_of_a_folder_shares_nothing(tmp_path: Path) -> None:
    """Links that name the folder in full lead into the copy, links elsewhere stay, and a pipe is not waited for."""
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "sub").mkdir(parents=True)
    (old / "sub" / "f").write_text("as it was")
    (old / "full").symlink_to(old / "sub" / "f")
    (old / "relative").symlink_to("sub/f")
    (old / "away").symlink_to(tmp_path)
    os.mkfifo(old / "pipe")
    forking.copy_folder(old, new)
    for name in ("full", "relative"):
        (new / name).write_text("changed")
    assert (old / "sub" / "f").read_text() == "as it was"
    assert (new / "sub" / "f").read_text() == "changed"
    assert (new / "away").readlink() == tmp_path
    assert not (new / "pipe").exists()

"""Looking at what an execution did: its turns, its files, and what happened in an absence."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine import waits

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind
from baara_engine.requests import Submission
from baara_engine.states import Outcome
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

LONG = "x" * 20_000
SCRIPT = [
    calls(("write", {"file_path": "out/a.txt", "content": "one"}), turn=1),
    calls(("bash", {"command": f"echo {LONG}; ln -s /etc/passwd link; echo two > 'b ü.md'"}), turn=2),
    says("Done."),
]


@pytest.fixture
def ended(engine: Engine, tmp_path: Path) -> Iterator[Execution]:
    """Give an execution that has written two files beside one that was there."""
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "old.txt").write_text("old")
    os.utime(workspace / "old.txt", (1_600_000_000, 1_600_000_000))
    engine.start(ScriptedModels(ScriptedModel(SCRIPT)))
    execution = engine.submit(Submission(prompt="work", workspace=str(workspace)))
    yield waits.until(engine, execution.id, waits.has_ended)
    engine.stop()


def test_its_turns_are_told_a_window_at_a_time(engine: Engine, ended: Execution) -> None:
    """Turns come oldest first, with their calls; of a long result the beginning, and all of it if it is asked for."""
    turns = engine.turns(ended.id, ended.turn + 1)
    assert [[call.name for call in turn.calls] for turn in turns] == [["write"], ["bash"], []]
    assert turns[-1].text == "Done."
    assert [turn.turn for turn in engine.turns(ended.id, 2, limit=1)] == [2]
    [call] = turns[1].calls
    assert len(call.result) < call.result_chars
    whole = engine.call_result(ended.id, 2, call.tool_use_id)
    assert (len(whole), whole.startswith(call.result)) == (call.result_chars, True)
    assert engine.call_result(ended.id, 9, "none") == ""


def test_its_files_are_listed(engine: Engine, ended: Execution) -> None:
    """What it made is listed with size, type and hash; what was there before, links and our own files are not."""
    found = {one.path: one for one in engine.artifacts(ended.id)}
    assert set(found) == {"out/a.txt", "b ü.md"}
    assert (found["out/a.txt"].size, found["out/a.txt"].media_type) == (3, "text/plain")
    assert found["out/a.txt"].sha256 == hashlib.sha256(b"one").hexdigest()


def test_a_file_is_read_and_nothing_outside(engine: Engine, ended: Execution) -> None:
    """A file of the workspace is read; what is outside, a link, a folder, too large or missing is refused."""
    assert engine.file(ended.id, "out/a.txt", 100) == b"one"
    for path in ("../home", "/etc/passwd", "link", "out", "none.txt", "a\x00b", ""):
        with pytest.raises(errors.BaaraError):
            engine.file(ended.id, path, 100)
    with pytest.raises(errors.InvalidInput, match="larger"):
        engine.file(ended.id, "out/a.txt", 2)


def test_an_absence_is_told(engine: Engine, ended: Execution) -> None:
    """What ended since somebody last looked is counted by its outcome."""
    assert engine.absence() is None
    engine.note_presence()
    since = ended.created_at - 1
    told = engine.absence(since)
    assert told is not None
    assert (told.ended, told.asked, told.missed) == ({Outcome.RAN: 1}, 0, 0)
    [day] = engine.days(since)
    assert (day.executions, day.tokens) == (1, ended.input_tokens + ended.output_tokens)


def test_what_has_ended_runs_again(engine: Engine, ended: Execution) -> None:
    """Running again makes another execution in the same thread; what has not ended cannot."""
    engine.stop()
    again = engine.run_again(ended.id)
    assert (again.thread_id, again.prompt, again.kind) == (ended.thread_id, ended.prompt, Kind.AGENT)
    with pytest.raises(errors.Refused, match="not ended"):
        engine.run_again(again.id)
    assert [one.id for one in engine.executions_of_thread(ended.thread_id)] == [again.id, ended.id]

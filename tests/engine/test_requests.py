from pathlib import Path
from typing import Any

import pytest

from baara_engine import errors, requests
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission, TaskDraft, parse


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"prompt": ""}, "it is empty"),
        ({"prompt": " \n\t "}, "it is empty"),
        ({"prompt": "x" * 1_000_001}, "1,000,000 is the most"),
        ({"prompt": "\udcff"}, "not valid UTF-8"),
        ({"prompt": "a\0b"}, "NUL"),
        ({"prompt": 7}, "string"),
        ({}, "prompt"),
        ({"prompt": "x", "priority": 4}, "priority"),
        ({"prompt": "x", "priority": -1}, "priority"),
        ({"prompt": "x", "max_retries": -1}, "max retries"),
        ({"prompt": "x", "timeout_s": 0.0}, "timeout"),
        ({"prompt": "x", "timeout_s": float("nan")}, "timeout"),
        ({"prompt": "x", "timeout_s": float("inf")}, "timeout"),
        ({"prompt": "x", "max_turns": 0}, "max turns"),
        ({"prompt": "x", "workspace": "/there/is/no/such/folder"}, "is not a folder"),
        ({"prompt": "x", "sandbox": "qemu"}, "There is no sandbox “qemu”"),
        ({"prompt": "x", "allowed_tools": ("fly",)}, "There is no tool “fly”"),
        ({"prompt": "x", "queue": "dlq"}, "cannot be submitted"),
        ({"prompt": "x", "name": "two\nlines"}, "one line"),
        ({"prompt": "x", "kind": "dance"}, "kind"),
        ({"prompt": "x" * 200_000, "kind": Kind.COMMAND}, "a command has at most"),
        ({"prompt": "x", "colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(values: dict[str, Any], told: str) -> None:
    """Each bad value gives an error that says which it is and why, in one line."""
    with pytest.raises(errors.InvalidInput) as refused:
        parse(Submission, values)
    assert told in refused.value.message
    assert "\n" not in refused.value.message


def test_a_queue_that_does_not_exist_is_not_found() -> None:
    """An unknown queue is named, with those that there are."""
    with pytest.raises(errors.NotFound, match="There is no queue “nowhere”"):
        parse(Submission, {"prompt": "x", "queue": "nowhere"})


def test_defaults_depend_on_the_kind() -> None:
    """An agent is tried again three times, because it goes on from its last turn; a command is not repeated."""
    assert Submission(prompt="x").retries == 3
    assert Submission(prompt="x", kind=Kind.COMMAND).retries == 0
    assert Submission(prompt="x", kind=Kind.COMMAND, max_retries=2).retries == 2


def test_a_title_is_the_name_or_the_first_line() -> None:
    """Lists show the name, else the first line that says something, without control characters."""
    assert Submission(prompt="\n  Tidy up\t now \nand more").title == "Tidy up  now"
    assert Submission(prompt="x", name="Friday").title == "Friday"
    assert len(Submission(prompt="x" * 999).title) == requests.MAX_NAME


def test_a_workspace_becomes_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative workspace means the folder that the person stands in now."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert Submission(prompt="x", workspace="here").workspace == str(tmp_path / "here")


def test_the_same_key_gives_the_same_execution(engine: Engine) -> None:
    """Submitting twice under one idempotency key queues once; another prompt under it is refused."""
    first = engine.submit(Submission(prompt="work", idempotency_key="k"))
    assert engine.submit(Submission(prompt="work", idempotency_key="k")).id == first.id
    assert len(engine.executions()) == 1
    with pytest.raises(errors.Refused, match="another prompt"):
        engine.submit(Submission(prompt="other", idempotency_key="k"))


def test_a_refused_submission_writes_nothing(engine: Engine) -> None:
    """An unknown thread is told, and neither a row nor a folder is left."""
    with pytest.raises(errors.NotFound):
        engine.submit(Submission(prompt="work", thread_id="01ABC"))
    assert (engine.executions(), engine.threads(), engine.events()) == ([], [], [])
    assert not (engine.home / "workspaces").exists()


def test_tasks_are_made_changed_run_and_deleted(engine: Engine) -> None:
    """A task has a name of its own, each run of it is an execution, and deleting it leaves what it has run."""
    task = engine.create_task(TaskDraft(name="Nightly", prompt="Tidy up."))
    with pytest.raises(errors.Refused, match="already"):
        engine.create_task(TaskDraft(name="nightly", prompt="Other."))
    changed = engine.update_task("nightly", {"prompt": "Tidy more.", "max_turns": 9})
    assert (changed.id, changed.prompt, changed.max_turns) == (task.id, "Tidy more.", 9)
    with pytest.raises(errors.InvalidInput):
        engine.update_task("Nightly", {"priority": 9})
    run = engine.submit_task("Nightly", source="test")
    assert (run.task_id, run.name, run.prompt, run.max_turns) == (task.id, "Nightly", "Tidy more.", 9)
    engine.update_task("Nightly", {"enabled": False})
    with pytest.raises(errors.Refused, match="switched off"):
        engine.submit_task("Nightly", source="test")
    engine.delete_task("Nightly")
    assert engine.execution(run.id).task_id is None
    with pytest.raises(errors.NotFound):
        engine.task("Nightly")


def test_ids_may_be_shortened_to_what_is_unique(engine: Engine) -> None:
    """A prefix that fits one is that one; one that fits several asks for more; one that fits none is not found."""
    first, second = (engine.submit(Submission(prompt="work")) for _ in range(2))
    assert engine.execution(first.id.lower()).id == first.id
    common = next(n for n in range(26) if first.id[n] != second.id[n])
    assert engine.execution(second.id[: common + 1]).id == second.id
    with pytest.raises(errors.InvalidInput, match="Several"):
        engine.execution(first.id[:common])
    for nothing in ("", "ZZZZ", "%", "a'b", "x" * 99):
        with pytest.raises(errors.NotFound):
            engine.execution(nothing)

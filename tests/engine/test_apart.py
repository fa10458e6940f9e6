"""Work never has the data folder in its hands."""

import shutil
from pathlib import Path

import pytest
from tests.engine.waits import has_ended, until

from baara_engine import config, errors
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Kind
from baara_engine.requests import SandboxLimits, Submission, TaskDraft
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels


@pytest.mark.parametrize("where", ["around", "itself", "inside", "all workspaces", "by a link"])
def test_a_folder_that_holds_the_data_folder_is_refused(engine: Engine, tmp_path: Path, where: str) -> None:
    """As a workspace and as an input, for submissions, tasks and forks; nothing is queued."""
    (tmp_path / "link").symlink_to(engine.home.parent)
    (engine.home / config.WORKSPACES).mkdir(exist_ok=True)
    folder = str({
        "around": engine.home.parent, "itself": engine.home, "inside": engine.home / config.EXECUTIONS,
        "all workspaces": engine.home / config.WORKSPACES, "by a link": tmp_path / "link",
    }[where])  # fmt: skip
    Path(folder).mkdir(exist_ok=True)
    task = engine.create_task(TaskDraft(name="t", prompt="x"))
    for attempt in (
        lambda: engine.submit(Submission(prompt="x", workspace=folder)),
        lambda: engine.submit(Submission(prompt="x", sandbox_limits=SandboxLimits(inputs=(folder,)))),
        lambda: engine.create_task(TaskDraft(name="u", prompt="x", workspace=folder)),
        lambda: engine.update_task(task.id, {"workspace": folder}),
    ):
        with pytest.raises(errors.Refused, match="data folder"):
            attempt()
    assert engine.executions() == []


def test_the_folders_that_it_makes_itself_are_fit(engine: Engine) -> None:
    """Work may go on where other work was done, and be shown it."""
    first = engine.submit(Submission(prompt="x"))
    again = engine.submit(Submission(prompt="y", workspace=first.workspace))
    assert again.workspace == first.workspace


def test_a_folder_that_has_become_one_is_not_worked_in(engine: Engine, tmp_path: Path) -> None:
    """It was fit when it was submitted, and is a link to the data folder when it is run."""
    folder = tmp_path / "mine"
    folder.mkdir()
    asked = engine.submit(Submission(kind=Kind.COMMAND, prompt="ls > listed", workspace=str(folder), max_retries=0))
    shutil.rmtree(folder)
    folder.symlink_to(engine.home)
    engine.start(ScriptedModels(ScriptedModel([])))
    ended = until(engine, asked.id, has_ended)
    assert (ended.error_cause, "data folder" in str(ended.error_message)) == (FailureKind.SANDBOX, True)
    assert not (engine.home / "listed").exists()

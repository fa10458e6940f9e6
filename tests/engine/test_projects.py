from pathlib import Path
from typing import Any

import pytest

from baara_engine import errors, requests
from baara_engine.engine import Engine
from baara_engine.projects import ProjectDraft
from baara_engine.records import Permission
from baara_engine.requests import Submission, TaskDraft

DEFAULTS = {"model": "m", "permission": "ask", "budget_microusd": 5, "checks": ["output:x"], "max_turns": 9}


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> str:
    """Give the id of a project with a folder and defaults."""
    return engine.create_project(ProjectDraft(name="House", folder=str(tmp_path), defaults=DEFAULTS)).id


def test_a_submission_has_the_defaults_of_its_project(engine: Engine, project: str, tmp_path: Path) -> None:
    """What the project says holds where the submission says nothing; what that says counts more."""
    plain = engine.submit(Submission(prompt="x", project_id="house"))
    assert (plain.project_id, plain.workspace, plain.model) == (project, str(tmp_path), "m")
    assert (plain.permission, plain.budget_microusd, plain.checks) == (Permission.ASK, 5, ("output:x",))
    said = engine.submit(Submission(prompt="x", project_id=project[:20], model="other", max_turns=200))
    assert (said.project_id, said.model, said.max_turns, said.budget_microusd) == (project, "other", 200, 5)


def test_new_work_belongs_to_the_active_project(engine: Engine, project: str) -> None:
    """Submissions and tasks belong to it unless they say `none`; deleting it ends that."""
    assert engine.submit(Submission(prompt="x")).project_id is None
    engine.set_active_project("house")
    assert engine.active_project() == engine.project(project)
    assert engine.submit(Submission(prompt="x")).project_id == project
    assert engine.create_task(TaskDraft(name="t", prompt="x")).max_turns == 9
    assert engine.submit(Submission(prompt="x", project_id="none")).project_id is None
    engine.delete_project("house")
    assert (engine.active_project(), engine.submit(Submission(prompt="x")).project_id) == (None, None)


def test_a_task_stays_where_it_belongs(engine: Engine, project: str) -> None:
    """Another active project later changes nothing about a task; its own project may be changed, by name."""
    outside = engine.create_task(TaskDraft(name="outside", prompt="x"))
    engine.set_active_project("house")
    assert engine.submit_task("outside", source="x").project_id is None
    assert engine.update_task(outside.id, {"project_id": "HOUSE"}).project_id == project
    assert engine.submit_task("outside", source="x").project_id == project
    with pytest.raises(errors.NotFound):
        engine.update_task(outside.id, {"project_id": "nowhere"})


def test_deleting_a_project_keeps_its_history(engine: Engine, project: str) -> None:
    """What was done in it still says so, and its tasks still run."""
    engine.create_task(TaskDraft(name="t", prompt="x", project_id="house"))
    done = engine.submit_task("t", source="x")
    engine.delete_project(project)
    assert engine.execution(done.id).project_id == project
    again = engine.submit_task("t", source="x")
    assert (again.project_id, again.budget_microusd) == (project, 5)
    with pytest.raises(errors.NotFound):
        engine.submit(Submission(prompt="x", project_id="house"))


def test_a_project_is_changed_and_checked_as_a_whole(engine: Engine, project: str) -> None:
    """Some fields change, the rest stays; a taken name and nonsense are refused."""
    changed = engine.update_project("house", {"name": "Home", "instructions": "Be kind."})
    assert (changed.id, changed.name, changed.defaults) == (project, "Home", DEFAULTS)
    engine.create_project(ProjectDraft(name="Other"))
    with pytest.raises(errors.Refused, match="a project named “home” already"):
        engine.update_project("other", {"name": "home"})
    assert [one.name for one in engine.projects()] == ["Home", "Other"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "None"}, "“none” means no project"),
        ({"name": ""}, "it must be one line"),
        ({"name": "x", "folder": "/not/there"}, "is not a folder"),
        ({"name": "x", "instructions": "x" * 50_001}, "instructions"),
        ({"name": "x", "defaults": {"workspace": "/"}}, "its folder is a field of its own"),
        ({"name": "x", "defaults": {"sandbox": "paper"}}, "There is no sandbox “paper”"),
        ({"name": "x", "defaults": {"max_turns": 0}}, "The defaults max turns does not do"),
    ],
)
def test_a_project_that_makes_no_sense_is_refused(values: dict[str, Any], told: str) -> None:
    """It is refused when it is written, not when something is submitted to it."""
    with pytest.raises(errors.InvalidInput) as refused:
        requests.parse(ProjectDraft, values)
    assert told in refused.value.message

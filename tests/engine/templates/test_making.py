from pathlib import Path

import pytest

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.projects import ProjectDraft
from baara_engine.records import Kind
from baara_engine.templates import built_in, filling

DRAFT = filling.TemplateDraft(
    name="Greet", prompt="Greet {{who}}.", parameters=(filling.Parameter(name="who"),), options={"max_turns": 3}
)


def test_a_template_is_stored_changed_and_deleted(engine: Engine) -> None:
    """It is found by its name in any case and by its id; changes are checked as a whole."""
    made = engine.create_template(DRAFT)
    assert engine.template("greet") == engine.template(made.id[:20]) == made
    changed = engine.update_template("Greet", {"prompt": "Hail {{who}}."})
    assert (changed.prompt, changed.parameters, changed.id) == ("Hail {{who}}.", made.parameters, made.id)
    with pytest.raises(errors.InvalidInput, match=r"the prompt has \{\{whom\}\}"):
        engine.update_template("Greet", {"prompt": "Hail {{whom}}."})
    with pytest.raises(errors.Refused, match="a template named “Greet” already"):
        engine.create_template(DRAFT)
    engine.delete_template("greet")
    with pytest.raises(errors.NotFound):
        engine.template("greet")


def test_what_comes_with_the_program_stays_as_it_is(engine: Engine) -> None:
    """A built-in template is listed and cannot be changed; one of a person hides it."""
    [first, *_] = built_in()
    assert first in engine.templates()
    with pytest.raises(errors.Refused, match="comes with the program"):
        engine.delete_template(first.name)
    with pytest.raises(errors.Refused, match="comes with the program"):
        engine.update_template(first.name, {"prompt": "x"})
    own = engine.create_template(DRAFT.model_copy(update={"name": first.name.upper()}))
    assert own in engine.templates()
    assert first not in engine.templates()
    assert engine.template(first.name) == own


def test_a_template_becomes_an_execution(engine: Engine) -> None:
    """Its options are those of the execution, unless something else was said."""
    engine.create_template(DRAFT)
    one = engine.submit_template("greet", {"who": "{{who}}"}, {"source": "cli"})
    other = engine.submit_template("greet", {"who": "Ada"}, {"max_turns": 5, "idempotency_key": "k"})
    assert (one.prompt, one.name, one.max_turns, one.source) == ("Greet {{who}}.", "Greet", 3, "cli")
    assert (other.prompt, other.max_turns) == ("Greet Ada.", 5)
    assert engine.submit_template("greet", {"who": "Ada"}, {"idempotency_key": "k"}).id == other.id
    with pytest.raises(errors.InvalidInput, match="needs a value for “who”"):
        engine.submit_template("greet", {}, {})
    assert len(engine.executions()) == 2


def test_a_template_becomes_a_task(engine: Engine, tmp_path: Path) -> None:
    """The task has the filled prompt, and the project's defaults below the template's options."""
    engine.create_template(DRAFT.model_copy(update={"options": {"kind": "command", "max_turns": 3}}))
    engine.create_project(ProjectDraft(name="p", folder=str(tmp_path), defaults={"max_turns": 9, "priority": 1}))
    task = engine.create_task_from_template("greet", {"who": "a b"}, {"name": "hello", "project_id": "p"})
    assert (task.name, task.prompt, task.kind) == ("hello", "Greet 'a b'.", Kind.COMMAND)
    assert (task.max_turns, task.priority, task.workspace) == (3, 1, str(tmp_path))
    assert engine.submit_task("hello", source="x").project_id == engine.project("p").id

"""What is done with templates, each as one transaction: making and changing them, and making work of them."""

from collections.abc import Mapping
from typing import Any

from baara_engine import errors, operations, requests
from baara_engine.patterns_of_work import Template
from baara_engine.store import templates as rows
from baara_engine.store.transaction import Tx, View
from baara_engine.templates import built_in, filling


def listing(view: View) -> list[Template]:
    """Give all templates by name; one that a person has made hides a built-in one of its name."""
    made = rows.listing(view)
    names = {template.name.casefold() for template in made}
    own = [template for template in built_in() if template.name.casefold() not in names]
    return sorted([*made, *own], key=lambda template: template.name.casefold())


def find(view: View, name_or_id: str) -> Template:
    """Give the template of this name, or the one whose id begins like this. Raises `errors.NotFound`."""
    made = rows.by_name(view, name_or_id)
    if made is not None:
        return made
    wanted = name_or_id.casefold()
    known = next((template for template in built_in() if template.name.casefold() == wanted), None)
    return known or rows.find(view, name_or_id)


def create(tx: Tx, place: operations.Place, draft: filling.TemplateDraft) -> Template:
    """Store a template. Raises `errors.Refused` if its name is taken."""
    return rows.put(tx, _template(place.store.ids.new(), draft, tx.now, tx.now), "created")


def update(tx: Tx, name_or_id: str, changes: dict[str, Any]) -> Template:
    """Change some fields of a template. Raises `errors.NotFound`, `errors.InvalidInput` or `errors.Refused`."""
    template = _changeable(tx, name_or_id)
    known = {name: getattr(template, name) for name in filling.TemplateDraft.model_fields}
    draft = requests.parse(filling.TemplateDraft, known | changes)
    return rows.put(tx, _template(template.id, draft, template.created_at, tx.now), "updated")


def delete(tx: Tx, name_or_id: str) -> Template:
    """Delete a template; what was made of it stays. Raises `errors.NotFound` or `errors.Refused`."""
    return rows.delete(tx, _changeable(tx, name_or_id))


def submission(template: Template, params: Mapping[str, Any], said: dict[str, Any]) -> requests.Submission:
    """Make a submission of a template; `said` are fields of it that count before those of the template.

    Raises `errors.InvalidInput` for values that do not fit.
    """
    return requests.parse(requests.Submission, {"name": template.name} | _values(template, params) | said)


def task(template: Template, params: Mapping[str, Any], said: dict[str, Any]) -> requests.TaskDraft:
    """Make the definition of a task of a template. Raises `errors.InvalidInput` for values that do not fit."""
    return requests.parse(requests.TaskDraft, {"description": template.description} | _values(template, params) | said)


def _values(template: Template, params: Mapping[str, Any]) -> dict[str, Any]:
    return filling.options(template.options) | {"prompt": filling.fill(template, params)}


def _changeable(view: View, name_or_id: str) -> Template:
    template = find(view, name_or_id)
    if template.built_in:
        raise errors.Refused(
            f"The template “{template.name}” comes with the program and stays as it is. Make one of your own like it."
        )
    return template


def _template(template_id: str, draft: filling.TemplateDraft, created_at: int, now: int) -> Template:
    parameters = tuple(one.model_dump(mode="json", exclude_none=True) for one in draft.parameters)
    return Template(
        template_id, draft.name, draft.description, draft.prompt, parameters, draft.options, created_at, now
    )

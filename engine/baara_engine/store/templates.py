"""The templates that people have made."""

from dataclasses import astuple

import orjson

from baara_engine import errors, events
from baara_engine.patterns_of_work import Template
from baara_engine.store import lookup
from baara_engine.store.transaction import Row, Tx, View

COLUMNS = "id, name, description, prompt, parameters, options, created_at, updated_at"
SELECT = f"SELECT {COLUMNS} FROM template"
PUT = f"INSERT OR REPLACE INTO template ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def put(tx: Tx, template: Template, what: str) -> Template:
    """Store a template, or a changed one in the place of that of its id. Raises `errors.Refused` for a taken name."""
    if tx.sql("SELECT 1 FROM template WHERE name = ? AND id <> ?", (template.name, template.id)):
        raise errors.Refused(f"There is a template named “{template.name}” already. Choose another name.")
    row = astuple(template)[:8]
    tx.sql(PUT, (*row[:4], orjson.dumps(row[4]).decode(), orjson.dumps(row[5]).decode(), *row[6:]))
    return _told(tx, template, what)


def delete(tx: Tx, template: Template) -> Template:
    """Delete a template; what was made of it stays."""
    tx.sql("DELETE FROM template WHERE id = ?", (template.id,))
    return _told(tx, template, "deleted")


def by_name(view: View, name: str) -> Template | None:
    """Give the template of this name, if there is one."""
    rows = view.sql(f"{SELECT} WHERE name = ?", (name,))
    return _template(rows[0]) if rows else None


def find(view: View, prefix: str) -> Template:
    """Give the one template whose id begins like this. Raises `errors.NotFound`."""
    template_id = lookup.by_prefix(view, "template", prefix)
    return _template(view.sql(f"{SELECT} WHERE id = ?", (template_id,))[0])


def listing(view: View) -> list[Template]:
    """Give all of them by name."""
    return [_template(row) for row in view.sql(f"{SELECT} ORDER BY name")]


def _template(row: Row) -> Template:
    return Template(*(*row[:4], tuple(orjson.loads(row[4])), orjson.loads(row[5]), *row[6:]))


def _told(tx: Tx, template: Template, what: str) -> Template:
    tx.emit(events.Kind.TEMPLATE, data={"template_id": template.id, "change": what})
    return template

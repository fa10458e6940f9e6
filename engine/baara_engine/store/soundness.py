"""Whether a database is what was written, as far as that can be told.

SQLite's own check finds what is wrong with pages and indexes, and not what is wrong inside a value; the checksums of
the journal find that for what matters most, and the type of each value for what would break the rest of the house.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import peewee as pw

from baara_engine import errors
from baara_engine.store import journal, models
from baara_engine.store.transaction import View

MOST = 3  #: findings that are told; one is enough to distrust a database

# What SQLite may say that a value is, for each kind of column; anything may stand where the schema allows NULL.
TYPES: tuple[tuple[type[pw.Field], str], ...] = (
    (pw.BlobField, "'blob', 'null'"),
    (pw.TextField, "'text', 'null'"),
    (pw.FloatField, "'real', 'integer', 'null'"),
    (pw.Field, "'integer', 'null'"),  # what is left: integers, and booleans as they are stored
)

ALL_JOURNALS = """
SELECT id FROM execution UNION SELECT execution_id FROM journal_head UNION SELECT execution_id FROM message
UNION SELECT execution_id FROM tool_call ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Damaged:
    """One journal that is not what was written."""

    execution_id: str
    error: errors.JournalDamaged


def problems(view: View) -> list[str]:
    """Say what is wrong with the structure, foreign keys and types; empty if nothing is. Takes about 3 ms per MB."""
    found = [str(row[0]) for row in view.sql(f"PRAGMA integrity_check({MOST})")]
    if found == ["ok"]:
        found = [f"a row of {table} points to nothing" for table, *_ in view.sql("PRAGMA foreign_key_check")]
    return (found or _mistyped(view))[:MOST]


def missing(view: View) -> list[str]:
    """Name the tables and columns that are not there."""
    gone = []
    for table in models.TABLES:
        wanted = {field.column_name for field in _fields(table)}
        gone += [f"{name(table)}.{column} is missing" for column in sorted(wanted - _columns(view, table))]
    return gone[:MOST]


def require_journals(view: View, go_on: Callable[[], None]) -> None:
    """Read the journal of every execution. Raises `errors.JournalDamaged`, and whatever `go_on` raises in between."""
    for damaged in damaged_journals(view, go_on):
        raise damaged.error


def damaged_journals(view: View, go_on: Callable[[], None] = lambda: None) -> Iterator[Damaged]:
    """Read every message and every tool call, and give the journals that are not what was written.

    `go_on` is called between two journals, and what it raises is raised.
    """
    for (execution_id,) in view.sql(ALL_JOURNALS):
        go_on()
        try:
            _require_owned(view, execution_id)
            journal.require_sound(view, execution_id)
        except errors.JournalDamaged as error:
            yield Damaged(str(execution_id), error)


def name(table: Any) -> str:
    """Give the name of a table in SQL."""
    return str(table._meta.table_name)  # noqa: SLF001 - peewee's own way to ask


def _require_owned(view: View, execution_id: str) -> None:
    if not view.sql("SELECT 1 FROM execution WHERE id = ?", (execution_id,)):
        raise errors.JournalDamaged(f"There is a journal of execution {execution_id}, and the execution is gone.")


def _fields(table: Any) -> list[pw.Field]:
    return list(table._meta.sorted_fields)  # noqa: SLF001 - as above


def _columns(view: View, table: Any) -> set[str]:
    return {row[1] for row in view.sql(f"PRAGMA table_info({name(table)})")}


def _mistyped(view: View) -> list[str]:
    """Find values of a type that Baara never writes: each would break whoever reads it."""
    found = []
    for table in models.TABLES:
        have = _columns(view, table)  # a database that is still to be migrated lacks some
        wrong = " OR ".join(_wrong(field) for field in _fields(table) if field.column_name in have)
        if wrong and view.sql(f"SELECT 1 FROM {name(table)} WHERE {wrong} LIMIT 1"):
            found.append(f"{name(table)} has a value of a type that Baara never writes")
    return found


def _wrong(field: pw.Field) -> str:
    stored = field.rel_field if isinstance(field, pw.ForeignKeyField) else field
    allowed = next(types for kind, types in TYPES if isinstance(stored, kind))
    return f"typeof({field.column_name}) NOT IN ({allowed})"

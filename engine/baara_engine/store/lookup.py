"""Finding things by the beginning of their id, as people type them."""

from baara_engine import errors
from baara_engine.store.transaction import View

WHAT = ("execution", "task", "thread", "question", "grant", "schedule", "template", "project")
TABLES = {name: name for name in WHAT}

MAX_ID = 26  # characters of a ULID


def by_prefix(view: View, what: str, prefix: str) -> str:
    """Give the one full id in table `what` that begins with `prefix`, in any case.

    Raises `errors.NotFound` if there is none, `errors.InvalidInput` if there are several or the text cannot be one.
    """
    wanted = prefix.strip().upper()
    if not wanted or len(wanted) > MAX_ID or not (wanted.isascii() and wanted.isalnum()):
        raise errors.NotFound(f"There is no {what} “{prefix[:60]}”.")
    rows = view.sql(f"SELECT id FROM {TABLES[what]} WHERE id >= ? AND id < ? LIMIT 3", (wanted, wanted + "~"))
    if not rows:
        raise errors.NotFound(f"There is no {what} {prefix}.")
    if len(rows) > 1:
        raise errors.InvalidInput(
            f"Several {what}s begin with {prefix}. Type more of the id: {rows[0][0]}, {rows[1][0]} …"
        )
    return str(rows[0][0])

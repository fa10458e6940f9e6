"""The schema, as an append-only list of small steps that are recorded by name.

To change the schema: add a function `mNNN_what` at the end, and the same column or table in `models`. What stands here
is history and is never edited; a test holds the two together.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from baara_engine import errors
from baara_engine.queues import DEFAULT_CONCURRENCY
from baara_engine.store import (
    migration_002,
    migration_006,
    migration_007,
    migration_008,
    migration_010,
    migration_011,
    migration_013,
    migration_016,
    migration_017,
    migration_018,
    migration_019,
)
from baara_engine.store.transaction import Tx

FIRST_SCHEMA = Path(__file__).with_name("schema_001.sql")

Step = Callable[[Tx], None]


def migrate(tx: Tx) -> None:
    """Take the steps that this database has not seen. Raises `errors.DatabaseTooNew` if it has seen unknown ones."""
    seen = taken(tx)
    for step in pending(seen):
        step(tx)
        tx.sql("INSERT INTO migration (name, at) VALUES (?, ?)", (step.__name__, tx.now))


def taken(tx: Tx) -> set[str]:
    """Give the names of the steps that this database has seen."""
    if not tx.sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'"):
        return set()
    return {name for (name,) in tx.sql("SELECT name FROM migration")}


def pending(seen: set[str]) -> list[Step]:
    """Give the steps that are still to be taken. Raises `errors.DatabaseTooNew` if there were unknown ones."""
    unknown = seen - {step.__name__ for step in STEPS}
    if unknown:
        raise errors.DatabaseTooNew(
            f"A newer Baara wrote this database (it knows {', '.join(sorted(unknown))}). Nothing was changed: "
            "install that version again, or open a backup from before.",
        )
    return [step for step in STEPS if step.__name__ not in seen]


def m001_initial(tx: Tx) -> None:
    """Make the first tables and the four queues."""
    for statement in _statements(FIRST_SCHEMA.read_text("utf-8")):
        tx.sql(statement)
    for name, concurrency in DEFAULT_CONCURRENCY.items():
        tx.sql("INSERT INTO queue (name, concurrency) VALUES (?, ?)", (name, concurrency))


def m003_steps_begun(tx: Tx) -> None:
    """Let a lease note where the journal stood when its first step began (see `deaths`)."""
    tx.sql("ALTER TABLE attempt ADD COLUMN began TEXT")


def m004_health(tx: Tx) -> None:
    """Add the last sign of life of each execution, and the findings of the health monitor."""
    tx.sql("ALTER TABLE execution ADD COLUMN beat_at INTEGER")
    tx.sql("ALTER TABLE execution ADD COLUMN beat TEXT")
    tx.sql(FINDING)
    tx.sql("CREATE INDEX finding_open ON finding(execution_id) WHERE cleared_at IS NULL")


def m005_what_it_may(tx: Tx) -> None:
    """Add what a task and an execution may do and spend, what must hold at the end, and where an execution is from."""
    for table in ("task", "execution"):
        tx.sql(f"ALTER TABLE {table} ADD COLUMN checks TEXT NOT NULL DEFAULT '[]'")
        tx.sql(f"ALTER TABLE {table} ADD COLUMN permission TEXT NOT NULL DEFAULT 'auto'")
        tx.sql(f"ALTER TABLE {table} ADD COLUMN budget_microusd INTEGER")
        for name in ("project_id", "gate", "fallback_model", "mcp_servers", "sandbox_limits"):
            tx.sql(f"ALTER TABLE {table} ADD COLUMN {name} TEXT")
    tx.sql("ALTER TABLE execution ADD COLUMN check_results TEXT NOT NULL DEFAULT '[]'")
    tx.sql("ALTER TABLE execution ADD COLUMN check_rounds INTEGER NOT NULL DEFAULT 0")
    for name in ("parent_id TEXT", "forked_from TEXT", "forked_turn INTEGER", "slot_id TEXT"):
        tx.sql(f"ALTER TABLE execution ADD COLUMN {name}")
    tx.sql("CREATE INDEX execution_child ON execution(parent_id) WHERE parent_id IS NOT NULL")


FINDING = """
CREATE TABLE finding (
    key TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    execution_id TEXT,
    message TEXT NOT NULL,
    advice TEXT NOT NULL,
    since INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    cleared_at INTEGER,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""

STEPS: list[Step] = [
    m001_initial,
    migration_002.m002_checksums,
    m003_steps_begun,
    m004_health,
    m005_what_it_may,
    migration_006.m006_schedules,
    migration_007.m007_grants_and_check_notes,
    migration_008.m008_spending,
    migration_010.m010_templates_projects,
    migration_011.m011_mcp_servers,
    migration_013.m013_long_work,
    migration_016.m016_said,
    migration_017.m017_fetch_hosts,
    migration_018.m018_inbox,
    migration_019.m019_announce,
]


def _statements(script: str) -> Iterator[str]:
    lines = (line for line in script.splitlines() if not line.startswith("--"))
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            yield statement.strip()

"""The sixth step: schedules, the ledger of their due times, and what gates have said."""

from baara_engine.store.transaction import Tx

SCHEDULE = """
CREATE TABLE schedule (
    id TEXT NOT NULL PRIMARY KEY,
    task_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    missed TEXT NOT NULL,
    overlap TEXT NOT NULL,
    jitter_s REAL NOT NULL,
    catch_up INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    accounted_until INTEGER NOT NULL,
    next_due INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    FOREIGN KEY (task_id) REFERENCES task (id) ON DELETE CASCADE
)
"""
SLOT = """
CREATE TABLE slot (
    id TEXT NOT NULL PRIMARY KEY,
    schedule_id TEXT NOT NULL,
    due INTEGER NOT NULL,
    last_due INTEGER NOT NULL,
    count INTEGER,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    execution_id TEXT,
    settled_at INTEGER,
    FOREIGN KEY (schedule_id) REFERENCES schedule (id) ON DELETE CASCADE
)
"""
GATE_RUN = """
CREATE TABLE gate_run (
    id INTEGER NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    key TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
)
"""


def m006_schedules(tx: Tx) -> None:
    """Add schedules, slots and gates, and find what a task has not finished without looking through all it has run."""
    tx.sql(SCHEDULE)
    tx.sql("CREATE INDEX schedule_task_id ON schedule(task_id)")
    tx.sql("CREATE INDEX schedule_due ON schedule(next_due) WHERE next_due IS NOT NULL")
    tx.sql("CREATE INDEX schedule_accounted ON schedule(accounted_until)")
    tx.sql(SLOT)
    tx.sql("CREATE UNIQUE INDEX slot_schedule_id_due ON slot(schedule_id, due)")
    tx.sql("CREATE INDEX slot_open ON slot(schedule_id, due) WHERE state IN ('waiting', 'catching_up', 'asked')")
    tx.sql(GATE_RUN)
    tx.sql("CREATE UNIQUE INDEX gate_run_execution_id_attempt ON gate_run(execution_id, attempt)")
    # Each look for waits that a wrong clock has made too long went through whatever else waits for its time.
    tx.sql(
        "CREATE INDEX execution_retrying ON execution(not_before) WHERE queue = 'timer' AND status = 'retry_scheduled'"
    )
    tx.sql(
        "CREATE INDEX execution_unfinished ON execution(task_id) "
        "WHERE status NOT IN ('completed', 'cancelled', 'dead_lettered')"
    )

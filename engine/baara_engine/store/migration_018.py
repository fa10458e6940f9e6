"""The step of the schema that gives the inbox its lanes, and search its index.

A thread's lane follows from its executions, its open questions and what a person has said of it. It is kept in a
column, because a list of a hundred thousand threads cannot look at all of that; and by triggers, because whatever
moves an execution must move it in the same transaction, and there are many such places.
"""

from baara_engine.store.transaction import Tx

UNFINISHED = "'created', 'queued', 'retry_scheduled', 'waiting_for_input', 'failed', 'timed_out'"
OF_THREAD = "SELECT 1 FROM execution AS e WHERE e.thread_id = thread.id"
LANE = f"""
CASE
    WHEN EXISTS (SELECT 1 FROM question AS q WHERE q.thread_id = thread.id AND q.status = 'open') THEN 'needs_you'
    WHEN archived_at IS NOT NULL THEN 'archived'
    WHEN snoozed_until IS NOT NULL THEN 'snoozed'
    WHEN EXISTS ({OF_THREAD} AND e.status = 'dead_lettered' AND e.dismissed_at IS NULL) THEN 'failed'
    WHEN EXISTS ({OF_THREAD} AND e.status IN ('assigned', 'running')) THEN 'running'
    WHEN EXISTS ({OF_THREAD} AND e.status IN ({UNFINISHED})) THEN 'waiting'
    WHEN unread THEN 'new'
    WHEN settled_at IS NOT NULL THEN 'done'
    WHEN EXISTS ({OF_THREAD} AND e.status = 'completed' AND e.outcome IS NOT 'Nothing to do') THEN 'new'
    WHEN NOT EXISTS ({OF_THREAD}) THEN 'new'
    ELSE 'done'
END
"""
COLUMNS = ("settled_at", "archived_at", "snoozed_until", "returned_at", "pinned_at")
# Going from one lease to the next moves no lane, and is what happens most.
SAME = "(OLD.status IN ('assigned', 'running') AND NEW.status IN ('assigned', 'running'))"
TRIGGERS = {
    "lane_by_new_execution": ("AFTER INSERT ON execution", "NEW.thread_id"),
    "lane_by_execution": (
        f"AFTER UPDATE OF status, outcome, dismissed_at ON execution WHEN NOT {SAME}", "NEW.thread_id",
    ),
    "lane_by_new_question": ("AFTER INSERT ON question", "NEW.thread_id"),
    "lane_by_question": ("AFTER UPDATE OF status ON question", "NEW.thread_id"),
    "lane_by_person": ("AFTER UPDATE OF unread, settled_at, archived_at, snoozed_until ON thread", "NEW.id"),
}  # fmt: skip
SEARCHED = """
CREATE TABLE searched (
    id INTEGER NOT NULL PRIMARY KEY,
    message_id TEXT NOT NULL,
    thread_id TEXT NOT NULL
)
"""


def m018_inbox(tx: Tx) -> None:
    """Add lanes, what a person may do to a thread, and the index for searching."""
    tx.sql("DROP INDEX execution_thread_id")
    tx.sql("CREATE INDEX execution_thread_id_status ON execution (thread_id, status)")
    tx.sql("CREATE INDEX question_open_in_thread ON question(thread_id) WHERE status = 'open'")
    tx.sql("ALTER TABLE thread ADD COLUMN lane TEXT NOT NULL DEFAULT 'new'")
    for name in COLUMNS:
        tx.sql(f"ALTER TABLE thread ADD COLUMN {name} INTEGER")
    tx.sql(f"UPDATE thread SET lane = {LANE}")
    tx.sql("CREATE INDEX thread_in_lane ON thread(lane, (pinned_at IS NULL), created_at DESC, id DESC)")
    tx.sql("CREATE INDEX thread_snoozed ON thread(snoozed_until) WHERE snoozed_until IS NOT NULL")
    for name, (when, thread_id) in TRIGGERS.items():
        tx.sql(f"CREATE TRIGGER {name} {when} BEGIN UPDATE thread SET lane = {LANE} WHERE id = {thread_id}; END")
    tx.sql(SEARCHED)
    tx.sql("CREATE UNIQUE INDEX searched_message_id ON searched (message_id)")
    tx.sql("CREATE VIRTUAL TABLE search USING fts5(title, body, content='', contentless_delete=1)")

-- The first schema. It is history and stays as it is: change the schema by a new step in migrations.py.

CREATE TABLE migration (
    name TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
);
CREATE TABLE writer (
    name TEXT NOT NULL PRIMARY KEY,
    batch INTEGER NOT NULL,
    at INTEGER NOT NULL
);
CREATE TABLE setting (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE queue (
    name TEXT NOT NULL PRIMARY KEY,
    concurrency INTEGER NOT NULL
);
CREATE TABLE task (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL,
    prompt TEXT NOT NULL,
    kind TEXT NOT NULL,
    sandbox TEXT NOT NULL,
    model TEXT,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    max_retries INTEGER NOT NULL,
    timeout_s REAL,
    max_turns INTEGER NOT NULL,
    workspace TEXT,
    thread_id TEXT,
    unknown_effect TEXT NOT NULL,
    allowed_tools TEXT,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX task_name ON task (name);
CREATE TABLE thread (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    unread INTEGER NOT NULL
);
CREATE INDEX thread_created_at ON thread (created_at);
CREATE TABLE execution (
    id TEXT NOT NULL PRIMARY KEY,
    task_id TEXT,
    thread_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    prompt TEXT NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT,
    queue TEXT NOT NULL,
    target_queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempt_open INTEGER NOT NULL,
    max_retries INTEGER NOT NULL,
    allowance_from INTEGER NOT NULL,
    sandbox TEXT NOT NULL,
    model TEXT NOT NULL,
    workspace TEXT NOT NULL,
    timeout_s REAL,
    max_turns INTEGER NOT NULL,
    unknown_effect TEXT NOT NULL,
    allowed_tools TEXT,
    source TEXT NOT NULL,
    idempotency_key TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER,
    not_before INTEGER,
    worked_ms INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    turns_from INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost_microusd INTEGER NOT NULL,
    cost_known INTEGER NOT NULL,
    output TEXT,
    error_cause TEXT,
    error_message TEXT,
    waiting_reason TEXT,
    waiting_until INTEGER,
    waiting_question TEXT,
    cancel_requested_at INTEGER,
    dismissed_at INTEGER,
    epoch INTEGER NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    resumed TEXT NOT NULL,
    FOREIGN KEY (task_id) REFERENCES task (id) ON DELETE SET NULL,
    FOREIGN KEY (thread_id) REFERENCES thread (id)
);
CREATE INDEX execution_task_id ON execution (task_id);
CREATE INDEX execution_thread_id ON execution (thread_id);
CREATE UNIQUE INDEX execution_idempotency_key ON execution (idempotency_key);
CREATE INDEX execution_ready ON execution(queue, priority, id) WHERE status = 'queued';
CREATE INDEX execution_leased ON execution(queue) WHERE status IN ('assigned', 'running');
CREATE INDEX execution_dead ON execution(id) WHERE status = 'dead_lettered';
CREATE INDEX execution_timer ON execution(not_before) WHERE queue = 'timer';
CREATE TABLE attempt (
    id INTEGER NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    owner TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    error TEXT,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX attempt_execution_id_epoch ON attempt (execution_id, epoch);
CREATE TABLE message (
    id INTEGER NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    role TEXT NOT NULL,
    content BLOB NOT NULL,
    stop_reason TEXT,
    usage BLOB,
    model TEXT,
    at INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX message_execution_id_seq ON message (execution_id, seq);
CREATE TABLE tool_call (
    id INTEGER NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    tool_use_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    input BLOB NOT NULL,
    input_hash TEXT NOT NULL,
    effect TEXT NOT NULL,
    notes BLOB NOT NULL,
    intent_at INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    receipt_at INTEGER,
    is_error INTEGER NOT NULL,
    result BLOB,
    question_id TEXT,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX tool_call_execution_id_turn_tool_use_id ON tool_call (execution_id, turn, tool_use_id);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    execution_id TEXT,
    thread_id TEXT,
    data BLOB NOT NULL
);
CREATE INDEX event_execution_id_seq ON event (execution_id, seq);
CREATE TABLE thread_message (
    id TEXT NOT NULL PRIMARY KEY,
    thread_id TEXT NOT NULL,
    execution_id TEXT,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    files TEXT NOT NULL,
    at INTEGER NOT NULL,
    key TEXT,
    FOREIGN KEY (thread_id) REFERENCES thread (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX thread_message_key ON thread_message (key);
CREATE INDEX thread_message_thread_id_at ON thread_message (thread_id, at);
CREATE TABLE question (
    id TEXT NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    tool_use_id TEXT,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    options TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    answer TEXT,
    answered_at INTEGER,
    answered_by TEXT,
    FOREIGN KEY (execution_id) REFERENCES execution (id) ON DELETE CASCADE
);
CREATE INDEX question_execution_id ON question (execution_id);
CREATE INDEX question_open ON question(created_at) WHERE status = 'open';

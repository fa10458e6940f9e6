"""The tables of threads and of finding them (see `models`)."""

from typing import Any

import peewee as pw

from baara_engine.store.base import Base


class Thread(Base):
    """What the inbox shows. `lane` is kept by triggers (see `migration_018`)."""

    id = pw.TextField(primary_key=True)
    title = pw.TextField()
    source = pw.TextField()
    created_at = pw.BigIntegerField(index=True)
    updated_at = pw.BigIntegerField()
    unread = pw.BooleanField()
    lane = pw.TextField()
    settled_at = pw.BigIntegerField(null=True)
    archived_at = pw.BigIntegerField(null=True)
    snoozed_until = pw.BigIntegerField(null=True)
    returned_at = pw.BigIntegerField(null=True)
    pinned_at = pw.BigIntegerField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = (
            pw.SQL("CREATE INDEX thread_in_lane ON thread(lane, (pinned_at IS NULL), created_at DESC, id DESC)"),
            pw.SQL("CREATE INDEX thread_snoozed ON thread(snoozed_until) WHERE snoozed_until IS NOT NULL"),
        )


class ThreadMessage(Base):
    """One message in a thread. `key` keeps a message from being posted twice."""

    id = pw.TextField(primary_key=True)
    thread_id = pw.ForeignKeyField(Thread, column_name="thread_id", on_delete="CASCADE", index=False)
    execution_id = pw.TextField(null=True)
    kind = pw.TextField()
    title = pw.TextField()
    body = pw.TextField()
    files = pw.TextField()
    at = pw.BigIntegerField()
    key = pw.TextField(null=True, unique=True)

    class Meta:
        """Peewee reads this."""

        indexes = ((("thread_id", "at"), False),)


class Searched(Base):
    """A message that is in the index for searching (the table `search`), under this number."""

    id = pw.IntegerField(primary_key=True)
    message_id = pw.TextField(unique=True)
    thread_id = pw.TextField()


TABLES: tuple[Any, ...] = (Thread, ThreadMessage, Searched)

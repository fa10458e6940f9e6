"""The tables of schedules. What they refer to, and what goes with it when it is deleted, stands in `migration_006`."""

import peewee as pw

from baara_engine.store.base import Base


class Schedule(Base):
    """When a task is due. `rule` is JSON."""

    id = pw.TextField(primary_key=True)
    task_id = pw.TextField(index=True)
    rule = pw.TextField()
    missed = pw.TextField()
    overlap = pw.TextField()
    jitter_s = pw.FloatField()
    catch_up = pw.IntegerField()
    enabled = pw.BooleanField()
    accounted_until = pw.BigIntegerField(index=True)
    next_due = pw.BigIntegerField(null=True)
    created_at = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()

    class Meta:
        """Peewee reads this."""

        indexes = (pw.SQL("CREATE INDEX schedule_due ON schedule(next_due) WHERE next_due IS NOT NULL"),)


class Slot(Base):
    """What became of one due time of a schedule, or of a run of them. Rows of one schedule never overlap."""

    id = pw.TextField(primary_key=True)
    schedule_id = pw.TextField()
    due = pw.BigIntegerField()
    last_due = pw.BigIntegerField()
    count = pw.BigIntegerField(null=True)
    state = pw.TextField()
    why = pw.TextField()
    execution_id = pw.TextField(null=True)
    settled_at = pw.BigIntegerField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = (
            (("schedule_id", "due"), True),
            pw.SQL(
                "CREATE INDEX slot_open ON slot(schedule_id, due) WHERE state IN ('waiting', 'catching_up', 'asked')",
            ),
        )


class GateRun(Base):
    """One run of a gate. `result` is the sandbox's, as JSON."""

    execution_id = pw.TextField()
    attempt = pw.IntegerField()
    key = pw.TextField()
    boot_id = pw.TextField()
    begun_at = pw.BigIntegerField()
    ended_at = pw.BigIntegerField(null=True)
    result = pw.TextField(null=True)

    class Meta:
        """Peewee reads this."""

        indexes = ((("execution_id", "attempt"), True),)

"""The tables of money. An execution that is deleted leaves what it has cost."""

import peewee as pw

from baara_engine.store.base import Base


class Spent(Base):
    """What one question to a model may cost, or has cost (see `store.spending`). Amounts in microdollars."""

    id = pw.AutoField()
    execution_id = pw.TextField(index=True)
    task_id = pw.TextField(null=True)
    project_id = pw.TextField(null=True)
    model = pw.TextField()
    at = pw.BigIntegerField(index=True)
    reserved = pw.BigIntegerField()
    cost = pw.BigIntegerField(null=True)
    state = pw.TextField()


class SpendingLimit(Base):
    """What may be spent on a day: by all, by a task or by a project."""

    scope = pw.TextField()
    key = pw.TextField()
    microusd = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()
    updated_by = pw.TextField()

    class Meta:
        """Peewee reads this."""

        primary_key = pw.CompositeKey("scope", "key")


TABLES = (Spent, SpendingLimit)

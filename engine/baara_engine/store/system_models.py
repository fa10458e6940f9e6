"""The tables of the store itself."""

import peewee as pw

from baara_engine.store.base import Base


class Migration(Base):
    """A step of the schema that was taken."""

    name = pw.TextField(primary_key=True)
    at = pw.BigIntegerField()


class Writer(Base):
    """The last batch that each writer committed: settles whether a COMMIT that raised was kept."""

    name = pw.TextField(primary_key=True)
    batch = pw.BigIntegerField()
    at = pw.BigIntegerField()


class Setting(Base):
    """One setting, as JSON."""

    key = pw.TextField(primary_key=True)
    value = pw.TextField()


class Queue(Base):
    """A queue and how many of it run at once."""

    name = pw.TextField(primary_key=True)
    concurrency = pw.IntegerField()


class Event(Base):
    """Something that happened. `seq` never goes back, even after rows are deleted."""

    seq = pw.AutoField()
    at = pw.BigIntegerField()
    kind = pw.TextField()
    execution_id = pw.TextField(null=True)
    thread_id = pw.TextField(null=True)
    data = pw.BlobField()

    class Meta:
        """Peewee reads this."""

        indexes = ((("execution_id", "seq"), False),)

"""What all tables have in common."""

import peewee as pw


class Base(pw.Model):
    """A table that belongs to no database until a query names one: a process may have several homes open."""

    class Meta:
        """Peewee reads this."""

        legacy_table_names = False

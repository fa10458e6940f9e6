"""The database: the only place that knows peewee and SQL. Rows stay in here; the rest of the house sees records.

`Store` opens it; the modules beside it hold functions that take a `Tx` (a transaction) or a `View` (a snapshot).
"""

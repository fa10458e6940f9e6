"""Where the files of the store lie in a home."""

DATABASE = "baara.db"
SENTINEL = "instance.json"  #: says that there was a database here, so that an empty one is never made in its place
BACKUPS = "backups"  #: folder of verified copies
DAMAGED = "damaged"  #: folder of what `baara restore` moved aside; nothing in it is ever deleted by us
MIGRATE_LOCK = "migrate.lock"  #: held while the database is made, migrated or replaced
BACKUP_LOCK = "backup.lock"  #: held while backups are made or thinned out

LOG = "-wal"  #: added to the database's name: commits that are not yet in the database file
INDEX = "-shm"  #: added likewise: where in the log the pages are; made again at each start
ROLLBACK = "-journal"  #: added likewise: what a change that no log was used for leaves behind if it is interrupted
COMPANIONS = (LOG, INDEX, ROLLBACK)

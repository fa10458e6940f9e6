"""The tenth step: templates, projects, and the folders whose skills may be used."""

from baara_engine.store.transaction import Tx

TEMPLATE = """
CREATE TABLE template (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL,
    prompt TEXT NOT NULL,
    parameters TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
)
"""
PROJECT = """
CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE,
    instructions TEXT NOT NULL,
    folder TEXT,
    defaults TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
)
"""
TRUSTED = """
CREATE TABLE trusted_folder (
    path TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
)
"""


def m010_templates_projects(tx: Tx) -> None:
    """Make the tables of templates, projects and trusted folders."""
    for statement in (TEMPLATE, PROJECT, TRUSTED):
        tx.sql(statement)
    for table in ("template", "project"):
        tx.sql(f"CREATE UNIQUE INDEX {table}_name ON {table} (name)")

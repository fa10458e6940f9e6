"""The tables of templates, projects and trusted folders (see `models`)."""

from typing import Any

import peewee as pw

from baara_engine.store.base import Base


class Template(Base):
    """A prompt with parameters. `parameters` and `options` are JSON."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField(collation="NOCASE", unique=True)
    description = pw.TextField()
    prompt = pw.TextField()
    parameters = pw.TextField()
    options = pw.TextField()
    created_at = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()


class Project(Base):
    """What executions have in common. `defaults` is JSON."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField(collation="NOCASE", unique=True)
    instructions = pw.TextField()
    folder = pw.TextField(null=True)
    defaults = pw.TextField()
    created_at = pw.BigIntegerField()
    updated_at = pw.BigIntegerField()


class FetchHost(Base):
    """A host whose pages agents may read, or a pattern of such."""

    pattern = pw.TextField(primary_key=True)
    at = pw.BigIntegerField()


class TrustedFolder(Base):
    """A folder whose own skills may be used."""

    path = pw.TextField(primary_key=True)
    at = pw.BigIntegerField()


TABLES: tuple[Any, ...] = (FetchHost, Template, Project, TrustedFolder)

"""`baara backup` and `baara restore`: copies of the database, made and put in place."""

from typing import Annotated

import typer

from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import backups, clock, errors, resuming, words
from baara_engine.backups import Listed
from baara_engine.records import Json

COLUMNS = ("NAME", "AGE", "SIZE", "EXECUTIONS", "THREADS")
KIB = 1024


@common.command
def backup(shell: Shell) -> None:
    """Make a verified copy of the database now; an engine may go on working meanwhile."""
    with shell.engine() as engine:
        made = engine.back_up()
    if shell.json:
        output.document({"path": str(made.path), "bytes": made.size, "at": clock.iso(made.at)})
    else:
        output.text(f"Made and verified {made.path} ({_size(made.size)}).")


@common.command
def restore(
    shell: Shell,
    file: Annotated[str | None, typer.Argument(help="A backup's name, or a path. Without it they are listed.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Take the newest that is sound.")] = False,  # noqa: FBT002 - an option of the command line
) -> None:
    """Put a backup in the place of the database, and what is there now aside. Nothing is deleted."""
    if file is None and not latest:
        _list(shell)
        return
    if file is not None and latest:
        raise errors.InvalidInput("Name a backup, or say --latest; not both.")
    done = backups.restore(shell.home, file, clock.SystemClock().now())
    aside = None if done.set_aside is None else str(done.set_aside)
    if shell.json:
        output.document(
            {"restored": str(done.source), "executions": done.contents.executions, "threads": done.contents.threads,
             "set_aside": aside}
        )  # fmt: skip
        return
    held = f"{words.count(done.contents.executions, 'execution')} and {words.count(done.contents.threads, 'thread')}"
    output.text(f"Restored {done.source}, with {held}. What was done after it was made is not in it.")
    if aside is not None:
        output.text(f"What was here before is kept in {aside}.")


def _list(shell: Shell) -> None:
    found, now = backups.listing(shell.home), clock.SystemClock().now()
    if shell.json:
        output.document([_document(one) for one in found])
        return
    if not found:
        output.text(f"There are no backups in {shell.home}. Make one by: baara backup")
        return
    output.table(COLUMNS, [_row(one, now) for one in found])
    output.tell("Put one in place by: baara restore NAME, or the newest by: baara restore --latest")


def _document(one: Listed) -> Json:
    return {
        "name": one.path.name, "path": str(one.path), "at": clock.iso(one.at), "bytes": one.size,
        "executions": one.contents and one.contents.executions, "threads": one.contents and one.contents.threads,
    }  # fmt: skip


def _row(one: Listed, now: clock.Millis) -> list[str]:
    age = resuming.duration(max(now - one.at, 0))
    if one.contents is None:
        return [one.path.name, age, _size(one.size), "cannot be read", ""]
    return [one.path.name, age, _size(one.size), str(one.contents.executions), str(one.contents.threads)]


def _size(size: int) -> str:
    """Write a number of bytes."""
    return f"{size / KIB:,.0f} KiB" if size < KIB * KIB else f"{size / KIB / KIB:,.1f} MiB"

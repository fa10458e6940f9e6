"""What every command shares: --home and --json before or behind its name, and the engine of that home."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from baara_app import crashes, lifecycle, paths
from baara_engine import errors
from baara_engine.engine import Engine

Command = Callable[..., int | None]
# What ends a command and is no mistake of ours: told in a line of its own.
EXPECTED = (errors.BaaraError, OSError, typer.TyperException, typer.Exit, typer.Abort)

Home = Annotated[str | None, typer.Option(help=f"The data folder, instead of {paths.VARIABLE}.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True, slots=True)
class Globals:
    """Options that may stand before a command's name or behind it."""

    home: Home = None
    json: Json = False


@dataclass(frozen=True, slots=True)
class Shell:
    """Where a command works and how it is to answer."""

    home: Path
    json: bool

    @contextlib.contextmanager
    def engine(self) -> Iterator[Engine]:
        """Open the engine of this home. Raises `errors.StoreError`, or `errors.Unavailable` for a bad folder."""
        settings = lifecycle.config()
        try:
            engine = Engine(self.home, config_=settings)
        except OSError as error:
            raise errors.Unavailable(f"The data folder {self.home} cannot be used: {error.strerror}.") from error
        try:
            yield engine
        finally:
            engine.close()


def command(function: Command) -> Command:
    """Make a command of a function that takes a `Shell` first.

    The fields of its other parameters that are dataclasses become options each, and --home and --json are added. What
    it returns is the exit status; None is 0.
    """
    parameters = list(inspect.signature(function).parameters.values())[1:]
    groups = {part.name: part.annotation for part in parameters if is_dataclass(part.annotation)}

    @functools.wraps(function)
    def run(context: typer.Context, **given: Any) -> int | None:
        shell = _shell(context, _gathered(Globals, given))
        for name, group in groups.items():
            given[name] = _gathered(group, given)
        with crashes.told(shell.home, *EXPECTED):
            return function(shell, **given)

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    spelled = [context, *(option for part in parameters for option in _spelled(part)), *_options(Globals)]
    run.__signature__ = inspect.Signature(spelled)  # type: ignore[attr-defined]  # what typer reads instead of run's own
    return run


def _shell(context: typer.Context, behind: Globals) -> Shell:
    before = context.obj if isinstance(context.obj, Globals) else Globals()
    return Shell(paths.home(behind.home or before.home), behind.json or before.json)


def _spelled(part: inspect.Parameter) -> list[inspect.Parameter]:
    if is_dataclass(part.annotation):
        return _options(part.annotation)
    return [part.replace(kind=inspect.Parameter.KEYWORD_ONLY)]


def _options(group: Any) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(group)
    ]


def _gathered(group: Any, given: dict[str, Any]) -> Any:
    """Take the options of a group out of what was given, and make the group of them."""
    return group(**{field.name: given.pop(field.name) for field in fields(group)})

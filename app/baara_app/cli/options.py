"""How work is to be run: the options that submit and the tasks share, and what is typed as text."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pydantic
import typer

from baara_engine import errors, money, queues, requests, sandboxes
from baara_engine.checks import specs
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind, Permission, UnknownEffect
from baara_engine.sandboxes import Network

STDIN = "-"  #: stands for text that comes from standard input
SOURCE = "cli"

# What a field is called on the command line, where it is not its own name behind two dashes.
TYPED = {
    "prompt": "PROMPT",
    "text": "TEXT",
    "kind": "--command",
    "timeout_s": "--timeout",
    "thread_id": "--thread",
    "project_id": "--project",
    "not_before": "--at",
    "idempotency_key": "--key",
    "checks": "--check",
}

SANDBOX = f"Where it acts. {'; '.join(f'{name}: {told}' for name, told in sandboxes.TOLD.items())}."
CHECKS = (*specs.EXAMPLES.values(),)
PERMISSION = (
    "What the agent may do by itself. auto: all that its sandbox lets it (in the native one: whatever you may do "
    "yourself, because that is no boundary); ask: whatever may change something waits for your word; locked: it may "
    "only look."
)


@dataclass(frozen=True, slots=True)
class How:
    """How work is to be run. None: not said."""

    command: Annotated[
        bool | None, typer.Option("--command/--agent", help="The text is a shell command; no model is asked.")
    ] = None
    sandbox: Annotated[str | None, typer.Option(help=SANDBOX)] = None
    workspace: Annotated[str | None, typer.Option(metavar="DIR", help="The folder it works in.")] = None
    model: Annotated[str | None, typer.Option(help="Model id, or `offline`.")] = None
    fallback: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Takes over what the first has no room for, or declines."),
    ] = None
    announce: Annotated[
        bool | None, typer.Option("--announce/--no-announce", help="Say on the desktop when it has ended well.")
    ] = None
    queue: Annotated[str | None, typer.Option(help=f"{' or '.join(queues.FOR_SUBMISSION)}.")] = None
    priority: Annotated[
        int | None, typer.Option(help=f"{queues.MOST_URGENT} (most urgent) to {queues.LEAST_URGENT}.")
    ] = None
    max_retries: Annotated[int | None, typer.Option(metavar="N", help="How often it is tried again.")] = None
    timeout: Annotated[float | None, typer.Option(metavar="S", help="Seconds of work that one attempt may take.")] = (
        None
    )
    max_turns: Annotated[int | None, typer.Option(metavar="N", help="Answers of the model that it may take.")] = None
    thread: Annotated[str | None, typer.Option(metavar="ID", help="The thread it belongs to.")] = None
    project: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The project it belongs to, else the active one; `none` for none."),
    ] = None
    unknown_effect: Annotated[
        UnknownEffect | None, typer.Option(help="What is done about a call whose outcome a crash has hidden.")
    ] = None
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="What must hold at the end, for the outcome Done; may be repeated, and an empty one takes all away. "
            + " · ".join(CHECKS),
        ),
    ] = None
    permission: Annotated[Permission | None, typer.Option(help=PERMISSION)] = None
    budget: Annotated[
        str | None, typer.Option(metavar="USD", help="The most that one execution may cost; at the limit it asks.")
    ] = None
    network: Annotated[Network | None, typer.Option(help="What its commands may reach.")] = None
    host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="With --network listed: a host, or *.example.org.")
    ] = None
    memory: Annotated[int | None, typer.Option(metavar="MB", help="Memory that its commands may use.")] = None
    cpus: Annotated[float | None, typer.Option(metavar="N", help="Processors' worth of time (docker).")] = None
    input: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="A file or folder that its commands may read, not write.")
    ] = None

    gate: Annotated[
        str | None,
        typer.Option(
            metavar="CMD", help="Run this first: exit status 0 goes on, 77 means that there is nothing to do."
        ),
    ] = None

    mcp_server: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="An MCP server whose tools it has; may be repeated.")
    ] = None

    def values(self) -> dict[str, Any]:
        """Give what was said, as the fields of `requests.Options`."""
        said = {
            "kind": None if self.command is None else Kind.COMMAND if self.command else Kind.AGENT,
            "sandbox": self.sandbox,
            "workspace": self.workspace,
            "model": self.model,
            "fallback_model": self.fallback,
            "announce": self.announce,
            "queue": self.queue,
            "priority": self.priority,
            "max_retries": self.max_retries,
            "timeout_s": self.timeout,
            "max_turns": self.max_turns,
            "thread_id": self.thread,
            "project_id": self.project,
            "unknown_effect": self.unknown_effect,
            "sandbox_limits": self._limits() or None,
            "budget_microusd": None if self.budget is None else money.parse(self.budget),
            "checks": None if not self.check else tuple(filter(None, self.check)),
            "permission": self.permission,
            "gate": self.gate,
            "mcp_servers": tuple(self.mcp_server) if self.mcp_server else None,
        }
        return {name: value for name, value in said.items() if value is not None}

    def _limits(self) -> dict[str, Any]:
        said = {
            "network": self.network,
            "hosts": self.host,
            "memory_bytes": None if self.memory is None else self.memory * sandboxes.MIB,
            "cpus": self.cpus,
            "inputs": self.input,
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Edits:
    """What may be changed before a dead letter is resumed. None: not said."""

    say: Annotated[str | None, typer.Option(metavar="TEXT", help="Tell the agent this first.")] = None
    command: Annotated[str | None, typer.Option(metavar="TEXT", help="Run this command instead.")] = None
    model: Annotated[str | None, typer.Option(help="Go on with this model.")] = None
    max_retries: Annotated[int | None, typer.Option(metavar="N", help="How often it is tried again.")] = None
    timeout: Annotated[float | None, typer.Option(metavar="S", help="Seconds that one attempt may take.")] = None
    max_turns: Annotated[int | None, typer.Option(metavar="N", help="Answers of the model that it may take.")] = None

    def verb(self) -> Callable[[Engine, str], Execution]:
        """Give what resumes an execution with these changes. Raises `errors.InvalidInput`."""
        said = {"model": self.model, "max_retries": self.max_retries, "timeout_s": self.timeout}
        said |= {"max_turns": self.max_turns, "command": None if self.command is None else text(self.command)}
        with as_typed():
            edits = requests.parse(requests.Edits, said)
        say = None if self.say is None else text(self.say)
        return lambda engine, execution: engine.resume(execution, say, edits)


@dataclass(frozen=True, slots=True)
class Fork:
    """What is different about a fork. None: not said."""

    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to do next; with --turn 0 the whole request.")
    ] = None
    model: Annotated[str | None, typer.Option(help="Go on with this model.")] = None
    sandbox: Annotated[str | None, typer.Option(help=SANDBOX)] = None
    workspace: Annotated[str | None, typer.Option(metavar="DIR", help="The folder it works in.")] = None
    share_workspace: Annotated[
        bool, typer.Option("--share-workspace", help="Work in your own folder beside the first.")
    ] = False

    def changes(self) -> dict[str, Any]:
        """Give them as `requests.Fork` takes them. Raises `errors.InvalidInput`."""
        changes = {name: getattr(self, name) for name in ("model", "sandbox", "workspace", "share_workspace")}
        return changes | {"prompt": None if self.prompt is None else text(self.prompt)}


def text(typed: str) -> str:
    """Give the text that was typed, or what comes from standard input for `-`. Raises `errors.InvalidInput`."""
    if typed != STDIN:
        return typed
    most = requests.MAX_PROMPT_BYTES
    read = sys.stdin.buffer.read(most + 1)
    if len(read) > most:
        raise errors.InvalidInput(f"Standard input has more than {most:,} bytes, the most. Put long texts into files.")
    try:
        return read.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise errors.InvalidInput("Standard input is not valid UTF-8.") from None


def require_utf8(arguments: Sequence[str]) -> None:
    """Raise `errors.InvalidInput` if any argument has bytes that are not UTF-8."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise errors.InvalidInput(f"An argument is not valid UTF-8: {os.fsencode(argument)[:60]!r}.") from None


@contextlib.contextmanager
def as_typed(**typed: str) -> Iterator[None]:
    """Name fields as they are typed here, in what is raised as `errors.InvalidInput`; `typed` adds to `TYPED`."""
    try:
        yield
    except errors.InvalidInput as error:
        if not isinstance(error.__cause__, pydantic.ValidationError):
            raise
        names = TYPED | typed
        raise errors.InvalidInput("; ".join(_problem(item, names) for item in error.__cause__.errors())) from None


def _problem(item: Any, names: dict[str, str]) -> str:
    field = str(item["loc"][0]) if item["loc"] else "input"
    name = names.get(field) or f"--{field.replace('_', '-')}"
    return f"{name}: {item['msg'].removeprefix('Value error, ')}."

"""What may be asked for: every value that comes from outside is checked here, whichever surface it came through."""

from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import pydantic
import pydantic_core

from baara_engine import errors, queues, sandboxes, tools
from baara_engine.checks import specs
from baara_engine.clock import Millis
from baara_engine.permission import calls as permitted
from baara_engine.records import Json, Kind, Permission, UnknownEffect
from baara_engine.sandboxes import asking
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap

MAX_PROMPT_BYTES = 1_000_000  # about 250,000 tokens: more than a model reads at once; longer texts belong in files
MAX_COMMAND_BYTES = 128 * 1024 - 1  # of one argument of a program on Linux
MAX_NAME = 200  # characters, so that it fits a line
MAX_RETRIES = 100
MAX_TURNS = 10_000
MAX_TIMEOUT_S = 30 * 24 * 3600.0  # a month

MAX_HOSTS = 200  # of a list that somebody has thought about
MAX_INPUTS = 100  # files and folders; a folder holds any number
MAX_CHECKS = 50  # each is a command or a file to be read: more belong into a script
MAX_BUDGET_MICROUSD = 1_000_000_000_000  # a million dollars; catches a slip of the finger

MAX_JITTER_S = 24 * 3600.0  # a day: a longer delay is another time of day
MAX_CATCH_UP = 1000  # runs in a row after an absence; more than that nobody wants to wait for
DEFAULT_CATCH_UP = 100

DEFAULT_TURNS = 200
DEFAULT_RETRIES = {
    Kind.AGENT: 3,  # an agent goes on from its last turn, so trying again repeats nothing
    Kind.COMMAND: 0,  # a command starts from its beginning, so it is repeated only if somebody says so
}


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("it holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("it is not valid UTF-8") from error
    return value


def _prompt(value: str) -> str:
    if not value.strip():
        raise ValueError("it is empty: say what is to be done")
    size = len(_text(value).encode())
    if size > MAX_PROMPT_BYTES:
        raise ValueError(f"it has {size:,} bytes; {MAX_PROMPT_BYTES:,} is the most. Put long texts into files")
    return value


def _command(value: str) -> str:
    if len(value.encode()) > MAX_COMMAND_BYTES:
        raise ValueError(f"a command has at most {MAX_COMMAND_BYTES:,} bytes. Put a long one into a script")
    return value


def _name(value: str) -> str:
    value = _text(value).strip()
    if not value or len(value) > MAX_NAME or not value.isprintable():
        raise ValueError(f"it must be one line of 1 to {MAX_NAME} characters")
    return value


def _workspace(value: str) -> str:
    path = Path(_text(value)).expanduser().absolute()
    if not path.is_dir():
        raise ValueError(f"{path} is not a folder")
    return str(path)


def _input(value: str) -> str:
    path = Path(_text(value)).expanduser().absolute()
    if not path.exists():
        raise ValueError(f"there is no {path}")
    return str(path)


def _queue(value: str) -> str:
    queues.require_for_submission(value)
    return value


def _sandbox(value: str) -> str:
    sandboxes.require(value)
    return value


def _tools(value: tuple[str, ...]) -> tuple[str, ...]:
    tools.require(value)
    return value


def _tool(value: str) -> str:
    tools.require([value])
    return value


def _plain_words(value: str) -> str:
    if not permitted.PLAIN.fullmatch(value):
        raise ValueError("it must be plain words with one space between, without quotes, variables, pipes and the like")
    return value


def _check(value: str) -> str:
    specs.parse(value)
    return value


Text = Annotated[str, pydantic.AfterValidator(_text)]
Prompt = Annotated[str, pydantic.AfterValidator(_prompt)]
Name = Annotated[str, pydantic.AfterValidator(_name)]
Workspace = Annotated[str, pydantic.AfterValidator(_workspace)]
QueueName = Annotated[str, pydantic.AfterValidator(_queue)]
SandboxName = Annotated[str, pydantic.AfterValidator(_sandbox)]
Retries = Annotated[int, pydantic.Field(ge=0, le=MAX_RETRIES)]
Seconds = Annotated[float, pydantic.Field(gt=0, le=MAX_TIMEOUT_S, allow_inf_nan=False)]
Turns = Annotated[int, pydantic.Field(ge=1, le=MAX_TURNS)]
Budget = Annotated[int, pydantic.Field(gt=0, le=MAX_BUDGET_MICROUSD)]
Command = Annotated[str, pydantic.AfterValidator(_prompt), pydantic.AfterValidator(_command)]
Host = Annotated[
    str, pydantic.Field(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
]
Input = Annotated[str, pydantic.AfterValidator(_input)]
CheckSpec = Annotated[str, pydantic.AfterValidator(_text), pydantic.AfterValidator(_check)]
ToolNames = Annotated[tuple[str, ...], pydantic.AfterValidator(_tools)]


class SandboxLimits(pydantic.BaseModel):
    """What may be said of `sandboxes.Limits`. What is not said stays as it is there."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    memory_bytes: Annotated[int, pydantic.Field(ge=16 * sandboxes.MIB, le=sandboxes.TIB)] | None = None
    cpu_s: Seconds | None = None
    cpus: Annotated[float, pydantic.Field(ge=0.01, le=1024)] | None = None
    processes: Annotated[int, pydantic.Field(ge=4, le=1_000_000)] | None = None
    open_files: Annotated[int, pydantic.Field(ge=16, le=1_000_000)] | None = None
    file_bytes: Annotated[int, pydantic.Field(ge=0, le=sandboxes.TIB)] | None = None
    workspace_bytes: Annotated[int, pydantic.Field(ge=sandboxes.MIB, le=64 * sandboxes.TIB)] | None = None
    network: sandboxes.Network | None = None
    hosts: Annotated[tuple[Host, ...], pydantic.Field(max_length=MAX_HOSTS)] | None = None
    inputs: Annotated[tuple[Input, ...], pydantic.Field(max_length=MAX_INPUTS)] | None = None

    @pydantic.model_validator(mode="after")
    def _hosts_need_a_list(self) -> Self:
        if (self.network is sandboxes.Network.LISTED) != bool(self.hosts):
            raise ValueError("hosts go with the network “listed”, and it with hosts")
        return self


class Options(pydantic.BaseModel):
    """How something is to be run. None means: the default."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind = Kind.AGENT
    sandbox: SandboxName = sandboxes.DEFAULT
    model: Name | None = None
    queue: QueueName = queues.TRANSFER
    priority: Annotated[int, pydantic.Field(ge=queues.MOST_URGENT, le=queues.LEAST_URGENT)] = queues.USUAL_PRIORITY
    max_retries: Retries | None = None
    timeout_s: Seconds | None = None
    max_turns: Turns = DEFAULT_TURNS
    workspace: Workspace | None = None
    thread_id: Text | None = None
    unknown_effect: UnknownEffect | None = None
    allowed_tools: ToolNames | None = None
    checks: Annotated[tuple[CheckSpec, ...], pydantic.Field(max_length=MAX_CHECKS)] = ()
    permission: Permission = Permission.AUTO
    budget_microusd: Budget | None = None
    project_id: Text | None = None
    gate: Command | None = None
    fallback_model: Name | None = None
    announce: bool = False  #: say on the desktop when it has ended well; what fails or asks is said anyway
    mcp_servers: tuple[Name, ...] | None = None
    sandbox_limits: SandboxLimits | None = None

    @pydantic.model_validator(mode="after")
    def _has_somebody_to_ask(self) -> Self:
        if self.kind is Kind.COMMAND and self.permission is not Permission.AUTO:
            raise ValueError("a command is your own word already; the permission is for what an agent does")
        return self

    @pydantic.model_validator(mode="after")
    def _has_a_shell_where_one_is_needed(self) -> Self:
        what = asking.needs_shell(self.kind, self.gate, self.checks)
        if what is not None and self.sandbox in sandboxes.WITHOUT_SHELL:
            raise ValueError(f"{what} needs a shell, and {self.sandbox} has none; choose native or docker")
        return self

    @property
    def retries(self) -> int:
        """Give how often it is tried again, by its kind unless it is said."""
        return DEFAULT_RETRIES[self.kind] if self.max_retries is None else self.max_retries

    @property
    def limits(self) -> Json | None:
        """Give what was said of the sandbox's limits, as it is stored."""
        said = None if self.sandbox_limits is None else self.sandbox_limits.model_dump(mode="json", exclude_none=True)
        return said or None

    @property
    def unknown(self) -> UnknownEffect:
        """Give what is done about an unsafe call of unknown outcome, by its kind unless it is said."""
        if self.unknown_effect is not None:
            return self.unknown_effect
        return UnknownEffect.BY_TOOL if self.kind is Kind.AGENT else UnknownEffect.ASK


class Submission(Options):
    """One prompt (or command) to be run once."""

    prompt: Prompt
    name: Name | None = None
    source: Name = "api"
    not_before: Annotated[Millis, pydantic.Field(ge=0, le=rules.LATEST)] | None = None
    idempotency_key: Name | None = None
    task_id: Text | None = None
    parent_id: Text | None = None
    slot_id: Text | None = None

    @pydantic.model_validator(mode="after")
    def _fits_a_command_line(self) -> Self:
        if self.kind is Kind.COMMAND:
            _command(self.prompt)
        return self

    @property
    def title(self) -> str:
        """Give the name, or else the first line of the prompt."""
        first = next(line for line in self.prompt.splitlines() if line.strip()).strip()
        return self.name or "".join(char if char.isprintable() else " " for char in first)[:MAX_NAME]


class Allowance(pydantic.BaseModel):
    """What a task's agent may do without asking, although its permission is to ask."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    tool: Annotated[str, pydantic.AfterValidator(_tool)]
    command: Command | None = None  #: of what runs anything: just this command, or code
    prefix: Annotated[str, pydantic.AfterValidator(_plain_words)] | None = None  #: of bash: plain ones that begin so

    @pydantic.model_validator(mode="after")
    def _says_which_commands(self) -> Self:
        said = [text for text in (self.command, self.prefix) if text is not None]
        if self.tool in permitted.RUNS and len(said) != 1:
            raise ValueError(
                f"{self.tool} runs anything: say the one command, or of bash the words that commands begin with"
            )
        if self.tool not in permitted.RUNS and said:
            raise ValueError(f"{self.tool} has no commands")
        if self.tool != permitted.SHELL and self.prefix is not None:
            raise ValueError("only commands of bash can be allowed by their first words")
        return self


class Said(pydantic.BaseModel):
    """What a person says to work in progress: an answer, a hint."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    text: Prompt


class Edits(pydantic.BaseModel):
    """What may be changed about a dead letter before it is resumed. None: it stays."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    command: Command | None = None
    model: Name | None = None
    max_retries: Retries | None = None
    timeout_s: Seconds | None = None
    max_turns: Turns | None = None


class Fork(pydantic.BaseModel):
    """From where another execution goes on, and what is different about it. None: it is as before."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    turn: Annotated[int, pydantic.Field(ge=0, le=MAX_TURNS)]  #: the last one that it has; 0 for the request alone
    prompt: Prompt | None = None
    model: Name | None = None
    sandbox: SandboxName | None = None
    workspace: Workspace | None = None
    share_workspace: bool = False  #: work in a person's own folder beside the first


class TaskDraft(Options):
    """A definition that can run many times."""

    name: Name
    prompt: Prompt
    description: Text = ""
    enabled: bool = True


class Timing(pydantic.BaseModel):
    """How a schedule deals with what is not as planned. None: the default, or as it is."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    missed: Missed | None = None
    overlap: Overlap | None = None
    jitter_s: Annotated[float, pydantic.Field(ge=0, le=MAX_JITTER_S, allow_inf_nan=False)] | None = None
    catch_up: Annotated[int, pydantic.Field(ge=1, le=MAX_CATCH_UP)] | None = None


Model = TypeVar("Model", bound=pydantic.BaseModel)


def parse(model: type[Model], values: dict[str, Any]) -> Model:
    """Check values from outside. Raises `errors.InvalidInput` that says in one line what is wrong."""
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(given)
    except pydantic.ValidationError as error:
        raise _refused(error) from error


def parse_json(model: type[Model], text: bytes) -> Model:
    """Check a JSON object from outside; null means that nothing is said. Raises `errors.InvalidInput` as `parse`."""
    try:
        given = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise errors.InvalidInput(f"The body is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise errors.InvalidInput("The body must be a JSON object.")
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return model.model_validate_json(pydantic_core.to_json(said))
    except pydantic.ValidationError as error:
        raise _refused(error) from error


def _refused(error: pydantic.ValidationError) -> errors.InvalidInput:
    return errors.InvalidInput("; ".join(_problem(item) for item in error.errors()))


def _problem(item: Any) -> str:
    where = " ".join(str(part) for part in item["loc"]).replace("_", " ") or "input"
    return f"The {where} does not do: {item['msg'].removeprefix('Value error, ')}."

"""What an engine is told from outside, and where things lie in its home. Secrets are no part of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OFFLINE = "offline"  #: model id of the planner that needs no key and no network
DEFAULT_MODEL = "claude-sonnet-5-5"  # the middle of today's line in price, and able to work for hours

EXECUTIONS = "executions"  #: folder of the home: one folder each, for the sandbox's marks and scratch
RECEIPTS = "receipts"  #: folder in the private folder of an execution: what its sandbox remembers of its commands
WORKSPACES = "workspaces"  #: folder of the home: one folder each, where no workspace was named


def _no_secret(_name: str) -> None:
    """Know none."""


@dataclass(frozen=True, slots=True)
class Config:
    """What holds for a whole engine: the environment's word, and below it a person's (`settings`)."""

    default_model: str = DEFAULT_MODEL  #: for what names no model of its own
    base_url: str | None = None  #: another service that speaks the Messages API; never from a project's files
    secret: Callable[[str], str | None] = _no_secret  #: gives a secret of an MCP server by its name
    claude: Path | None = None  #: Claude's own folder, whose skills and plugins are used; None for none
    offline_pace_s: float = 0.0  #: seconds that the offline model takes for an answer, so that people can watch
    keep_awake: bool = False  #: do not let the computer go to sleep while something is at work
    fixed: frozenset[str] = frozenset()  #: names of fields that the environment has said: no setting changes them
    context_tokens: int | None = None  #: most tokens of a conversation that are sent; None for what its model takes

"""The texts that the model is given."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


def system(workspace: str) -> str:
    """Give the system prompt for an execution in this workspace."""
    return _text("system").replace("{workspace}", workspace)


def summary() -> str:
    """Give what the model is asked for when a conversation has become too long."""
    return _text("summary").strip()


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text("utf-8")

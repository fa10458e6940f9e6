"""`baara settings`: what holds for the whole of Baara, until it is changed."""

from typing import Annotated, Any

import typer

from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import errors
from baara_engine.settings import Settings

app = typer.Typer(help="What holds for the whole of Baara: the model, quiet hours and the like.")

Name = Annotated[str, typer.Argument(help="A setting, as `baara settings list` names it.")]
SWITCH = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
UNSET = "–"
OURS = frozenset({"told_of_closing"})  # what Baara notes for itself


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List all settings, with what each means."""
    with shell.engine() as engine:
        said = engine.settings()
    if shell.json:
        output.document(said.model_dump())
        return
    rows = [
        [name, _shown(getattr(said, name)), field.description or ""]
        for name, field in Settings.model_fields.items()
        if name not in OURS
    ]
    output.table(["setting", "value", "meaning"], rows)


@app.command("set")
@common.command
def set_(shell: Shell, name: Name, value: Annotated[str, typer.Argument(help="For a switch: yes or no.")]) -> None:
    """Change a setting. An engine that runs takes it up at once."""
    _change(shell, name, _read(name, value))


@app.command("unset")
@common.command
def unset(shell: Shell, name: Name) -> None:
    """Take a setting back: then it is as it is by itself."""
    _change(shell, name, None)


def _change(shell: Shell, name: str, value: Any) -> None:
    with shell.engine() as engine:
        said = engine.change_settings({name: value}, by="cli")
        fixed = name in engine.config.fixed
    if shell.json:
        output.document(said.model_dump())
        return
    output.text(f"{name}: {_shown(getattr(said, name))}")
    if fixed:
        output.text("The environment of this command says otherwise, and counts for engines that are started with it.")


def _read(name: str, value: str) -> Any:
    field = Settings.model_fields.get(name)
    if field is not None and field.annotation is bool:
        if value.lower() not in SWITCH:
            raise errors.InvalidInput(f"The setting {name} is a switch: yes or no, not “{value[:40]}”.")
        return SWITCH[value.lower()]
    return value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNSET if value is None else str(value)

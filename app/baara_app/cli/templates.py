"""`baara templates`: prompts with parameters."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from baara_app import documents
from baara_app.cli import common, options, output, queueing, tasks
from baara_app.cli.common import Shell
from baara_app.cli.options import How
from baara_engine import errors, requests
from baara_engine.patterns_of_work import Template
from baara_engine.records import Json
from baara_engine.templates import filling

app = typer.Typer(help="Prompts with parameters, to be used again and again.")

Named = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Its name, or the beginning of its id.")]
Params = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="The value of a parameter; may be repeated.")
]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="JSON: name, description, prompt, parameters, options; `-` reads stdin.")
]
MAX_FILE = 2_000_000  # bytes: a prompt of the largest size, and its parameters


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List all templates by name."""
    with shell.engine() as engine:
        found = engine.templates()
    if shell.json:
        output.document([documents.template(one) for one in found])
        return
    rows = [(one.name, ", ".join(_signature(parameter) for parameter in one.parameters), one.description)
            for one in found]  # fmt: skip
    output.table(("NAME", "PARAMETERS", "WHAT IT DOES"), rows)


@app.command("show")
@common.command
def show(shell: Shell, template: Named) -> None:
    """Show one template with its parameters."""
    with shell.engine() as engine:
        _show(shell, engine.template(template))


@app.command("create")
@common.command
def create(shell: Shell, file: File) -> None:
    """Store a template. A parameter stands in its prompt as {{name}}."""
    with options.as_typed(prompt="prompt", name="name"):
        draft = requests.parse(filling.TemplateDraft, _read(file))
    with shell.engine() as engine:
        _show(shell, engine.create_template(draft))


@app.command("update")
@common.command
def update(shell: Shell, template: Named, file: File) -> None:
    """Change what stands in the file, and leave the rest as it is."""
    with shell.engine() as engine, options.as_typed(prompt="prompt", name="name"):
        _show(shell, engine.update_template(template, _read(file)))


@app.command("delete")
@common.command
def delete(shell: Shell, template: Named) -> None:
    """Delete a template. What was made of it stays."""
    with shell.engine() as engine:
        deleted = engine.delete_template(template)
    if shell.json:
        output.document(documents.template(deleted))
    else:
        output.text(f"Deleted the template “{deleted.name}”. What was made of it stays.")


@app.command("submit")
@common.command
def submit(
    shell: Shell,
    template: Named,
    param: Params = None,
    *,
    how: How,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
) -> int | None:
    """Queue one execution of a template."""
    said = how.values() | {"source": options.SOURCE}
    with shell.engine() as engine, options.as_typed():
        execution = engine.submit_template(template, values(param), said)
        return queueing.show(shell, engine, execution, wait=wait)


@app.command("task")
@common.command
def task(
    shell: Shell,
    template: Named,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the task is called.")],
    param: Params = None,
    *,
    how: How,
) -> None:
    """Store a task made of a template."""
    with shell.engine() as engine, options.as_typed(name="NAME"):
        made = engine.create_task_from_template(template, values(param), how.values() | {"name": name})
        tasks.show_one(shell, engine, made)


def values(typed: Sequence[str] | None) -> dict[str, str]:
    """Give what was typed as NAME=VALUE. Raises `errors.InvalidInput`."""
    given: dict[str, str] = {}
    for one in typed or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise errors.InvalidInput(f"--param: “{one[:60]}” is not NAME=VALUE, such as --param folder=/tmp.")
        if name in given:
            raise errors.InvalidInput(f"--param: “{name}” is given twice.")
        given[name] = value
    return given


def _read(file: str) -> dict[str, Any]:
    try:
        data = sys.stdin.buffer.read(MAX_FILE) if file == options.STDIN else Path(file).read_bytes()[:MAX_FILE]
        value = orjson.loads(data)
    except OSError as error:
        raise errors.InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise errors.InvalidInput(f"{file} is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise errors.InvalidInput(f"{file} must hold one JSON object.")
    return value


def _signature(parameter: Json) -> str:
    optional = parameter.get("default") is not None or parameter.get("required") is False
    return f"[{parameter['name']}]" if optional else str(parameter["name"])


def _parameter(one: Json) -> str:
    kind = one["type"] if not one.get("choices") else " | ".join(one["choices"])
    default = f", else “{one['default']}”" if one.get("default") else ""
    return f"{one['name']} ({kind}{default}) {one.get('description', '')}".rstrip()


def _show(shell: Shell, template: Template) -> None:
    if shell.json:
        output.document(documents.template(template))
        return
    output.fields(
        [
            ("Template", template.name),
            ("Id", None if template.built_in else template.id),
            ("Description", template.description or None),
            ("Parameters", "\n".join(_parameter(one) for one in template.parameters) or "none"),
            ("Options", "\n".join(f"{name}: {value}" for name, value in template.options.items()) or None),
            ("Prompt", template.prompt),
            ("Made by", "comes with the program" if template.built_in else None),
        ]
    )

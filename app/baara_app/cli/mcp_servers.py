"""`baara mcp-servers`: the person's MCP servers, whose tools work may use with `--mcp-server`."""

import getpass
import sys
from typing import Annotated, Any

import typer

from baara_app import credentials
from baara_app.cli import common, options, output
from baara_app.cli.common import Shell
from baara_engine import errors

app = typer.Typer(help="Your MCP servers. Work that names one by --mcp-server has its tools.")

Named = Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")]


@app.command("list")
@common.command
def list_(shell: Shell) -> None:
    """List all servers by name. Secrets are shown by their names alone."""
    with shell.engine() as engine:
        found = engine.mcp_servers()
    if shell.json:
        output.document([{"name": name, **how} for name, how in found.items()])
        return
    rows = [(name, how["url"] or " ".join([how["command"], *how["args"]])) for name, how in found.items()]
    output.table(("NAME", "WHERE"), rows)


@app.command("add")
@common.command
def add(
    shell: Shell,
    name: Named,
    words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="A program and its arguments.")] = None,
    *,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Or an address that speaks Streamable HTTP.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="VARIABLE=SECRET", help="A secret, by its name.")] = None,
    header: Annotated[list[str] | None, typer.Option(metavar="HEADER=SECRET", help="A secret, by its name.")] = None,
) -> None:
    """Add a server: a command (behind `--`), or `--url`. Keep the secrets it names by `mcp-servers secret`."""
    said: dict[str, Any] = {"name": name, "url": url, "env": _pairs(env), "headers": _pairs(header)}
    if words:
        said |= {"command": words[0], "args": tuple(words[1:])}
    with shell.engine() as engine, options.as_typed(name="NAME", command="COMMAND"):
        how = engine.add_mcp_server(said)
    if shell.json:
        output.document({"name": name, **how})
    else:
        output.text(f"Added the MCP server “{name}”. Its own word on what its tools do is believed.")


@app.command("test")
@common.command
def test(shell: Shell, name: Named) -> None:
    """Start a server and list its tools, with what repeating each would do by the server's own word."""
    with shell.engine() as engine:
        found = engine.try_mcp_server(name)
    if shell.json:
        output.document([{"name": tool.name, "effect": tool.effect, "description": tool.description} for tool in found])
        return
    output.table(
        ("TOOL", "EFFECT", "WHAT"), [(tool.name, tool.effect, _first_line(tool.description)) for tool in found]
    )


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


@app.command("remove")
@common.command
def remove(shell: Shell, name: Named) -> None:
    """Forget a server. Work that still names it waits for your word."""
    with shell.engine() as engine:
        engine.remove_mcp_server(name)
    if shell.json:
        output.document({"removed": name})
    else:
        output.text(f"Removed the MCP server “{name}”.")


@app.command("secret")
@common.command
def secret(shell: Shell, name: Named) -> None:
    """Keep a secret under a name: typed at a prompt that does not show it, or from standard input."""
    value = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline()
    keyring = credentials.keep_secret(name, value.strip())
    if shell.json:
        output.document({"kept": name, "keyring": keyring})
    else:
        output.text(f"The secret “{name}” is kept in the keyring ({keyring}).")


def _pairs(said: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in said or ()]
    if any(not name or not value for name, _, value in pairs):
        raise errors.InvalidInput("Write NAME=SECRET, with the name of a secret, not the secret itself.")
    return {name: value for name, _, value in pairs}

"""`baara key`: the API key in the keyring of the operating system."""

import contextlib
import getpass
import sys
from dataclasses import asdict

import typer

from baara_app import credentials, keys, lifecycle
from baara_app.cli import common, output
from baara_app.cli.common import Shell
from baara_engine import errors

app = typer.Typer(help="The API key, kept in the keyring of the operating system.")

WHERE = {
    "keyring": "A key is in the keyring ({keyring}), and it is the one that is used.",
    "environment": f"The key of {credentials.VARIABLE} is used, for this run only.",
}
NO_KEY = f"There is no key. Set one by `baara key set`, or for one run by {credentials.VARIABLE}."


@app.command("set")
@common.command
def set_(shell: Shell) -> None:
    """Keep a key: typed at a prompt that does not show it, or read from standard input; never an argument."""
    key = credentials.require_plausible(_typed())
    keyring = credentials.keep(key, limit_s=_patience_s())
    with shell.engine() as engine:
        woken = engine.key_changed()
    if shell.json:
        output.document({"kept": True, "keyring": keyring, "resumed": woken})
    else:
        output.text(f"The key is kept in the keyring ({keyring}). Executions that waited for one and go on: {woken}.")


@app.command("status")
@common.command
def status(shell: Shell) -> None:
    """Say where the key comes from. The key itself is never shown."""
    found = credentials.whereabouts(limit_s=_patience_s())
    if shell.json:
        output.document(asdict(found))
        return
    output.text(NO_KEY if found.source is None else WHERE[found.source].format(keyring=found.keyring))
    if found.problem is not None:
        output.text(found.problem)
    elif found.passed_over is not None:  # else the problem says it, too
        output.text(found.passed_over)


@app.command("check")
@common.command
def check(shell: Shell) -> int:
    """Ask the service one cheap question with the key. Exit status 1 if it does not work."""
    with shell.engine() as engine:
        said = keys.Keys(engine, lambda: lifecycle.make_models(lambda: engine.config)).check()
    works = said.startswith(keys.WORKS)
    if shell.json:
        output.document({"works": works, "message": said})
    else:
        output.text(said)
    return 0 if works else 1


@app.command("delete")
@common.command
def delete(shell: Shell) -> None:
    """Delete the key from the keyring."""
    keyring = credentials.forget(limit_s=_patience_s())
    if shell.json:
        output.document({"deleted": True, "keyring": keyring})
    else:
        output.text(f"The key is deleted from the keyring ({keyring}).")


def _typed() -> str:
    """Read the key. Raises `errors.InvalidInput`."""
    if sys.stdin.isatty():
        with contextlib.suppress(EOFError):
            return getpass.getpass("API key (it is not shown): ").strip()
        return ""
    read = sys.stdin.buffer.read(4 * credentials.MAX_KEY)  # enough to see that it is none
    try:
        return read.decode("ascii").strip()
    except UnicodeDecodeError:
        raise errors.InvalidInput("That is no API key: it has bytes that are not ASCII.") from None


def _patience_s() -> float:
    """Give a person who sits here the time to unlock the keyring."""
    return credentials.UNLOCK_S if sys.stdin.isatty() else credentials.ANSWER_S

"""The program: its commands put together, and errors turned into lines and exit statuses."""

from typing import Annotated

import typer

import baara_engine
from baara_app import crashes, credentials, desktop, lifecycle, paths
from baara_app.cli import (
    backup,
    common,
    demo,
    dlq,
    doctor,
    executions,
    fetch,
    key,
    log,
    login,
    mcp,
    mcp_servers,
    opening,
    options,
    output,
    prices,
    projects,
    questions,
    queues,
    quitting,
    revoking,
    schedule,
    serve,
    settings,
    skills,
    spending,
    status,
    submit,
    tasks,
    templates,
    threads,
)
from baara_app.cli.waiting import Interrupted
from baara_engine import errors, redaction

app = typer.Typer(
    help="A desktop assistant whose work survives your absence.",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("open")(opening.open_)
app.command("quit")(quitting.quit_)
app.command("revoke")(revoking.revoke)
app.command("submit")(submit.submit)
app.add_typer(tasks.app, name="tasks")
app.add_typer(executions.app, name="executions")
app.add_typer(queues.app, name="queues")
app.add_typer(dlq.app, name="dlq")
app.add_typer(schedule.app, name="schedule")
app.add_typer(threads.app, name="threads")
app.add_typer(questions.app, name="questions")
app.add_typer(templates.app, name="templates")
app.add_typer(projects.app, name="projects")
app.add_typer(skills.app, name="skills")
app.add_typer(skills.plugins, name="plugins")
app.add_typer(fetch.app, name="fetch")
app.add_typer(spending.app, name="limits")
app.command("usage")(spending.usage)
app.add_typer(prices.app, name="prices")
app.command("status")(status.status)
app.command("log")(log.log)
app.command("mcp")(mcp.mcp)
app.add_typer(mcp_servers.app, name="mcp-servers")
app.add_typer(key.app, name="key")
app.add_typer(login.app, name="login")
app.add_typer(settings.app, name="settings")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("doctor")(doctor.doctor)

# The first that fits; whatever else the engine raises, it refused.
EXIT_STATUS: tuple[tuple[type[errors.BaaraError], int], ...] = (
    (errors.InvalidInput, 2),
    (errors.NotFound, 3),
    (errors.Unavailable, 5),
    (errors.StoreError, 5),
    (crashes.Fault, 70),  # EX_SOFTWARE of sysexits.h
    (Interrupted, 130),  # as shells report a program ended by Ctrl-C
    (errors.BaaraError, 4),
)


def run(arguments: list[str]) -> int:
    """Run one command line and give its exit status. What the person can mend is told in one line, never a trace."""
    as_json = "--json" in _before_double_dash(arguments)
    try:
        output.prepare()
        lifecycle.hide_memory()
        redaction.guard_logs()
        credentials.take_from_environment()
        options.require_utf8(arguments)
        program = typer.main.get_command(app)
        result = program(arguments, prog_name="baara", standalone_mode=False)
    except errors.BaaraError as error:
        output.failure(error, as_json=as_json)
        return next(status for kind, status in EXIT_STATUS if isinstance(error, kind))
    except typer.TyperException as error:
        output.failure(_usage(error), as_json=as_json)
        return error.exit_code
    except OSError as error:
        output.failure(errors.Unavailable(f"The system refused: {error}."), as_json=as_json)
        return 5
    return result if isinstance(result, int) else 0


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    *,
    home: common.Home = None,
    json: common.Json = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int | None:
    """Open the app, unless a command says otherwise: the engine at work, its window and its tray."""
    context.obj = common.Globals(home, json)
    if version:
        told = baara_engine.__version__
        output.document({"version": told}) if json else output.text(f"baara {told}")
    elif context.invoked_subcommand is None:
        with crashes.told(paths.home(home), *common.EXPECTED):
            return desktop.open_app(paths.home(home))
    return None


def _before_double_dash(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _usage(error: typer.TyperException) -> errors.InvalidInput:
    """Give what is wrong with the command line, and where the right way is told."""
    context = getattr(error, "ctx", None)
    see = f" See: {context.command_path} --help" if context is not None else ""
    return errors.InvalidInput(error.format_message().rstrip(".") + "." + see)

"""`baara status`: how it stands, on one screen."""

import json

import baara_engine
from baara_app import documents, runtime
from baara_app.cli import common, output, queues
from baara_app.cli.common import Shell
from baara_engine import words
from baara_engine.records import Finding, Json

SHOWN = ("pid", "url", "version", "started_at")  #: of `runtime.json`; the tokens are nobody's business


@common.command
def status(shell: Shell) -> None:
    """Say how it stands: the engine, the queues, what needs you, what failed, what is due next."""
    with shell.engine() as engine:
        told, found, wrong = documents.status(engine), engine.queues(), engine.health()
        due, pause = engine.next_due(), engine.paused()
    running = _runtime(shell) if told["working"] else None
    if shell.json:
        where = {"home": str(shell.home), "version": baara_engine.__version__, "engine": running}
        output.document(where | told)
        return
    output.fields(
        [
            ("Home", str(shell.home)),
            ("Version", baara_engine.__version__),
            ("Engine", _engine(told["working"], running)),
            *([] if pause is None else [("Paused", words.pause(pause))]),
            ("Needs you", words.count(told["questions"], "question")),
            ("Failed", words.count(told["failed"], "execution")),
            ("Next due", words.local(due) or "nothing"),
            *(("Not well", _not_well(one)) for one in wrong),
        ]
    )
    output.text("")
    output.table(queues.COLUMNS, [queues.row(queue) for queue in found])


def _not_well(finding: Finding) -> str:
    return f"{finding.message} ({finding.key}, since {words.local(finding.since)})\n→ {finding.advice}"


def _engine(working: bool, running: Json | None) -> str:  # noqa: FBT001 - a fact, not a switch
    if not working:
        return "not running; start it by: baara serve"
    return "working" if running is None else f"working at {running['url']} (process {running['pid']})"


def _runtime(shell: Shell) -> Json | None:
    """Read how to reach the engine; None where it has no server, or is just starting or stopping."""
    try:
        known = json.loads((shell.home / runtime.FILE).read_text("utf-8"))
        return {name: known[name] for name in SHOWN}
    except (OSError, ValueError, KeyError):
        return None

"""`baara status`: how it stands, on one screen."""

import json

import baara_engine
from baara_app import runtime
from baara_app.cli import common, documents, output, queues
from baara_app.cli.common import Shell
from baara_engine import clock, words
from baara_engine.records import Finding, Json

ALL = 1_000_000  # rows: no home holds as many of what is counted here
SHOWN = ("pid", "url", "version", "started_at")  #: of `runtime.json`; the tokens are nobody's business


@common.command
def status(shell: Shell) -> None:
    """Say how it stands: the engine, the queues, what needs you, what failed, what is due next."""
    with shell.engine() as engine:
        working = engine.is_working()
        found = engine.queues()
        asking = len(engine.questions(limit=ALL))
        failed = len(engine.dead_letters())
        wrong = engine.health()
        due = engine.next_due()
        pause = engine.paused()
    running = _runtime(shell) if working else None
    if shell.json:
        output.document(
            {
                "home": str(shell.home),
                "version": baara_engine.__version__,
                "working": working,
                "engine": running,
                "paused": documents.pause(pause),
                "queues": [documents.queue(queue) for queue in found],
                "questions": asking,
                "failed": failed,
                "findings": [documents.finding(one) for one in wrong],
                "next_due": clock.iso(due),
            }
        )
        return
    output.fields(
        [
            ("Home", str(shell.home)),
            ("Version", baara_engine.__version__),
            ("Engine", _engine(working, running)),
            *([] if pause is None else [("Paused", words.pause(pause))]),
            ("Needs you", words.count(asking, "question")),
            ("Failed", words.count(failed, "execution")),
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

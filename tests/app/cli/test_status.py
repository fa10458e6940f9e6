import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.store import findings
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

Baara = Callable[..., subprocess.CompletedProcess[str]]

DUE = 4_000_000_000_000  # ms since 1970: 2096-10-02


def test_the_status_is_one_screen(baara: Baara, engine: Engine, home: Path) -> None:
    """Home, engine, queues, questions, failures and what is due next, as text and as JSON."""
    for due in (DUE + 5000, DUE, None):
        engine.submit(Submission(prompt="x", not_before=due))
    told = json.loads(baara("status", "--json").stdout)
    assert (told["home"], told["working"], told["engine"]) == (str(home), False, None)
    assert (told["questions"], told["failed"], told["next_due"]) == (0, 0, "2096-10-02T07:06:40.000Z")
    assert {queue["name"]: queue["queued"] for queue in told["queues"]} == {
        "transfer": 1, "timer": 2, "visibility": 0, "dlq": 0,
    }  # fmt: skip
    text = baara("status").stdout
    assert "Engine     not running; start it by: baara serve\n" in text
    assert "Needs you  0 questions\n" in text


def test_what_is_not_well_is_told_with_what_to_do(baara: Baara, engine: Engine) -> None:
    """Open findings stand in the status with their advice, as text and as JSON; what is well again does not."""
    for kind in ("disk", "lag"):
        engine.store.write(partial(findings.found, kind=kind, message=f"{kind} is bad.", advice="Make room."))
    engine.store.write(lambda tx: findings.clear(tx, "lag"))
    [found] = json.loads(baara("status", "--json").stdout)["findings"]
    assert (found["key"], found["kind"], found["message"], found["cleared_at"]) == (
        "disk",
        "disk",
        "disk is bad.",
        None,
    )
    assert found["since"].endswith("Z")
    lines = baara("status").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Not well"))
    assert "disk is bad. (disk, since " in lines[at]
    assert lines[at + 1].strip() == "→ Make room."
    assert "lag" not in "\n".join(lines)


def test_a_working_engine_is_told_without_its_tokens(baara: Baara, engine: Engine, home: Path) -> None:
    """Process and address of the engine are shown; the tokens that reach it are not."""
    runtime = {"pid": os.getpid(), "url": "http://127.0.0.1:1", "token": "sesame", "mcp_token": "open", "version": "1",
               "started_at": "2026-01-01T00:00:00.000Z"}  # fmt: skip
    (home / "runtime.json").write_text(json.dumps(runtime))
    engine.start(ScriptedModels(ScriptedModel([])))
    told = baara("status", "--json")
    engine.stop()
    assert json.loads(told.stdout)["engine"]["url"] == "http://127.0.0.1:1"
    assert json.loads(told.stdout)["working"] is True
    assert "sesame" not in told.stdout
    assert "mcp_token" not in told.stdout

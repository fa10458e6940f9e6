import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from baara_app.cli import output
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

HOSTILE = "\x1b[31mred\x1b[0m \x1b]52;c;steal\x07 \x9b2J back\x08space\r\nnext"


def on_a_terminal(environment: dict[str, str], *arguments: str, columns: int = 80) -> str:
    """Run a command line on a terminal of its own and give what is drawn there."""
    ours, theirs = pty.openpty()
    shown = environment | {"COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "baara_app", *arguments], env=shown, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            drawn += os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
    process.wait()
    os.close(ours)
    return drawn.decode().replace("\r\n", "\n")


def test_a_terminal_shows_short_ids_in_lines_that_fit(environment: dict[str, str], engine: Engine) -> None:
    """Each row is one line of the screen's width; the id is short, unique, and never cut further."""
    for number in range(3):
        engine.submit(Submission(prompt=f"{number} [red]" + "long " * 40))
    drawn = on_a_terminal(environment, "executions", "list")
    rows = [line for line in drawn.splitlines() if line.startswith("01")]
    assert len(rows) == 3
    assert all(len(row.rstrip()) <= 80 and row.rstrip().endswith("…") for row in rows)
    assert [engine.execution(row.split()[0]).prompt[0] for row in rows] == ["2", "1", "0"]
    assert "[red]long" in rows[0]


def test_a_terminal_is_not_steered_by_what_is_shown(environment: dict[str, str], engine: Engine) -> None:
    """Control characters of prompts and outputs are made visible on a terminal, and stay as they are in a pipe."""
    execution = engine.submit(Submission(prompt="printf 'a\\033]52;c;x\\007b'", name="steer", kind=Kind.COMMAND))
    engine.start(ScriptedModels(ScriptedModel([])))
    drawn = on_a_terminal(environment, "executions", "wait", execution.id)
    engine.stop()
    assert "a\N{REPLACEMENT CHARACTER}]52;c;x\N{REPLACEMENT CHARACTER}b" in drawn
    assert "\x1b]52" not in drawn
    assert engine.execution(execution.id).output == "a\x1b]52;c;x\x07b"


def test_text_is_cleaned_for_terminals_only(tmp_path: Path) -> None:
    """Colours go, other control characters become visible, lines and tabs stay; a file gets what there was."""
    _, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, (tmp_path / "file").open("w") as file:
        assert output.clean(HOSTILE, file) == HOSTILE
        cleaned = output.clean(HOSTILE + "\ttab", terminal)
    mark = "\N{REPLACEMENT CHARACTER}"
    assert cleaned == f"red {mark}]52;c;steal{mark} {mark}2J back{mark}space\nnext\ttab"


def test_json_has_no_control_characters_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Every control character is escaped, and the document still says the same."""
    output.document({"text": HOSTILE})
    written = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in written)
    assert json.loads(written) == {"text": HOSTILE}

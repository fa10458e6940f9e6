import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from baara_engine import awake
from baara_engine.config import Config
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission
from baara_engine.states import ENDED
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

LONG = 30.0  # seconds that no wait here takes unless something is wrong


def until(done: object) -> None:
    deadline = time.monotonic() + LONG
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def helpers() -> list[int]:
    return [one.pid for one in psutil.Process().children() if one.cmdline() == ["cat"]]


def test_the_program_runs_exactly_as_long_as_that_is_wanted() -> None:
    """It is started once, however often that is said, and has ended when it is not wanted any more."""
    keeper = awake.Program(["cat"])
    keeper.set(on=True)
    keeper.set(on=True)
    until(lambda: len(helpers()) == 1)
    keeper.set(on=False)
    keeper.set(on=False)
    assert helpers() == []


def test_the_program_does_not_outlive_this_process(tmp_path: Path) -> None:
    """A process that is killed takes its helper with it, so no computer stays awake for the dead."""
    script = (
        "import os, signal; from baara_engine import awake; keeper = awake.Program(['cat']); keeper.set(on=True);"
        "print(keeper._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_system_without_it_works_all_the_same() -> None:
    """A program that is not there is noted in the log, and nothing fails."""
    keeper = awake.Program(["/no/such/program"])
    keeper.set(on=True)
    keeper.set(on=False)


def test_each_system_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux with systemd holds a lock of its own, macOS watches this process, Windows asks its thread, others sleep."""
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/systemd-inhibit")
    assert awake._command("linux") is not None
    assert awake._command("darwin") == ["caffeinate", "-i", "-w", str(os.getpid())]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert isinstance(awake.for_system("linux"), awake.Sleepy)
    assert isinstance(awake.for_system("win32"), awake.Windows)


class Noted:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def set(self, *, on: bool) -> None:
        if self.told[-1:] != [on]:
            self.told.append(on)


def test_it_is_kept_awake_exactly_while_something_is_at_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting on, it is asked for when work begins and let go when the last has ended."""
    noted = Noted()
    monkeypatch.setattr(awake, "for_system", lambda: noted)
    engine = Engine(home, config_=Config(keep_awake=True))
    engine.start(ScriptedModels(ScriptedModel([])))
    for _ in range(2):
        one = engine.submit(Submission(prompt="sleep 0.2", kind=Kind.COMMAND))
        until(lambda one=one: engine.execution(one.id).status in ENDED)
        until(lambda: noted.told[-1:] == [False])
    engine.close()
    assert noted.told == [False, True, False, True, False]

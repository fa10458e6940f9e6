"""The processes of a soak: engines one after another, and whoever uses them."""

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import psutil

from baara_engine.records import Json

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
STOP_S = 60.0  # seconds until an engine that was told to stop must have ended


def adopt() -> None:
    """Become the parent of every orphan below this process, so that none is overlooked."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury(known: set[int]) -> list[psutil.Process]:
    """Collect orphans that have ended, and give those that have not; `known` are children that somebody waits for."""
    left = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE:
                left.append(child)
            elif child.pid not in known and child.ppid() == os.getpid():
                os.waitpid(child.pid, 0)
    return [child for child in left if child.pid not in known]


class Running:
    """The engine of a home, through all its lives."""

    def __init__(self, root: Path, home: Path, folder: Path, url: str, seed: int) -> None:
        """Take where the tests lie, the home, a folder for its log and temporary files, the service and a seed."""
        self.root = root
        self.home = home
        self.life = 0
        self.told: Json = {}
        self.found: list[str] = []
        self._folder = folder
        self._url = url
        self._seed = seed
        self._engine: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        """Give the file with what the engines logged."""
        return self._folder / "engine.log"

    @property
    def temporary(self) -> Path:
        """Give the folder where the engines would put temporary files."""
        return self._folder / "tmp"

    def start(self) -> None:
        """Start an engine, and listen to what it tells."""
        self.temporary.mkdir(exist_ok=True)
        self.life += 1
        self.told = {}
        command = [
            sys.executable,
            "-m",
            "tests.crash.soaking.host",
            str(self.home),
            self._url,
            str(self._seed + self.life),
        ]
        with self.log.open("a") as log:
            self._engine = subprocess.Popen(
                command, cwd=self.root, stdout=subprocess.PIPE, stderr=log, text=True,
                env=os.environ | {"TMPDIR": str(self.temporary)},
            )  # fmt: skip
        assert self._engine.stdout is not None
        threading.Thread(target=self._listen, args=(self._engine.stdout,), daemon=True).start()

    def process(self) -> psutil.Process:
        """Give the present engine. Raises psutil.Error if it has gone."""
        assert self._engine is not None
        return psutil.Process(self._engine.pid)

    def pid(self) -> int:
        """Give its number."""
        return self._engine.pid if self._engine is not None else 0

    def require(self) -> None:
        """Start another if this one has ended by itself, which nothing here may make it do."""
        if self._engine is not None and self._engine.poll() is not None:
            self.found.append(f"the engine of life {self.life} ended by itself, with {self._engine.returncode}")
            self.start()

    def kill(self) -> None:
        """End it by SIGKILL."""
        engine, self._engine = self._engine, None
        assert engine is not None
        engine.kill()
        engine.wait()

    def stop(self) -> None:
        """End it in order."""
        engine, self._engine = self._engine, None
        assert engine is not None
        engine.terminate()
        try:
            status = engine.wait(STOP_S)
        except subprocess.TimeoutExpired:
            engine.kill()
            status = engine.wait()
        if status != 0:
            self.found.append(f"told to stop, the engine ended with {status}")

    def _listen(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # cut by a kill
                    self.told = json.loads(line)


class Crowd:
    """Other processes of ours: the service and the people."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.found: list[str] = []
        self._root = root
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def begin(self, name: str, module: str, *arguments: str) -> subprocess.Popen[str]:
        """Start one under this name."""
        with (self._folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=self._root,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._processes[name] = process
        return process

    def pids(self) -> set[int]:
        """Give the numbers of all."""
        return {process.pid for process in self._processes.values()}

    def end(self, *names: str) -> None:
        """End these, or all; whoever had ended already, or ends badly, is a finding."""
        for name in names or tuple(self._processes):
            process = self._processes.pop(name)
            gone = process.poll()
            process.terminate()
            status = process.wait(STOP_S)
            assert process.stdout is not None
            process.stdout.close()
            if gone is not None or status != 0:
                self.found.append(f"{name} ended with {status}: {(self._folder / f'{name}.log').read_text()[-600:]}")

"""Every fault of the model service, through the real SDK: what comes of it, and that nothing of it is run."""

import copy
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.crash.service_faults import patience, rows
from tests.crash.service_faults.rows import ROWS, Row

from baara_engine import requests, retry
from baara_engine.agent import gate
from baara_engine.engine import Engine
from baara_engine.records import Execution, Json
from baara_engine.states import ENDED, Status
from baara_engine.testing.messages_server import MessagesServer
from baara_engine.testing.replies import Reply

ROOT = Path(__file__).parents[2]
LONG_S = 60.0
MODEL = "claude-opus-5-5"
EACH = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((retry, "FIRST_DELAY_S"), (retry, "SHORTEST_PARK_S"), (gate, "NO_VERDICT_S")):
        monkeypatch.setattr(module, name, getattr(module, name))  # whatever is lost here comes back afterwards
    monkeypatch.setattr(retry, "PARK_S", copy.copy(retry.PARK_S))
    patience.lose()


class Service:
    """Answers as a row says: the fault for so many questions, and well before and after."""

    def __init__(self, row: Row) -> None:
        self._faults = list(row.faults)
        self._at = row.at
        self.on_fault: Callable[[], bool] = lambda: True  #: called before a fault is told; False: whoever asked is gone
        self.asked = 0

    def __call__(self, request: Json) -> Reply:
        self.asked += 1
        told = json.dumps(request["messages"])
        has_acted = rows.SAID in told or '"tool_use_id": "toolu_1_0"' in told  # a summary tells it, too
        if self._is_summary(request):
            return rows.SAYS
        if self._faults and (self._at == 1 or has_acted):
            fault = self._faults[0]
            if self.on_fault():
                self._faults.pop(0)
            return fault
        return rows.SAYS if has_acted else rows.ACTS

    @staticmethod
    def _is_summary(request: Json) -> bool:
        return bool((request.get("tool_choice") or {}).get("type") == "none")


def submit(engine: Engine, row: Row, workspace: Path) -> Execution:
    workspace.mkdir()
    options = {"prompt": "Do it.", "model": MODEL, "workspace": str(workspace), "max_retries": 2} | row.options
    return engine.submit(requests.parse(requests.Submission, options))


def ended(engine: Engine, execution: Execution) -> tuple[Execution, set[str]]:
    """Wait for the end; give what it waited for meanwhile, too."""
    deadline, reasons = time.monotonic() + LONG_S, set[str]()
    while (now := engine.execution(execution.id)).status not in ENDED:
        assert time.monotonic() < deadline, now
        if now.waiting_reason and now.status is Status.RETRY_SCHEDULED:
            reasons.add(now.waiting_reason)
            engine.key_changed()  # what waits for a person's word gets it
        for question in engine.questions():
            engine.answer(question.id, "Use claude-opus-5-5", by="a test")
        time.sleep(0.01)
    return now, reasons


def judge(engine: Engine, row: Row, execution: Execution, reasons: set[str], workspace: Path) -> None:
    """See that it ended as the row says, and that only what was whole has run."""
    _, calls = engine.journal(execution.id)
    assert (execution.error_cause, execution.attempt) == (row.dead, row.attempts), execution.error_message
    assert execution.status is (Status.DEAD_LETTERED if row.dead else Status.COMPLETED)
    assert row.told in f"{execution.error_message} {[attempt.error for attempt in engine.attempts(execution.id)]}"
    ledger = (workspace / "ledger").read_text().split() if (workspace / "ledger").exists() else []
    assert ledger == ["ran"] * rows.effects(row), [call.name for call in calls]
    if row.parks is not None:
        assert reasons <= {row.parks}


@contextmanager
def served(row: Row) -> Iterator[tuple[Service, str]]:
    service = Service(row)
    with MessagesServer(service) as server:
        yield service, server.url


@EACH
def test_a_fault_is_met_as_the_table_says(row: Row, home: Path, tmp_path: Path) -> None:
    """It waits, tries again, mends the question or gives up; attempts are used up only where the table says so."""
    with served(row) as (_, url):
        engine = Engine(home, config_=patience.settings(url))
        engine.start(patience.Impatient(url))
        submitted = submit(engine, row, tmp_path / "work")
        execution, reasons = ended(engine, submitted)
        engine.stop()
        judge(engine, row, execution, reasons, tmp_path / "work")
        engine.close()


@EACH
def test_a_fault_is_met_though_the_engine_dies_over_it(row: Row, home: Path, tmp_path: Path) -> None:
    """Killed while the service is just answering so, the next engine meets it in the same way; no attempt is lost."""
    engine = Engine(home)
    with served(row) as (service, url):
        processes: list[subprocess.Popen[str]] = []
        died = threading.Event()

        def kill_once() -> bool:
            if died.is_set():
                return True
            os.kill(processes[-1].pid, signal.SIGKILL)
            died.set()
            return False

        service.on_fault = kill_once
        submitted = submit(engine, row, tmp_path / "work")
        processes.append(begin(home, url))
        assert died.wait(LONG_S)
        processes[-1].wait()
        processes.append(begin(home, url))
        execution, reasons = ended(engine, submitted)
        processes[-1].terminate()
        processes[-1].wait()
    judge(engine, row, execution, reasons, tmp_path / "work")
    engine.close()


def begin(home: Path, url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.crash.service_faults.host", str(home), url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


@pytest.mark.parametrize("after", [False, True], ids=["nobody there", "nobody there for a while"])
def test_offline_is_waited_for(home: Path, tmp_path: Path, after: bool) -> None:  # noqa: FBT001 - a table
    """30: where nobody answers, no attempt is used up; once somebody does, it goes on by itself."""
    with served(Row("", ())) as (_, url):
        pass  # its port is free now
    engine = Engine(home, config_=patience.settings(url))
    engine.start(patience.Impatient(url))
    submitted = submit(engine, Row("", ()), tmp_path / "work")
    deadline = time.monotonic() + LONG_S
    while engine.execution(submitted.id).waiting_reason != "offline" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.execution(submitted.id).attempt == 1
    if after:
        with MessagesServer(Service(Row("", ())), int(url.rpartition(":")[2])):
            assert ended(engine, submitted)[0].status is Status.COMPLETED
        assert engine.execution(submitted.id).attempt == 1
    engine.close()

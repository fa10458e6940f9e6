"""What holds for every test: unexpected warnings in the log fail it, and nothing is skipped in silence."""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests import beside as running_beside
from tests.beside import beside  # noqa: F401 - a fixture

from baara_engine import clock
from baara_engine.engine import Engine

# The only reasons for which a test may be skipped where everything is installed (CI=true).
REASONS_THAT_COUNT = ("only on macOS", "only on Windows")


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that is to become a home, apart from the folder that the test works in."""
    return tmp_path_factory.mktemp("house") / "home"


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    """Give an opened engine that does not work on its queues."""
    opened = Engine(home, clock_=clock.SystemClock())
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _no_unexpected_logs(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs a warning or worse, unless it is marked `expects_log("part of the line")`."""
    yield
    expected = [text for mark in request.node.iter_markers("expects_log") for text in mark.args]
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    for record in records:
        line = record.getMessage()
        if record.levelno >= logging.WARNING and not any(text in line for text in expected):
            pytest.fail(f"unexpected log line: {record.levelname} {record.name}: {line}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that does not say in a sentence what it proves."""
    for item in items:
        function = getattr(item, "function", None)
        if function is not None and not (function.__doc__ or "").strip():
            raise pytest.UsageError(f"{item.nodeid} has no docstring that says what is true")
    running_beside.put_last(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin what takes long and can run beside the rest."""
    if not session.config.option.collectonly:
        running_beside.start(session.config, session.items)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running."""
    running_beside.stop(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where everything must be there."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(call.excinfo.value) if call.excinfo else ""
        if not any(known in reason for known in REASONS_THAT_COUNT):
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what could not be run here, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "no reason"
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        told = "; ".join(f"{count} ({reason})" for reason, count in reasons.items())
        terminalreporter.write_line(f"Not run here: {told}")

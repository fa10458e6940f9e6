"""What a new engine learns about commands that a dead one began."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from baara_engine import owner
from baara_engine.sandboxes import CommandResult, NotBegun, OutcomeUnknown
from baara_engine.sandboxes.native import NativeSession

HOST = Path(__file__).with_name("engine_host.py")


@contextlib.contextmanager
def engine_with(places: Any, command: str, *, grace_s: float, until: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Have an engine in a process of its own begin this command under the key `k`; it is killed at the end."""
    arguments = [str(places.workspace), str(places.private), "k", str(grace_s), command]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, str(HOST), *arguments], env=env)
    try:
        until(places.processes)
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_command_that_ends_in_the_grace_has_its_true_result(
    session: NativeSession, places: Any, until: Any
) -> None:
    """After the engine was killed, a short command finishes, once, and its receipt says so."""
    with engine_with(places, "sleep 0.7; echo hi >> f; echo done; exit 3", grace_s=5, until=until):
        pass
    earlier = await session.earlier("k", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert (earlier.exit_code, earlier.output, earlier.interrupted) == (3, "done\n", False)
    assert (places.workspace / "f").read_text() == "hi\n"


async def test_a_command_that_outlasts_the_grace_is_interrupted(
    session: NativeSession, places: Any, until: Any
) -> None:
    """After the engine was killed, a long command is ended, and its receipt says that it was interrupted."""
    with engine_with(places, "echo begun; sleep 60", grace_s=0.3, until=until):
        assert len(places.processes()) >= 1
    killed = time.monotonic()
    earlier = await session.earlier("k", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert (earlier.exit_code, earlier.output, earlier.interrupted) == (143, "begun\n", True)
    assert time.monotonic() - killed < 3
    assert places.processes() == []


async def test_the_launcher_ends_with_a_killed_engine(places: Any, until: Any) -> None:
    """A killed engine leaves neither launcher nor supervisor behind for longer than the grace."""
    with engine_with(places, "sleep 60", grace_s=0.3, until=until) as process:
        helpers = psutil.Process(process.pid).children(recursive=True)
        assert len(helpers) >= 3
    until(lambda: not any(helper.is_running() and helper.status() != "zombie" for helper in helpers))


async def test_a_result_that_was_never_fetched_is_kept(session: NativeSession) -> None:
    """The receipt of a command that ended in peace is what the call returned."""
    result = await session.run("echo out; exit 4", key="a")
    assert await session.earlier("a", same_boot=True) == result


async def test_settled_commands_leave_nothing(session: NativeSession, places: Any) -> None:
    """Once its result is in the journal, a command's marks are gone; settling twice is harmless."""
    await session.run("true", key="a")
    await session.settled("a")
    await session.settled("a")
    assert list((places.private / "receipts").iterdir()) == []


async def test_nothing_begun_in_this_boot_may_be_run(session: NativeSession) -> None:
    """Without a mark, and without a power cut since, a command never began."""
    assert await session.earlier("a", same_boot=True) == NotBegun()


async def test_nothing_known_of_another_boot_is_unknown(session: NativeSession) -> None:
    """After a power cut a missing mark proves nothing."""
    assert await session.earlier("a", same_boot=False) == OutcomeUnknown()


async def test_a_killed_supervisor_leaves_the_outcome_unknown(session: NativeSession, places: Any, until: Any) -> None:
    """When the engine and the supervisor were both killed, nobody can say what happened."""
    with engine_with(places, "sleep 60", grace_s=5, until=until) as process:
        mark = json.loads(places.begun()[0].read_text())
        assert owner.process_start(mark["pid"]) == mark["started"]
        process.kill()
        os.kill(mark["pid"], signal.SIGKILL)
    assert await session.earlier("k", same_boot=True) == OutcomeUnknown()
    until(lambda: not places.processes())


async def test_a_receipt_of_another_boot_is_not_trusted(session: NativeSession, places: Any) -> None:
    """A receipt that a power cut may have torn from what it tells of says nothing."""
    await session.run("true", key="a")
    path = next((places.private / "receipts").glob("*.receipt"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot": "another"}))
    assert await session.earlier("a", same_boot=True) == OutcomeUnknown()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"result": {"exit_code": 0}}', '{"boot": null, "result": 1}'])
async def test_a_broken_receipt_is_not_trusted(session: NativeSession, places: Any, content: str) -> None:
    """A receipt that makes no sense says nothing."""
    await session.run("true", key="a")
    next((places.private / "receipts").glob("*.receipt")).write_text(content)
    assert await session.earlier("a", same_boot=True) == OutcomeUnknown()


@pytest.mark.parametrize(
    "mark",
    [
        {"pid": 1, "started": "0", "boot": "another"},
        {"pid": 1, "started": "not that", "boot": owner.boot_id()},
        {"pid": 2**22 + 1, "started": None, "boot": owner.boot_id()},
    ],
)
async def test_a_mark_without_its_process_is_unknown(session: NativeSession, places: Any, mark: Any) -> None:
    """A command whose supervisor is gone, or whose pid now belongs to another process, is not waited for."""
    await session.run("true", key="a")
    next((places.private / "receipts").glob("*.receipt")).unlink()
    places.begun()[0].write_text(json.dumps(mark))
    began = time.monotonic()
    assert await session.earlier("a", same_boot=True) == OutcomeUnknown()
    assert time.monotonic() - began < 1


async def test_an_unreadable_mark_is_waited_for_and_then_unknown(session: NativeSession, places: Any) -> None:
    """A mark that may just be being written gets its time, and no more."""
    await session.run("true", key="a")
    next((places.private / "receipts").glob("*.receipt")).unlink()
    places.begun()[0].write_text("")
    assert await session.earlier("a", same_boot=False) == OutcomeUnknown()
    began = time.monotonic()
    assert await session.earlier("a", same_boot=True) == OutcomeUnknown()
    assert 2 < time.monotonic() - began < 6


async def test_a_full_disk_does_not_hide_a_result(session: NativeSession, places: Any) -> None:
    """If the receipt cannot be written, the living engine still gets the result."""
    name = Path(session._receipts.stem("a")).name
    (places.private / "receipts" / f"{name}.part").mkdir()
    assert (await session.run("echo fine", key="a")).output == "fine\n"
    assert await session.earlier("a", same_boot=True) == OutcomeUnknown()

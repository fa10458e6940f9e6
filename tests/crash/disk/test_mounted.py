"""Disks that are really there, and really full, read-only or held by somebody else."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash import mounts
from tests.engine.waits import has_ended, until

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

ROOT = Path(__file__).parents[3]
SMALL_MIB = 24  # for a database and its log, and too little for a ballast
REST_MIB = 8  # of something else that can be deleted
PAGES = 40  # kilobytes of a prompt that takes up some pages
HELD_S = 2.0


@contextlib.contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    """Give a small disk of its own, or skip the test where none can be had."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(mounts.tmpfs(at, SMALL_MIB))
        except mounts.CannotMount as why:
            pytest.skip(f"needs a user who may mount ({why})")
        yield at


def fill_up(engine: Engine) -> tuple[list[str], errors.BaaraError]:
    """Submit until the disk refuses; give what was acknowledged, and the refusal."""
    acknowledged = []
    for _ in range(10 * SMALL_MIB * 1024 // PAGES):
        try:
            acknowledged.append(engine.submit(Submission(prompt="x" * PAGES * 1024)).id)
        except errors.BaaraError as refusal:
            return acknowledged, refusal
    raise AssertionError("the disk took more than it can hold")


def ids(engine: Engine) -> set[str]:
    return {one.id for one in engine.executions(limit=10_000)}


def require_kept(kept: set[str], acknowledged: list[str], refusal: errors.BaaraError) -> None:
    """See that all that was acknowledged is there, and more only where nobody could say whether it was kept.

    Which write finds no room depends on how large the rows are: where it is the COMMIT, and the file cannot be opened
    anew for want of room either, its outcome is unknown.
    """
    assert kept >= set(acknowledged)
    assert len(kept - set(acknowledged)) <= (1 if isinstance(refusal, errors.CommitUnknown) else 0)


@pytest.mark.expects_log("database or disk is full")
def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """What was acknowledged is there, what was refused is not, reading goes on, and with room again so does writing."""
    with small_disk(tmp_path / "disk") as disk:
        (disk / "the-rest").write_bytes(bytes(REST_MIB * mounts.MIB))
        engine = Engine(disk / "home")
        acknowledged, refusal = fill_up(engine)
        assert isinstance(refusal, (errors.DiskFull, errors.CommitUnknown))
        kept = ids(engine)
        require_kept(kept, acknowledged, refusal)
        engine.close()
        full = Engine(disk / "home")
        assert ids(full) == kept
        (disk / "the-rest").unlink()
        again = full.submit(Submission(prompt="there is room again"))
        assert ids(full) == {*kept, again.id}
        full.close()


@pytest.mark.expects_log("the disk is full", "could not be settled")
def test_a_session_that_finds_no_room_waits_for_it(home: Path) -> None:
    """What a sandbox keeps beside the work does not fit on its disk: no attempt is burned, and with room it goes on."""
    engine = Engine(home)
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(mounts.tmpfs(home / "executions", 1))
        except mounts.CannotMount as why:
            pytest.skip(f"needs a user who may mount ({why})")
        stack.callback(engine.close)
        submitted = engine.submit(Submission(prompt="echo there is room", kind=Kind.COMMAND)).id
        (disk / submitted).mkdir()
        mounts.fill(disk / "filler")
        engine.start(ScriptedModels(ScriptedModel([])))
        until(engine, submitted, lambda one: bool(one.resumed))
        (disk / "filler").unlink()
        ended = until(engine, submitted, has_ended)
        assert (ended.status, ended.attempt, ended.output) == (Status.COMPLETED, 1, "there is room\n")


def test_a_disk_that_has_become_read_only_is_said_and_costs_nothing(tmp_path: Path) -> None:
    """A write is refused with a sentence, reading goes on, and nothing is missing once it can be written again."""
    with small_disk(tmp_path / "disk") as disk:
        engine = Engine(disk / "home")
        kept = engine.submit(Submission(prompt="before")).id
        engine.close()
        mounts.read_only(disk)
        with pytest.raises(errors.StoreError) as refusal:
            Engine(disk / "home").submit(Submission(prompt="meanwhile"))
        assert refusal.value.message
        mounts.writable(disk)
        after = Engine(disk / "home")
        assert ids(after) == {kept}
        after.close()


def test_whoever_holds_the_database_for_a_while_delays_and_loses_nothing(home: Path) -> None:
    """A submission waits for another process's lock, and is acknowledged once it is really there."""
    Engine(home).close()
    command = [sys.executable, "-m", "tests.crash.locker", str(home), str(HELD_S)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        begun = time.monotonic()
        engine = Engine(home)
        submitted = engine.submit(Submission(prompt="wait for it")).id
        waited_s = time.monotonic() - begun
        assert holder.wait() == 0
    assert ids(engine) == {submitted}
    assert waited_s > HELD_S / 2
    engine.close()

"""Ending commands: nothing that a command started survives it."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable
from typing import Any

import psutil
import pytest

from baara_engine import errors
from baara_engine.sandboxes import CommandResult, Limits
from baara_engine.sandboxes.native import NativeSandbox, NativeSession

DAEMON = "setsid nohup sleep 60 >/dev/null 2>&1 &"
STUBBORN = """python3 -c '
import os, signal, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        open("up", "w").close()
        time.sleep(60)
    os._exit(0)
'; while [ ! -e up ]; do sleep 0.01; done"""
# Forty processes in sessions of their own that keep replacing themselves.
SWARM = """python3 -c '
import os, time
def hop():
    while True:
        time.sleep(0.005)
        if os.fork():
            os._exit(0)
        os.setsid()
for _ in range(40):
    if os.fork() == 0:
        hop()
open("up", "w").close()
time.sleep(60)
' & while [ ! -e up ]; do sleep 0.01; done"""


async def test_a_limit_ends_a_command_and_its_background(session: NativeSession, places: Any) -> None:
    """At its limit a command ends within a second, with everything it started."""
    began = time.monotonic()
    result = await session.run("echo begun; sleep 60 & sleep 60", key="a", wall_s=0.5)
    assert time.monotonic() - began < 1.5
    assert (result.timed_out, result.interrupted, result.exit_code, result.output) == (True, False, 143, "begun\n")
    assert places.processes() == []


async def test_a_command_may_clean_up_at_its_limit(session: NativeSession) -> None:
    """A command that catches SIGTERM has a moment to end by itself."""
    result = await session.run("trap 'echo cleaned; exit 9' TERM; sleep 60 & wait", key="a", wall_s=0.3)
    assert (result.timed_out, result.exit_code, result.output) == (True, 9, "cleaned\n")


async def test_a_command_that_ignores_sigterm_is_killed(session: NativeSession, places: Any) -> None:
    """Ignoring SIGTERM gains a third of a second."""
    result = await session.run("trap '' TERM; while :; do sleep 1; done", key="a", wall_s=0.3)
    assert (result.timed_out, result.exit_code) == (True, 137)
    assert places.processes() == []


@pytest.mark.parametrize("command", [DAEMON, STUBBORN, "sleep 60 &", "(trap '' TERM HUP; sleep 60) & disown"])
async def test_no_daemon_survives_its_command(session: NativeSession, places: Any, command: str) -> None:
    """Neither a session of its own, nor a lost parent, nor deafness lets a process outlive the call."""
    result = await session.run(f"{command}\necho end", key="a")
    assert (result.exit_code, result.output) == (0, "end\n")
    assert places.processes() == []


async def test_a_daemon_does_not_hold_up_its_command(session: NativeSession) -> None:
    """A background process that keeps stdout open delays the result by a fifth of a second at most."""
    assert (await session.run("sleep 60 & echo end", key="a")).duration_ms < 1000
    began = time.monotonic()
    await session.run("sleep 60 &", key="b")
    assert time.monotonic() - began < 2


async def test_helpers_of_an_ended_shell_may_finish_writing(session: NativeSession) -> None:
    """Output that goes through a process substitution is not lost."""
    assert (await session.run("exec > >(sleep 0.05; cat); echo through", key="a")).output == "through\n"


async def test_a_swarm_of_forking_processes_is_ended(session: NativeSession, places: Any) -> None:
    """Processes that replace themselves all the time, each in a session of its own, are ended all the same."""
    result = await session.run(SWARM, key="a", wall_s=60)
    assert (result.exit_code, result.output, result.timed_out) == (0, "", False)
    assert places.processes() == []


async def test_cancelling_ends_a_command_within_a_second(session: NativeSession, places: Any, until: Any) -> None:
    """When the awaiting task is cancelled, its processes are gone a second later, and the cancellation goes on."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(session.run("setsid sleep 60 & sleep 60", key="a"))
        await asyncio.to_thread(until, lambda: len(places.processes()) >= 3)
        began = time.monotonic()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert task.cancelled()
    assert time.monotonic() - began < 1
    assert places.processes() == []


async def test_a_cancelled_command_has_a_truthful_receipt(session: NativeSession, places: Any) -> None:
    """What a cancelled command did can be asked for later."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await session.run("echo begun; sleep 60", key="a")
    earlier = await session.earlier("a", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert (earlier.interrupted, earlier.timed_out, earlier.output) == (True, False, "begun\n")


@pytest.mark.parametrize("delay_s", [0, 0.001, 0.003, 0.01, 0.03])
async def test_cancelling_at_any_moment_leaves_nothing(session: NativeSession, places: Any, delay_s: float) -> None:
    """However early the cancellation comes, no process is left."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(delay_s):
            await session.run("sleep 60", key="a")
    # A call that is cancelled before its job was sent has nothing to wait for, so its supervisor may just be leaving.
    await session.run("true", key="b")
    assert places.processes() == []


async def test_closing_a_session_ends_its_commands(session: NativeSession, places: Any, until: Any) -> None:
    """A command that runs when its session is closed is ended and says that it was interrupted."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(session.run("sleep 60", key="a"))
        await asyncio.to_thread(until, places.processes)
        await session.close()
        assert places.processes() == []
    assert task.result().interrupted


async def failing(command: Awaitable[object]) -> errors.SandboxFailure:
    """Give the failure that a command ends with."""
    with pytest.raises(errors.SandboxFailure) as failure:
        await command
    return failure.value


async def test_a_killed_supervisor_is_told_and_nothing_is_left(session: NativeSession, places: Any, until: Any) -> None:
    """When a supervisor is killed the outcome is a failure of the sandbox, and the launcher ends what it left."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(failing(session.run("setsid sleep 60 & sleep 60 & sleep 60", key="a")))
        await asyncio.to_thread(until, lambda: len(places.processes()) > 2)
        os.kill(places.supervisor(), signal.SIGKILL)
    assert "outcome is unknown" in task.result().message
    until(lambda: not places.processes())
    with pytest.raises(errors.Refused):
        await session.run("true", key="a")


async def test_others_go_on_when_a_supervisor_is_killed(session: NativeSession, places: Any, until: Any) -> None:
    """Ending what a killed supervisor left touches no command of another."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(failing(session.run("sleep 60 & sleep 60", key="a")))
        await asyncio.to_thread(until, places.processes)
        killed = places.supervisor()
        bystander = group.create_task(session.run("sleep 1; echo fine", key="b"))
        await asyncio.to_thread(until, lambda: len(places.begun()) == 2)
        os.kill(killed, signal.SIGKILL)
    assert task.result().message
    assert bystander.result().output == "fine\n"


async def test_a_stopped_command_is_ended_too(session: NativeSession, places: Any) -> None:
    """A command that has stopped itself is ended at its limit."""
    result = await session.run("kill -STOP $$", key="a", wall_s=0.3)
    assert result.timed_out
    assert places.processes() == []


async def test_limits_of_the_session_bound_those_of_a_command(sandbox: NativeSandbox, places: Any) -> None:
    """A command cannot ask for more time than the session has."""
    session = await sandbox.open(places.workspace, places.private, Limits(wall_s=0.3))
    assert (await session.run("sleep 60", key="a", wall_s=100)).timed_out
    await session.close()


async def test_supervisors_leave_no_zombies(sandbox: NativeSandbox, session: NativeSession, until: Any) -> None:
    """The launcher collects its supervisors."""
    for n in range(5):
        await session.run("true", key=str(n))
    process = sandbox._launcher._process
    assert process is not None
    until(lambda: psutil.Process(process.pid).children() == [])


async def test_orphans_are_collected_while_a_command_runs(session: NativeSession) -> None:
    """A long command that loses many children does not fill the process table with zombies."""
    many = "for i in $(seq 50); do (true & ) ; done; sleep 0.3; ps --ppid $PPID -o stat= | grep -c Z"
    assert (await session.run(many, key="a")).output == "0\n"

"""Running commands: what goes in, what comes out, and how often."""

import asyncio
import contextlib
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from baara_engine import errors, sandboxes
from baara_engine.sandboxes import KIB, CommandResult, Limits
from baara_engine.sandboxes.native import NativeSandbox, NativeSession

ALLOWED = {"PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ"}
BY_BASH = {"PWD", "OLDPWD", "SHLVL", "_"}


def test_the_table_has_the_native_sandbox() -> None:
    """The sandbox of that name is this one, and has the shape of a sandbox."""
    made: sandboxes.Sandbox = NativeSandbox()
    assert isinstance(sandboxes.make(made.name), NativeSandbox)


async def test_a_command_gives_its_output_and_exit_code(session: NativeSession) -> None:
    """A command's output and exit status come back as they are."""
    result = await session.run("echo hello; exit 7", key="a")
    assert result == CommandResult(exit_code=7, output="hello\n", output_bytes=6, duration_ms=result.duration_ms)


async def test_stderr_comes_in_its_place(session: NativeSession) -> None:
    """Both output streams are one, in the order of writing."""
    assert (await session.run("echo one; echo two >&2; echo three", key="a")).output == "one\ntwo\nthree\n"


@pytest.mark.parametrize(("command", "code"), [("kill -9 $$", 137), ("kill $$", 143), ("no-such-command-here", 127)])
async def test_exit_codes_are_those_of_a_shell(session: NativeSession, command: str, code: int) -> None:
    """A signal is reported as 128 plus its number."""
    assert (await session.run(command, key="a")).exit_code == code


async def test_a_command_works_in_the_workspace_with_nothing_to_read(session: NativeSession, places: Any) -> None:
    """The current folder is the workspace, and stdin is empty."""
    result = await session.run("pwd; cat; umask", key="a")
    assert result.output == f"{places.workspace}\n0022\n"


async def test_a_command_may_begin_with_a_dash(session: NativeSession) -> None:
    """A command is never taken for an option of the shell."""
    assert "-x" in (await session.run("-x || echo failed as -x", key="a")).output


async def test_the_environment_holds_nothing_but_the_allow_list(
    sandbox: NativeSandbox, places: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and ways to the desktop in the engine's environment do not reach a command."""
    for name in ("ANTHROPIC_API_KEY", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "canary-5c1f")
    session = await sandbox.open(places.workspace, places.private, Limits())
    result = await session.run("env -0 | tr '\\0' '\\n' | cut -d= -f1; env | grep -c canary", key="a")
    names = set(result.output.split()) - {"0"}
    assert {name for name in names - ALLOWED - BY_BASH if not name.startswith("LC_")} == set()
    assert names >= {"PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM", "LANG"}
    await session.close()


async def test_no_parent_shows_a_key_in_its_environment(
    sandbox: NativeSandbox, places: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor and the launcher, whose environment a command can read, have none."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-5c1f")
    session = await sandbox.open(places.workspace, places.private, Limits())
    read_two_up = "p=$PPID; cat /proc/$p/environ; p=$(ps -o ppid= -p $p | tr -d ' '); cat /proc/$p/environ"
    result = await session.run(read_two_up, key="a")
    assert "canary" not in result.output
    await session.close()


async def test_signals_are_at_their_defaults(session: NativeSession) -> None:
    """What Python ignores for itself, such as SIGPIPE, a command does not."""
    assert "0000000000000000" in (await session.run("grep SigIgn /proc/self/status", key="a")).output


async def test_no_descriptor_of_ours_is_left_open(session: NativeSession) -> None:
    """A command has stdin, stdout and stderr, and what `ls` opens itself."""
    assert (await session.run("ls /proc/self/fd", key="a")).output.split() == ["0", "1", "2", "3"]


async def test_undecodable_bytes_are_replaced(session: NativeSession) -> None:
    """Output that is no UTF-8 does no harm."""
    assert (await session.run("printf 'a\\377\\0b'", key="a")).output == "a\ufffd\0b"


async def test_endless_output_is_cut_in_the_middle(sandbox: NativeSandbox, places: Any) -> None:
    """Of much output the first two thirds and the last third of the allowance are kept, with a note between."""
    session = await sandbox.open(places.workspace, places.private, Limits(output_bytes=3 * KIB))
    result = await session.run("echo first; yes | head -c 300M; echo; echo last", key="a")
    assert result.output_bytes == 300 * KIB * KIB + 12
    assert result.output.startswith("first\ny\n")
    assert result.output.endswith("y\n\nlast\n")
    cut = f"[… {result.output_bytes - 3 * KIB} bytes of output cut out here; the first 64 MiB are in "
    path = result.output.partition(cut)[2].partition(":")[0]
    assert (places.workspace / path).stat().st_size == 64 * KIB * KIB
    assert (await session.read(path, (1, 2))).text == "first\ny\n"
    await session.close()


async def test_endless_output_needs_no_memory(session: NativeSession) -> None:
    """The supervisor of a command that writes hundreds of megabytes stays as small as that of a silent one."""
    show = "grep VmHWM /proc/$PPID/status"
    quiet = await session.run(show, key="a")
    noisy = await session.run(f"yes | head -c 300M; {show}", key="b")
    assert _kilobytes(noisy.output) - _kilobytes(quiet.output) < 2048


def _kilobytes(output: str) -> int:
    return int(output.rpartition("VmHWM:")[2].split()[0])


async def test_a_key_runs_once(session: NativeSession, places: Any) -> None:
    """A second command of the same key is refused, whatever it is."""
    await session.run("echo x >> log", key="a")
    with pytest.raises(errors.Refused):
        await session.run("echo x >> log", key="a")
    assert (places.workspace / "log").read_text() == "x\n"


async def test_of_two_at_once_one_runs(session: NativeSession, places: Any) -> None:
    """Two commands of one key, begun at the same time, do not both run."""
    runs = [session.run("echo x >> log", key="a") for _ in range(5)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["CommandResult"] + ["Refused"] * 4
    assert (places.workspace / "log").read_text() == "x\n"


async def test_twenty_commands_run_at_once(session: NativeSession) -> None:
    """Commands do not wait for each other."""
    meet = "touch at.{0}; while [ $(ls at.* | wc -l) -lt 20 ]; do sleep 0.05; done; echo {0}"
    results = await asyncio.gather(*(session.run(meet.format(n), key=str(n)) for n in range(20)))
    assert [result.output for result in results] == [f"{n}\n" for n in range(20)]


@pytest.mark.parametrize("command", ["echo a\0b", "echo \ud800", "echo " + "x" * 200_000])
async def test_what_no_program_can_be_given_is_invalid(session: NativeSession, command: str, places: Any) -> None:
    """NUL, lone surrogates and overlong commands are told, and are not begun."""
    with pytest.raises(errors.InvalidInput):
        await session.run(command, key="a")
    assert places.begun() == []


@pytest.mark.parametrize("wall_s", [0, -1, float("nan")])
async def test_a_time_limit_is_more_than_nothing(session: NativeSession, wall_s: float) -> None:
    """A limit of no time makes no sense."""
    with pytest.raises(errors.InvalidInput):
        await session.run("true", key="a", wall_s=wall_s)


async def test_a_long_command_runs(session: NativeSession) -> None:
    """A command of 100 kB, more than one read of a socket gives, arrives whole."""
    assert (await session.run(f"x='{'é' * 50_000}'; echo ${{#x}}", key="a")).output == "50000\n"


async def test_a_dead_launcher_is_replaced(sandbox: NativeSandbox, session: NativeSession) -> None:
    """After the launcher was killed, the next command starts another."""
    await session.run("true", key="a")
    process = sandbox._launcher._process
    assert process is not None
    process.kill()
    process.wait()
    assert (await session.run("echo on", key="b")).output == "on\n"


async def test_the_launcher_ends_with_its_sandbox(places: Any) -> None:
    """Closing the sandbox ends the launcher by the end of its socket."""
    sandbox = NativeSandbox()
    session = await sandbox.open(places.workspace, places.private, Limits())
    await session.run("true", key="a")
    process = sandbox._launcher._process
    assert process is not None
    await session.close()
    await sandbox.close()
    assert process.returncode == 0


async def test_a_vanished_workspace_fails_before_anything_begins(session: NativeSession, places: Any) -> None:
    """Without its workspace a command is not begun, and may be run again later."""
    places.workspace.rmdir()
    with pytest.raises(errors.SandboxFailure, match="could not be started"):
        await session.run("true", key="a")
    assert places.begun() == []


@pytest.mark.parametrize("name", ["missing", "file", "nul\0"])
async def test_a_workspace_must_be_a_folder(sandbox: NativeSandbox, places: Any, name: str) -> None:
    """A workspace that is missing or no folder is told, with what to do."""
    (places.workspace / "file").touch()
    with pytest.raises(errors.SandboxFailure, match="Make the folder, or choose another"):
        await sandbox.open(places.workspace / name, places.private, Limits())


async def test_a_closed_session_does_nothing_more(session: NativeSession) -> None:
    """After closing, twice, every use is a failure of the sandbox."""
    await session.close()
    await session.close()
    with pytest.raises(errors.SandboxFailure):
        await session.run("true", key="a")
    with pytest.raises(errors.SandboxFailure):
        await session.read("a")


async def test_the_home_is_private(session: NativeSession, places: Any) -> None:
    """Tools find an empty home of their own instead of the person's."""
    result = await session.run("ls -A ~; echo ~; mktemp", key="a")
    home, temporary = result.output.splitlines()
    assert home == str(places.private / "home")
    assert Path(temporary).parent == places.private / "tmp"


async def test_descriptors_do_not_pile_up(session: NativeSession, no_descriptor_leaks: Any) -> None:
    """Commands and searches leave no file descriptor open in the engine."""
    await session.run("true", key="first")
    before = no_descriptor_leaks()
    for n in range(5):
        await session.run("true", key=str(n))
        await session.glob("*")
        await session.write("a", "b")
    assert no_descriptor_leaks() == before


async def test_a_call_that_is_cancelled_before_it_starts_leaks_nothing(
    session: NativeSession, no_descriptor_leaks: Any
) -> None:
    """A call that is cancelled while it waits for a thread closes both ends of its socket."""
    await session.run("true", key="first")
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))  # which the loop shuts down itself
    before = no_descriptor_leaks()
    blocking = loop.run_in_executor(None, time.sleep, 0.3)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await session.run("touch ran", key="a")
    await blocking
    assert await session.digest("ran") is None
    assert no_descriptor_leaks() == before


async def test_a_stray_connection_starts_nothing(sandbox: NativeSandbox, session: NativeSession, places: Any) -> None:
    """A socket handed over without a job, as by a cancelled call, leaves no mark and no process."""
    ours, theirs = socket.socketpair()
    sandbox._launcher.hand_over(theirs)
    ours.close()
    await session.run("true", key="a")
    assert len(places.begun()) == 1


async def test_the_launcher_stands_signals_of_a_terminal(sandbox: NativeSandbox, session: NativeSession) -> None:
    """The launcher has a session of its own, so Ctrl-C at the engine's terminal does not reach it."""
    await session.run("true", key="a")
    process = sandbox._launcher._process
    assert process is not None
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


async def test_output_is_a_sign_of_life(session: NativeSession) -> None:
    """Whoever wants to hears of output while it comes, about once a second; the result is the same."""
    heard: list[float] = []
    command = "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.3; done"
    result = await session.run(command, key="a", on_output=lambda: heard.append(time.monotonic()))
    assert result.output.split() == list("123456789")
    assert 3 <= len(heard) <= 5  # the report itself is one
    assert heard[-1] - heard[0] > 1.5


async def test_a_silent_command_gives_no_sign_before_its_end(session: NativeSession) -> None:
    """A command that writes nothing is not heard of until its report comes."""
    heard: list[float] = []
    begun = time.monotonic()
    await session.run("sleep 1.2", key="a", on_output=lambda: heard.append(time.monotonic()))
    assert len(heard) == 1
    assert heard[0] - begun > 1.0

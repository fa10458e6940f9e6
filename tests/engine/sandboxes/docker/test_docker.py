"""Commands in real containers: what they can do, what ends them, and what they leave."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.sandboxes.conftest import Places
from tests.engine.sandboxes.docker.conftest import SMALL

from baara_engine import errors
from baara_engine.sandboxes import CommandResult, Limits, NotBegun, OutcomeUnknown, containers
from baara_engine.sandboxes.docker import DockerSandbox, DockerSession

HOST = Path(__file__).parent.parent / "engine_host.py"


async def test_a_command_runs_in_the_workspace(session: DockerSession, workspace: Path) -> None:
    """Output, exit status and files come through, and belong to whoever the engine runs as."""
    result = await session.run("echo hello; echo there >&2; echo x > made; exit 7", key="a")
    assert (result.exit_code, result.output) == (7, "hello\nthere\n")
    assert (workspace / "made").read_text() == "x\n"
    assert (await session.read("made")).text == "x\n"


async def test_files_written_from_outside_are_changed_inside(session: DockerSession, workspace: Path) -> None:
    """The file tools and commands work on the same files."""
    await session.write("sub/data.txt", "one\n")
    await session.run("echo two >> sub/data.txt", key="a")
    assert (workspace / "sub" / "data.txt").read_text() == "one\ntwo\n"


async def test_a_command_runs_once_for_each_key(session: DockerSession, workspace: Path) -> None:
    """The second of the same key is refused."""
    await session.run("echo x >> f", key="a")
    with pytest.raises(errors.Refused):
        await session.run("echo x >> f", key="a")
    assert (workspace / "f").read_text() == "x\n"


async def test_there_is_nothing_of_this_computer(session: DockerSession, tmp_path: Path) -> None:
    """No other folder, no other process, no network, no capability, and a root that cannot be written."""
    (tmp_path / "secret").write_text("canary")
    said = await session.run(
        f"cat {tmp_path}/secret; touch /made; grep CapEff /proc/self/status; ls /proc | grep -c '^[0-9]'; "
        "tail -n +3 /proc/net/dev | cut -d: -f1; ls /var/run/docker.sock",
        key="a",
    )
    assert "canary" not in said.output
    assert "Read-only file system" in said.output
    assert "0000000000000000" in said.output
    assert "eth" not in said.output


async def test_a_limit_of_time_ends_a_command_and_what_it_started(session: DockerSession) -> None:
    """Daemons that ignore SIGTERM included; the container is still good."""
    begun = time.monotonic()
    result = await session.run("setsid nohup sleep 60 & (trap '' TERM; sleep 60) & echo on; wait", key="a", wall_s=1)
    assert result.timed_out
    assert result.output == "on\n"
    assert time.monotonic() - begun < 20
    assert (await session.run("ps -e | grep -c sleep", key="b")).output == "0\n"


async def test_what_a_command_leaves_is_ended_with_it(session: DockerSession) -> None:
    """A daemon does not outlive its command, and does not hold it up."""
    begun = time.monotonic()
    result = await session.run("setsid nohup sleep 60 & echo done", key="a")
    assert result.output == "done\n"
    assert time.monotonic() - begun < 20
    assert (await session.run("ps -e | grep -c sleep", key="b")).output == "0\n"


async def test_cancelling_ends_a_command(session: DockerSession, workspace: Path) -> None:
    """What was cancelled does nothing any more, and the session goes on."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await session.run("sleep 3; touch late", key="a")
    await asyncio.sleep(3)
    assert not (workspace / "late").exists()
    assert (await session.run("echo fine", key="b")).output == "fine\n"


async def test_a_fork_bomb_is_contained(session: DockerSession) -> None:
    """It gets no more processes than it may, is ended at its time, and the container is still good."""
    result = await session.run(":(){ :|:& };:; sleep 30", key="a", wall_s=2)
    assert result.timed_out or result.exit_code != 0
    assert (await session.run("echo fine", key="b")).output == "fine\n"


async def test_want_of_memory_is_told_from_a_kill(session: DockerSession) -> None:
    """Both end with 137; only one of them names the limit."""
    starved = await session.run("python3 -c 'bytearray(1 << 30)'", key="a")
    assert starved.over == "memory"
    killed = await session.run("kill -KILL $$", key="b")
    assert (killed.exit_code, killed.over) == (137, None)


async def test_output_without_end_is_cut(session: DockerSession) -> None:
    """The first and the last of it are kept, and memory is not filled."""
    result = await session.run("head -c 200M /dev/zero | tr '\\0' x", key="a")
    assert result.output_bytes == 200 * 1024 * 1024
    assert len(result.output) < 100_000


async def test_a_workspace_that_grows_too_large_ends_the_command(session: DockerSession) -> None:
    """Many files that are each small enough are noticed by their sum."""
    result = await session.run("for i in $(seq 100); do head -c 5M /dev/zero > f$i; sleep 0.1; done", key="a")
    assert result.over == "workspace"


async def test_python_is_a_language_of_its_own(session: DockerSession) -> None:
    """A program in it runs as it stands, quotes and all."""
    result = await session.run("print('it\\'s', \"so\")", key="a", language="python")
    assert result.output == "it's so\n"
    with pytest.raises(errors.InvalidInput, match="runs no javascript"):
        await session.run("1", key="b", language="javascript")


async def test_inputs_can_be_read_and_not_written(docker: DockerSandbox, places: Places, tmp_path: Path) -> None:
    """A file beside the workspace is there as it is, and stays so."""
    data = tmp_path / "in.csv"
    data.write_text("1,2")
    opened = await docker.open(places.workspace, places.private, replace(SMALL, inputs=(data,)))
    said = await opened.run(f"cat {data}; echo x > {data}", key="a")
    await opened.close()
    assert said.output.startswith("1,2")
    assert data.read_text() == "1,2"


async def test_closing_removes_the_container(docker: DockerSandbox, places: Places) -> None:
    """Nothing of a session is left at the engine."""
    opened = await docker.open(places.workspace, places.private, SMALL)
    await opened.run("true", key="a")
    await opened.close()
    assert containers.left_of(containers.connect(), places.private) == []


def killed_while(places: Places, command: str, grace_s: float, until: str) -> None:
    """Let an engine of its own begin a command under the key `k`, and kill it once this file is there."""
    arguments = [str(places.workspace), str(places.private), "k", str(grace_s), command, "docker"]
    with subprocess.Popen([sys.executable, str(HOST), *arguments]) as process:
        deadline = time.monotonic() + 60
        while not (places.workspace / until).exists():
            assert time.monotonic() < deadline, "it does not begin"
            time.sleep(0.02)
        process.kill()


async def test_after_a_kill_what_ended_in_the_grace_has_its_status(docker: DockerSandbox, places: Places) -> None:
    """The command went on for a moment, once, and its true status is known."""
    await asyncio.to_thread(killed_while, places, "touch on; sleep 0.5; echo x >> f; exit 3", 5.0, "on")
    opened = await docker.open(places.workspace, places.private, SMALL)
    earlier = await opened.earlier("k", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert (earlier.exit_code, earlier.interrupted) == (3, False)
    assert (places.workspace / "f").read_text() == "x\n"
    assert containers.left_of(containers.connect(), places.private) == []
    await opened.close()


async def test_after_a_kill_what_outlasts_the_grace_was_interrupted(docker: DockerSandbox, places: Places) -> None:
    """The container ends without anybody's help, and what ran in it is told as interrupted."""
    await asyncio.to_thread(killed_while, places, "touch on; sleep 60; touch late", 0.5, "on")
    opened = await docker.open(places.workspace, places.private, SMALL)
    begun = time.monotonic()
    earlier = await opened.earlier("k", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert earlier.interrupted
    assert time.monotonic() - begun < 30
    assert not (places.workspace / "late").exists()
    assert (await opened.run("echo on the same files; ls on", key="n")).exit_code == 0
    await opened.close()


async def test_what_never_began_can_be_run(session: DockerSession) -> None:
    """Without a mark nothing has happened; after another boot nobody can say."""
    assert await session.earlier("never", same_boot=True) == NotBegun()
    assert await session.earlier("never", same_boot=False) == OutcomeUnknown()


async def test_what_is_missing_is_said_with_a_remedy(
    places: Places, monkeypatch: pytest.MonkeyPatch, docker: DockerSandbox
) -> None:
    """No engine, an engine elsewhere, no image: a sentence each, and nothing runs anywhere else."""
    assert await docker.missing(Limits()) is None
    other = DockerSandbox(image="no-such-image:none")
    assert "docker build" in str(await other.missing(Limits()))
    await other.close()
    for host, words in (("unix:///no/such.sock", "Install Docker"), ("tcp://127.0.0.1:1", "Docker")):
        monkeypatch.setenv("DOCKER_HOST", host)
        missing = DockerSandbox()
        assert words in str(await missing.missing(Limits()))
        with pytest.raises(errors.SandboxFailure):
            await missing.open(places.workspace, places.private, Limits())
        await missing.close()

"""Engines behind an address, as those of a virtual machine or of another computer are."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.engine.sandboxes.conftest import Places
from tests.engine.sandboxes.docker.conftest import SMALL

from baara_engine import errors
from baara_engine.sandboxes import containers
from baara_engine.sandboxes.docker import DockerSandbox
from baara_engine.sandboxes.hands import forwarding

# A process that sees other folders than the engine does: in a mount namespace of its own, something is mounted there.
BLIND = """
import asyncio, sys
from pathlib import Path
from baara_engine import errors
from baara_engine.sandboxes import Limits
from baara_engine.sandboxes.docker import DockerSandbox

async def main() -> None:
    place = Path(sys.argv[1])
    (place / "ws").mkdir()
    sandbox = DockerSandbox()
    session = await sandbox.open(place / "ws", place, Limits())
    try:
        print(await session.run("echo ran", key="a"))
    except errors.SandboxFailure as error:
        print(error.message)
    finally:
        await session.close()
        await sandbox.close()

asyncio.run(main())
"""


@pytest.fixture
async def remote(docker: DockerSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DockerSandbox]:
    """Give the sandbox on the same engine, reached by TCP."""
    path = urlsplit(os.environ.get("DOCKER_HOST") or containers.USUAL_HOST).path
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, forwarding.__file__, path, str(port), "sleep", "100"]
    with subprocess.Popen(command, start_new_session=True) as between:  # noqa: ASYNC220 - it takes no time
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        made = DockerSandbox(grace_s=1.0)
        while await made.missing(SMALL) is not None:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.05)
        yield made
        await made.close()
        os.killpg(between.pid, signal.SIGKILL)


async def test_an_engine_behind_an_address_works_like_a_near_one(remote: DockerSandbox, places: Places) -> None:
    """Commands run once, are ended at their time, and leave no container."""
    session = await remote.open(places.workspace, places.private, SMALL)
    try:
        assert (await session.run("echo hello > made; cat made", key="a")).output == "hello\n"
        assert (await session.run("sleep 30", key="b", wall_s=1)).timed_out
        with pytest.raises(errors.Refused):
            await session.run("echo again", key="a")
        assert (await session.run("echo fine", key="c")).output == "fine\n"
    finally:
        await session.close()
    assert containers.left_of(containers.connect(), places.private) == []


async def test_an_engine_that_sees_other_folders_is_told(docker: DockerSandbox, places: Places) -> None:
    """No command runs on a folder that is not ours."""
    if os.geteuid() != 0:
        pytest.skip("needs a user who may mount")
    script = f'mount -t tmpfs none "$1" && exec "{sys.executable}" -c "$2" "$1"'
    done = subprocess.run(  # noqa: ASYNC221 - nothing else goes on
        ["unshare", "--mount", "sh", "-c", script, "sh", str(places.private), BLIND],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
    )  # fmt: skip
    assert "does not see this computer's folders" in done.stdout or "bind source path" in done.stdout, done
    assert "ran" not in done.stdout


async def test_an_engine_behind_ssh_is_told_how(docker: DockerSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried, and the way that works is named."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://somewhere")
    sandbox = DockerSandbox()
    try:
        assert "ssh -L" in (await sandbox.missing(SMALL) or "")
    finally:
        await sandbox.close()

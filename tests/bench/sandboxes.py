"""What a tool call costs in each sandbox, against the raw call that it is made of."""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import docker
from tests.bench import guests

from baara_engine import sandboxes
from baara_engine.sandboxes import Limits, Sandbox
from baara_engine.sandboxes.docker import DockerSandbox
from baara_engine.sandboxes.native import NativeSandbox

ROUNDS = 30
Figure = tuple[str, str]


def tool_calls() -> list[Figure]:
    """One `echo` through each sandbox, and by itself; the guests of wasm, too."""
    return [*asyncio.run(_all()), *guests.program()]


async def _all() -> list[Figure]:
    found = []
    for name, sandbox, raw in (
        ("native, confined", NativeSandbox(), _subprocess),
        ("native, plain", NativeSandbox(plain=True), _subprocess),
        ("docker", DockerSandbox(), None),
    ):
        missing = await sandbox.missing(Limits())
        if missing is not None:
            found.append((f"`echo` in {name}", f"not here: {missing}"))
        else:
            found.append((f"`echo` in {name}", await _measured(sandbox, raw)))
        await sandbox.close()
    return found


async def _measured(sandbox: Sandbox, raw: Callable[[], None] | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work, private = Path(folder) / "work", Path(folder) / "private"
        work.mkdir()
        private.mkdir()
        session = await sandbox.open(work, private, Limits())
        ours = [await _seconds(session, number) for number in range(ROUNDS + 1)][
            1:
        ]  # the first one starts what is kept
        bare = raw or _exec_in(_container_of(work))
        raws = [_time(bare) for _ in range(ROUNDS)]
        await session.close()
    one, other = statistics.median(ours), statistics.median(raws)
    return f"{one * 1000:.1f} ms ({one / other:.2f} × the raw call's {other * 1000:.1f} ms)"


async def _seconds(session: sandboxes.Session, number: int) -> float:
    begun = time.perf_counter()
    await session.run("echo hi", key=f"bench/{number}")
    return time.perf_counter() - begun


def _time(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _subprocess() -> None:
    subprocess.run(["/bin/sh", "-c", "echo hi"], check=True, capture_output=True)


def _container_of(workspace: Path) -> str:
    """Find the container that has this workspace."""
    client = docker.from_env()
    for one in client.containers.list():
        if any(mount.get("Source") == str(workspace) for mount in one.attrs["Mounts"]):
            return str(one.id)
    raise LookupError("no container has this workspace")


def _exec_in(container_id: str) -> Callable[[], None]:
    container = docker.from_env().containers.get(container_id)
    return lambda: container.exec_run(["/bin/sh", "-c", "echo hi"], user="1000:1000") and None

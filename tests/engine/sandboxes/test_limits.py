"""What a command may use, in a plain native sandbox and inside bubblewrap, with real processes."""

import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.sandboxes.conftest import Places

from baara_engine import errors
from baara_engine.sandboxes import MIB, Limits, Network, Strength, bubblewrap
from baara_engine.sandboxes.native import NativeSandbox, NativeSession

SMALL = Limits(
    wall_s=30, memory_bytes=200 * MIB, processes=40, open_files=64, file_bytes=30 * MIB, workspace_bytes=50 * MIB
)
OPEN_ALL = """
import os
count = 0
try:
    while True:
        os.open("/dev/null", 0)
        count += 1
except OSError:
    print(count)
"""


@pytest.fixture(params=["plain", "bubblewrap"])
async def native(request: pytest.FixtureRequest) -> AsyncIterator[NativeSandbox]:
    """Give the native sandbox in both of its forms."""
    if request.param == "bubblewrap" and (why := await bubblewrap.problem()):
        pytest.skip(f"needs bubblewrap ({why})")
    made = NativeSandbox(grace_s=1.0, plain=request.param == "plain")
    yield made
    await made.close()


@pytest.fixture
async def limited(native: NativeSandbox, places: Places) -> AsyncIterator[NativeSession]:
    """Open a session with little of everything."""
    opened = await native.open(places.workspace, places.private, SMALL)
    yield opened
    await opened.close()


async def test_one_process_gets_no_more_memory_than_it_may(limited: NativeSession) -> None:
    """A program that asks for more than its limit is refused by the kernel, and can say so."""
    result = await limited.run("python3 -c 'bytearray(1 << 30)'", key="a")
    assert result.exit_code != 0
    assert "MemoryError" in result.output


async def test_processes_together_get_no_more_memory_than_they_may(limited: NativeSession) -> None:
    """Several that each stay below the limit are ended when their sum goes over it."""
    fill = "python3 -c 'import time; x = b\"x\" * (90 << 20); time.sleep(20)'"
    result = await limited.run(f"for i in 1 2 3 4; do {fill} & done; wait", key="a")
    assert result.over == "memory"
    assert result.duration_ms < 15_000


async def test_too_many_processes_are_ended(limited: NativeSession, places: Places) -> None:
    """More processes than it may have end it, and none of them is left. No bomb: root's own is held by nothing else."""
    result = await limited.run("for i in $(seq 80); do sleep 20 & done; wait", key="a")
    assert result.over == "processes"
    assert places.processes() == []


async def test_a_file_gets_no_larger_than_it_may(limited: NativeSession, places: Places) -> None:
    """Writing on is refused, holes included."""
    result = await limited.run("truncate -s 1T hole; head -c 100M /dev/zero > big; echo $?", key="a")
    assert result.output.rstrip().splitlines()[-1] != "0"
    assert (places.workspace / "big").stat().st_size <= SMALL.file_bytes
    assert not (places.workspace / "hole").exists() or (places.workspace / "hole").stat().st_size == 0


async def test_a_workspace_gets_no_larger_than_it_may(limited: NativeSession) -> None:
    """Many files that are each small enough end the command once their sum is too large."""
    result = await limited.run("for i in $(seq 100); do head -c 5M /dev/zero > f$i; sleep 0.1; done", key="a")
    assert result.over == "workspace"


async def test_a_process_opens_no_more_files_than_it_may(limited: NativeSession, places: Places) -> None:
    """The limit of open files holds."""
    (places.workspace / "open.py").write_text(OPEN_ALL)
    result = await limited.run("python3 open.py", key="a")
    assert 30 < int(result.output) < SMALL.open_files


async def test_processor_time_ends(native: NativeSandbox, places: Places) -> None:
    """What computes for longer than it may is ended, and the limit is named."""
    opened = await native.open(places.workspace, places.private, replace(SMALL, cpu_s=1.0))
    result = await opened.run("while :; do :; done", key="a")
    assert result.over == "cpu"
    await opened.close()


async def test_limits_cannot_be_raised_again(limited: NativeSession) -> None:
    """They are hard: a command cannot take them off."""
    assert "0" not in (await limited.run("ulimit -n 4096; echo $?", key="a")).output.split()


@pytest.fixture
async def wrapped(places: Places) -> AsyncIterator[NativeSandbox]:
    """Give the sandbox with bubblewrap."""
    if why := await bubblewrap.problem():
        pytest.skip(f"needs bubblewrap ({why})")
    made = NativeSandbox(grace_s=1.0)
    yield made
    await made.close()


async def test_inside_bubblewrap_there_is_nothing_of_the_persons(
    wrapped: NativeSandbox, places: Places, tmp_path: Path
) -> None:
    """No home, no other folder, no process and no socket of the person's is there; the workspace is."""
    (tmp_path / "secret").write_text("canary")
    opened = await wrapped.open(places.workspace, places.private, Limits())
    said = await opened.run(f"cat {tmp_path}/secret; ls -A /root /home /run /var; ps -e | wc -l; touch made", key="a")
    assert "canary" not in said.output
    assert int(said.output.split()[-1]) < 10
    assert (places.workspace / "made").stat().st_uid == os.getuid()
    assert await wrapped.strength() is Strength.BOUNDARY
    await opened.close()


async def test_inside_bubblewrap_the_network_can_be_taken_away(wrapped: NativeSandbox, places: Places) -> None:
    """With no network not even this computer's own services are reached."""
    opened = await wrapped.open(places.workspace, places.private, Limits(network=Network.NONE))
    said = await opened.run("ls /sys/class/net; cat /proc/net/dev | tail -n +3 | cut -d: -f1", key="a")
    assert said.output.split()[-1] == "lo"
    await opened.close()


async def test_inputs_can_be_read_and_not_written(wrapped: NativeSandbox, places: Places, tmp_path: Path) -> None:
    """A folder beside the workspace is there as it is, and stays so."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "in.csv").write_text("1,2")
    opened = await wrapped.open(places.workspace, places.private, Limits(inputs=(data,)))
    said = await opened.run(f"cat {data}/in.csv; echo x > {data}/in.csv; rm -rf {data}", key="a")
    assert said.output.startswith("1,2")
    assert (data / "in.csv").read_text() == "1,2"
    await opened.close()


async def test_a_plain_sandbox_refuses_what_it_cannot_hold(places: Places, tmp_path: Path) -> None:
    """Without bubblewrap there is no keeping from the network and no read-only input, and it says so."""
    plain = NativeSandbox(plain=True)
    for limits in (Limits(network=Network.NONE), Limits(network=Network.LISTED), Limits(inputs=(tmp_path,))):
        with pytest.raises(errors.SandboxFailure, match="cannot keep"):
            await plain.open(places.workspace, places.private, limits)
    assert await plain.strength() is Strength.TIDY
    await plain.close()


async def test_killing_bubblewrap_takes_everything_along(wrapped: NativeSandbox, places: Places) -> None:
    """Cancelled in the middle, nothing of what it had started is left, daemons included."""
    opened = await wrapped.open(places.workspace, places.private, replace(SMALL, wall_s=1.0))
    begun = time.monotonic()
    result = await opened.run("setsid nohup sleep 60 & (trap '' TERM; sleep 60) & wait", key="a")
    assert result.timed_out
    assert time.monotonic() - begun < 10
    assert places.processes() == []
    await opened.close()


async def test_a_list_of_hosts_is_refused_where_nothing_holds_it(places: Places) -> None:
    """What it cannot hold it does not pretend to: the session is not opened, and the sentence says what to choose."""
    listed = replace(SMALL, network=Network.LISTED, hosts=("example.org",))
    plain = NativeSandbox(plain=True)
    with pytest.raises(errors.SandboxFailure, match="list of hosts"):
        await plain.open(places.workspace, places.private, listed)
    await plain.close()

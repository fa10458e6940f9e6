"""What a guest is held to: its memory, its time, its folder; and what ends it touches nothing else."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.engine.sandboxes.conftest import Places
from tests.engine.sandboxes.wasm.conftest import SMALL, Hands

from baara_engine.sandboxes import MIB
from baara_engine.sandboxes.wasm import ANEW, GONE, WasmSandbox, WasmSession

OUTSIDE = """
import os, pathlib, socket, sys
def refused(act):
    try:
        act()
    except OSError:
        return
    print("reached")
refused(lambda: open("/etc/passwd"))
refused(lambda: open("../secret"))
refused(lambda: open("sub/../../secret"))
refused(lambda: open(SECRET))
refused(lambda: open("/proc/self/environ"))
refused(lambda: os.listdir("/"))
refused(lambda: os.listdir(".."))
refused(lambda: open("../made", "w"))
refused(lambda: open("link-to-file"))
refused(lambda: os.listdir("link-to-folder"))
refused(lambda: open("link-to-folder/made", "w"))
refused(lambda: os.symlink("../secret", "made-link"))
refused(lambda: os.link("inside", "made-link"))
refused(lambda: os.rename("inside", "../moved"))
refused(lambda: os.mkdir("../made"))
refused(lambda: socket.create_connection(("127.0.0.1", 22), 1))
refused(lambda: socket.getaddrinfo("localhost", 80))
refused(lambda: open("/lib/baara/python313.zip", "ab"))
refused(lambda: os.remove("/lib/baara/python313.zip"))
print(sorted(name for name in os.environ if name not in {"HOME", "PWD"} and not name.startswith("PYTHON")))
"""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _memory(session: WasmSession) -> int:
    """Add up the memory of this session's workers, in bytes."""
    return sum(psutil.Process(worker.pid).memory_info().rss for worker in session._workers.values())


async def test_nothing_outside_the_workspace_is_reached(hands: Hands, workspace: Path, tmp_path: Path) -> None:
    """Other files, folders above, links out of it, sockets, our environment: none of it."""
    secret = tmp_path / "secret"
    secret.write_text("canary")
    (workspace / "sub").mkdir()
    (workspace / "inside").write_text("x")
    (workspace / "link-to-file").symlink_to(secret)
    (workspace / "link-to-folder").symlink_to(tmp_path)
    before = _names(tmp_path)
    result = await hands.python(OUTSIDE.replace("SECRET", repr(str(secret))))
    assert (result.exit_code, result.output) == (0, "[]\n")
    assert _names(tmp_path) == before
    for path in ("/etc/passwd", "../secret", "link-to-file", "link-to-folder/secret"):
        assert (
            "canary"
            not in (await hands.javascript(f"console.log(require('fs').readFileSync('{path}', 'utf8'))")).output
        )


async def test_a_worker_has_nothing_of_the_engines_environment(session: WasmSession, hands: Hands) -> None:
    """Keys in the environment of the engine are not in that of its workers."""
    for worker in session._workers.values():
        assert set(psutil.Process(worker.pid).environ()) <= {"EXTISM_CACHE_CONFIG", "LC_CTYPE"}


async def test_more_memory_than_allowed_ends_the_program(hands: Hands, session: WasmSession) -> None:
    """A gigabyte under a limit of 64 MiB: it ends with the limit named, and this computer's memory stays as it was."""
    before, most = _memory(session), 0
    running = asyncio.ensure_future(hands.python("x = bytearray(10**9)"))  # noqa: TID251
    while not running.done():
        most = max(most, _memory(session))
        await asyncio.sleep(0.005)
    result = running.result()
    assert (result.over, result.exit_code) == ("memory", 137)
    assert result.output.endswith(GONE)
    assert most - before < 100 * MIB
    assert (await hands.python("print(2)")).output == "2\n"
    assert (await hands.javascript("const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))")).exit_code != 0


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "while True: pass"),
        ("python", "import time; time.sleep(99)"),
        ("python", "import re; re.match('(a+)+$', 'a' * 60 + 'b')"),
        ("javascript", "for (;;);"),
        ("javascript", "setTimeout(() => 1, 99000)"),
        ("javascript", "/(a+)+$/.test('a'.repeat(60) + 'b')"),
    ],
)
async def test_a_program_ends_at_its_time(hands: Hands, language: str, code: str) -> None:
    """Within a tenth of it, whether it computes or waits; what it had printed is there."""
    begun = time.monotonic()
    result = await hands._run(language, code, wall_s=3)
    assert result.timed_out
    assert result.exit_code == 137
    assert 2950 <= result.duration_ms <= 3300
    assert time.monotonic() - begun < 10


async def test_a_pipe_without_a_writer_holds_a_program_no_longer_than_its_time(hands: Hands, workspace: Path) -> None:
    """The runtime itself hangs in the kernel then, and its process is ended."""
    os.mkfifo(workspace / "pipe")
    result = await hands.python("print('before')\nopen('pipe').read()", wall_s=1)
    assert result.timed_out
    assert result.output == f"before\n{GONE}"
    assert (await hands.javascript("require('fs').readFileSync('pipe')", wall_s=1)).timed_out
    assert (await hands.python("print('after')")).output == "after\n"


async def test_the_end_of_one_program_touches_no_other(wasm: WasmSandbox, hands: Hands, tmp_path: Path) -> None:
    """While programs of two sessions and languages run, one after the other is ended, and the rest go on."""
    other = Places(tmp_path / "ws2", tmp_path / "private2")
    other.workspace.mkdir()
    other.private.mkdir()
    opened = await wasm.open(other.workspace, other.private, SMALL)
    patient = Hands(opened)
    await patient.python("y = 5")
    long = "import time\nfor n in range(25): time.sleep(0.1)\nprint(y)"
    results = await asyncio.gather(
        patient.python(long), hands.python("while True: pass", wall_s=0.5), hands.javascript("for (;;);", wall_s=1.0)
    )
    assert [result.timed_out for result in results] == [False, True, True]
    assert results[0].output == "5\n"
    await opened.close()


async def test_cancelling_ends_a_program_within_a_second(hands: Hands, session: WasmSession, workspace: Path) -> None:
    """It does nothing any more, no process is left, and the next result says what is gone."""
    worker = session._workers["python"]
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await hands.python("import time\ntime.sleep(3)\nopen('late', 'w')")
    assert time.monotonic() - begun < 3
    assert not psutil.pid_exists(worker.pid)
    await asyncio.sleep(2.5)
    assert not (workspace / "late").exists()
    assert (await hands.python("print('fine')")).output == f"{ANEW}fine\n"


async def test_a_dead_worker_is_replaced(hands: Hands, session: WasmSession) -> None:
    """Between two programs nothing is lost but variables, and that is said; during one, it is told as killed."""
    await hands.python("x = 1")
    psutil.Process(session._workers["python"].pid).kill()
    assert (await hands.python("print('x' in globals())")).output == f"{ANEW}False\n"
    running = asyncio.ensure_future(hands.python("import time; time.sleep(60)"))  # noqa: TID251
    await asyncio.sleep(0.5)
    psutil.Process(session._workers["python"].pid).kill()
    result = await running
    assert (result.exit_code, result.timed_out) == (137, False)
    assert "was killed or died" in result.output
    assert (await hands.python("print('on')")).output == "on\n"


async def test_deep_recursion_ends_a_program_and_not_the_session(hands: Hands) -> None:
    """Where C's own stack is used up the guest breaks, and another takes its place."""
    deep = "import sys\nsys.setrecursionlimit(10**8)\nx = []\nfor i in range(300000): x = [x]\nrepr(x)"
    assert (await hands.python(deep)).exit_code != 0
    assert (await hands.javascript("function f() { f() } f()")).exit_code == 1
    assert (await hands.python("print('on')")).output.endswith("on\n")


async def test_what_a_guest_says_of_itself_is_not_believed(hands: Hands) -> None:
    """A program that speaks to the host as the session's own code does ends itself, and nothing else."""
    forged = "import os\nfile = os.open('.baara-channel', os.O_RDWR)\nos.write(file, {said!r})\nos.read(file, 9)"
    for said in (b"", b"\xff", b"[" * 4000, b'{"status": "x"}', b'{"status": 1e999}', b'{"status": 3}' + b" " * 9000):
        result = await hands.python(forged.format(said=said))
        assert result.exit_code in {1, 3}
        await hands.python("pass")  # it takes the place of the one that was forged away
        assert (await hands.python("import os\nos._exit(0)")).exit_code in {0, 1}
        assert (await hands.python("print('on')")).output.endswith("on\n")


async def test_output_without_end_is_cut(hands: Hands) -> None:
    """The first and the last of it are kept, and memory is not filled."""
    result = await hands.python("for n in range(200000): print('x' * 99)\nprint('end')")
    assert result.output_bytes == 200000 * 100 + 4
    assert len(result.output) < 7000
    assert result.output.endswith("end\n")


async def test_files_that_grow_too_large_end_the_program(hands: Hands, workspace: Path) -> None:
    """One file by an error, many by their sum."""
    one = await hands.python("f = open('big', 'wb')\nfor n in range(40): f.write(b'x' * (1 << 20))\nf.flush()")
    assert one.exit_code == 1
    assert (workspace / "big").stat().st_size <= 30 * MIB
    many = "import time\nfor n in range(100):\n    open(f'f{n}', 'wb').write(b'x' * (5 << 20))\n    time.sleep(0.1)"
    assert (await hands.python(many)).over == "workspace"


async def test_processor_time_is_a_limit_of_its_own(wasm: WasmSandbox, places: Places) -> None:
    """What computes is ended long before its time; what waits is not."""
    opened = await wasm.open(places.workspace, places.private, replace(SMALL, cpu_s=1.0))
    hands = Hands(opened)
    assert (await hands.python("import time; time.sleep(1.5)")).exit_code == 0
    result = await hands.python("while True: pass")
    assert (result.over, result.exit_code) == ("cpu", 152)
    await opened.close()


async def test_a_worker_beyond_all_its_guest_can_need_is_killed(
    hands: Hands, session: WasmSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the runtime itself took memory without end: the process is ended, and the limit named."""
    monkeypatch.setattr(session._workers["python"], "_most_bytes", 1 * MIB)
    result = await hands.python("import time; time.sleep(60)")
    assert (result.over, result.exit_code) == ("memory", 137)


async def test_what_is_asked_for_and_cannot_be_held_is_said(wasm: WasmSandbox) -> None:
    """A network is not to be had here."""
    from_open = replace(SMALL, network="open")  # type: ignore[arg-type]
    assert "no network" in str(await wasm.missing(from_open))
    assert await wasm.missing(SMALL) is None

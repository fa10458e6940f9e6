"""Programs run once for each key, and what became of one that an engine has left is found out."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.engine.sandboxes.conftest import Places
from tests.engine.sandboxes.wasm.conftest import SMALL

from baara_engine import errors
from baara_engine.sandboxes import CommandResult, NotBegun, OutcomeUnknown
from baara_engine.sandboxes.wasm import WasmSandbox, WasmSession

HOST = Path(__file__).parent.parent / "engine_host.py"


async def test_a_program_runs_once_for_each_key(session: WasmSession, workspace: Path) -> None:
    """The second of the same key is refused, whichever its language; after `settled` nothing is known any more."""
    await session.run("open('f', 'a').write('x')", key="a", language="python")
    with pytest.raises(errors.Refused):
        await session.run("open('f', 'a').write('x')", key="a", language="python")
    with pytest.raises(errors.Refused):
        await session.run("require('fs').appendFileSync('f', 'x')", key="a", language="javascript")
    assert (workspace / "f").read_text() == "x"
    known = await session.earlier("a", same_boot=True)
    assert isinstance(known, CommandResult)
    assert known.exit_code == 0
    await session.settled("a")
    assert await session.earlier("a", same_boot=True) == NotBegun()


async def test_what_never_began_can_be_run(session: WasmSession) -> None:
    """Without a mark nothing has happened; after another boot nobody can say."""
    assert await session.earlier("never", same_boot=True) == NotBegun()
    assert await session.earlier("never", same_boot=False) == OutcomeUnknown()


def killed_while(places: Places, cache: Path, program: str, grace_s: float) -> None:
    """Let an engine of its own begin a program under the key `k`, and kill it once the file `on` is there."""
    arguments = [str(places.workspace), str(places.private), "k", str(grace_s), program, "wasm", str(cache)]
    with subprocess.Popen([sys.executable, str(HOST), *arguments]) as process:
        deadline = time.monotonic() + 60
        while not (places.workspace / "on").exists():
            assert time.monotonic() < deadline, "it does not begin"
            time.sleep(0.02)
        process.kill()


async def test_after_a_kill_what_ended_in_the_grace_has_its_status(
    wasm: WasmSandbox, places: Places, cache: Path
) -> None:
    """The program went on for a moment, once, and its status and output are known."""
    program = (
        "import sys, time\nopen('on', 'w').close()\ntime.sleep(0.5)\n"
        "open('f', 'a').write('x')\nprint('out')\nsys.exit(3)"
    )
    await asyncio.to_thread(killed_while, places, cache, program, 5.0)
    opened = await wasm.open(places.workspace, places.private, SMALL)
    earlier = await opened.earlier("k", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert (earlier.exit_code, earlier.output, earlier.interrupted) == (3, "out\n", False)
    assert (places.workspace / "f").read_text() == "x"
    await opened.close()


async def test_after_a_kill_what_outlasts_the_grace_was_interrupted(
    wasm: WasmSandbox, places: Places, cache: Path
) -> None:
    """The worker ends it without anybody's help, and is gone itself."""
    program = "import time\nprint('before')\nopen('on', 'w').close()\ntime.sleep(60)\nopen('late', 'w')"
    await asyncio.to_thread(killed_while, places, cache, program, 0.5)
    opened = await wasm.open(places.workspace, places.private, SMALL)
    earlier = await opened.earlier("k", same_boot=True)
    assert isinstance(earlier, CommandResult)
    assert (earlier.exit_code, earlier.output, earlier.interrupted) == (137, "before\n", True)
    assert not (places.workspace / "late").exists()
    await opened.close()

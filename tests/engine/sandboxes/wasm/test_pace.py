"""How fast programs in a guest are, many after one another and several at once."""

import asyncio
import statistics
import time
from pathlib import Path

import psutil
from tests.engine.sandboxes.conftest import Places
from tests.engine.sandboxes.wasm.conftest import SMALL, Hands

from baara_engine.sandboxes import MIB
from baara_engine.sandboxes.wasm import WasmSandbox

# How long they take is printed here and measured by `tests/bench`: a machine that is shared says nothing about it.


async def test_a_thousand_programs_leave_no_trace(hands: Hands) -> None:
    """Memory and descriptors of the workers stay as they are, and the usual program takes some milliseconds."""
    for language, code in (("python", "print({n} * 2)"), ("javascript", "console.log({n} * 2)")):
        process = psutil.Process(hands.session._workers[language].pid)
        times = []
        for n in range(1000):
            begun = time.perf_counter()
            result = await hands._run(language, code.format(n=n))
            times.append(time.perf_counter() - begun)
            assert (result.exit_code, result.output) == (0, f"{n * 2}\n")
            if n == 100:
                before = process.memory_info().rss, process.num_fds(), process.num_threads()
        after = process.memory_info().rss, process.num_fds(), process.num_threads()
        print(
            f"{language}: median {statistics.median(times) * 1000:.2f} ms, {(after[0] - before[0]) / MIB:.1f} MiB more"
        )
        assert after[0] - before[0] < 32 * MIB
        assert all(now <= then + 3 for now, then in zip(after[1:], before[1:], strict=True))


async def test_python_starts_anew_in_a_warm_worker(hands: Hands) -> None:
    """A program in a new Python, whose module is loaded, takes what Python's own start does."""
    times = []
    for _ in range(10):
        await hands.python("import os; os._exit(0)")
        await asyncio.sleep(0.5)  # it starts meanwhile; here that is not to be measured twice
        begun = time.perf_counter()
        await hands.python("import os; os._exit(0)")
        assert (await hands.python("print(1)")).output == "1\n"
        times.append(time.perf_counter() - begun)
    print(f"median {statistics.median(times) * 1000:.0f} ms")


async def test_eight_at_once(wasm: WasmSandbox, tmp_path: Path) -> None:
    """Eight sessions compute beside one another, each its own."""
    opened = []
    for n in range(8):
        places = Places(tmp_path / f"ws{n}", tmp_path / f"private{n}")
        places.workspace.mkdir()
        places.private.mkdir()
        opened.append(Hands(await wasm.open(places.workspace, places.private, SMALL)))
    results = await asyncio.gather(*(hands.python(f"print(sum(range(10**5)) + {n})") for n, hands in enumerate(opened)))
    assert [int(result.output) for result in results] == [sum(range(10**5)) + n for n in range(8)]
    for hands in opened:
        await hands.session.close()

"""Each of the 46 hostile inputs in each sandbox: nothing escapes, nothing survives, and the sandbox still works."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.engine.sandboxes.hostile import matrix
from tests.engine.sandboxes.hostile.bench import CANARY, ESCAPED, LAG_S, LIMITS, Bench
from tests.engine.sandboxes.hostile.rows import ROWS, Row

from baara_engine.sandboxes import Limits, Sandbox
from baara_engine.sandboxes.docker import DockerSandbox
from baara_engine.sandboxes.native import NativeSandbox
from baara_engine.sandboxes.wasm import WasmSandbox

PLAIN = "plain"
KINDS: dict[str, Callable[[], Sandbox]] = {
    "native": partial(NativeSandbox, grace_s=1.0),
    "docker": partial(DockerSandbox, grace_s=1.0),
    "wasm": partial(WasmSandbox, grace_s=1.0),
    PLAIN: partial(NativeSandbox, grace_s=1.0, plain=True),
}


@pytest.fixture
async def sandbox(kind: str) -> AsyncIterator[Sandbox]:
    """Give a sandbox, if it can be had here."""
    made = KINDS[kind]()
    problem = await made.missing(Limits())
    if problem is not None:
        pytest.skip(problem)
    yield made
    await made.close()


def tried() -> Iterator[object]:
    """Give each attack in each sandbox; without a boundary only what is held there, too."""
    for kind in KINDS:
        for row in ROWS:
            if not row.elsewhere and (kind != PLAIN or row.plain):
                yield pytest.param(kind, row, id=f"{kind}-{row.number}-{row.title.replace(' ', '-')}")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "row"), list(tried()))
async def test_nothing_escapes(
    sandbox: Sandbox, kind: str, row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack reaches nothing outside and leaves nothing behind, and the engine's loop is never late for long."""
    monkeypatch.setenv("HOSTILE_SECRET", CANARY)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "outside" / "agent.sock"))
    bench = Bench(tmp_path)
    bench.prepare()
    limits = replace(LIMITS, network=None) if kind == PLAIN else LIMITS
    async with bench.watching():
        session = await sandbox.open(bench.work, tmp_path / "private", limits)
        try:
            told = await bench.attack(row, session)
            assert (ESCAPED in told, CANARY in told) == (False, False), told[-2000:]
            assert bench.survivors() == []
            assert (await bench.still_works(session)).output.strip().endswith("well")
        finally:
            await session.close()
    assert (bench.changed_outside(), bench.visitors, bench.survivors()) == ([], 0, [])
    assert bench.lag_s < LAG_S


def test_the_numbers_are_complete() -> None:
    """All 46 are there, each either tried or with the reason why not."""
    assert [row.number for row in ROWS] == list(range(1, 47))
    assert all(bool(row.shell and row.python) != bool(row.elsewhere) for row in ROWS)


def test_the_page_says_what_is_tried() -> None:
    """The matrix that is committed is the one that the table gives."""
    assert matrix.PAGE.read_text() == matrix.page()

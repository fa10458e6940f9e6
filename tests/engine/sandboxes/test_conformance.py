"""What every sandbox promises, tried on each that this computer has."""

import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from baara_engine import sandboxes
from baara_engine.sandboxes import Limits, Sandbox, Strength, conformance
from baara_engine.sandboxes.conformance import Verdict
from baara_engine.sandboxes.native import NativeSandbox, NativeSession

MAKERS: dict[str, Callable[[], Sandbox]] = {
    "plain": partial(NativeSandbox, grace_s=1.0, plain=True),
    "bubblewrap": partial(NativeSandbox, grace_s=1.0),
    **{name: partial(sandboxes.make, name) for name in sandboxes.TABLE if name != "native"},
}


@pytest.fixture(params=MAKERS)
async def every(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Give each sandbox; one that this computer lacks is skipped, except where all of them must be there."""
    made = MAKERS[request.param]()
    problem = await made.missing(Limits())
    if problem is None and request.param == "bubblewrap" and await made.strength() is not Strength.BOUNDARY:
        problem = "bubblewrap does not work here"
    if problem is not None:
        await made.close()
        assert os.environ.get("CI") != "true", problem
        pytest.skip(problem)
    yield made
    await made.close()


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
async def test_it_conforms(every: Sandbox, check: conformance.Check, tmp_path: Path) -> None:
    """A promise holds, or the sandbox says why it is none of its matter."""
    outcome = await conformance.run(check, every, tmp_path)
    assert outcome.verdict is not Verdict.FAILS, f"{outcome.name}: {outcome.reason}"


async def test_a_sandbox_that_holds_nothing_is_found_out(tmp_path: Path) -> None:
    """The suite can fail: limits that are not passed on, and a boundary that is none, are both seen."""
    lax = Lax(grace_s=1.0, plain=True)
    tried = (conformance.time_limit, conformance.file_limit, conformance.nothing_of_the_person, conformance.much_output)
    outcomes = [await conformance.run(check, lax, tmp_path) for check in tried]
    await lax.close()
    verdicts = [outcome.verdict for outcome in outcomes]
    assert verdicts == [Verdict.HOLDS, Verdict.FAILS, Verdict.FAILS, Verdict.FAILS]


class Lax(NativeSandbox):
    """A native sandbox that says it is a boundary, and does not pass on limits."""

    async def strength(self) -> Strength:
        """Say more than is true."""
        return Strength.BOUNDARY

    async def open(self, workspace: Path, private: Path, limits: Limits) -> NativeSession:
        """Open a session whose limits are the widest."""
        return await super().open(workspace, private, Limits(output_bytes=10 * sandboxes.MIB))

"""The tool `fetch` in an execution: whose list holds, and what becomes of long pages."""

from pathlib import Path

import pytest
from tests.engine import waits
from tests.engine.fetching.conftest import World

from baara_engine import errors, house
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says
from baara_engine.tools import keeping


def inside(engine: Engine, world: World, **said: object) -> house.House:
    execution = engine.submit(Submission.model_validate({"prompt": "read", **said}))
    return house.House(engine, execution, world.reach)


async def test_the_list_holds_from_the_next_call_on(engine: Engine, world: World) -> None:
    """A host that is allowed can be read at once, and one that is taken off the list no longer."""
    world.page("/", b"hello", "text/plain")
    agents = inside(engine, world)
    with pytest.raises(errors.Refused, match=r"baara fetch allow a\.example"):
        await agents.fetch(world.url("a.example", "/"))
    assert engine.allow_fetch("A.Example.") == "a.example"
    assert (await agents.fetch(world.url("a.example", "/"))).endswith("hello")
    engine.forbid_fetch("a.example")
    with pytest.raises(errors.Refused):
        await agents.fetch(world.url("a.example", "/"))
    with pytest.raises(errors.NotFound):
        engine.forbid_fetch("a.example")


async def test_work_without_a_network_reads_nothing(engine: Engine, world: World) -> None:
    """Work that was given no network reads no page, whatever the list says."""
    engine.allow_fetch("*")
    with pytest.raises(errors.Refused, match="no network"):
        await inside(engine, world, sandbox_limits={"network": "none"}).fetch(world.url("a.example", "/"))


def test_what_the_agent_asks_for_in_vain_is_told(engine: Engine) -> None:
    """An agent that asks for a host of this computer is told that it may not, and goes on."""
    engine.allow_fetch("*")
    model = ScriptedModel([calls(("fetch", {"url": "http://127.0.0.1/x"}), turn=1), says("then without")])
    engine.start(ScriptedModels(model))
    execution = engine.submit(Submission(prompt="read it"))
    waits.until(engine, execution.id, waits.has_ended)
    engine.stop()
    [call] = engine.journal(execution.id)[1]
    assert (call.is_error, "own network" in str(call.result)) == (True, True)
    assert engine.execution(execution.id).status is Status.COMPLETED


LONG = "".join(f"line {number}\n" for number in range(20_000))


def test_a_long_result_is_kept_whole(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long page the ends are told, and all of it lies in the workspace, with secrets hidden."""
    secret = "sk-ant-" + "a1" * 20

    async def gives(_house: house.House, _address: str) -> str:
        return f"{LONG[:100_000]} {secret} {LONG[100_000:]}"

    monkeypatch.setattr(house.House, "fetch", gives)
    model = ScriptedModel([calls(("fetch", {"url": "https://a.example/"}), turn=1), says("read")])
    engine.start(ScriptedModels(model))
    (tmp_path / "w").mkdir()
    execution = engine.submit(Submission(prompt="read it", workspace=str(tmp_path / "w")))
    waits.until(engine, execution.id, waits.has_ended)
    engine.stop()
    [call] = engine.journal(execution.id)[1]
    told = str(call.result)
    [kept] = (tmp_path / "w" / ".baara" / "outputs").glob("*.txt")
    assert len(told) < keeping.MOST_TOLD + 20_000
    assert f".baara/outputs/{kept.name}" in told
    assert (secret in kept.read_text(), "hidden: looks like a secret" in kept.read_text()) == (False, True)
    assert kept.read_text().startswith("line 0\n")
    assert kept.read_text().endswith("line 19999\n")

"""What becomes of work whose sandbox cannot be had, and of the limits that a person has set."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine import errors, requests
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind, Question
from baara_engine.requests import Submission
from baara_engine.sandboxes import MIB, asking
from baara_engine.states import ENDED, Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

LONG = 60.0  # seconds that no wait here takes unless something is wrong


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no Docker engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")


@pytest.fixture
def working(engine: Engine) -> Iterator[Engine]:
    """Let the engine work on commands."""
    engine.start(ScriptedModels(ScriptedModel(())))
    yield engine
    engine.stop()


def until(engine: Engine, execution: Execution, *wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    while (now := engine.execution(execution.id)).status not in wanted:
        assert time.monotonic() < deadline, f"still {now.status}"
        time.sleep(0.02)
    return now


def submitted(engine: Engine, **options: object) -> Execution:
    return engine.submit(Submission.model_validate({"prompt": "touch made", "kind": Kind.COMMAND, **options}))


def asked(engine: Engine, execution: Execution) -> Question:
    until(engine, execution, Status.WAITING_FOR_INPUT)
    [question] = engine.questions()
    return question


def test_without_its_sandbox_work_waits_and_runs_nowhere_else(working: Engine) -> None:
    """A question names what is missing and the remedy; until it is answered nothing has run."""
    execution = submitted(working, sandbox="docker")
    question = asked(working, execution)
    assert "Install Docker" in question.text
    assert question.options == (asking.TRY_AGAIN, "Use native", asking.STOP)  # wasm has no shell for a command
    assert not (Path(execution.workspace) / "made").exists()


@pytest.mark.parametrize(
    ("more", "what"),
    [({"kind": Kind.COMMAND}, "a command"), ({"gate": "true"}, "a gate"), ({"checks": ("command:true",)}, "a check")],
)
def test_what_needs_a_shell_is_refused_where_there_is_none(engine: Engine, more: dict[str, object], what: str) -> None:
    """It is said when it is asked for, and not found out when it has run."""
    with pytest.raises(
        errors.InvalidInput, match=f"{what}.* needs a shell, and wasm has none; choose native or docker"
    ):
        requests.parse(Submission, {"prompt": "x", "sandbox": "wasm", **more})
    assert requests.parse(Submission, {"prompt": "x", "sandbox": "wasm", "checks": ("output:x",)}).sandbox == "wasm"


def test_a_person_may_choose_another(working: Engine) -> None:
    """It runs in the one that they name, and says so."""
    execution = submitted(working, sandbox="docker")
    working.answer(asked(working, execution).id, "use native", by="a test")
    ended = until(working, execution, *ENDED)
    assert (ended.status, ended.sandbox) == (Status.COMPLETED, "native")
    assert (Path(execution.workspace) / "made").exists()


def test_tried_again_it_asks_again_as_long_as_it_is_missing(working: Engine) -> None:
    """The second look finds the same, and a word that is no choice is refused."""
    execution = submitted(working, sandbox="docker")
    first = asked(working, execution)
    with pytest.raises(errors.InvalidInput, match="Answer with one of"):
        working.answer(first.id, "whatever", by="a test")
    working.answer(first.id, asking.TRY_AGAIN, by="a test")
    deadline = time.monotonic() + LONG
    while not any(one.id != first.id for one in working.questions()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert until(working, execution, Status.WAITING_FOR_INPUT).sandbox == "docker"


def test_a_person_may_stop_it(working: Engine) -> None:
    """It is cancelled and has run nothing."""
    execution = submitted(working, sandbox="docker")
    working.answer(asked(working, execution).id, asking.STOP, by="a test")
    assert until(working, execution, *ENDED).status is Status.CANCELLED


def test_limits_reach_the_command(working: Engine) -> None:
    """What a submission says of memory holds for what it runs."""
    fill = "python3 -c 'bytearray(1 << 30)' 2>&1 | tail -1"
    limits = {"memory_bytes": 200 * MIB}
    ended = until(working, submitted(working, prompt=fill, sandbox_limits=limits), *ENDED)
    assert ended.output is not None
    assert "MemoryError" in ended.output
    assert ended.sandbox_limits == limits


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"memory_bytes": 1}, "memory"),
        ({"network": "listed"}, "hosts go with"),
        ({"network": "none", "hosts": ["a.example"]}, "hosts go with"),
        ({"network": "listed", "hosts": ["http://a.example"]}, "hosts"),
        ({"network": "listed", "hosts": ["a.example\0b"]}, "hosts"),
        ({"inputs": ["/no/such/file"]}, "there is no /no/such/file"),
        ({"disk": 5}, "disk"),
        ({"network": "everything"}, "network"),
    ],
)
def test_limits_without_a_meaning_are_refused(limits: dict[str, object], said: str) -> None:
    """The sentence names what is wrong."""
    with pytest.raises(errors.InvalidInput, match=said):
        requests.parse(Submission, {"prompt": "x", "sandbox_limits": limits})


def test_a_task_keeps_its_limits(engine: Engine, tmp_path: Path) -> None:
    """They are stored with the task, come back as they were, and hold for its executions."""
    limits = {"network": "listed", "hosts": ["*.example.org"], "inputs": [str(tmp_path)], "cpus": 0.5}
    draft = requests.parse(requests.TaskDraft, {"name": "t", "prompt": "x", "sandbox_limits": limits})
    assert engine.create_task(draft).sandbox_limits == limits
    assert engine.submit_task("t", source="a test").sandbox_limits == limits
    assert engine.update_task("t", {"description": "changed"}).sandbox_limits == limits


def test_an_agent_is_given_the_tools_that_its_sandbox_has(engine: Engine, begun: Callable[..., ScriptedModel]) -> None:
    """In the native sandbox there are a shell and Python; a program runs as it stands."""
    model = begun(calls(("python", {"code": "print(6 * 7)"}), turn=1), says("42"))
    execution = engine.submit(Submission(prompt="Compute."))
    until(engine, execution, Status.COMPLETED)
    assert {"bash", "python"} <= {tool["name"] for tool in model.requests[0].tools}
    assert engine.journal(execution.id)[1][0].result == [{"type": "text", "text": "42"}]


@pytest.fixture
def begun(engine: Engine) -> Iterator[Callable[..., ScriptedModel]]:
    """Give a function that lets the engine work with a model that follows a script."""

    def begin(*script: object) -> ScriptedModel:
        model = ScriptedModel(script)  # type: ignore[arg-type]
        engine.start(ScriptedModels(model))
        return model

    yield begin
    engine.stop()

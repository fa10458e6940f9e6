"""The short form of the random kills; the rig is a program of its own, because it forks, and only without threads.

README.md says what it does and how to run the long form.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.crash.kills import service, work
from tests.crash.kills.work import World

from baara_engine import requests, states
from baara_engine.engine import Engine
from baara_engine.records import Execution, Kind

ROOT = Path(__file__).parents[2]
FOUND = 3  # exit status of a rig that found something; see disk/rig.py
LONG = 30.0  # seconds that no wait here takes unless something is wrong

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux can orphans be adopted, and so be found")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the rig, and show what it printed: its seed is among it."""
    command = [sys.executable, "-m", "tests.crash.random_kills", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout)
    if done.returncode not in {0, FOUND}:
        raise RuntimeError("the rig itself is broken")
    return done


@pytest.mark.timeout(400)  # all that was left behind has to come to its end, on a busy machine too
def test_engines_killed_at_random_lose_nothing_and_do_nothing_twice() -> None:
    """Engines, their trees, hands and callers are killed; all that was acknowledged comes to its end, once."""
    assert run("--minutes", "0.6").returncode == 0


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a world in which one command was acknowledged and has acted."""
    made = World(tmp_path / "world")
    made.make()
    engine = Engine(made.home)
    script = work.append("w1", 0, work.COMMAND, made.receipts, 0, 0)
    execution = engine.submit(
        requests.Submission(prompt=script, name="w1", kind=Kind.COMMAND, workspace=str(made.workspace))
    )
    engine.start(service.Service(made.refusals))
    until_ended(engine, execution)
    engine.close()
    made.acknowledged.write_text(f"submit {execution.id}\n")
    return made


def until_ended(engine: Engine, execution: Execution) -> None:
    deadline = time.monotonic() + LONG
    while engine.execution(execution.id).status not in states.ENDED:
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def test_a_kept_folder_is_verified_again(world: World) -> None:
    """What is as it must be gives no finding."""
    assert run("--verify", str(world.folder)).returncode == 0


def test_the_rig_sees_what_was_done_twice_or_without_leave_and_what_is_lost(world: World) -> None:
    """An effect that happened twice, one that nobody intended, a lost submission, and a defect in the log are found."""
    with world.receipts.open("a") as file:
        file.write(f"w1:0 {work.COMMAND}\nw2:0 1\n")
    with world.acknowledged.open("a") as file:
        file.write("submit 01LOST\n")
    world.log.write_text("Traceback (most recent call last):\n")
    done = run("--verify", str(world.folder))
    assert done.returncode == FOUND
    for told in ("has acted 2 times, not from 1 to 1", "without its intent", "01LOST was acknowledged and is lost"):
        assert told in done.stdout
    assert "in the log: Traceback" in done.stdout


def test_the_rig_sees_what_has_not_acted_and_what_has_not_ended(world: World) -> None:
    """A receipt in the journal for what never happened is found, and at the end of a home whatever is still open."""
    world.receipts.write_text("")
    engine = Engine(world.home)
    engine.submit(requests.Submission(prompt="true", name="w2", kind=Kind.COMMAND))
    engine.close()
    (world.folder / "ended").touch()
    done = run("--verify", str(world.folder))
    assert done.returncode == FOUND
    assert "has acted 0 times, not from 1 to 1" in done.stdout
    assert "has not ended: queued" in done.stdout

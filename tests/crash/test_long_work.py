"""Work of hundreds of turns whose engine is killed at random moments: compacted or not, it goes on where it was."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from baara_engine import states
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing import longtalk

TURNS = 400
KILLS = 4
LONG_S = 90.0  # seconds that nothing here takes unless something is wrong
CONTEXT_TOKENS = 110_000  # for four compactions in so many turns
SEED = int(os.environ.get("BAARA_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.fixture
def service() -> Iterator[str]:
    """Run a Messages API on loopback that works for hundreds of turns, and give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "baara_engine.testing.messages_server", "--scenario", "long", "--turns", str(TURNS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait()
    process.stdout.close()


def serving(home: Path, service: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "ANTHROPIC_BASE_URL": service, "ANTHROPIC_API_KEY": "not-a-key", "BAARA_HOME": str(home),
        "BAARA_CONTEXT_TOKENS": str(CONTEXT_TOKENS),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "baara_app", "serve"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def turn_of(engine: Engine, execution_id: str, least: int) -> int:
    """Wait until so many turns are done, or all is, and give how many are."""
    deadline = time.monotonic() + LONG_S
    while (now := engine.execution(execution_id)).turn < least and now.status not in states.ENDED:
        assert time.monotonic() < deadline, now
        time.sleep(0.005)
    return now.turn


@pytest.mark.timeout(400)
@pytest.mark.parametrize("model", ["claude-opus-5-5", "some-local-model"])
def test_killed_at_random_turns_it_is_compacted_and_whole(
    home: Path, engine: Engine, service: str, tmp_path: Path, model: str
) -> None:
    """All turns stand in the journal once, it was compacted four times, and no question was one that is refused."""
    chance = random.Random(SEED)
    print(f"seed {SEED}: set BAARA_SEED to see the same turns again")
    (tmp_path / "numbers.txt").write_text("".join(f"{number} {'9' * 120}\n" for number in range(1, TURNS + 20)))
    submission = Submission(prompt=longtalk.REQUEST, model=model, workspace=str(tmp_path), max_turns=TURNS + 10)
    execution = engine.submit(submission)
    turn, kills = 0, 0
    while kills < KILLS:
        process = serving(home, service)
        turn = turn_of(engine, execution.id, turn + chance.randrange(20, TURNS // KILLS))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    process = serving(home, service)
    turn_of(engine, execution.id, TURNS + 1)
    time_out = time.monotonic() + LONG_S
    while engine.execution(execution.id).status not in states.ENDED and time.monotonic() < time_out:
        time.sleep(0.01)
    process.terminate()
    process.wait()
    ended, (messages, calls) = engine.execution(execution.id), engine.journal(execution.id)
    progress, compactions = engine.progress(execution.id)
    with urllib.request.urlopen(f"{service}/counts", timeout=LONG_S) as answer:
        asked = json.load(answer)["executions"]
    assert (ended.status, ended.output) == (Status.COMPLETED, f"All {TURNS} were read."), ended.error_message
    assert [one.turn for one in messages if one.role == "assistant"] == list(range(1, TURNS + 2))
    assert [call.turn for call in calls if call.receipt_at is not None] == list(range(1, TURNS + 1))
    assert 4 <= len(compactions) <= 5
    assert progress.done == tuple(f"Line {number}" for number in range(40, TURNS + 1, 40))
    assert list(asked) == [longtalk.REQUEST]  # every question began with it
    assert asked[longtalk.REQUEST]["requests"] <= TURNS + 1 + len(compactions) + kills
    assert len(ended.resumed) >= 1

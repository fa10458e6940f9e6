"""The key in a real keyring: GNOME's, on a session bus of the test's own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels

KEY = "sk-ant-test-0123456789"
BAARA = f"{sys.executable} -m baara_app"
UNLOCK = "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
LOCK = f"""{sys.executable} -c '
import secretstorage
with __import__("contextlib").closing(secretstorage.dbus_init()) as bus:
    secretstorage.get_default_collection(bus).lock()
'"""

NEEDED = all(shutil.which(program) for program in ("dbus-run-session", "gnome-keyring-daemon"))
pytestmark = pytest.mark.skipif(not NEEDED, reason="needs dbus-run-session and gnome-keyring-daemon")


@pytest.fixture
def session(environment: dict[str, str], tmp_path: Path) -> Callable[..., list[str]]:
    """Give a function that runs shell lines on a bus with an unlocked keyring, and gives what they print."""
    (tmp_path / "run").mkdir(mode=0o700)
    own = environment | {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "XDG_DATA_HOME": str(tmp_path / "share")}

    def run(*lines: str) -> list[str]:
        done = subprocess.run(
            ["dbus-run-session", "--", "bash", "-c", "\n".join((UNLOCK, *lines))],
            env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.stdout.splitlines()

    return run


def test_the_key_is_kept_used_and_deleted(session: Callable[..., list[str]], home: Path) -> None:
    """It is read back, told without being shown, and gone after it was deleted; the home never has it."""
    told = session(
        f"echo {KEY} | {BAARA} key set --json | tr -d '\\n '; echo",
        f"ANTHROPIC_API_KEY=sk-other {BAARA} key status --json | tr -d '\\n '; echo",
        f"{sys.executable} -c 'from baara_app import credentials; print(credentials.api_key())'",
        f"{BAARA} key delete",
        f"{BAARA} key delete --json >/dev/null; echo $?",
        f"{BAARA} key status",
    )
    assert json.loads(told[0]) == {"kept": True, "keyring": "SecretService", "resumed": 0}
    assert json.loads(told[1]) == {
        "source": "keyring",
        "keyring": "SecretService",
        "problem": None,
        "passed_over": None,
    }
    assert told[2:5] == [KEY, "The key is deleted from the keyring (Secret Service).", "3"]
    assert told[5].startswith("There is no key.")
    assert all(KEY.encode() not in path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_new_key_lets_waiting_work_go_on(session: Callable[..., list[str]], engine: Engine) -> None:
    """Setting the key queues what waited for one, and says how many that were."""
    no_key = errors.ModelFailure(errors.FailureKind.KEY, "There is no key.")
    engine.start(ScriptedModels(ScriptedModel([no_key])))
    execution = engine.submit(Submission(prompt="x"))
    with engine.news() as news:
        while engine.execution(execution.id).status is not Status.RETRY_SCHEDULED:
            news.wait(1.0)
    engine.stop()
    [told] = session(f"echo {KEY} | {BAARA} key set")
    assert told == "The key is kept in the keyring (Secret Service). Executions that waited for one and go on: 1."
    assert engine.execution(execution.id).status is Status.QUEUED


def test_a_locked_keyring_is_told(session: Callable[..., list[str]]) -> None:
    """Where it is locked and nobody can unlock it, setting and asking say so in time, and nothing is kept."""
    told = session(
        LOCK,
        f"echo {KEY} | {BAARA} key set 2>&1; echo $?",
        f"{BAARA} key status",
    )
    locked = ("The keyring is locked, and it was not unlocked.", "The keyring did not answer in time")
    assert told[0].removeprefix("baara: ").startswith(locked)
    assert told[1] == "5"
    assert told[3].startswith(locked)

import os
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_app import credentials
from baara_engine import errors

KEY = "sk-ant-test-0123456789"

RINGS = """
import threading
from keyring.backend import KeyringBackend

class Ring(KeyringBackend):
    priority = 5
    kept = {}
    def get_password(self, service, username):
        return self.kept.get((service, username))
    def set_password(self, service, username, password):
        self.kept[service, username] = password
    def delete_password(self, service, username):
        del self.kept[service, username]

class Forgetful(Ring):
    def set_password(self, service, username, password):
        pass

class Locked(Ring):
    opened = threading.Event()
    asked = []
    def get_password(self, service, username):
        self.asked.append(username)
        self.opened.wait()

class Broken(Ring):
    def get_password(self, service, username):
        raise OSError("the bus is gone")
"""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_memory", credentials._Memory())


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], type]]:
    """Give a function that makes one of `RINGS` the only keyring of this computer, and gives its class."""
    (tmp_path / "rings.py").write_text(textwrap.dedent(RINGS))
    monkeypatch.syspath_prepend(tmp_path)

    def only(name: str) -> type:
        kinds = (credentials.Kind("Test ring", "rings", name),)
        monkeypatch.setattr(credentials, "KEYRINGS", {})
        monkeypatch.setattr(credentials, "ELSEWHERE", kinds)
        found: type = getattr(__import__("rings"), name)
        return found

    yield only
    __import__("sys").modules.pop("rings", None)


def test_the_key_leaves_the_environment_at_once(monkeypatch: pytest.MonkeyPatch, ring: Callable[[str], type]) -> None:
    """It is in no environment that a child could inherit, and is used while the keyring has none."""
    ring("Ring")
    monkeypatch.setenv(credentials.VARIABLE, f"  {KEY}\n")
    credentials.take_from_environment()
    assert credentials.VARIABLE not in os.environ
    assert credentials.api_key() == KEY
    assert credentials.whereabouts() == credentials.Whereabouts("environment", "Test ring", None, None)


def test_a_kept_key_goes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, ring: Callable[[str], type]
) -> None:
    """What stands in the keyring is used; once it is forgotten, the other one is."""
    ring("Ring")
    monkeypatch.setenv(credentials.VARIABLE, "sk-other")
    credentials.take_from_environment()
    assert credentials.keep(KEY) == "Test ring"
    assert (credentials.api_key(), credentials.whereabouts().source) == (KEY, "keyring")
    assert credentials.forget() == "Test ring"
    assert credentials.api_key() == "sk-other"
    with pytest.raises(errors.NotFound, match="There is no API key in the keyring"):
        credentials.forget()


def test_a_keyring_that_forgets_is_found_out(ring: Callable[[str], type]) -> None:
    """A key is kept only if the keyring gives it back."""
    ring("Forgetful")
    with pytest.raises(errors.Unavailable, match="did not give it back, so it is not kept"):
        credentials.keep(KEY)


def test_a_keyring_that_fails_says_how(ring: Callable[[str], type]) -> None:
    """An error of the keyring becomes a sentence; the key is no part of it."""
    ring("Broken")
    with pytest.raises(errors.Unavailable, match=r"The keyring failed \(OSError: the bus is gone\)") as raised:
        credentials.keep(KEY)
    assert KEY not in str(raised.value)


def test_a_locked_keyring_is_asked_once_and_in_time(ring: Callable[[str], type]) -> None:
    """While it waits for its password nobody waits longer than the limit, and it is not asked a second time."""
    locked = ring("Locked")
    with pytest.raises(errors.Unavailable, match=r"did not answer in time \(0.1 s\)"):
        credentials.keep(KEY, limit_s=0.1)
    assert "unlock it" in (credentials.whereabouts(limit_s=0.1).problem or "")
    assert len(locked.asked) == 1  # type: ignore[attr-defined]
    locked.opened.set()  # type: ignore[attr-defined]
    [asking] = [thread for thread in threading.enumerate() if thread.name == "baara-keyring"]
    asking.join()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("keyring.backends.null.Keyring", "it forgets what it is given"),
        ("keyring.backends.fail.Keyring", "it keeps nothing"),
        ("keyring.backends.chainer.ChainerBackend", "it may keep a key in any keyring that is installed"),
        ("keyrings.alt.file.PlaintextKeyring", "it keeps keys where they can be read, many in plain text"),
        ("somebody.Else" * 100, "Baara knows nothing about it"),
    ],
)
def test_a_keyring_that_is_not_trusted_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, ring: Callable[[str], type], name: str, why: str
) -> None:
    """Whoever has chosen it for all programs is told why this one goes by it; the trusted one is used."""
    ring("Ring")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    assert credentials.keep(KEY) == "Test ring"
    told = credentials.whereabouts()
    assert (told.source, told.problem) == ("keyring", None)
    assert told.passed_over == f"The keyring “{name[:100]}”, which PYTHON_KEYRING_BACKEND names, is not used: {why}."


@pytest.mark.parametrize("said", ["[backend]\n", "no section", "\xff", "[backend]\ndefault-keyring=rings.Ring\n"])
def test_what_needs_no_word_gets_none(
    monkeypatch: pytest.MonkeyPatch, ring: Callable[[str], type], tmp_path: Path, said: str
) -> None:
    """A file that names nothing, or is damaged, or names the trusted one, is no matter."""
    ring("Ring")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "python_keyring").mkdir()
    (tmp_path / "python_keyring" / "keyringrc.cfg").write_text(said, "latin-1")
    assert credentials.whereabouts().passed_over is None


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel", "x" * 301, "nul\0"])
def test_what_cannot_be_a_key_is_refused(key: str) -> None:
    """A key is one word of printable ASCII; what is refused is not repeated in the message."""
    with pytest.raises(errors.InvalidInput) as raised:
        credentials.require_plausible(key)
    assert not key or key not in str(raised.value)


@pytest.mark.expects_log("ANTHROPIC_API_KEY is not used: That is no API key")
def test_a_variable_that_holds_no_key_is_not_used(monkeypatch: pytest.MonkeyPatch, ring: Callable[[str], type]) -> None:
    """Nonsense in the environment is said and dropped, and is gone from the environment as well."""
    ring("Ring")
    monkeypatch.setenv(credentials.VARIABLE, "not a key")
    credentials.take_from_environment()
    assert (credentials.api_key(), credentials.VARIABLE in os.environ) == (None, False)

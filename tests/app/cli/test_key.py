import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Baara = Callable[..., subprocess.CompletedProcess[str]]

KEY = b"sk-ant-test-0123456789\n"


def test_without_a_keyring_nothing_is_kept_anywhere(baara: Baara, tmp_path: Path) -> None:
    """Where no keyring can be reached that is said, with what works instead, and the key is written nowhere."""
    done = baara("key", "set", stdin=KEY)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert done.stderr.startswith("baara: No keyring can be reached here (Secret Service: ")
    assert "For one run, ANTHROPIC_API_KEY in the environment works" in done.stderr
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "process-0"]
    assert [path for path in kept if KEY.strip() in path.read_bytes()] == []
    assert baara("key", "delete").returncode == 5


def test_the_status_tells_where_the_key_comes_from_and_not_the_key(baara: Baara) -> None:
    """With a key in the environment that is told; without any, how to set one."""
    told = baara("key", "status", "--json", ANTHROPIC_API_KEY=KEY.decode())
    assert (json.loads(told.stdout)["source"], json.loads(told.stdout)["keyring"]) == ("environment", None)
    text = baara("key", "status", ANTHROPIC_API_KEY=KEY.decode())
    assert text.stdout.startswith("The key of ANTHROPIC_API_KEY is used, for this run only.\n")
    assert KEY.decode().strip() not in told.stdout + told.stderr + text.stdout + text.stderr
    assert baara("key", "status").stdout.startswith("There is no key. Set one by `baara key set`")


def test_what_is_no_key_is_refused(baara: Baara) -> None:
    """Nothing, several words, other bytes or a whole file: exit status 2; an argument is never taken."""
    for stdin in (b"", b"two words", b"caf\xe9", b"x" * 10_000):
        done = baara("key", "set", stdin=stdin)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert baara("key", "set", "sk-ant-argument").returncode == 2


def test_what_the_environment_names_as_keyring_is_not_used(baara: Baara, tmp_path: Path) -> None:
    """Neither a variable nor a configuration file can put another keyring, or any code, in the real one's place."""
    config = tmp_path / "config" / "python_keyring"
    config.mkdir(parents=True)
    (tmp_path / "evil.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\nfrom keyring.backends.null import Keyring\n"
    )
    (config / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring=evil.Keyring\nkeyring-path={tmp_path}\n")
    named = baara("key", "set", stdin=KEY, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")
    configured = baara("key", "set", stdin=KEY, XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert (named.returncode, configured.returncode) == (5, 5)
    assert named.stderr.endswith(
        "The keyring “keyring.backends.null.Keyring”, which PYTHON_KEYRING_BACKEND names, is not used: "
        "it forgets what it is given.\n"
    )
    assert f"“evil.Keyring”, which {config / 'keyringrc.cfg'} names, is not used: Baara knows" in configured.stderr
    assert not (tmp_path / "ran").exists()


def test_a_key_is_checked_by_one_question(baara: Baara) -> None:
    """With the service it would be told that it works; with none there it is told why not, and never shown."""
    done = baara("key", "check", "--json", ANTHROPIC_API_KEY=KEY.decode(), ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    told = json.loads(done.stdout)
    assert (done.returncode, told["works"]) == (1, False)
    assert told["message"].startswith("It does not work: ")
    assert KEY.decode().strip() not in done.stdout + done.stderr

"""`baara settings`, and `baara quit` of an engine that runs."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Baara = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., "subprocess.Popen[str]"]


def test_settings_are_listed_set_and_taken_back(baara: Baara) -> None:
    """Each with what it means; a switch takes yes and no."""
    assert baara("settings", "set", "keep_awake", "yes").stdout == "keep_awake: yes\n"
    assert baara("settings", "set", "quiet_from", "22:00").stdout == "quiet_from: 22:00\n"
    listed = baara("settings", "list").stdout
    assert "22:00" in listed
    assert "told_of_closing" not in listed
    assert baara("settings", "unset", "quiet_from").stdout == "quiet_from: –\n"
    said = json.loads(baara("settings", "list", "--json").stdout)
    assert (said["keep_awake"], said["quiet_from"]) == (True, None)


def test_what_is_no_setting_is_refused(baara: Baara) -> None:
    """Exit status 2 and one line that names those that exist, or what the value should be."""
    for arguments, words in ((("colour", "red"), "There are: "), (("notify", "perhaps"), "yes or no"),
                             (("context_tokens", "5"), "context_tokens")):  # fmt: skip
        done = baara("settings", "set", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert words in done.stderr


def test_an_engine_at_work_is_not_ended_without_a_word_on_it(baara: Baara, begin: Begin, tmp_path: Path) -> None:
    """`quit` refuses while something runs; `--finish` lets it end, begins nothing new, and then ends the engine."""
    with begin("serve") as engine:
        assert engine.stdout is not None
        engine.stdout.readline()
        waits = f"touch {tmp_path}/begun; until [ -e {tmp_path}/go ]; do sleep 0.1; done"
        first = baara("submit", "--command", waits, "--workspace", str(tmp_path)).stdout.strip()
        while not (tmp_path / "begun").exists():
            pass
        refused = baara("quit")
        assert (refused.returncode, "--finish" in refused.stderr, "--pause" in refused.stderr) == (4, True, True)
        assert baara("quit", "--finish", "--pause").returncode == 2
        assert "when what is at work has ended" in baara("quit", "--finish").stdout
        later = baara("submit", "--command", "true").stdout.strip()
        (tmp_path / "go").touch()
        assert engine.wait(60) == 0
        states = [json.loads(baara("executions", "show", one, "--json").stdout)["status"] for one in (first, later)]
        assert states == ["completed", "queued"]
        assert baara("quit").returncode == 5

import json
import subprocess
from collections.abc import Callable

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_threads_are_put_in_order_and_found(baara: Baara) -> None:
    """A thread is found by a word, snoozed, reopened, archived, and listed by its lane."""
    thread = json.loads(baara("submit", "bake a peach tart", "--json").stdout)["thread_id"]
    lanes = []
    for arguments in (["snooze", thread, "--until", "+2h"], ["reopen", thread], ["archive", thread]):
        [row] = json.loads(baara("threads", *arguments, "--json").stdout)
        lanes.append(row["lane"])
    assert lanes == ["snoozed", "waiting", "archived"]
    [found] = json.loads(baara("threads", "search", "peach", "--json").stdout)
    assert (found["id"], found["latest"]["state"]) == (thread, "Queued")
    assert json.loads(baara("threads", "list", "--lane", "waiting", "--json").stdout) == []
    assert "archived" in baara("threads", "list", "--lane", "archived").stdout
    refused = baara("threads", "snooze", thread, "--until", "yesterday")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_times_are_told_in_full(baara: Baara) -> None:
    """Each moment of a thread is ISO 8601 in UTC."""
    thread = json.loads(baara("submit", "bake", "--json").stdout)["thread_id"]
    [row] = json.loads(baara("threads", "snooze", thread, "--until", "2999-01-31T07:00Z", "--json").stdout)
    assert row["snoozed_until"].startswith("2999-01-31T07:00:00")
    assert row["snoozed_until"].endswith("Z")

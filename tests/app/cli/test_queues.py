import json
import subprocess
from collections.abc import Callable

from baara_engine.engine import Engine
from baara_engine.requests import Submission

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_the_four_queues_are_listed(baara: Baara, engine: Engine) -> None:
    """With what is in them, how many may run at once, and what each is for."""
    engine.submit(Submission(prompt="x"))
    lines = baara("queues", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "transfer", "timer", "visibility", "dlq"]
    assert lines[1].split()[1:4] == ["1", "0", "10"]
    told = json.loads(baara("queues", "show", "transfer", "--json").stdout)
    assert told == {"name": "transfer", "concurrency": 10, "purpose": "standard work", "queued": 1, "running": 0}


def test_the_concurrency_is_set_within_limits(baara: Baara, engine: Engine) -> None:
    """From 1 to 100, of a queue that exists; anything else is refused and changes nothing."""
    assert json.loads(baara("queues", "set", "transfer", "--concurrency", "3", "--json").stdout)["concurrency"] == 3
    refused = [
        (baara("queues", "set", "transfer", "--concurrency", "-1"), 2, "The concurrency must be from 1 to 100."),
        (baara("queues", "set", "fast", "--concurrency", "1"), 3, "There is no queue “fast”."),
        (baara("queues", "set", "transfer"), 2, "Missing option"),
        (baara("queues", "show", "fast"), 3, "There is no queue “fast”."),
    ]
    for done, status, line in refused:
        assert (done.returncode, done.stderr.count("\n"), done.stderr.startswith(f"baara: {line}")) == (status, 1, True)
    assert engine.queue("transfer").concurrency == 3


def test_all_work_is_paused_and_resumed(baara: Baara, engine: Engine) -> None:
    """The pause is said where one looks, ends at its time or by a word, and a moment that is none is refused."""
    told = json.loads(baara("queues", "pause", "--until", "+1h", "--json").stdout)["paused"]
    assert told["by"] == "the command line"
    assert told["until"] > told["since"]
    assert "All work is paused until " in baara("status").stdout
    assert json.loads(baara("status", "--json").stdout)["paused"] == told
    assert baara("queues", "resume").stdout == "Work goes on.\n"
    assert engine.paused() is None
    assert json.loads(baara("queues", "resume", "--json").stdout) == {"paused": None, "was_paused": False}
    assert "until you resume" in baara("queues", "pause", "--help").stdout
    assert baara("queues", "pause").stdout == "All work is paused. To go on: baara queues resume.\n"
    for said in ("yesterday", "2020-01-01T00:00"):
        refused = baara("queues", "pause", "--until", said)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)

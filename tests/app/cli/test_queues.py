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

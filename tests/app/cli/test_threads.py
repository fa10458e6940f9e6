import json
import subprocess
from collections.abc import Callable

from baara_engine.engine import Engine
from baara_engine.requests import Submission

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_threads_are_listed_and_shown(baara: Baara, engine: Engine) -> None:
    """Newest first, by title; one is shown with all that stands in it."""
    first, second = (engine.submit(Submission(prompt=prompt, source="test")) for prompt in ("One.\nMore.", "Two."))
    lines = baara("threads", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [second.thread_id, first.thread_id]
    assert len(json.loads(baara("threads", "list", "--limit", "1", "--json").stdout)) == 1
    shown = baara("threads", "show", first.thread_id[:20]).stdout
    assert shown.startswith("Thread  One.\n")
    assert shown.endswith("One.\nMore.\n")
    told = json.loads(baara("threads", "show", first.thread_id, "--json").stdout)
    assert [(message["kind"], message["body"]) for message in told["messages"]] == [("prompt", "One.\nMore.")]
    assert baara("threads", "show", "ZZ").returncode == 3

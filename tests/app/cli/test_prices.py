import json
import subprocess
from collections.abc import Callable

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_prices_are_listed_written_down_and_taken_away(baara: Baara) -> None:
    """Yours come before those that Baara knows, and what makes no sense is refused in a line."""
    assert "claude-opus-5-5" in baara("prices", "list").stdout
    told = json.loads(baara("prices", "set", "my-model", "--input", "1.5", "--output", "6", "--json").stdout)
    assert told == {"model": "my-model", "input_usd": 1.5, "output_usd": 6.0, "own": True}
    assert told in json.loads(baara("prices", "list", "--json").stdout)
    assert "yours" in baara("prices", "list").stdout
    for arguments in (["my-model"], ["", "--input", "1", "--output", "1"], ["x", "--input", "-1", "--output", "1"]):
        refused = baara("prices", "set", *arguments)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert baara("prices", "delete", "my-model").returncode == 0
    assert baara("prices", "delete", "my-model").returncode == 3

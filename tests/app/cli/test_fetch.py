import json
import subprocess
from collections.abc import Callable

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_hosts_are_allowed_listed_and_forbidden(baara: Baara) -> None:
    """The list starts empty, takes hosts in one form, and refuses in a line what names none."""
    assert json.loads(baara("fetch", "list", "--json").stdout) == []
    assert json.loads(baara("fetch", "allow", "*.Example.org", "--json").stdout) == {"host": "*.example.org"}
    assert "*.example.org" in baara("fetch", "list").stdout
    refused = baara("fetch", "allow", "http://example.org/")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert baara("fetch", "forbid", "*.example.org").returncode == 0
    assert baara("fetch", "forbid", "*.example.org").returncode == 3

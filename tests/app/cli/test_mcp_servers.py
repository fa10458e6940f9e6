import json
import subprocess
from collections.abc import Callable

from baara_engine.engine import Engine

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_a_server_is_added_listed_and_removed(baara: Baara, engine: Engine) -> None:
    """A server is added with the names of its secrets, listed, and removed once."""
    added = baara("mcp-servers", "add", "notes", "--env", "TOKEN=notes-token", "--", "notes-server", "--fast")
    assert added.returncode == 0, added.stderr
    assert engine.mcp_servers()["notes"]["args"] == ["--fast"]
    [listed] = json.loads(baara("mcp-servers", "list", "--json").stdout)
    assert (listed["name"], listed["env"]) == ("notes", {"TOKEN": "notes-token"})
    assert baara("mcp-servers", "remove", "notes").returncode == 0
    assert engine.mcp_servers() == {}
    assert baara("mcp-servers", "remove", "notes").returncode != 0


def test_work_names_the_servers_that_it_has(baara: Baara, engine: Engine) -> None:
    """The option of a submission is what the execution has."""
    assert baara("submit", "look", "--mcp-server", "notes", "--mcp-server", "mail").returncode == 0
    [execution] = engine.executions()
    assert execution.mcp_servers == ("notes", "mail")

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from baara_engine.engine import Engine

SERVER = Path(__file__).parents[2] / "engine" / "mcp_client" / "outside_server.py"
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


def test_a_server_is_tried(baara: Baara, tmp_path: Path) -> None:
    """Its tools are listed with their effects; one that is not there, or does not start, is said in a line."""
    command = [sys.executable, str(SERVER), str(tmp_path / "counted"), "0"]
    assert baara("mcp-servers", "add", "outside", "--", *command).returncode == 0
    told = {
        tool["name"]: tool["effect"] for tool in json.loads(baara("mcp-servers", "test", "outside", "--json").stdout)
    }
    assert told["mcp__outside__look"] == "read"
    assert told["mcp__outside__send"] == "unsafe"
    assert "mcp__outside__put" in baara("mcp-servers", "test", "outside").stdout
    baara("mcp-servers", "add", "broken", "--", sys.executable, "-c", "raise SystemExit(1)")
    for name, status in (("broken", 5), ("nobody", 3)):
        refused = baara("mcp-servers", "test", name)
        assert (refused.returncode, refused.stderr.count("\n")) == (status, 1)

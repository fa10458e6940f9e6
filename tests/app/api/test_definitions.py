"""The HTTP interface keeps what work is made of: tasks, schedules, templates, projects; and says how it stands."""

from typing import Any

from tests.app.api.conftest import Client


def test_a_task_is_kept_changed_run_and_deleted(client: Client) -> None:
    """With its schedules; found by its name or its id."""
    made = client.do("POST", "/tasks", {"name": "Weekly", "prompt": "echo the week", "budget_usd": "0.50"})
    assert (made["budget_microusd"], made["enabled"]) == (500_000, True)
    changed = client.do("PATCH", "/tasks/Weekly", {"description": "Each Friday.", "timeout_s": 60, "budget_usd": 2})
    assert (changed["prompt"], changed["timeout_s"], changed["budget_microusd"]) == ("echo the week", 60.0, 2_000_000)
    schedule = client.do("POST", f"/tasks/{made['id']}/schedules", {"due": "0 7 * * 5", "zone": "Europe/Paris"})
    assert (schedule["task"], schedule["missed"]) == ("Weekly", "once")
    assert client.get("/tasks/Weekly")["schedules"] == [schedule]
    assert client.do("PATCH", f"/schedules/{schedule['id']}", {"missed": "skip"})["missed"] == "skip"
    assert client.do("POST", f"/schedules/{schedule['id']}/pause")["enabled"] is False
    assert client.do("POST", f"/schedules/{schedule['id']}/resume")["enabled"] is True
    assert client.get(f"/schedules/{schedule['id']}") == client.get("/tasks/Weekly/schedules")[0]
    assert client.get("/slots") == []
    client.do("DELETE", f"/schedules/{schedule['id']}")
    assert client.get("/schedules") == []
    ran = client.do("POST", "/tasks/Weekly/submit")
    ended = client.get(f"/executions/{ran['id']}?wait=60")
    assert (ended["task_id"], ended["output"], ended["source"]) == (made["id"], "the week", "api")
    assert [one["id"] for one in client.get("/executions?task=Weekly")] == [ran["id"]]
    client.do("PATCH", "/tasks/Weekly", {"enabled": False})
    assert client.ask("POST", "/tasks/Weekly/submit").status == 409
    client.do("DELETE", "/tasks/Weekly")
    assert client.get("/tasks") == []
    assert client.ask("GET", "/tasks/Weekly").status == 404


def test_a_template_makes_executions_and_tasks(client: Client) -> None:
    """With its parameters; what is missing or does not fit is refused."""
    parameters = [{"name": "what", "type": "text"}]
    client.do("POST", "/templates", {"name": "Echo", "prompt": "echo {{what}}", "parameters": parameters})
    made = client.do("POST", "/templates/Echo/submit", {"params": {"what": "a"}, "options": {"max_turns": 3}})
    ended = client.get(f"/executions/{made['id']}?wait=60")
    assert (ended["output"], ended["max_turns"]) == ("a", 3)
    task = client.do("POST", "/templates/Echo/task", {"name": "Of a template", "params": {"what": "b"}})
    assert task["prompt"] == "echo b"
    assert client.ask("POST", "/templates/Echo/submit", {"params": {}}).status == 400
    assert client.do("PATCH", "/templates/Echo", {"description": "Says it."})["description"] == "Says it."
    assert "Echo" in [one["name"] for one in client.get("/templates")]
    assert client.do("DELETE", "/templates/Echo")["name"] == "Echo"


def test_a_project_holds_what_its_work_has_in_common(client: Client) -> None:
    """The active one takes what is submitted."""
    made = client.do("POST", "/projects", {"name": "Book", "instructions": "Be brief.", "defaults": {"max_turns": 7}})
    assert client.do("PUT", "/projects/active", {"project": "Book"})["active"]["id"] == made["id"]
    ended = client.submit("echo a line")
    assert (ended["project_id"], ended["max_turns"]) == (made["id"], 7)
    assert client.do("PUT", "/projects/active", {"project": None})["active"] is None
    assert client.do("PATCH", "/projects/Book", {"instructions": "Be long."})["instructions"] == "Be long."
    assert client.get("/projects/Book")["active"] is False
    client.do("DELETE", "/projects/Book")
    assert client.get("/projects") == []


def test_it_says_how_it_stands(client: Client) -> None:
    """Queues, pauses, settings, money, health."""
    status = client.get("/status")
    assert (status["working"], status["home"]) == (True, str(client.house.home))
    assert client.do("PATCH", "/queues/transfer", {"concurrency": 3})["concurrency"] == 3
    assert [one["concurrency"] for one in client.get("/queues") if one["name"] == "transfer"] == [3]
    assert client.do("POST", "/pause", {"until": "+1h"})["paused"]["by"] == "api"
    assert client.get("/pause")["paused"]["until"].endswith("Z")
    assert client.do("DELETE", "/pause") == {"paused": None, "was_paused": True}
    assert client.do("PATCH", "/settings", {"quiet_from": "22:00", "quiet_until": "07:00"})["quiet_from"] == "22:00"
    assert client.get("/settings")["notify"] is True
    assert client.do("PUT", "/limits", {"scope": "day", "usd": 5}) == {"scope": "day", "key": "", "usd": 5.0}
    assert [one["usd"] for one in client.get("/limits")] == [5.0]
    client.do("DELETE", "/limits/day")
    assert client.get("/limits") == []
    assert isinstance(client.get("/usage?by=model&days=3"), list)
    assert client.get("/health") == []
    assert client.do("POST", "/backups", None)["path"].startswith(str(client.house.home))
    for listing in ("/skills", "/plugins", "/grants"):
        assert client.get(listing) == []


def test_its_description_is_whole(client: Client) -> None:
    """Each route says what it does, each body what it takes, and each reference leads somewhere."""
    told = client.get("/openapi.json")
    assert (told["openapi"][:3], told["servers"]) == ("3.1", [{"url": "/api/v1"}])
    routes = [one for path in told["paths"].values() for one in path.values()]
    assert len(routes) > 60
    assert [one for one in routes if len(one.get("description", "")) < 10] == []
    references = set(_references(told))
    assert "#/components/schemas/Submission" in references
    for reference in references:
        found = told
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for part in value.values() for one in _references(part)]
    return [one for part in value for one in _references(part)] if isinstance(value, list) else []

"""The HTTP interface does the work: what is asked for is queued, watched, answered and mended."""

import http.client
import json
import threading
from typing import Any

from tests.app.api.conftest import LONG_S, Client

from baara_app import reaching

PROMISED = {  # CONTRACT.md, Command line
    "id", "task_id", "name", "kind", "status", "outcome", "queue", "priority", "attempt", "max_retries", "sandbox",
    "model", "thread_id", "created_at", "started_at", "completed_at", "duration_ms", "turn", "input_tokens",
    "output_tokens", "cost_usd", "output", "error", "checks", "waiting", "workspace", "resumed",
}  # fmt: skip


def events(client: Client, path: str, **headers: str) -> tuple[int, list[tuple[int, str, Any]]]:
    """Listen to a stream until it ends; give its status and the events."""
    asking = http.client.HTTPConnection("127.0.0.1", client.house.port, timeout=LONG_S)
    key = {"Authorization": f"Bearer {reaching.running(client.house.home).token}"}
    asking.request("GET", f"/api/v1{path}", headers=key | headers)
    answer = asking.getresponse()
    blocks = answer.read().decode().split("\n\n")
    asking.close()
    found = []
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return answer.status, found


def test_what_is_submitted_comes_back_done(client: Client) -> None:
    """By its id, with all that is promised of an execution, its files, its journal and its log."""
    made = client.ask("POST", "/executions", {"prompt": "write notes.md", "model": None, "checks": ["file:notes.md"]})
    assert (made.status, made.said["source"]) == (201, "api")
    ended = client.get(f"/executions/{made.said['id'][:20]}?wait=60")
    assert ended.keys() >= PROMISED
    assert (ended["status"], ended["outcome"], ended["checks"][0]["passed"]) == ("completed", "Done", True)
    assert [one["path"] for one in client.get(f"/executions/{ended['id']}/files")] == ["notes.md"]
    journal = client.get(f"/executions/{ended['id']}/journal")
    assert [call["name"] for call in journal["tool_calls"]] == ["write"]
    assert client.get(f"/executions/{ended['id']}/logs?search=ended")[-1]["text"] == "Ended: Done"
    assert ended["id"] in [one["id"] for one in client.get("/executions?status=completed")]
    assert client.get(f"/executions/{ended['id']}/attempts")[0]["attempt"] == 1


def test_the_same_key_gives_the_same_execution(client: Client) -> None:
    """Asked twice, it is done once; the key with another prompt is refused."""
    first, second = (client.submit("echo hello", idempotency_key="k1") for _ in range(2))
    assert first["id"] == second["id"]
    assert client.ask("POST", "/executions", {"prompt": "echo bye", "idempotency_key": "k1"}).status == 409


def test_events_are_sent_as_they_happen(client: Client) -> None:
    """From the submission to the end; whoever comes back goes on where he was, and nobody waits for nothing."""
    made = client.do("POST", "/executions", {"prompt": "slow"})
    path = f"/executions/{made['id']}/events"
    status, found = events(client, path)
    assert (status, [one["data"]["to"] for _, kind, one in found if kind == "status"][-1]) == (200, "completed")
    numbers = [number for number, _, _ in found]
    assert numbers == sorted(set(numbers))
    again = events(client, path, **{"Last-Event-ID": str(numbers[3])})
    assert [number for number, _, _ in again[1]] == numbers[4:]
    assert events(client, f"{path}?after={numbers[-1]}") == (204, [])
    assert events(client, path, **{"Last-Event-ID": "9" * 5000})[1] == found  # nobody can have been there


def test_a_stream_ends_when_its_key_is_taken_back(client: Client) -> None:
    """At once, though what it tells of goes on."""
    made = client.do("POST", "/executions", {"prompt": "run sleep 30", "sandbox": "native"})
    told: list[Any] = []
    listening = threading.Thread(target=lambda: told.append(events(client, f"/executions/{made['id']}/events")))
    listening.start()
    while not client.get(f"/executions/{made['id']}")["started_at"]:
        pass
    reaching.ask_desk(client.house.home, "revoke")
    listening.join(10.0)
    assert not listening.is_alive()
    [(status, found)] = told
    assert (status, "completed" in [one["data"].get("to") for _, _, one in found]) == (200, False)
    assert client.do("POST", f"/executions/{made['id']}/cancel")["id"] == made["id"]


def test_a_question_is_answered(client: Client) -> None:
    """By the execution that asks, or by the question."""
    for by_question in (False, True):
        made = client.do("POST", "/executions", {"prompt": "ask Which one?"})
        while (now := client.get(f"/executions/{made['id']}"))["status"] != "waiting_for_input":
            pass
        question = now["waiting"]["question_id"]
        assert client.get(f"/questions/{question}")["text"] == "Which one?"
        assert question in [one["id"] for one in client.get("/questions")]
        place = f"/questions/{question}" if by_question else f"/executions/{made['id']}"
        assert client.do("POST", f"{place}/answer", {"text": "The second"})["answer"] == "The second"
        assert client.get(f"/executions/{made['id']}?wait=60")["output"] == "You chose: The second"
        assert client.ask("POST", f"{place}/answer", {"text": "The first"}).status == 409


def test_a_dead_letter_is_mended(client: Client) -> None:
    """What has failed for good is listed with what to try, goes on with changes, or is put aside."""
    failed = client.submit("exit 3", kind="command", max_retries=0)
    assert failed["status"] == "dead_lettered"
    [letter] = [one for one in client.get("/dead-letters") if one["id"] == failed["id"]]
    assert letter["advice"]
    assert client.get(f"/dead-letters/{failed['id']}")["attempts"]
    client.do("POST", f"/executions/{failed['id']}/resume", {"command": "echo mended"})
    assert client.get(f"/executions/{failed['id']}?wait=60")["output"] == "mended\n"
    other = client.submit("exit 4", kind="command", max_retries=0)
    assert client.do("POST", f"/executions/{other['id']}/restart")["thread_id"] == other["thread_id"]
    client.do("POST", f"/executions/{other['id']}/dismiss")
    assert other["id"] not in [one["id"] for one in client.get("/dead-letters")]


def test_a_fork_goes_on_from_a_turn(client: Client) -> None:
    """As another execution, in the same thread."""
    first = client.submit("write a.md")
    fork = client.do("POST", f"/executions/{first['id']}/fork", {"turn": 0, "prompt": "echo another way"})
    assert (fork["forked_from"], fork["thread_id"]) == (first["id"], first["thread_id"])
    assert client.get(f"/executions/{fork['id']}?wait=60")["output"] == "another way"


def test_threads_are_read_answered_and_put_away(client: Client) -> None:
    """As in the inbox."""
    thread = client.submit("echo a figure of speech")["thread_id"]
    assert client.get(f"/threads/{thread}")["messages"]
    assert thread in [one["id"] for one in client.get("/threads")]
    assert thread in [one["id"] for one in client.get("/threads?lane=new")]
    assert [one["id"] for one in client.get("/search?q=figure%20speech")] == [thread]
    heard = client.do("POST", f"/threads/{thread}/reply", {"text": "echo once more"})
    client.get(f"/executions/{heard['id']}?wait=60")
    for verb, lane in (("done", "done"), ("reopen", "new"), ("archive", None)):
        told = client.do("POST", f"/threads/{thread}/{verb}")
        assert lane in {None, told["lane"]}
    assert client.do("POST", f"/threads/{thread}/reopen")["archived_at"] is None
    assert client.do("POST", f"/threads/{thread}/snooze", {"until": "+2h"})["lane"] == "snoozed"
    assert client.do("POST", f"/threads/{thread}/read")["unread"] is False
    assert client.get("/lanes")["snoozed"] == 1

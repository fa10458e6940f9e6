"""The scripted Messages API, over real HTTP, in a thread and as a program."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baara_engine.agent.acting import UNKNOWN
from baara_engine.records import Json
from baara_engine.testing import replies, scenarios
from baara_engine.testing.messages_server import MessagesServer

BASH: Json = {"name": "bash", "input_schema": {"type": "object"}}


def request(text: str = "hi", *more: Json, **options: Any) -> Json:
    messages = [{"role": "user", "content": [{"type": "text", "text": text}]}, *more]
    return {"model": "m", "max_tokens": 10, "messages": messages, "tools": [BASH], **options}


def post(url: str, body: Json, **headers: str) -> tuple[int, bytes]:
    """Send a request, and give the status and the body."""
    sent = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    sent.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(sent, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def counts(url: str) -> Json:
    with urllib.request.urlopen(f"{url}/counts", timeout=10) as response:
        return dict(json.load(response))


def appended(url: str, folder: Path, *, lose: int | None = None, prompt: str = "go") -> str:
    """Do what the scenario says in a folder, losing the result of one call, and give the last words."""
    messages: list[Json] = []
    for number in range(50):
        status, body = post(url, request(prompt, *messages))
        assert status == 200
        answer = json.loads(body)
        if answer["stop_reason"] == "end_turn":
            return str(answer["content"][0]["text"])
        [use] = [block for block in answer["content"] if block["type"] == "tool_use"]
        run = subprocess.run(
            ["bash", "-c", use["input"]["command"]], cwd=folder, capture_output=True, text=True, check=False
        )
        text = UNKNOWN if number == lose else run.stdout or "[no output]"
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": [{"type": "text", "text": text}]}
        messages += [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [result]}]
    raise AssertionError("it does not end")


def test_a_list_is_a_script_and_a_function_too() -> None:
    """Replies come in order from a list, or from a function of the request; the requests are kept."""
    with MessagesServer([replies.says("one"), replies.says("two")]) as server:
        texts = [json.loads(post(server.url, request())[1])["content"][0]["text"] for _ in range(2)]
        assert texts == ["one", "two"]
        assert post(server.url, request())[0] == 500
    with MessagesServer(lambda asked: replies.says(asked["model"])) as server:
        assert json.loads(post(server.url, request(), **{"X-Api-Key": "k"})[1])["content"][0]["text"] == "m"
        assert [recorded.key for recorded in server.requests] == ["k"]


def test_what_the_api_refuses_is_refused() -> None:
    """A conversation that breaks a rule gets status 400 with the rule, whatever the script says."""
    with MessagesServer([replies.says("never")]) as server:
        status, body = post(server.url, request(" "))
        assert (status, json.loads(body)["error"]["message"]) == (400, "messages.0: text must not be blank")
        assert post(server.url, request())[0] == 500
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.url}/other", timeout=10)


def test_a_body_can_be_cut_at_each_byte() -> None:
    """A cut reply has exactly so many bytes of its body, and then no end."""
    whole = b"".join(replies.says("hello").pieces(request(stream=True), "test_1"))
    with MessagesServer(lambda _: replies.raw(whole).cut(7)) as server:
        address = server.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
            body = json.dumps(request(stream=True)).encode()
            connection.sendall(b"POST /v1/messages HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            got = b"".join(iter(lambda: connection.recv(65536), b""))
    assert got.endswith(b"\r\n\r\n7\r\n" + whole[:7] + b"\r\n")


def test_the_server_ends_though_a_reply_has_stalled() -> None:
    """A stalled reply does not keep the server from ending."""
    with MessagesServer([replies.says("x").stalled(10)]) as server:
        waiting = threading.Thread(target=lambda: _fails(server.url))
        waiting.start()
        while not server.requests:
            time.sleep(0.01)
        begun = time.monotonic()
    waiting.join()
    assert time.monotonic() - begun < 5


def _fails(url: str) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        post(url, request(stream=True))


def test_receipts_are_appended_one_by_one(tmp_path: Path) -> None:
    """The scenario asks for one receipt in each turn, and says when all are written."""
    with MessagesServer(scenarios.append(3)) as server:
        assert appended(server.url, tmp_path) == "all 3 receipts written"
        assert counts(server.url) == {"requests": 4, "executions": {"go": {"requests": 4, "repeated": 0}}}
    assert (tmp_path / "receipts.txt").read_text() == "receipt-1\nreceipt-2\nreceipt-3\n"


def test_a_receipt_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    """If the outcome of writing a receipt is unknown, the file is looked at, and what is there counts."""
    with MessagesServer(scenarios.append(2)) as server:
        assert appended(server.url, tmp_path, lose=0) == "all 2 receipts written"
        assert server.counts()["requests"] == 4
    assert (tmp_path / "receipts.txt").read_text() == "receipt-1\nreceipt-2\n"


@pytest.mark.parametrize("found", ["0", "grep: receipts.txt: No such file or directory", "[no output]"])
def test_a_receipt_that_is_missing_is_written_again(found: str) -> None:
    """If the receipt is not in the file, or there is no file, it is written again."""
    with MessagesServer(scenarios.append(2)) as server:
        rounds = _round("toolu_1_0", UNKNOWN)
        assert _command(server.url, rounds) == "grep -c '^receipt-1$' receipts.txt || true"
        rounds += _round("toolu_2_0", found)
        assert _command(server.url, rounds) == "echo receipt-1 >> receipts.txt"


def _command(url: str, rounds: list[Json]) -> str:
    _, body = post(url, request("go", *rounds))
    return str(json.loads(body)["content"][1]["input"]["command"])


def _round(name: str, text: str) -> list[Json]:
    use = {"type": "tool_use", "id": name, "name": "bash", "input": {"command": "x"}}
    result = {"type": "tool_result", "tool_use_id": name, "content": [{"type": "text", "text": text}]}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def test_repeated_requests_are_counted_for_each_execution() -> None:
    """A request that was made before counts as repeated, apart for each first message."""
    with MessagesServer(lambda _: replies.says("x")) as server:
        for text in ("a", "a", "b"):
            post(server.url, request(text))
        assert server.counts()["executions"] == {
            "a": {"requests": 2, "repeated": 1},
            "b": {"requests": 1, "repeated": 0},
        }


@pytest.fixture
def program() -> Iterator[str]:
    """Run the server as a program, and give its URL."""
    command = [sys.executable, "-m", "baara_engine.testing.messages_server", "--scenario", "append", "--turns", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(10) == 0


def test_it_is_a_program_too(program: str, tmp_path: Path) -> None:
    """As a program it prints its URL, answers by its scenario, counts, and ends when it is told to."""
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", program)
    assert appended(program, tmp_path) == "all 2 receipts written"
    assert counts(program)["requests"] == 3

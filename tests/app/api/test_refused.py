"""What the HTTP interface does not take is refused in a sentence, and changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.app.api.conftest import Client

from baara_app.api import asking, making
from baara_engine.engine import Engine
from baara_ui.hub import Hub

UNKNOWN = "01ZZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The prompt does not do: Field required."),
        ({"prompt": " "}, "The prompt does not do: it is empty"),
        ({"prompt": "x", "colour": "red"}, "The colour does not do: Extra inputs are not permitted."),
        ({"prompt": "x", "priority": "high"}, "The priority does not do"),
        ({"prompt": "x", "priority": 9}, "The priority does not do"),
        ({"prompt": "x", "sandbox": "cellar"}, "There is no sandbox “cellar”"),
        ({"prompt": "x", "workspace": "/nonexistent"}, "/nonexistent is not a folder"),
        ({"prompt": "x", "budget_usd": "much"}, "much"),
        ({"prompt": "x", "at": "soon"}, "soon"),
        ({"prompt": "x", "not_before": 10**16}, "The not before does not do"),
        ({"prompt": "x", "not_before": 10**30}, "The not before does not do"),
        ({"prompt": "x", "checks": ["smell:rose"]}, "“smell:rose” is no check."),
        ({"prompt": "x\0y"}, "NUL"),
        ([1], "The body must be a JSON object."),
        ("x", "The body must be a JSON object."),
    ],
)
def test_a_body_that_does_not_do_is_told(client: Client, body: Any, message: str) -> None:
    """What is wrong with it, by the names of the interface; nothing is queued."""
    before = len(client.get("/executions"))
    refused = client.ask("POST", "/executions", body)
    assert (refused.status, refused.code) == (400, "invalid")
    assert message in refused.message
    assert len(client.get("/executions")) == before


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'{"prompt": NaN}', b"[" * 100_000, b'{"a":' * 5000])
def test_what_is_no_json_is_told(client: Client, raw: bytes) -> None:
    """However it is broken."""
    refused = client.ask("POST", "/executions", raw=raw)
    assert (refused.status, refused.message[:21]) == (400, "The body is not JSON:")


def test_words_that_come_with_more_are_refused(client: Client) -> None:
    """An answer is an answer: what else stands beside it might have been meant."""
    refused = client.ask("POST", f"/questions/{UNKNOWN}/answer", {"text": "yes", "remember": True})
    assert (refused.status, refused.message) == (400, "The remember does not do: Extra inputs are not permitted.")


def test_another_kind_of_body_is_refused(client: Client) -> None:
    """A form, or text that only looks like JSON, as a page of somebody else could send it."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        given = {"Content-Type": kind}
        refused = client.ask("POST", "/executions", raw=b'{"prompt": "x"}', headers=given)
        assert (refused.status, "must be JSON" in refused.message) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/executions/{UNKNOWN}", 404),
        ("GET", f"/executions/{UNKNOWN}/events", 404),
        ("POST", f"/executions/{UNKNOWN}/cancel", 404),
        ("GET", "/threads/nobody", 404),
        ("GET", "/tasks/nobody", 404),
        ("DELETE", "/tasks/nobody", 404),
        ("GET", "/queues/nobody", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/", 404),
        ("PUT", "/executions", 405),
        ("GET", "/executions?limit=0", 400),
        ("GET", "/executions?limit=many", 400),
        ("GET", "/executions?status=happy", 400),
        ("GET", f"/executions/{UNKNOWN}?wait=1000", 400),
        ("GET", f"/executions/{UNKNOWN}/events?after=-1", 400),
        ("GET", "/search", 400),
        ("GET", "/usage?by=colour", 400),
    ],
)
def test_what_is_not_there_is_told(client: Client, method: str, path: str, status: int) -> None:
    """With the status that says so, and the error as JSON."""
    refused = client.ask(method, path)
    assert (refused.status, set(refused.said["error"])) == (status, {"code", "title", "message"})


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Give the interface without guard and server, on an engine that does not work."""
    engine = Engine(tmp_path_factory.mktemp("bare") / "home")
    with TestClient(making.make(engine, Hub(engine)), raise_server_exceptions=True) as made:
        yield made
    engine.close()


def test_a_number_that_no_event_has_finds_none(bare: TestClient) -> None:
    """Beyond what the store can count to, either."""
    text = b'{"prompt": "x"}'
    made = bare.post("/executions", content=text, headers={"content-type": "application/json"}).json()
    engine: Engine = bare.app.state.engine  # type: ignore[attr-defined]
    assert engine.events(10**30, execution=made["id"]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(sorted({name for model in asking.SCHEMAS.values() for name in model.model_fields}))
BODIES = st.dictionaries(FIELDS | st.text(max_size=5), JSON, max_size=6)
CHANGING = [
    ("POST", "/executions"), ("POST", "/tasks"), ("PATCH", "/tasks/x"), ("POST", "/templates"), ("POST", "/projects"),
    ("PATCH", "/settings"), ("PUT", "/limits"), ("POST", "/pause"), ("PATCH", "/queues/transfer"),
    ("POST", f"/executions/{UNKNOWN}/fork"), ("POST", f"/executions/{UNKNOWN}/resume"), ("PATCH", "/projects/x"),
    ("POST", f"/threads/{UNKNOWN}/snooze"), ("PUT", "/projects/active"), ("POST", "/templates/x/submit"),
]  # fmt: skip


@pytest.mark.timeout(400)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=st.sampled_from(CHANGING), body=BODIES)
def test_no_body_makes_it_fall_over(bare: TestClient, way: tuple[str, str], body: dict[str, Any]) -> None:
    """Whatever stands in it, it is taken or refused."""
    try:
        text = json.dumps(body, allow_nan=False).encode()
    except (ValueError, UnicodeEncodeError):
        return
    answer = bare.request(way[0], way[1], content=text, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 201, 400, 404, 409}, answer.text


@pytest.mark.timeout(400)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/executions/{}", "/threads/{}", "/tasks/{}", "/skills/{}", "/search?q={}"]), name=st.text()
)
def test_no_address_makes_it_fall_over(bare: TestClient, path: str, name: str) -> None:
    """Whatever is asked for, it is there or it is not."""
    assert bare.get(path.format(name.encode("utf-8", "replace").hex())).status_code in {200, 400, 404}
    assert bare.get("/search", params={"q": name}).status_code in {200, 400}

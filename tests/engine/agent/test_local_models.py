"""Local servers: what they lack is done without, or said; and where a key may go."""

import pytest

from baara_engine import addresses, errors
from baara_engine.agent import whole
from baara_engine.agent.anthropic_model import AnthropicModel
from baara_engine.agent.model import Answer, Request
from baara_engine.errors import FailureKind
from baara_engine.records import Json
from baara_engine.testing.messages_server import Recorded
from baara_engine.testing.poor_server import PoorServer

TEXT: Json = {"type": "text", "text": "Hello."}
CALL: Json = {"type": "tool_use", "id": "call_7", "name": "glob", "input": {"pattern": "*"}}
TOOL: Json = {"name": "glob", "description": "x", "input_schema": {"type": "object"}}
ASKED: list[Json] = [{"role": "user", "content": [{"type": "text", "text": "Hi."}]}]


async def ask(server: PoorServer, key: str | None = None) -> Answer:
    model = AnthropicModel(lambda: key, server.url)
    try:
        return await model.answer(Request("local-7b", "Be kind.", ASKED, [TOOL], 100))
    finally:
        await model.close()


@pytest.mark.parametrize("streams", [True, False])
async def test_a_server_that_knows_little_is_enough(streams: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """No usage, no caching, no key, no stream: the answer with its call is whole, and its cost is not known."""
    with PoorServer([TEXT, CALL], streams=streams) as server:
        answer = await ask(server)
    assert (answer.content, answer.stop_reason) == ([TEXT, CALL], "tool_use")
    assert (answer.model, answer.cost_microusd) == ("local-7b", None)


async def test_a_key_goes_where_it_was_meant_to() -> None:
    """If there is a key, the configured server gets it as it would a gateway; if there is none, it gets none."""
    with PoorServer([TEXT]) as server:
        with pytest.raises(errors.ModelFailure, match="unknown field"):
            await ask(server, "sk-ant-mine")
        await ask(server)
    assert [Recorded(*request).key for request in server.requests] == ["sk-ant-mine", "none"]


async def test_what_a_server_lacks_is_said() -> None:
    """A server without tools is no server for an agent, and its own words say so."""
    with PoorServer([TEXT], has_tools=False) as server, pytest.raises(errors.ModelFailure) as raised:
        await ask(server)
    assert raised.value.kind is FailureKind.REQUEST
    assert "does not support tools" in raised.value.message


async def test_json_that_is_no_message_is_said() -> None:
    """An address of something else on this computer is told from a server that speaks the Messages API."""
    with pytest.raises(errors.ModelFailure, match="no message"):
        list(whole.events({"choices": []}))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:11434", "http://localhost:1234/v1", "http://[::1]:80", "https://gateway.example"]
)
def test_these_addresses_may_be_used(address: str) -> None:
    """Whatever is on this computer, and whatever is encrypted."""
    assert addresses.require_fit(f" {address} ") == address
    assert addresses.is_local(address) == address.startswith("http:")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://gateway.example", "https"),
        ("http://127.0.0.1.example.org", "https"),
        ("http://192.168.1.5:11434", "https"),
        ("http://me:secret@gateway.example", "https"),
        ("file:///etc/passwd", "such as"),
        ("localhost:1234", "such as"),
        ("http://x:99999999", "no address"),
    ],
)
def test_these_may_not(address: str, why: str) -> None:
    """A key is not sent in the clear, and a password in an address is not shown."""
    with pytest.raises(errors.InvalidInput, match=why) as raised:
        addresses.require_fit(address)
    assert "secret" not in raised.value.message

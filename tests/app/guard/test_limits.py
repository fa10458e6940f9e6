"""How much may come in (FACTS.md, 4.4, number 22)."""

import asyncio

from tests.app.guard.conftest import TOKEN, Caller

from baara_app.guard import limits

BEARER = {"authorization": f"Bearer {TOKEN}"}


async def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    """A gigabyte is refused by what it says of itself."""
    caller = Caller()
    said = await caller.ask("/api/v1/x", BEARER | {"content-length": str(10**9)}, "POST")
    assert (said.status, said.code, caller.app.seen) == (413, "too_large", [])


async def test_a_body_that_does_not_say_how_long_it_is_is_cut() -> None:
    """It is refused once more has come than is taken."""
    caller = Caller(limits.Bounds(body=1000))
    assert (await caller.ask("/", BEARER, "POST", [b"x" * 500, b"x" * 500])).status == 200
    said = await caller.ask("/", BEARER, "POST", [b"x" * 500, b"x" * 501])
    assert (said.status, caller.app.bodies) == (413, [1000])


async def test_a_file_for_a_page_may_be_larger() -> None:
    """What is dropped on a page has its own bound."""
    caller = Caller(limits.Bounds(body=10, upload=1000))
    path = "/_nicegui/client/1/upload/2"
    assert (await caller.ask(path, BEARER, "POST", [b"x" * 1000])).status == 200
    assert (await caller.ask(path, BEARER, "POST", [b"x" * 1001])).status == 413


async def test_a_body_that_never_ends_is_not_waited_for() -> None:
    """What is silent for too long is told so."""
    caller = Caller(limits.Bounds(chunk_s=0.01))
    said = await caller.ask("/", BEARER, "POST", [b"x", b"y"], ends=False)
    assert (said.status, said.code) == (408, "too_slow")


async def test_sockets_are_counted() -> None:
    """One window has so many, and a place is free again when one ends."""
    caller = Caller(limits.Bounds(sockets=2))
    cookie = caller.cookie()
    open_ = [caller.connect("/ws", cookie) for _ in range(2)]
    assert [(await one.hear())["type"] for one in open_] == ["websocket.accept"] * 2
    assert (await caller.connect("/ws", cookie).hear())["type"] == "websocket.close"
    other = caller.connect("/ws", caller.cookie())
    assert (await other.hear())["type"] == "websocket.accept"
    await open_[0].leave()
    again = caller.connect("/ws", cookie)
    assert (await again.hear())["type"] == "websocket.accept"
    for one in (open_[1], other, again):
        await one.leave()


async def test_a_socket_that_says_too_much_is_closed() -> None:
    """A flood ends it; what was said within the bounds was answered."""
    caller = Caller(limits.Bounds(burst=20, rate=0))
    socket = caller.connect("/ws", caller.cookie())
    assert (await socket.hear())["type"] == "websocket.accept"
    for number in range(30):
        socket.say(str(number))
    heard = [await socket.hear()]
    while heard[-1]["type"] == "websocket.send":
        heard.append(await socket.hear())
    assert heard[-1] == {"type": "websocket.close", "code": 1008}
    assert len(heard) <= 20
    await asyncio.wait_for(socket.task, 10)

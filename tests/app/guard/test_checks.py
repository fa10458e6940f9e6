"""The checks of a local server that is open to nobody (FACTS.md, 4.4; the numbers are of that list)."""

import re

import pytest
from tests.app.guard.conftest import COOKIE, HOST, MCP_TOKEN, PORT, TOKEN, Caller

from baara_app import handshake
from baara_app.guard import doors

BEARER = {"authorization": f"Bearer {TOKEN}"}
MCP = {"authorization": f"Bearer {MCP_TOKEN}"}
PATHS = [
    "/", "/threads/x", "/static/app.js", "/_nicegui/client/1/upload/2", "/_nicegui_ws/socket.io/", "/mcp", "/mcp/x",
    "/api/v1/executions", "/api/v1/openapi.json", "/docs", "/favicon.ico", "/openapi.json", "/mcp/../", "//", "/%00",
]  # fmt: skip


@pytest.mark.parametrize(
    "host",
    [None, "", "127.0.0.1", f"localhost:{PORT}", f"[::1]:{PORT}", "127.0.0.1:1", f"{HOST}.evil.example", f"x@{HOST}",
     f"evil.example:{PORT}", f"127.0.0.1:{PORT}0", f"{HOST},{HOST}", f" {HOST}", f"127.1:{PORT}", f"0.0.0.0:{PORT}"],
)  # fmt: skip
async def test_2_the_host_is_ours_to_the_letter(caller: Caller, host: str | None) -> None:
    """Any other name or port for this computer is refused, for requests and for sockets, whatever key comes along."""
    assert (await caller.ask("/", BEARER, host=host)).status == 403
    socket = caller.connect("/_nicegui_ws/", caller.cookie(), host=host)
    assert (await socket.hear())["type"] == "websocket.close"
    assert caller.app.seen == []


async def test_2_a_header_that_decides_comes_once(caller: Caller) -> None:
    """Two hosts, two origins: nobody guesses which of them is meant."""
    for name, value in (("host", HOST), ("origin", f"http://{HOST}"), ("sec-fetch-site", "none")):
        said = await caller.ask("/", BEARER, more=[(name, value), (name, value)])
        assert (said.status, said.code) == (400, "bad_headers")


@pytest.mark.parametrize(
    "origin",
    ["null", "file://", f"https://{HOST}", "http://127.0.0.1:1", f"http://{HOST}.evil.example", f"http://{HOST}/",
     f"http://localhost:{PORT}", "", "http://127.0.0.1", f"http://{HOST} ", f"HTTP://{HOST}", "vscode-webview://x"],
)  # fmt: skip
async def test_3_no_page_of_another_origin_gets_an_answer(caller: Caller, origin: str) -> None:
    """Not with the cookie, not with a token, not by a socket."""
    for key in (caller.cookie(), BEARER):
        said = await caller.ask("/", key | {"origin": origin})
        assert (said.status, said.code) == (403, "wrong_origin")
        assert (await caller.connect("/ws", key | {"origin": origin}).hear())["type"] == "websocket.close"
    assert caller.app.seen == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_4_what_another_site_asks_for_is_refused(caller: Caller, site: str) -> None:
    """All but the front page that somebody opens by a link, which does nothing."""
    key = caller.cookie() | {"sec-fetch-site": site}
    opens = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert (await caller.ask("/", key | opens)).status == 200
    assert (await caller.ask("/", key)).status == 403
    assert (await caller.ask("/", key | opens, "POST")).status == 403
    assert (await caller.ask("/", key | {**opens, "sec-fetch-dest": "iframe"})).status == 403
    assert (await caller.ask("/tasks", key | opens)).status == 403
    assert (await caller.ask("/open?key=x", key | opens)).status == 403


@pytest.mark.parametrize("path", PATHS)
async def test_5_nothing_is_answered_without_a_key(caller: Caller, path: str) -> None:
    """Whatever stands there: 401, and the app behind is not even asked."""
    for headers in ({}, {"authorization": "Bearer x"}, {"cookie": f"{COOKIE}=x"}, {"authorization": f"Basic {TOKEN}"}):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"):
            assert (await caller.ask(path, headers, method)).status == 401
        assert (await caller.connect(path, headers).hear())["type"] == "websocket.close"
    assert caller.app.seen == []


async def test_5_the_sign_of_life_says_nothing_else(caller: Caller) -> None:
    """It is open to all, and tells that somebody is there."""
    assert (await caller.ask("/healthz")).body == b'{"status":"ok"}'
    assert (await caller.ask("/healthz", method="POST")).status == 405
    assert (await caller.ask("/healthz/x")).status == 401


async def test_6_a_link_works_once(caller: Caller) -> None:
    """It sets a cookie that no script reads and no other site sends, and sends the browser on without the key."""
    key = caller.doors.launch()
    said = await caller.ask(f"/open?key={key}&to=/threads/x")
    assert (said.status, said.all("location"), said.all("cache-control")) == (303, ["/threads/x"], ["no-store"])
    [cookie] = said.all("set-cookie")
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=strict", cookie)
    assert (await caller.ask("/threads/x", {"cookie": cookie.partition(";")[0]})).body == b"secret"
    assert (await caller.ask(f"/open?key={key}")).code == "link_used"


async def test_6_a_link_gets_old(caller: Caller) -> None:
    """After two minutes it lets nobody in."""
    key = caller.doors.launch()
    caller.now += doors.LAUNCH_S + 1
    assert (await caller.ask(f"/open?key={key}")).code == "link_used"


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/\r\nx: y",
        "x",
        "/\t/e.example",
    ],
)
async def test_6_a_link_leads_to_a_page_of_ours(caller: Caller, to: str) -> None:
    """Wherever it says, it leads to this server."""
    said = await caller.ask(f"/open?key={caller.doors.launch()}&to={to.encode('unicode_escape').decode()}")
    assert said.all("location")[0].startswith("/")
    assert not said.all("location")[0].startswith(("//", "/\\"))


async def test_7_keys_are_long_and_nowhere_in_what_is_said(caller: Caller) -> None:
    """256 bits each, all different, and kept as hashes."""
    keys = [caller.doors.launch() for _ in range(50)]
    assert len(set(keys)) == 50
    assert min(map(len, keys)) == 43
    assert not any(key in repr([vars(type(caller.doors)), caller.doors._launches]) for key in keys)
    assert TOKEN not in str(await caller.ask("/", BEARER))


async def test_8_a_key_that_is_taken_back_closes_what_is_open(caller: Caller) -> None:
    """The socket of a window ends at once, and its cookie is worth nothing."""
    cookie = caller.cookie()
    socket = caller.connect("/_nicegui_ws/", cookie)
    assert (await socket.hear())["type"] == "websocket.accept"
    socket.say("hello")
    assert (await socket.hear())["text"] == "hello"
    assert caller.doors.revoke_sessions() == 1
    assert await socket.hear() == {"type": "websocket.close", "code": 1008}
    await caller.app.ended.wait()
    await socket.task
    assert (await caller.ask("/", cookie)).status == 401
    assert (await caller.ask("/", BEARER)).status == 200


async def test_8_tokens_that_are_changed_close_what_is_open(caller: Caller) -> None:
    """The old token opens nothing, the new one everything; windows stay."""
    cookie = caller.cookie()
    socket = caller.connect("/api/v1/stream", BEARER)
    assert (await socket.hear())["type"] == "websocket.accept"
    caller.doors.rotate("n" * 43, "o" * 43)
    assert (await socket.hear())["type"] == "websocket.close"
    assert (await caller.ask("/", BEARER)).status == 401
    assert (await caller.ask("/mcp", MCP)).status == 401
    assert (await caller.ask("/", {"authorization": f"bearer {'n' * 43}"})).status == 200
    assert (await caller.ask("/", cookie)).status == 200


async def test_9_nobody_says_what_he_is(caller: Caller) -> None:
    """What a visitor may do comes from the key alone."""
    claims = {"x-role": "admin", "x-baara-role": "window", "x-forwarded-for": "127.0.0.1", "x-user": "root"}
    assert (await caller.ask("/?role=window", claims)).status == 401
    assert (await caller.ask("/mcp", BEARER | claims)).status == 401


async def test_11_each_key_opens_its_own_doors(caller: Caller) -> None:
    """MCP has a token of its own, which opens nothing else, and no other key opens MCP."""
    for path in ("/mcp", "/mcp/"):
        assert (await caller.ask(path, MCP, "POST")).status == 200
        for key in (BEARER, caller.cookie()):
            assert (await caller.ask(path, key, "POST")).status == 401
    for path in ("/", "/api/v1/executions", "/mcpx", "/MCP"):
        assert (await caller.ask(path, MCP)).status == 401
        assert (await caller.ask(path, BEARER)).status == 200


async def test_11_only_the_token_makes_links(caller: Caller) -> None:
    """A window, or MCP, opens no further windows."""
    said = await caller.ask("/api/v1/links", BEARER, "POST")
    assert said.status == 201
    assert (await caller.ask(said.body.decode().split('"')[3])).status == 303
    for key in (MCP, caller.cookie(), {}):
        assert (await caller.ask("/api/v1/links", key, "POST")).status == 401


async def test_11_two_tokens_at_once_are_none(caller: Caller) -> None:
    """Nobody guesses which of them is meant."""
    value = f"Bearer {TOKEN}"
    assert (await caller.ask("/", {}, more=[("authorization", value), ("authorization", value)])).status == 401


async def test_12_no_other_origin_may_read(caller: Caller) -> None:
    """There is no header of CORS, even where an app sets one."""
    for headers in (BEARER, {}, BEARER | {"origin": f"http://{HOST}"}):
        said = await caller.ask("/", headers)
        assert not [name for name, _ in said.headers if name.startswith("access-control")]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
async def test_13_a_form_of_another_page_does_nothing(caller: Caller, kind: str) -> None:
    """A browser sends its origin with each of these, and without the cookie, which is strict."""
    foreign = {"content-type": kind, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await caller.ask("/api/v1/executions", foreign, "POST")).status == 403
    assert (await caller.ask("/api/v1/executions", {"content-type": kind}, "POST")).status == 401


async def test_14_every_answer_says_what_it_may_load(caller: Caller) -> None:
    """Pages, refusals and redirects have the policy, once, and tell nothing of the program that serves them."""
    link = f"/open?key={caller.doors.launch()}"
    for path, key in (("/", BEARER), ("/", {}), (link, {}), ("/healthz", {}), ("/prove?challenge=x", {})):
        said = await caller.ask(path, key)
        [policy] = said.all("content-security-policy")
        assert f"connect-src 'self' ws://{HOST};" in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        once = ["x-frame-options", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy",
                "cross-origin-resource-policy"]  # fmt: skip
        assert [said.all(name) for name in once] == [
            ["DENY"],
            ["nosniff"],
            ["no-referrer"],
            ["same-origin"],
            ["same-origin"],
        ]
        assert said.all("server") == []


async def test_24_the_server_shows_who_it_is_before_it_is_trusted(caller: Caller) -> None:
    """Whoever knows the token sees that the server knows it too; nobody learns it by asking."""
    said = await caller.ask("/prove?challenge=0123456789abcdef")
    assert said.body.decode() == f'{{"proof":"{handshake.prove(TOKEN.encode(), "0123456789abcdef")}"}}'
    assert TOKEN not in said.body.decode()
    for challenge in ("", "short", "x" * 129, "a b" * 9, "0123456789abcdef&challenge=0123456789abcdef"):
        assert (await caller.ask(f"/prove?challenge={challenge}")).status == 400


async def test_a_person_reads_what_to_do(caller: Caller) -> None:
    """A browser without a key gets a page in words; a program gets JSON."""
    page = await caller.ask("/", {"accept": "text/html,application/xhtml+xml"})
    assert (page.status, b"Open Baara by its own link" in page.body) == (401, True)
    assert (await caller.ask("/")).code == "unauthorized"


async def test_windows_are_bounded(caller: Caller) -> None:
    """The one that was not seen for longest gives way, and the links that nobody used."""
    first = caller.cookie()
    for _ in range(doors.MOST_SESSIONS):
        caller.now += 1
        last = caller.cookie()
    assert (await caller.ask("/", first)).status == 401
    assert (await caller.ask("/", last)).status == 200
    links = [caller.doors.launch() for _ in range(doors.MOST_LAUNCHES + 1)]
    assert caller.doors.enter(links[0]) is None
    assert caller.doors.enter(links[1])


@pytest.mark.parametrize("junk", ["\x00", "=", ";;;", "a" * 9000, 'x="\\', f"{COOKIE}=", f"{COOKIE}={'é' * 10}"])
async def test_rubbish_in_a_cookie_lets_nobody_in(caller: Caller, junk: str) -> None:
    """It is refused like no cookie at all."""
    assert (await caller.ask("/", {"cookie": junk})).status == 401

"""Pages are read from hosts that a person has allowed, at the address that was looked at, and nowhere else."""

import dataclasses
import ipaddress
import socket

import pytest
from tests.engine.fetching.conftest import World

from baara_engine import errors, fetching
from baara_engine.fetching import getting, hosts, resolving, where

OPEN = frozenset({80, 443})
PAGE = b"""<html><head><title>Tea</title><style>p{}</style></head><body><nav>menu</nav>
<h1>Green</h1><p>Steep at <b>80</b> degrees.</p><script>steal()</script>
<ul><li>leaves</li><li>water</li></ul><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<a href="https://example.org/more">more</a><img src="https://evil.example/x.png?secret"></body></html>"""


async def test_a_page_comes_as_markdown(world: World) -> None:
    """HTML comes as Markdown with its title, lists, tables and links; scripts, styles and menus are left out."""
    world.page("/tea", PAGE)
    text = await fetching.fetch(world.url("tea.example", "/tea#steep"), ["tea.example"], world.reach)
    assert text.startswith(f"http://tea.example:{world.port}/tea (text/html):\n\n# Tea\n")
    for part in ("# Green", "**80**", "* leaves", "| 1 | 2 |", "[more](https://example.org/more)"):
        assert part in text
    assert not any(word in text for word in ("steal", "p{}", "menu"))
    assert world.asked == [(f"tea.example:{world.port}", "/tea")]


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("text/plain; charset=latin-1", "Gr\xfcn".encode("latin-1"), "Grün"),
        ("text/plain; charset=base64", b"plain", "plain"),
        ("application/json", b'{"a": 1}', '{"a": 1}'),
        ("application/problem+json", b"{}", "{}"),
    ],
)
async def test_other_text_comes_as_it_is(world: World, kind: str, body: bytes, told: str) -> None:
    """Text, JSON and the like come as they are, whatever their host calls their letters."""
    world.page("/x", body, kind)
    assert (await fetching.fetch(world.url("a.example", "/x"), ["*"], world.reach)).endswith(f"\n\n{told}")


async def test_what_is_no_text_is_refused(world: World) -> None:
    """A picture is named as what it is."""
    world.page("/x", b"\x89PNG", "image/png")
    with pytest.raises(errors.InvalidInput, match="image/png"):
        await fetching.fetch(world.url("a.example", "/x"), ["*"], world.reach)


@pytest.mark.parametrize(
    ("host", "allowed", "fits"),
    [
        ("example.org", ["example.org"], True),
        ("EXAMPLE.org.", ["example.org"], True),
        ("www.example.org", ["*.example.org"], True),
        ("example.org", ["*.example.org"], False),
        ("badexample.org", ["*.example.org"], False),
        ("example.org.evil.example", ["example.org"], False),
        ("evil.example", [], False),
        ("evil.example", ["*"], True),
    ],
)
async def test_only_hosts_of_the_list_are_asked(world: World, host: str, allowed: list[str], *, fits: bool) -> None:
    """A host is compared whole, by its labels, and nothing else is even looked up."""
    world.page("/", b"hello")
    if fits:
        assert await fetching.fetch(world.url(host, "/"), allowed, world.reach)
        return
    with pytest.raises(errors.Refused, match=r"baara fetch allow"):
        await fetching.fetch(world.url(host, "/"), allowed, world.reach)
    assert (world.looked_up, world.asked) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        "", "example.org", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "http://", "http:///x",
        "https://me:pw@example.org/", "https://allowed.example@evil.example/", "http://example.org:22/",
        "http://exa mple.org/", "http://evil.example\x00.allowed.example/", "http://a\n.example/", "http://[::1",
        "https://example.org/" + "x" * 2_000, "http://\u202eexample.org/", "data:text/html,x",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_refused(address: str) -> None:
    """An address that is none, or hides something, is refused in words."""
    with pytest.raises(errors.InvalidInput):
        where.parse(address, OPEN)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "localhost",
     "[::ffff:169.254.169.254]"],
)  # fmt: skip
async def test_this_computer_is_never_asked(host: str) -> None:
    """However this computer is written, its address is looked at and refused, even where every host is allowed."""
    with pytest.raises((errors.Refused, errors.InvalidInput), match=r"own network|no address"):
        await fetching.fetch(f"http://{host}/", ["*"])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
     "2002:a00:1::", "2002:7f00:1::", "192.0.2.1"],
)  # fmt: skip
def test_what_is_not_public_does_not_fit(address: str) -> None:
    """Private, local, shared, reserved and multicast addresses do not fit, nor what wraps one."""
    assert not resolving.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_what_is_public_fits(address: str) -> None:
    """Public addresses fit."""
    assert resolving.is_public(ipaddress.ip_address(address))


async def test_one_private_address_among_public_ones_is_enough(world: World) -> None:
    """A name that has a private address beside a public one is how names are made to change: it is refused."""
    world.names["evil.example"] = ["127.0.0.1", "10.0.0.1"]
    with pytest.raises(errors.Refused, match="own network"):
        await fetching.fetch(world.url("evil.example", "/"), ["*"], world.reach)
    assert world.asked == []


async def test_a_name_is_looked_up_once(world: World) -> None:
    """The connection goes to the address that was looked at; the name is not asked for again."""
    world.page("/", b"hello")
    await fetching.fetch(world.url("rebinding.example", "/"), ["*"], world.reach)
    assert world.looked_up == ["rebinding.example"]


async def test_redirects_are_followed_and_looked_at(world: World) -> None:
    """A redirect leads on, also to another allowed host, relative or not."""
    world.redirect("/a", "/b")
    world.redirect("/b", world.url("b.example", "/c"))
    world.page("/c", b"arrived", "text/plain")
    text = await fetching.fetch(world.url("a.example", "/a"), ["a.example", "b.example"], world.reach)
    assert text.endswith("arrived")
    assert text.startswith(f"http://b.example:{world.port}/c")


@pytest.mark.parametrize("to", ["http://evil.example/", "http://127.0.0.1/", "//evil.example/x", "file:///etc/passwd"])
async def test_a_redirect_opens_no_door(world: World, to: str) -> None:
    """A redirect to a host that is not allowed, or to what is no page, ends there."""
    world.redirect("/a", to)
    reach = dataclasses.replace(world.reach, ports=OPEN | world.reach.ports)
    with pytest.raises((errors.Refused, errors.InvalidInput)):
        await fetching.fetch(world.url("a.example", "/a"), ["a.example"], reach)
    assert len(world.asked) == 1


async def test_a_redirect_of_an_allowed_host_to_this_computer_is_refused(world: World) -> None:
    """Also where every host is allowed, a redirect does not lead to an address of this network."""
    world.names["inside.example"] = ["192.168.1.1"]
    world.redirect("/a", world.url("inside.example", "/admin"))
    with pytest.raises(errors.Refused, match="own network"):
        await fetching.fetch(world.url("a.example", "/a"), ["*"], world.reach)


async def test_circles_end(world: World) -> None:
    """A page that sends back to itself is given up on."""
    world.redirect("/a", "/a")
    with pytest.raises(errors.InvalidInput, match="leads on more than 5 times"):
        await fetching.fetch(world.url("a.example", "/a"), ["*"], world.reach)


async def test_what_is_too_large_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page past the limit is not read to its end."""
    monkeypatch.setattr(getting, "MAX_BYTES", 100_000)
    world.page("/", b"x" * 200_000, "text/plain")
    with pytest.raises(errors.InvalidInput, match="larger than"):
        await fetching.fetch(world.url("a.example", "/"), ["*"], world.reach)


async def test_what_does_not_answer_is_left(world: World) -> None:
    """A host that says nothing is waited for as long as the limit says."""
    world.pages["/stalls"] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhalf"
    reach = dataclasses.replace(world.reach, limit_s=0.3)
    with pytest.raises(errors.Unavailable, match="took more than"):
        await fetching.fetch(world.url("a.example", "/stalls"), ["*"], reach)


@pytest.mark.parametrize("answer", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_a_broken_answer_is_said(world: World, answer: bytes) -> None:
    """What is no answer, or half of one, is not taken for a page."""
    world.pages["/"] = answer
    with pytest.raises(errors.Unavailable, match="no answer that can be used"):
        await fetching.fetch(world.url("a.example", "/"), ["*"], world.reach)


async def test_an_error_of_the_host_is_told(world: World) -> None:
    """The host's own refusal is told with its number."""
    with pytest.raises(errors.InvalidInput, match="404 Not Found"):
        await fetching.fetch(world.url("a.example", "/none"), ["*"], world.reach)


async def test_a_host_that_does_not_exist_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without such a host, or without a network, it says so."""

    def nothing(*_args: object, **_named: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(errors.Unavailable, match="cannot be found"):
        await fetching.fetch("https://nowhere.example/", ["*"])


async def test_a_page_that_is_made_to_explode_is_given_up_on(world: World) -> None:
    """A hundred thousand tags within one another break the reader, and not the engine."""
    world.page("/", b"<div>" * 100_000)
    with pytest.raises(errors.InvalidInput, match="cannot be made readable"):
        await fetching.fetch(world.url("a.example", "/"), ["*"], world.reach)


@pytest.mark.parametrize(
    "said", ["", "http://example.org", "example", "*.", "*.*", "a b.example", "exa\u0000.org", "**"]
)
def test_what_names_no_host_is_refused(said: str) -> None:
    """The list takes hosts and patterns of them alone."""
    with pytest.raises(errors.InvalidInput, match="names no host"):
        hosts.pattern(said)

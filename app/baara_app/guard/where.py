"""Where a request comes from: it must have been meant for this very server, and asked by a page of ours or by none.

The host is compared whole, so a name that somebody's DNS points at this computer is of no use (rebinding). A browser
says of each request which page asks (`Origin`, `Sec-Fetch-Site`); a program that is no browser says neither.
"""

from starlette.types import Scope

from baara_app.guard.answers import Refusal

HOST = "127.0.0.1"
FOREIGN_SITES = frozenset({b"cross-site", b"same-site"})  # another port of this computer is the same site

WRONG_HOST = Refusal(403, "wrong_host", "This server answers only to its exact address on 127.0.0.1.")
WRONG_ORIGIN = Refusal(403, "wrong_origin", "A page of another origin has asked for this. It is not answered.")
TWICE = Refusal(400, "bad_headers", "A header that may come once came more than once.")


class Here:
    """The address of one server."""

    def __init__(self, port: int) -> None:
        """Take the port on loopback."""
        self._host = f"{HOST}:{port}".encode()
        self._origin = b"http://" + self._host

    def refusal(self, scope: Scope) -> Refusal | None:
        """Say why this cannot be meant for us; None if it may be."""
        host, origin, site = (_all(scope, name) for name in (b"host", b"origin", b"sec-fetch-site"))
        if max(map(len, (host, origin, site))) > 1:
            return TWICE
        if host != [self._host]:
            return WRONG_HOST
        if origin not in ([], [self._origin]):
            return WRONG_ORIGIN
        if site and site[0] in FOREIGN_SITES and not _opens_a_page(scope):
            return WRONG_ORIGIN
        return None


def _opens_a_page(scope: Scope) -> bool:
    """Say whether a person has followed a link to the front door: that shows them a page, and does nothing."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
        return False
    asked = {name: _all(scope, name) for name in (b"sec-fetch-mode", b"sec-fetch-dest")}
    return asked == {b"sec-fetch-mode": [b"navigate"], b"sec-fetch-dest": [b"document"]}


def _all(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]

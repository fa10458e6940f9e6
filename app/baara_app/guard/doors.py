"""Who somebody is: each key opens the doors that it is for, and can be taken back at once.

A *session* is a window's: a one-time link sets its cookie. Two *tokens* stand in `runtime.json`, which only this user
may read: one for the pages and the HTTP interface, one for MCP. Nobody says of himself what he is.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.types import Scope

from baara_app import handshake
from baara_app.guard import kept
from baara_app.guard.answers import Refusal

KEY_BYTES = 32  # 256 bits of randomness in every key
LAUNCH_S = 120.0  # seconds that a one-time link is good for: a browser may have to start first
MOST_LAUNCHES = 64  # links at once; the oldest goes
MOST_SESSIONS = 64  # windows at once; the one not seen for longest goes
MCP = "/mcp"
BEARER = b"bearer "

STRANGER = Refusal(
    401,
    "unauthorized",
    "Baara opens its pages only to the person who runs it. Run “baara open”: it leads here by a link that works once.",
    "Open Baara by its own link",
)


@dataclass(eq=False, slots=True)
class Visitor:
    """Somebody who was let in, as long as the key is good."""

    role: str  #: "window", "api" or "mcp", by the key and nothing else
    seen_at: float
    gone: asyncio.Event = field(default_factory=asyncio.Event)  #: set when the key is taken back
    sockets: int = 0  #: that are open


class Doors:
    """The keys of one server. Keys are kept as hashes, so that nothing here can be read out and used."""

    def __init__(
        self, token: str, mcp_token: str, now: Callable[[], float], cookie: str, keeper: kept.Kept | None = None
    ) -> None:
        """Take the two tokens, a clock in seconds that only goes forward, the name of the cookie, and who keeps."""
        self.cookie = cookie
        self._now = now
        self._token, self._mcp = _hash(token), _hash(mcp_token)
        self._proof = token.encode()
        self._api, self._mcp_visitor = Visitor("api", now()), Visitor("mcp", now())
        self._keeper = keeper or kept.NotKept()
        self._sessions = {key: Visitor("window", now()) for key in self._keeper.load()}
        self._launches: dict[bytes, float] = {}

    def launch(self) -> str:
        """Make the key of a one-time link."""
        key = secrets.token_urlsafe(KEY_BYTES)
        self._launches[_hash(key)] = self._now() + LAUNCH_S
        for old in list(self._launches)[:-MOST_LAUNCHES]:
            del self._launches[old]
        return key

    def enter(self, key: str) -> str | None:
        """Give the cookie of a new session for the key of a one-time link; None if it is not good, or not any more."""
        until = self._launches.pop(_hash(key), None)
        if until is None or until < self._now():
            return None
        session = secrets.token_urlsafe(KEY_BYTES)
        self._sessions[_hash(session)] = Visitor("window", self._now())
        self._forget_old()
        self._keeper.save(self._sessions)
        return session

    def proof(self, challenge: str) -> str:
        """Show that this server knows the token of `runtime.json`, to whoever knows it too, without telling it."""
        return handshake.prove(self._proof, challenge)

    def visitor(self, scope: Scope) -> Visitor | None:
        """Say who this is, by the key that comes with it; None for a stranger."""
        found = self._by_token(scope) if _authorization(scope) else self._by_cookie(scope)
        wants_mcp = scope["path"] == MCP or scope["path"].startswith(f"{MCP}/")
        if found is None or wants_mcp != (found.role == "mcp"):
            return None
        found.seen_at = self._now()
        return found

    @property
    def sessions(self) -> int:
        """Give how many there are."""
        return len(self._sessions)

    def revoke_sessions(self, spare: str | None = None) -> int:
        """Take all sessions and links back, but for one; sockets that are open are closed. Give how many it were."""
        stays = {} if spare is None else {key: one for key, one in self._sessions.items() if key == _hash(spare)}
        gone = {key: one for key, one in self._sessions.items() if key not in stays}
        self._sessions, self._launches = stays, {}
        self._keeper.save(self._sessions)
        for visitor in gone.values():
            visitor.gone.set()
        return len(gone)

    def rotate(self, token: str, mcp_token: str) -> None:
        """Put new tokens in the place of the old, whose open sockets are closed."""
        self._api.gone.set()
        self._mcp_visitor.gone.set()
        self._token, self._mcp, self._proof = _hash(token), _hash(mcp_token), token.encode()
        self._api, self._mcp_visitor = Visitor("api", self._now()), Visitor("mcp", self._now())

    def _by_token(self, scope: Scope) -> Visitor | None:
        given = _hash_bytes(_authorization(scope)[len(BEARER) :].strip())
        is_api, is_mcp = hmac.compare_digest(given, self._token), hmac.compare_digest(given, self._mcp)
        return self._api if is_api else self._mcp_visitor if is_mcp else None

    def _by_cookie(self, scope: Scope) -> Visitor | None:
        for value in _cookies(scope, self.cookie):
            given = _hash(value)
            for known, visitor in self._sessions.items():
                if hmac.compare_digest(given, known):
                    return visitor
        return None

    def _forget_old(self) -> None:
        by_age = sorted(self._sessions.items(), key=lambda one: one[1].seen_at)
        for key, visitor in by_age[: max(len(by_age) - MOST_SESSIONS, 0)]:
            visitor.gone.set()
            del self._sessions[key]


def _authorization(scope: Scope) -> bytes:
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    only: bytes = values[0] if len(values) == 1 else b""
    return only if only[: len(BEARER)].lower() == BEARER else b""


def _cookies(scope: Scope, wanted: str) -> Iterator[str]:
    for name, value in scope["headers"]:
        if name == b"cookie":
            jar = SimpleCookie()
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                continue
            if wanted in jar:
                yield jar[wanted].value


def _hash(key: str) -> bytes:
    return _hash_bytes(key.encode("utf-8", "surrogatepass"))


def _hash_bytes(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()

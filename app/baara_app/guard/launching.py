"""How a window gets in: a link that works once sets a cookie, and sends the browser on to an address without it."""

import re
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import Receive, Scope, Send

from baara_app import handshake
from baara_app.guard import answers, doors

# A path of ours and nothing else: what begins with two slashes, or with a backslash, leads to another host.
PAGE = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?#\[\]-]{0,500}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{16,128}")

USED = answers.Refusal(
    401,
    "link_used",
    "This link worked once, or is too old. Run “baara open”: it makes a new one.",
    "This link has been used",
)
UNCLEAR = answers.Refusal(400, "bad_request", "A challenge is 16 to 128 letters, digits, “-” and “_”.")


class Launching:
    """The front door of one server."""

    def __init__(self, keys: doors.Doors) -> None:
        """Take the keys."""
        self._doors = keys

    async def is_answered(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer what is asked before anybody is let in; say whether it was."""
        known = {
            ("GET", handshake.OPEN): self._open,
            ("GET", handshake.PROVE): self._prove,
            ("POST", handshake.NEW_LINK): self._link,
        }
        found = known.get((scope["method"], scope["path"]))
        if found is None:
            return False
        await found(scope, receive, send)
        return True

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._doors.enter(_asked(scope, "key"))
        if session is None:
            await answers.refuse(scope, receive, send, USED)
            return
        to = _asked(scope, "to")
        answer = RedirectResponse(to if PAGE.fullmatch(to) else "/", status_code=303)
        answer.set_cookie(self._doors.cookie, session, httponly=True, samesite="strict", path="/")
        await answer(scope, receive, send)

    async def _prove(self, scope: Scope, receive: Receive, send: Send) -> None:
        challenge = _asked(scope, "challenge")
        if not CHALLENGE.fullmatch(challenge):
            await answers.refuse(scope, receive, send, UNCLEAR)
            return
        await JSONResponse({"proof": self._doors.proof(challenge)})(scope, receive, send)

    async def _link(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = self._doors.visitor(scope)
        if visitor is None or visitor.role != "api":
            await answers.refuse(scope, receive, send, doors.STRANGER)
            return
        await JSONResponse({"path": f"{handshake.OPEN}?key={self._doors.launch()}"}, status_code=201)(
            scope, receive, send
        )


def _asked(scope: Scope, name: str) -> str:
    try:
        given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=8).get(name, [])
    except ValueError:  # more fields than anybody needs
        return ""
    return given[0] if len(given) == 1 else ""

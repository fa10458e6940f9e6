"""What the guard says itself: short answers that tell a stranger nothing, and a person what to do."""

import html
from dataclasses import dataclass

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

POLICY_VIOLATION = 1008  # code of a socket that is closed for what it did or is (RFC 6455, 7.4.1)

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Baara</title><style>
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto 0; padding: 0 1.5rem;
color: #1f2328; background: #fbfaf8 }} h1 {{ font-size: 1.25rem }} code {{ font-size: .95em }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e6e4e0; background: #17181a }} }}
</style><main><h1>{title}</h1><p>{message}</p></main></html>"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not let in."""

    status: int
    code: str
    message: str
    title: str = "This is not for you"


async def healthy(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that the server answers, and nothing else."""
    if scope["method"] not in {"GET", "HEAD"}:
        await refuse(scope, receive, send, Refusal(405, "method_not_allowed", "Only GET is answered here."))
        return
    await JSONResponse({"status": "ok"})(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send, why: Refusal) -> None:
    """Turn a request or a socket away."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": why.code})
        return
    await _page(scope, why)(scope, receive, send)


def _page(scope: Scope, why: Refusal) -> Response:
    accepts = dict(scope["headers"]).get(b"accept", b"")
    if b"text/html" not in accepts:
        return JSONResponse({"error": {"code": why.code, "message": why.message}}, status_code=why.status)
    page = PAGE.format(title=html.escape(why.title), message=html.escape(why.message))
    return HTMLResponse(page, status_code=why.status)

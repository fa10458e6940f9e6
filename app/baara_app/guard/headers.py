"""Headers that go with every answer: what a page of ours may load, and who may have it inside."""

from typing import Any

from starlette.types import Message, Scope, Send

# What NiceGUI needs and no more: its pages hold scripts and styles of their own, and templates that are compiled there.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' ws://127.0.0.1:{port}; frame-src 'none'; frame-ancestors 'none'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'"
)
ALWAYS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
TELLS_TOO_MUCH = frozenset({b"server", b"access-control-allow-origin", b"access-control-allow-credentials"})


class Headers:
    """The headers of one server."""

    def __init__(self, port: int) -> None:
        """Take the port, which the policy names."""
        said = ALWAYS | {"content-security-policy": POLICY.format(port=port)}
        self._said = [(name.encode(), value.encode()) for name, value in said.items()]
        self._names = frozenset(name for name, _ in self._said) | TELLS_TOO_MUCH

    def on(self, scope: Scope, send: Send) -> Send:
        """Give a `send` that puts them on the answer, in place of what an app says by those names."""
        if scope["type"] != "http":
            return send

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._of(message.get("headers", []))}
            await send(message)

        return with_headers

    def _of(self, headers: Any) -> list[tuple[bytes, bytes]]:
        kept = [(bytes(name), bytes(value)) for name, value in headers if bytes(name).lower() not in self._names]
        stored = any(name.lower() == b"cache-control" for name, _ in kept)
        return [*kept, *self._said, *([] if stored else [(b"cache-control", b"no-store")])]

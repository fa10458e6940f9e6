"""Connections that have not said yet what they want: they are given little time, and there are never many of them.

The web server itself waits for ever for the head of a request, so a thousand connections that say nothing would use up
what this process may have open.
"""

import asyncio
import math

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0  # seconds until the head of a request must be there: it is one packet from this very computer
MOST = 256  # connections at once: a window has six and a socket


class Connection(H11Protocol):
    """One connection of the web server (see `uvicorn.Config.http`)."""

    timer: asyncio.TimerHandle | None = None  #: runs while it is its turn to say something

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give it some time, or the place of the one that has said nothing for longest."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            self._make_room()
        self._look()

    def data_received(self, data: bytes) -> None:
        """Take what it says."""
        super().data_received(data)
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand it over as a socket, whose time is its own."""
        self._stop()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let it go."""
        self._stop()
        super().connection_lost(exc)

    @property
    def is_silent(self) -> bool:
        """Say whether it is this connection's turn to say something."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _look(self) -> None:
        if not self.is_silent or self.transport.get_protocol() is not self:
            self._stop()
        elif self.timer is None:
            self.timer = self.loop.call_later(HEAD_S, self.end)

    def _stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def end(self) -> None:
        """Break it off."""
        self.timer = None
        self.transport.abort()

    def _make_room(self) -> None:
        """End the silent connection whose time is over first; this one, if all others are at work."""
        silent = [one for one in self.connections if isinstance(one, Connection) and one.timer is not None]
        min(silent, key=_until, default=self).end()


def _until(one: Connection) -> float:
    return math.inf if one.timer is None else one.timer.when()

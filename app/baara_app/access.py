"""Taking back what a server's keys open, as the pages and commands ask for it (see `baara_ui.house.Access`)."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from baara_app import runtime
from baara_app.guard import doors

log = logging.getLogger(__name__)


class Access:
    """The keys of one server. To be used in the loop that serves."""

    def __init__(self, home: Path, found: runtime.Runtime, keys: doors.Doors, shut_out: Callable[[], None]) -> None:
        """Take where the tokens stand, who knows them, and whom to tell that windows have been shut out."""
        self._home, self._found, self._keys, self._shut_out = home, found, keys, shut_out

    def windows(self) -> int:
        """Give how many browsers and windows hold a cookie that lets them in."""
        return self._keys.sessions

    def revoke_others(self, cookies: Mapping[str, str]) -> int:
        """Take back every cookie and link but the one that asks, and give how many cookies there were."""
        gone = self._keys.revoke_sessions(spare=cookies.get(self._keys.cookie))
        self._shut_out()
        log.info("%d other windows and browsers were shut out", gone)
        return gone

    def revoke_all(self) -> int:
        """Take back every cookie and link, and give both tokens anew. Gives how many cookies there were.

        Raises OSError if `runtime.json` cannot be written; then the tokens stay as they are.
        """
        found = runtime.renewed(self._found)
        runtime.write(self._home, found)
        self._found = found
        self._keys.rotate(found.token, found.mcp_token)
        gone = self._keys.revoke_sessions()
        self._shut_out()
        log.info("%d windows and browsers were shut out, and the tokens are new", gone)
        return gone

"""The hosts that agents may read pages of."""

from baara_engine import errors
from baara_engine.fetching import hosts
from baara_engine.store import fetch_hosts
from baara_engine.store.store import Store


class Fetching:
    """The operations on the list of hosts. It holds from the next call on, also for work that is running."""

    store: Store

    def fetch_hosts(self) -> list[str]:
        """Give the hosts that may be read."""
        return self.store.read(fetch_hosts.listing)

    def allow_fetch(self, host: str) -> str:
        """Put a host on the list, and give its form there. Raises `errors.InvalidInput`."""
        form = hosts.pattern(host)
        self.store.write(lambda tx: fetch_hosts.add(tx, form))
        return form

    def forbid_fetch(self, host: str) -> str:
        """Take a host off the list. Raises `errors.InvalidInput`, and `errors.NotFound` if it is not on it."""
        form = hosts.pattern(host)
        if not self.store.write(lambda tx: fetch_hosts.remove(tx, form)):
            raise errors.NotFound(f"{form} is not on the list of hosts. `baara fetch list` shows it.")
        return form

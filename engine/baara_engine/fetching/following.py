"""Following an address to a page."""

from collections.abc import Sequence

from baara_engine import errors
from baara_engine.fetching import getting, hosts, reading, where
from baara_engine.fetching.reach import Reach

MAX_REDIRECTS = 5  # a page that is further away is in a circle, or leads astray


async def fetch(address: str, allowed: Sequence[str], reach: Reach) -> str:
    """Give a page as text (see `fetching.fetch`)."""
    place = where.parse(address, reach.ports)
    for _ in range(MAX_REDIRECTS + 1):
        hosts.require_allowed(place.host, allowed)
        got = await getting.get(place, reach)
        if got.elsewhere is None:
            return f"{place.url} ({got.media_type}):\n\n" + await reading.text(got)
        place = where.parse(got.elsewhere, reach.ports)
    raise errors.InvalidInput(f"{address} leads on more than {MAX_REDIRECTS} times. Ask for the last address itself.")

"""What may be reached, and how."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache

from baara_engine.fetching import resolving
from baara_engine.fetching.resolving import Address

GET_S = 30.0  # seconds for all of one page: slower ones are not waited for


@cache
def everybodys() -> ssl.SSLContext:
    """Believe the certificates that this computer believes. It takes 10 ms to make, so it is made once."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached. Tests reach this computer instead of the world."""

    look_up: Callable[[str, int], Awaitable[list[Address]]] = resolving.look_up
    fits: Callable[[Address], bool] = resolving.is_public
    ports: frozenset[int] = frozenset({80, 443})
    trust: Callable[[], ssl.SSLContext] = everybodys  #: whose certificates are believed
    limit_s: float = GET_S


PUBLIC = Reach()  #: the public network, as this computer knows it

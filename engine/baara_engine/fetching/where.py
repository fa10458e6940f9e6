"""Addresses of pages."""

from dataclasses import dataclass

import httpx2

from baara_engine import errors

MAX_ADDRESS = 2_000  # characters: longer ones carry something out rather than asking for a page
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """One page's address, taken apart."""

    url: str  #: as it is asked for, without what stands behind `#`
    scheme: str
    host: str  #: in lower case, in the form that is looked up (IDNA)
    port: int
    target: str  #: path and query


def parse(address: str, ports: frozenset[int]) -> Place:
    """Take an address apart. Raises `errors.InvalidInput` for what is none of a page of the web."""
    if len(address) > MAX_ADDRESS or not address.isprintable() or " " in address:
        raise errors.InvalidInput(f"An address has at most {MAX_ADDRESS:,} characters, without blanks and controls.")
    try:
        url = httpx2.URL(address)
        scheme, host, target = url.scheme, url.raw_host.decode("ascii").lower().rstrip("."), url.raw_path.decode()
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise errors.InvalidInput(f"That is no address: {error}.") from error
    if scheme not in _DEFAULT_PORTS or not host:
        raise errors.InvalidInput("An address begins with https:// or http:// and names a host.")
    if url.userinfo:
        raise errors.InvalidInput("An address with a name or password in it is not fetched.")
    port = url.port or _DEFAULT_PORTS[scheme]
    if port not in ports:
        raise errors.InvalidInput(f"Port {port} is not one that pages are served on: {_listed(ports)}.")
    return Place(str(url.copy_with(fragment=None)), scheme, host, port, target)


def _listed(ports: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(ports)))

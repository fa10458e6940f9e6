"""Looking up a host, and refusing what is not an address of the public network."""

import asyncio
import ipaddress
import socket

from baara_engine import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOK_UP_S = 10.0  # seconds: what resolves more slowly than that does not resolve
# Addresses that carry an IPv4 address inside are as public as that one: RFC 6052 (NAT64).
NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def look_up(host: str, port: int) -> list[Address]:
    """Give all addresses of a host. Raises `errors.Unavailable`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOK_UP_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (TimeoutError, OSError, UnicodeError) as error:
        raise errors.Unavailable(f"{host} cannot be found: there is no such host, or no network.") from error
    return [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public network, whatever it is wrapped in."""
    inner = _inner(address)
    return address.is_global and not address.is_multicast and (inner is None or is_public(inner))


def _inner(address: Address) -> Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)

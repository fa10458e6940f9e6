"""Addresses of services that speak the Messages API: which may be used, and which need no key."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from baara_engine import errors

LOOPBACK_NAME = "localhost"


def require_fit(address: str) -> str:
    """Give the address back if a key may be sent there. Raises `errors.InvalidInput`, which shows no password in it."""
    try:
        parts = urlsplit(address.strip())
        _ = parts.port  # reading it raises where it is no number
    except ValueError as error:
        raise errors.InvalidInput(f"ANTHROPIC_BASE_URL is no address ({error}).") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise errors.InvalidInput("ANTHROPIC_BASE_URL must be an address such as http://127.0.0.1:11434.")
    if parts.scheme == "http" and not _is_loopback(parts):
        raise errors.InvalidInput(
            f"ANTHROPIC_BASE_URL must begin with https:// for {parts.hostname}: the key and the conversation would "
            "cross the network for everybody to read. Only an address of this computer may do without."
        )
    return address.strip()


def is_local(address: str | None) -> bool:
    """Say whether it is an address of this computer."""
    return address is not None and _is_loopback(urlsplit(address))


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == LOOPBACK_NAME or host.endswith(f".{LOOPBACK_NAME}")

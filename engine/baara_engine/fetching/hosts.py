"""The list of hosts whose pages may be read."""

import re
from collections.abc import Sequence

from baara_engine import errors

ANY = "*"  #: the pattern of a person who allows all hosts
_NAME = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_PATTERN = re.compile(rf"(\*\.)?{_NAME}(\.{_NAME})+")


def pattern(said: str) -> str:
    """Give a host of the list in its one form. Raises `errors.InvalidInput`."""
    form = said.strip().lower()
    if form == ANY:
        return ANY
    form = form.removesuffix(".")
    if not _PATTERN.fullmatch(form):
        raise errors.InvalidInput(
            f"“{said}” names no host. Say it like example.org, *.example.org for all below it, or * for every host."
        )
    return form


def require_allowed(host: str, allowed: Sequence[str]) -> None:
    """Raise `errors.Refused`, saying what the person can do, unless the host is on the list."""
    if not any(fits(host, pattern) for pattern in allowed):
        raise errors.Refused(
            f"{host} is not on the person's list of hosts. They can allow it by `baara fetch allow {host}`; go on "
            "without it, or ask them."
        )


def fits(host: str, pattern: str) -> bool:
    """Say whether a host is what a pattern means: by whole labels, so that `*.example.org` is not badexample.org."""
    return pattern in {ANY, host} or (pattern.startswith("*.") and host.endswith(pattern[1:]))

"""A keyring that somebody has chosen for all programs and that is not trusted with a key: it is told, not used.

The keyring library takes its keyring from `PYTHON_KEYRING_BACKEND`, or from `keyringrc.cfg`. Such a choice may be wise
for other programs, so whoever made it is told why this one goes by it.
"""

import configparser
import importlib
import os
from pathlib import Path

VARIABLE = "PYTHON_KEYRING_BACKEND"
FILE = "keyringrc.cfg"
LONGEST_NAME = 100  # characters that are repeated of what somebody wrote there
MOST_BYTES = 64 * 1024  # of the file
WHY = {  # by how the name of its class begins
    "keyring.backends.null.": "it forgets what it is given",
    "keyring.backends.fail.": "it keeps nothing",
    "keyring.backends.chainer.": "it may keep a key in any keyring that is installed",
    "keyrings.alt.": "it keeps keys where they can be read, many in plain text",
}
UNKNOWN = "Baara knows nothing about it"


def sentence(trusted: frozenset[str]) -> str | None:
    """Say which keyring is passed over, and why; None if none is. Takes the full names of the trusted classes."""
    found = _chosen()
    if found is None:
        return None
    place, name = found
    if name in trusted:
        return None
    why = next((reason for start, reason in WHY.items() if name.startswith(start)), UNKNOWN)
    return f"The keyring “{name[:LONGEST_NAME]}”, which {place} names, is not used: {why}."


def _chosen() -> tuple[str, str] | None:
    """Give where a keyring is named, and its name, as the library looks for it."""
    if named := os.environ.get(VARIABLE):
        return VARIABLE, named
    # The library's own function says where; asking for the keyring itself would run what the file names.
    root: Path = importlib.import_module("keyring.util.platform_").config_root()
    config = configparser.RawConfigParser()
    try:
        config.read_string((root / FILE).read_bytes()[:MOST_BYTES].decode())
        return str(root / FILE), config.get("backend", "default-keyring").strip()
    except (OSError, ValueError, configparser.Error):
        return None

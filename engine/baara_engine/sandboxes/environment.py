"""The environment variables of commands: an allow-list, so that no key and no way to the desktop gets in by accident.

There is no DBUS_SESSION_BUS_ADDRESS (keyring), SSH_AUTH_SOCK, XDG_RUNTIME_DIR or DISPLAY, and the home folder is a
private empty one, so that tools read no dotfiles of the person's.
"""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

SHELLS = ("/bin/bash", "/bin/sh")  # the first that exists runs the commands
USUAL_PATH = "/usr/local/bin:/usr/bin:/bin"
FOLDERS = ("home", "tmp")  # made in the private folder


def build(source: Mapping[str, str], private: Path) -> dict[str, str]:
    """Make the whole environment of a command, from what the engine's own says about language, time zone and PATH."""
    user = _user()
    return {
        "PATH": _absolute_only(source.get("PATH", "")) or USUAL_PATH,
        "HOME": str(private / "home"),
        "TMPDIR": str(private / "tmp"),
        "USER": user,
        "LOGNAME": user,
        "SHELL": shell(),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        **{name: value for name, value in source.items() if name in {"LANG", "TZ"} or name.startswith("LC_")},
    }


def shell() -> str:
    """Give the path of the shell that runs commands."""
    return next((path for path in SHELLS if os.access(path, os.X_OK)), SHELLS[-1])


def _absolute_only(path: str) -> str:
    """Leave out entries that would mean the workspace: a program there must not stand in for one of the system."""
    return ":".join(entry for entry in path.split(":") if entry.startswith("/"))


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container that runs under a number only
        return str(os.getuid())

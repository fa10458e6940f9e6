"""Bubblewrap, where a Linux has it: namespaces of a command's own, with nothing in them that it was not given.

It has its own users, processes, mounts and network. It sees the system's programs read-only, its workspace, an empty
home and its inputs; not the person's home, keyring, agents or other processes. See `bwrap(1)`.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from baara_engine import homes
from baara_engine.sandboxes import Limits, Network, environment, listed

PLACES = "/usr/local/bin:/usr/bin:/bin"  # only the system's own: a program of the person's would be the way in
PROBE_S = 10.0  # seconds that a command which does nothing may take
SHARED_MEMORY = 256 * 1024 * 1024  # bytes of /dev/shm, which counts as nobody's memory
HOSTNAME = "sandbox"
USER = 1000  # the number that root has inside: programs that refuse to be root do not

# What it has to say itself is nobody's output. As long as anything but bubblewrap and this shell is left, it looks
# twenty times, 10 ms apart: what a supervisor gives helpers.
LINGER = """
trap : TERM INT HUP
exec 3>&2 2>/dev/null
"$@" 2>&3 3>&-
status=$?
for look in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    set -- /proc/[0-9]*
    [ $# -gt {ours} ] || break
    sleep 0.01
done
exit $status
"""

SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # below /, links into /usr or folders of their own
BESIDE = ("/opt", "/nix/store", "/gnu/store", "/snap")  # where else systems keep programs
# What programs read to run at all, to speak TLS and to look up names. No file here holds a secret.
SETTINGS = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version", "fonts",
    "gai.conf", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "magic", "mime.types",
    "nsswitch.conf", "os-release", "pki", "protocols", "python3", "services", "ssl", "timezone", "xml",
)  # fmt: skip


@cache
def program() -> str | None:
    """Give the path of bubblewrap, None if it is not installed where the system's programs are."""
    return shutil.which("bwrap", path=PLACES) if sys.platform == "linux" else None


async def problem() -> str | None:
    """Say why it cannot be used here; None if it can. It is tried once."""
    return await asyncio.to_thread(_problem)


@cache
def _problem() -> str | None:
    bwrap = program()
    if bwrap is None:
        return "bubblewrap is not installed (the package is called bubblewrap)"
    command = [bwrap, *_namespaces(Network.NONE), *_system(), "--", "/bin/true"]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start ({error})"
    said = " ".join(tried.stderr.split())[:200]
    return None if tried.returncode == 0 else f"bubblewrap may not make namespaces here ({said})"


def prefix(workspace: Path, private: Path, limits: Limits, network: Network) -> list[str]:
    """Give what stands before a command. `private` holds the folders of `environment.FOLDERS`, and is furnished."""
    listed_ = network is Network.LISTED
    inside = _lingering(environment.shell(), ours=3 if listed_ else 2)
    return [
        str(program()), *_namespaces(network), *_system(), *_settings(private, network), *_own(workspace, private),
        *_inputs(limits.inputs), *(_way_out(private) if listed_ else ()), "--remount-ro", "/",
        "--chdir", str(workspace), "--", *(listed.wrapped(inside) if listed_ else inside),
    ]  # fmt: skip


def furnish(private: Path) -> None:
    """Write the list of users that programs inside read: itself, and nobody."""
    folder = private / "etc"
    folder.mkdir(mode=0o700, exist_ok=True)
    user, group = _number(os.getuid()), _number(os.getgid())
    home, shell = private / "home", environment.shell()
    people = f"sandbox:x:{user}:{group}::{home}:{shell}\nnobody:x:65534:65534::/:/bin/false\n"
    (folder / "passwd").write_text(people, "utf-8")
    (folder / "group").write_text(f"sandbox:x:{group}:\nnogroup:x:65534:\n", "utf-8")


def _namespaces(network: Network) -> Iterator[str]:
    yield from ("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session")
    yield from ("--cap-drop", "ALL", "--hostname", HOSTNAME)
    yield from ("--uid", str(_number(os.getuid())), "--gid", str(_number(os.getgid())))
    if network is Network.OPEN:
        yield "--share-net"


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in SYSTEM:
        place = Path("/", name)
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    for folder in BESIDE:
        yield from ("--ro-bind-try", folder, folder)
    yield from ("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev")
    yield from ("--size", str(SHARED_MEMORY), "--perms", "1777", "--tmpfs", "/dev/shm")  # noqa: S108 - of the sandbox


def _settings(private: Path, network: Network) -> Iterator[str]:
    for name in SETTINGS:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for name in ("passwd", "group"):
        yield from ("--ro-bind", str(private / "etc" / name), f"/etc/{name}")
    if network is Network.OPEN:
        resolver = str(Path("/etc/resolv.conf").resolve())  # often a link into /run, which is not there inside
        yield from ("--ro-bind-try", resolver, "/etc/resolv.conf")


def _own(workspace: Path, private: Path) -> Iterator[str]:
    """Bind what a command may change; Baara's own folder is hidden where it lies in the workspace."""
    home = homes.around(private)
    is_within = home is not None and home.is_relative_to(workspace)
    yield from ("--perms", "0755", "--size", str(SHARED_MEMORY), "--tmpfs", "/tmp")  # noqa: S108 - likewise
    yield from ("--bind", str(workspace), str(workspace))
    if is_within:
        yield from ("--perms", "0700", "--size", str(SHARED_MEMORY), "--tmpfs", str(home))
    for name in environment.FOLDERS:
        folder = str(private / name)
        yield from ("--bind", folder, folder)


def _inputs(inputs: tuple[Path, ...]) -> Iterator[str]:
    for path in inputs:
        yield from ("--ro-bind", str(path), str(path))


def _way_out(private: Path) -> Iterator[str]:
    """Show it the proxy, which is the only way to the listed hosts."""
    yield from ("--ro-bind", str(private / listed.FOLDER), listed.INSIDE)


def _number(mine: int) -> int:
    return mine or USER


def _lingering(shell: str, ours: int) -> list[str]:
    """Give what runs a program so that its helpers may finish after it; the program follows. So many are no helpers.

    The kernel ends all processes of a namespace with the first of them, and what `exec > >(tee log)` has not written by
    then would be lost. The one that waits must not end before the program does.
    """
    return [shell, "-c", LINGER.format(ours=ours), shell]

"""One container of the docker sandbox: making it as small a place as it can be, and running programs in it.

Everything here blocks, because Docker's client does: call it in a thread. The container has no network unless it is
asked for, no capabilities, a root that cannot be written, and limits of memory, processes and processors. Its first
process is a shell that waits for lines on its input; when the engine that holds the other end dies, however it does,
that input ends, and after a grace the container does.
"""

import contextlib
import hashlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import docker
import docker.errors
import docker.types
import requests.exceptions

from baara_engine import errors
from baara_engine.sandboxes import MIB, Limits, Network, listed

LABEL = "baara.private"  #: names the session that a container belongs to
OWNER = "baara.owner"  #: the engine that made it

SCRATCH_MIB = 256  # of /tmp, which lives in memory
SHARED_MIB = 64  # of /dev/shm, likewise
MARKS = "/run/baara"  # where a program's beginning and end are written, seen from inside
USUAL_HOST = "unix:///var/run/docker.sock"
KNOCK_S = 5.0

# Each line is answered by starting a program that does nothing, which makes the shell bury orphans that have ended.
FIRST = "while read -r _; do /bin/true; done; sleep {grace}"

# The mark of the beginning; the program, whose outputs go one way, because Docker mixes up the order of two; as long as
# helpers of it are left, twenty looks of 10 ms; the mark of the end. Then whatever it left is killed: all there is of
# this user but this shell, which the kernel spares.
AROUND = """
mark=$1 ours=$2; shift 2
trap : TERM INT HUP
: >"$mark.began"
exec 2>/dev/null
"$@" 2>&1
status=$?
for look in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    set -- /proc/[0-9]*
    [ $# -gt "$ours" ] || break
    sleep 0.01
done
echo "$status" >"$mark.part" && mv "$mark.part" "$mark.ended"
kill -KILL -1
exit "$status"
"""
OOM = ["/bin/sh", "-c", "cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>/dev/null"]

FAILED = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a container is made from."""

    image: str
    workspace: Path
    private: Path
    marks: Path  #: folder on this side that is `MARKS` inside
    limits: Limits
    owner: str
    grace_s: float


class Container:
    """One container that runs, and the connection that keeps it alive."""

    def __init__(self, client: docker.DockerClient, plan: Plan) -> None:
        """Make and start it. Raises `errors.SandboxFailure`."""
        self._is_listed = plan.limits.network is Network.LISTED
        with failing("The container could not be started"):
            self._api = client.api
            made = client.containers.create(plan.image, **_settings(plan))
            self.id = str(made.id)
            try:
                self._line = self._api.attach_socket(self.id, params={"stdin": 1, "stream": 1})
                made.start()
            except BaseException:
                made.remove(force=True)
                raise

    def prepare(self, mark: str, argv: list[str], workspace: Path) -> "Program":
        """Make a program ready whose marks have this name; nothing of it runs yet. Raises `errors.SandboxFailure`."""
        with failing("The command could not be started"):
            around = ["/bin/sh", "-c", AROUND, "sh", f"{MARKS}/{mark}"]
            command = [*around, "3", *listed.wrapped(argv)] if self._is_listed else [*around, "2", *argv]
            made = self._api.exec_create(self.id, command, user=user(), workdir=str(workspace), stdin=False)
        return Program(self._api, made["Id"])

    def bury(self) -> None:
        """Have orphans that have ended collected."""
        with contextlib.suppress(OSError):
            _stream(self._line).send(b"\n")

    def has_run_out_of_memory(self) -> bool:
        """Say whether a program in it was ever killed for want of memory. Raises `errors.SandboxFailure`."""
        with failing("The container could not be asked"):
            said = self._ask(OOM)
        fields = [line.split() for line in said.decode("utf-8", "replace").splitlines()]
        return any(words[0] == "oom_kill" and words[1] != "0" for words in fields if len(words) == 2)  # noqa: PLR2004

    def close(self) -> None:
        """Remove it. Raises `errors.SandboxFailure`."""
        _hang_up(self._line)
        remove(self._api, self.id)

    def _ask(self, argv: list[str]) -> bytes:
        made = self._api.exec_create(self.id, argv, user=user())
        program = Program(self._api, made["Id"])
        program.start()
        try:
            return b"".join(program.chunks)
        finally:
            program.close()


class Program:
    """One program in a container."""

    def __init__(self, api: Any, id_: str) -> None:
        """Take the client and what Docker calls it."""
        self.chunks: Any = ()  #: its output, which ends with the program or when the connection breaks
        self._api = api
        self._id = id_

    def start(self) -> None:
        """Let it run. Raises `errors.SandboxFailure`, and then it may have begun."""
        with failing("The command may not have been started"):
            self.chunks = self._api.exec_start(self._id, stream=True)

    def close(self) -> None:
        """Hang up. Whoever reads meanwhile comes to the end."""
        with contextlib.suppress(OSError):
            self.chunks.close()
        self.chunks._response.close()  # noqa: SLF001 - docker-py closes the socket alone, and Python warns of the rest

    def exit_code(self) -> int | None:
        """Give how it ended, None while it runs. Raises `errors.SandboxFailure`."""
        with failing("The container could not be asked how the command ended"):
            found = self._api.exec_inspect(self._id)
        return cast("int | None", found["ExitCode"])


def connect() -> docker.DockerClient:
    """Connect to the engine that DOCKER_HOST names. Raises `errors.SandboxFailure` with what to do."""
    try:
        _knock()
        client = docker.from_env(version="auto")
        client.ping()
    except FAILED as error:
        raise errors.SandboxFailure(f"Docker cannot be reached: {_reason(error)}. {_remedy(error)}") from error
    return client


def _knock() -> None:
    """Look whether a local engine answers, because Docker's client loses its socket where none does. Raises OSError."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or USUAL_HOST)
    if address.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(KNOCK_S)
            knocking.connect(address.path)


def left_of(client: docker.DockerClient, private: Path) -> list[str]:
    """Give the ids of containers that an earlier session of this private folder has left."""
    with failing("The containers could not be listed"):
        found = client.containers.list(all=True, filters={"label": f"{LABEL}={name_of(private)}"})
        return [str(container.id) for container in found]


def wait(api: Any, id_: str, most_s: float) -> None:
    """Wait until a container has ended, at most for so many seconds."""
    with contextlib.suppress(*FAILED):
        api.wait(id_, timeout=most_s)


def remove(api: Any, id_: str) -> None:
    """Remove a container, and what runs in it; nothing if it has gone."""
    with failing("The container could not be removed"), contextlib.suppress(docker.errors.NotFound):
        api.remove_container(id_, force=True, v=True)


def name_of(private: Path) -> str:
    """Give the label of a session's containers."""
    return hashlib.sha256(os.fsencode(private)).hexdigest()[:32]


def user() -> str:
    """Give whom programs run as: whoever the engine runs as, so that each can change what the other has written."""
    return f"{os.getuid()}:{os.getgid()}"


@contextlib.contextmanager
def failing(what: str) -> Iterator[None]:
    """Turn what Docker's client raises into `errors.SandboxFailure`."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise errors.SandboxFailure(f"{what}: the image is not there ({_reason(error)}).") from error
    except FAILED as error:
        raise errors.SandboxFailure(f"{what}: {_reason(error)}.") from error


def _settings(plan: Plan) -> dict[str, Any]:
    limits = plan.limits
    return {
        "command": ["/bin/sh", "-c", FIRST.format(grace=plan.grace_s)],
        "entrypoint": [],
        "user": user(),
        "working_dir": str(plan.workspace),
        "environment": {"HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "TERM": "dumb"},  # noqa: S108 - inside
        "hostname": "sandbox",
        "labels": {LABEL: name_of(plan.private), OWNER: plan.owner},
        "network_mode": "bridge" if limits.network is Network.OPEN else "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": {"/tmp": f"rw,nosuid,nodev,exec,size={SCRATCH_MIB}m,mode=1777"},  # noqa: S108 - inside
        "shm_size": SHARED_MIB * MIB,
        "ipc_mode": "private",
        "pids_limit": limits.processes,
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,  # the same: none of it may be swapped
        "nano_cpus": None if limits.cpus is None else round(limits.cpus * 1e9),
        "ulimits": list(_ulimits(limits)),
        "mounts": list(_mounts(plan)),
        "log_config": docker.types.LogConfig(type="none"),
        "stdin_open": True,  # and what is not detached has an input only once: our connection's end is its end
    }


def _ulimits(limits: Limits) -> Iterator[docker.types.Ulimit]:
    held = {"core": 0, "nofile": limits.open_files, "fsize": limits.file_bytes}
    if limits.cpu_s is not None:
        held["cpu"] = max(1, round(limits.cpu_s))
    for name, most in held.items():
        yield docker.types.Ulimit(name=name, soft=most, hard=most + (name == "cpu"))


def _mounts(plan: Plan) -> Iterator[docker.types.Mount]:
    yield docker.types.Mount(str(plan.workspace), str(plan.workspace), type="bind")
    yield docker.types.Mount(MARKS, str(plan.marks), type="bind")
    if plan.limits.network is Network.LISTED:
        yield docker.types.Mount(listed.INSIDE, str(plan.private / listed.FOLDER), type="bind", read_only=True)
    for path in plan.limits.inputs:
        yield docker.types.Mount(str(path), str(path), type="bind", read_only=True)


def _stream(line: Any) -> socket.socket:
    """Give the socket itself: docker-py wraps it in what can only be read."""
    return cast("socket.socket", getattr(line, "_sock", line))


def _hang_up(line: Any) -> None:
    """Close both: the file that docker-py gives, and the socket below it."""
    with contextlib.suppress(OSError):
        _stream(line).close()
        line.close()


def _reason(error: BaseException) -> str:
    explained = getattr(error, "explanation", None) or error
    return " ".join(str(explained).split()).rstrip(".")[:300]


def _remedy(error: BaseException) -> str:
    text = str(error).casefold()
    if "permission denied" in text:
        return "This user may not use it: add them to the group `docker` and log in again, or use rootless Docker."
    if "no such file" in text or "filenotfound" in text or "connection refused" in text:
        return "Install Docker and start it, or let DOCKER_HOST name an engine that runs."
    return "Look whether it runs (`docker version`), or choose another sandbox."

"""The docker sandbox: commands run in a hardened container on the workspace, files are reached from this side.

A session has one container, made when the first command comes and removed when the session is closed. What became of a
command is written on both sides: the engine marks it before it begins, and a shell around it marks in a folder that
both see when it has begun and how it has ended. So after the death of the engine the truth is found: the container
loses its input, ends what runs in it after a grace, and then no mark changes any more.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from baara_engine import errors, owner, sandboxes
from baara_engine.sandboxes import (
    JAVASCRIPT,
    PYTHON,
    SHELL,
    CommandResult,
    Earlier,
    Limits,
    Network,
    NotBegun,
    OutcomeUnknown,
    Strength,
    containers,
    hosted,
    listed,
    streaming,
)
from baara_engine.sandboxes.containers import Container, Plan
from baara_engine.sandboxes.hands import marks
from baara_engine.sandboxes.hosted import GRACE_S, SEARCH_S, Hosted
from baara_engine.sandboxes.launching import Launcher
from baara_engine.sandboxes.streaming import Streamed

IMAGE = "baara-sandbox:latest"  #: made from packaging/docker; its name can be another one
IMAGE_VARIABLE = "BAARA_DOCKER_IMAGE"
BESIDE = "docker"  # folder of the marks that a container writes, in the private folder
GONE_S = 10.0  # seconds over the grace that a container may take to end by itself

PROGRAMS = {SHELL: ["/bin/sh", "-c", "--"], PYTHON: ["python3", "-c"], JAVASCRIPT: ["node", "-e"]}
BASH = ["/bin/bash", "-c", "--"]
PROBE = "for p in bash python3 node; do command -v $p >/dev/null && echo $p; done; true"
PROBED = {"python3": PYTHON, "node": JAVASCRIPT}
PROBE_MARK = "probe"
ELSEWHERE = (
    "The Docker engine does not see this computer's folders ({folder}). One on another computer works if it has the "
    "same folders in the same places, as by a shared file system. Choose another engine (DOCKER_HOST) or sandbox."
)
WAYLESS = "The image {image} has no python3, without which it cannot be kept to a list of hosts. Choose another image."


class DockerSandbox:
    """Containers of one Docker engine."""

    name = "docker"

    def __init__(self, *, image: str | None = None, grace_s: float = GRACE_S, search_s: float = SEARCH_S) -> None:
        """Take the image's name, and limits in seconds that only tests have a reason to change."""
        self._image = image or os.environ.get(IMAGE_VARIABLE) or IMAGE
        self._launcher = Launcher()
        self._grace_s = grace_s
        self._search_s = search_s
        self._client: Any = None
        self._connecting = asyncio.Lock()

    async def strength(self) -> Strength:
        """Say what stands between a command and the rest of this computer."""
        return Strength.BOUNDARY

    async def missing(self, limits: Limits) -> str | None:
        """Say what this computer lacks for it."""
        if urlsplit(os.environ.get("DOCKER_HOST", "")).scheme == "ssh":
            return (
                "An engine behind ssh:// is not supported. Bring its socket here "
                "(ssh -L /tmp/docker.sock:/var/run/docker.sock HOST) and let DOCKER_HOST name that."
            )
        if limits.network is Network.LISTED and sys.platform != "linux":
            return "The docker sandbox can hold a list of hosts on Linux only. Choose the network none or open."
        try:
            client = await self._connected()
            return await asyncio.to_thread(self._lacks_image, client)
        except errors.SandboxFailure as error:
            return error.message

    async def open(self, workspace: Path, private: Path, limits: Limits) -> "DockerSession":
        """Open a session. Raises `errors.SandboxFailure`."""
        problem = await self.missing(limits)
        if problem is not None:
            raise errors.SandboxFailure(problem)
        return await asyncio.to_thread(self._open, workspace, private, limits)

    async def close(self) -> None:
        """Let the engine go."""
        await asyncio.to_thread(self._launcher.close)
        if self._client is not None:
            self._client.close()

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(containers.connect)
            return self._client

    def _lacks_image(self, client: Any) -> str | None:
        with containers.failing("Docker could not be asked for its images"):
            if client.images.list(name=self._image):
                return None
        return (
            f"Docker has no image “{self._image}”. Make it: docker build -t {self._image} packaging/docker; "
            f"or name another in {IMAGE_VARIABLE}."
        )

    def _open(self, workspace: Path, private: Path, limits: Limits) -> "DockerSession":
        folder = private.absolute() / BESIDE
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        plan = Plan(
            self._image, workspace.absolute(), private.absolute(), folder, limits, str(owner.Owner.me()), self._grace_s
        )
        return DockerSession(self._client, plan, self._launcher, search_s=self._search_s)


class DockerSession(Hosted):
    """One execution's hold on the docker sandbox (see `sandboxes.Session`)."""

    def __init__(self, client: Any, plan: Plan, launcher: Launcher, *, search_s: float) -> None:
        """Open the workspace. Raises `errors.SandboxFailure`."""
        super().__init__(
            plan.workspace, plan.private, plan.limits, launcher, grace_s=plan.grace_s, search_s=search_s
        )  # fmt: skip
        self._client = client
        self._plan = plan
        self._container: Container | None = None
        self._programs = dict(PROGRAMS)
        self._probed = False
        self._proxy = None
        if plan.limits.network is Network.LISTED:
            self._proxy = listed.Proxy(plan.private, plan.limits.hosts)
        self._running = asyncio.Lock()  # what one command leaves behind is killed, so there is one at a time

    @property
    def languages(self) -> frozenset[str]:
        """Give the languages that `run` takes: those whose programs the image has, once that is known."""
        return frozenset(self._programs)

    async def run(
        self, command: str, *, key: str, wall_s: float | None = None, on_output: Callable[[], None] | None = None,
        language: str = SHELL,
    ) -> CommandResult:  # fmt: skip
        """Run a program in the container, at most once for each key."""
        sandboxes.require_language(language, self.languages)
        hosted.require_runnable(command, "command")
        if wall_s is not None and not wall_s > 0:
            raise errors.InvalidInput("The time limit of a command must be more than 0 seconds.")
        most_s = min(wall_s or self._limits.wall_s, self._limits.wall_s)
        async with self._running:
            streamed = await self._prepared(key, command, language)
            if not await asyncio.to_thread(marks.begin, self._receipts.stem(key), owner.boot_id()):
                raise errors.Refused("This command has begun before; it is not run twice.")
            return await self.clean(await self._run(streamed, most_s, on_output))

    async def earlier(self, key: str, *, same_boot: bool) -> Earlier:
        """Tell what became of the command of this key: once its container has ended, its marks say it."""
        if not await asyncio.to_thread(self._receipts.begun, key):
            return NotBegun() if same_boot else OutcomeUnknown()
        if not same_boot:
            return OutcomeUnknown()
        await asyncio.to_thread(self._outlive)
        return await self.clean_earlier(await asyncio.to_thread(self._marked, key))

    async def settled(self, key: str) -> None:
        """Forget the marks of this command."""
        await super().settled(key)
        await asyncio.to_thread(self._forget, key)

    async def close(self) -> None:
        """Remove the container and let the workspace go."""
        container, self._container = self._container, None
        if container is not None:
            await asyncio.to_thread(container.close)
        await super().close()
        if self._proxy is not None:
            await self._proxy.close()

    async def _prepared(self, key: str, command: str, language: str) -> Streamed:
        """Make a command ready; where the container has ended meanwhile, in another."""
        try:
            return await self._prepare(await self._started(), key, command, language)
        except errors.SandboxFailure:
            await self._give_up()
            return await self._prepare(await self._started(), key, command, language)

    async def _prepare(self, container: Container, key: str, command: str, language: str) -> Streamed:
        sandboxes.require_language(language, self.languages)
        mark, argv = Path(self._receipts.stem(key)).name, [*self._programs[language], command]
        return Streamed(
            container, await asyncio.to_thread(container.prepare, mark, argv, self._plan.workspace), self._plan
        )

    async def _started(self) -> Container:
        """Give the container, made now if there is none; one that an earlier engine has left is removed."""
        if self._container is None:
            await asyncio.to_thread(self._remove_left)
            if self._proxy is not None:
                await self._proxy.start()
            self._container = await asyncio.to_thread(Container, self._client, self._plan)
            if not self._probed:
                await self._probe(self._container)
        return self._container

    async def _probe(self, container: Container) -> None:
        """Find out which languages the image has."""
        program = await asyncio.to_thread(
            container.prepare, PROBE_MARK, [*PROGRAMS[SHELL], PROBE], self._plan.workspace
        )
        found = (await Streamed(container, program, self._plan).run(GONE_S, None)).output.split()
        self._programs = {SHELL: BASH if "bash" in found else PROGRAMS[SHELL]}
        if not (self._plan.marks / f"{PROBE_MARK}.began").exists():
            raise errors.SandboxFailure(ELSEWHERE.format(folder=self._plan.marks))
        if self._proxy is not None and "python3" not in found:
            raise errors.SandboxFailure(WAYLESS.format(image=self._plan.image))
        self._programs |= {PROBED[name]: PROGRAMS[PROBED[name]] for name in found if name in PROBED}
        self._probed = True

    async def _run(
        self, streamed: Streamed, wall_s: float, on_output: Callable[[], None] | None
    ) -> CommandResult:  # fmt: skip
        """Run a command; whatever ends it from outside ends its container, and the next command gets another."""
        try:
            return await streamed.run(wall_s, on_output)
        except errors.SandboxFailure:
            await self._give_up()
            raise
        finally:
            if streamed.spent:
                self._container = None

    async def _give_up(self) -> None:
        """Remove a container that does not work any more."""
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(errors.SandboxFailure):
                await asyncio.to_thread(container.close)

    def _outlive(self) -> None:
        """Wait until no earlier container of this session runs; end the one that does not end by itself."""
        for left in containers.left_of(self._client, self._plan.private):
            if self._container is None or left != self._container.id:
                containers.wait(self._client.api, left, self._grace_s + GONE_S)
                containers.remove(self._client.api, left)

    def _remove_left(self) -> None:
        for left in containers.left_of(self._client, self._plan.private):
            containers.remove(self._client.api, left)

    def _marked(self, key: str) -> Earlier:
        """Read what the shell around the command has written, now that nothing writes any more."""
        mark = self._plan.marks / Path(self._receipts.stem(key)).name
        if not mark.with_suffix(".began").exists():
            return NotBegun()
        try:
            status = int(mark.with_suffix(".ended").read_text("ascii"))
        except FileNotFoundError:
            return CommandResult(streaming.KILLED, "", 0, interrupted=True)
        except (OSError, ValueError):
            return OutcomeUnknown()
        note = "[it ended while the engine was gone; its output is lost]"
        return CommandResult(status, note, 0)

    def _forget(self, key: str) -> None:
        mark = self._plan.marks / Path(self._receipts.stem(key)).name
        for suffix in (".began", ".ended", ".part"):
            mark.with_suffix(suffix).unlink(missing_ok=True)

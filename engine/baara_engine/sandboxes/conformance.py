"""What every sandbox promises, as checks that are executed: by the tests, and by `baara doctor --sandbox NAME`.

A check makes no claim that it has not tried on this computer. One whose matter a sandbox has not (it runs no shell, it
is not a boundary) says so with its reason; that is neither a pass nor a failure.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from baara_engine import errors
from baara_engine.sandboxes import (
    JAVASCRIPT,
    KIB,
    MIB,
    PYTHON,
    SHELL,
    CommandResult,
    Limits,
    Network,
    NotBegun,
    Sandbox,
    Session,
    Strength,
)

CHECK_S = 120.0  # seconds that one check may take; on an idle computer none takes ten
CANCEL_S = 5.0  # seconds until a cancelled command has ended: it promises one, a loaded computer gets more
LIMITS = Limits(
    wall_s=60, memory_bytes=400 * MIB, processes=60, open_files=64, file_bytes=30 * MIB, workspace_bytes=50 * MIB
)
MUCH = 300 * MIB  # bytes of output that a command is made to write


class Verdict(StrEnum):
    """What came of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one check, with the reason where it does not hold."""

    name: str
    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """What a check works with: a sandbox, and folders of its own."""

    sandbox: Sandbox
    workspace: Path
    private: Path

    @asynccontextmanager
    async def session(self, limits: Limits = LIMITS, *languages: str) -> AsyncIterator[Session]:
        """Open a session that runs one of these languages. Raises `NotApplicableError` if it cannot be had."""
        lacking = await self.sandbox.missing(limits)
        if lacking is not None:
            raise NotApplicableError(lacking)
        opened = await self.sandbox.open(self.workspace, self.private, limits)
        try:
            if languages and opened.languages.isdisjoint(languages):
                raise NotApplicableError(f"it runs no {' or '.join(languages)}")
            yield opened
        finally:
            await opened.close()


class NotApplicableError(Exception):
    """The sandbox has not what a check is about."""


Check = Callable[[Bench], Awaitable[None]]


async def run(check: Check, sandbox: Sandbox, scratch: Path) -> Outcome:
    """Run one check in new folders below `scratch`, which must exist."""
    name = name_of(check)
    bench = Bench(sandbox, scratch / f"{check.__name__}-workspace", scratch / f"{check.__name__}-private")
    bench.workspace.mkdir()
    bench.private.mkdir()
    try:
        async with asyncio.timeout(CHECK_S):
            await check(bench)
    except NotApplicableError as reason:
        return Outcome(name, Verdict.NOT_APPLICABLE, str(reason))
    except TimeoutError:
        return Outcome(name, Verdict.FAILS, f"it took more than {CHECK_S:.0f} seconds")
    except (AssertionError, errors.BaaraError, OSError) as error:
        return Outcome(name, Verdict.FAILS, str(error) or type(error).__name__)
    return Outcome(name, Verdict.HOLDS)


async def run_all(sandbox: Sandbox, scratch: Path) -> list[Outcome]:
    """Run all checks, one after the other."""
    return [await run(check, sandbox, scratch) for check in CHECKS]


def name_of(check: Check) -> str:
    """Give the sentence that a check is known by."""
    return (check.__doc__ or check.__name__).removesuffix(".")


def _require(condition: object, reason: str) -> None:
    if not condition:
        raise AssertionError(reason)


async def output_and_status(bench: Bench) -> None:
    """What a program says and how it ends comes through."""
    async with bench.session() as session:
        language = _any(session)
        said = await session.run(SAYING[language], key="a", language=language)
        _require("hello" in said.output, f"its output was {said.output!r}")
        _require(said.exit_code == 0, f"its status was {said.exit_code}")


async def once_for_each_key(bench: Bench) -> None:
    """A key runs once, in this session and in the next."""
    async with bench.session() as session:
        language = _any(session)
        await session.run(SAYING[language], key="a", language=language)
        await _refuses(session, language)
    async with bench.session() as session:
        await _refuses(session, language)
        _require(isinstance(await session.earlier("b", same_boot=True), NotBegun), "a key never used counts as begun")


async def result_is_kept(bench: Bench) -> None:
    """The end of a key can be had until it is settled, also from another session; lost output is said to be lost."""
    async with bench.session() as session:
        language = _any(session)
        first = await session.run(SAYING[language], key="a", language=language)
    async with bench.session() as session:
        kept = await session.earlier("a", same_boot=True)
        _require(isinstance(kept, CommandResult), f"it was {type(kept).__name__}")
        if isinstance(kept, CommandResult):
            _require(kept.exit_code == first.exit_code, f"its status was {kept.exit_code}")
            _require(kept.output == first.output or "lost" in kept.output, "its output was another")
        await session.settled("a")


async def time_limit(bench: Bench) -> None:
    """An endless program is ended when its time is over."""
    async with bench.session() as session:
        language = _any(session)
        result = await session.run(ENDLESS[language], key="a", wall_s=1.0, language=language)
        _require(result.timed_out, f"it ended by itself, with {result.exit_code}")


async def cancelling(bench: Bench) -> None:
    """A cancelled program ends at once, and its session is still good."""
    async with bench.session() as session:
        language = _any(session)
        running = asyncio.create_task(session.run(ENDLESS[language], key="a", language=language))  # noqa: TID251
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        running.cancel()
        await asyncio.wait({running})
        _require(time.monotonic() - begun < CANCEL_S, "it took too long")
        said = await session.run(SAYING[language], key="b", language=language)
        _require("hello" in said.output, "the next program did not run")


async def nothing_survives(bench: Bench) -> None:
    """What a command leaves in the background, deaf to signals and in a session of its own, does not outlive it."""
    async with bench.session(LIMITS, SHELL) as session:
        daemon = "trap '' TERM HUP; while :; do echo x >> beat; sleep 0.1; done"
        await session.run(f'setsid nohup sh -c "{daemon}" >/dev/null 2>&1 & sleep 0.5', key="a")
        beat = bench.workspace / "beat"
        _require(beat.exists(), "it never ran")
        before = beat.stat().st_size
        await asyncio.sleep(1.0)
        _require(beat.stat().st_size == before, "it still runs")


async def much_output(bench: Bench) -> None:
    """Of 300 MB of output the beginning and the end are kept, within the limit."""
    # Some sandboxes keep all of a long output in a file of the workspace, which counts as everything else there.
    async with bench.session(replace(LIMITS, workspace_bytes=2 * MUCH), SHELL) as session:
        said = await session.run(f"echo first; yes | head -c {MUCH}; echo last", key="a")
        _require(len(said.output) < LIMITS.output_bytes + KIB, f"{len(said.output)} characters were kept")
        _require(said.output_bytes > MUCH, f"only {said.output_bytes} bytes were counted")
        _require(said.output.startswith("first") and said.output.endswith("last\n"), "an end of it is missing")


async def files_confined(bench: Bench) -> None:
    """File tools reach nothing outside the workspace, by no path and by no link."""
    secret = bench.private / "secret"
    secret.write_text("canary")
    (bench.workspace / "link").symlink_to(secret)
    (bench.workspace / "up").symlink_to("..")
    outside = (f"../{bench.private.name}/secret", str(secret), "link", f"up/{bench.private.name}/secret", "a\0b", "")
    async with bench.session() as session:
        for path in outside:
            try:
                text = await session.read(path)
            except errors.InvalidInput:
                continue
            raise AssertionError(f"{path!r} could be read: {text.text[:20]!r}")


async def files_and_commands_agree(bench: Bench) -> None:
    """A file that a tool writes is what a program reads, and the other way round."""
    async with bench.session() as session:
        await session.write("sub/one.txt", "hello\n")
        _require((await session.read("sub/one.txt")).text == "hello\n", "it was read otherwise")
        if SHELL in session.languages:
            await session.run("cat sub/one.txt > two.txt", key="a")
            _require((await session.read("two.txt")).text == "hello\n", "the command saw another")


async def memory_limit(bench: Bench) -> None:
    """A program that takes more memory than it may does not get it."""
    async with bench.session(LIMITS, PYTHON) as session:
        result = await session.run("x = bytearray(900 << 20)\nprint(len(x))", key="a", language=PYTHON)
        _require(str(900 << 20) not in result.output, "it got it")


async def process_limit(bench: Bench) -> None:
    """A command that starts more processes than it may does not get them."""
    async with bench.session(LIMITS, SHELL) as session:
        many = "i=0; while [ $i -lt 200 ]; do sleep 20 & i=$((i+1)); done; echo all of them; wait"
        result = await session.run(many, key="a", wall_s=15.0)
        _require(result.over is not None or "all of them" not in result.output or result.exit_code != 0, "it got them")


async def cpu_limit(bench: Bench) -> None:
    """A command is ended when it has used its time of the processor."""
    async with bench.session(replace(LIMITS, cpu_s=1.0), SHELL) as session:
        result = await session.run("while :; do :; done", key="a", wall_s=40.0)
        _require(not result.timed_out, "it was not")


async def file_limit(bench: Bench) -> None:
    """One file gets no larger than it may."""
    async with bench.session(LIMITS, SHELL) as session:
        await session.run("head -c 45000000 /dev/zero > big", key="a")
        size = (bench.workspace / "big").stat().st_size
        _require(size <= LIMITS.file_bytes, f"it has {size} bytes")


async def workspace_limit(bench: Bench) -> None:
    """A command whose workspace gets too large is ended, and says why."""
    async with bench.session(LIMITS, SHELL) as session:
        fill = "for i in 1 2 3 4; do head -c 20000000 /dev/zero > f$i; done; sleep 30"
        result = await session.run(fill, key="a")
        _require(result.over == "workspace", f"it ended with {result.exit_code}, over {result.over}")


async def no_network(bench: Bench) -> None:
    """Without a network, not even this computer's own ports are reached."""
    async with _served() as (port, reached):
        async with bench.session(replace(LIMITS, network=Network.NONE), PYTHON) as session:
            result = await session.run(STRAIGHT.format(port=port), key="a", language=PYTHON)
        _require(not reached and "in\n" not in result.output, "it was reached")


async def listed_hosts(bench: Bench) -> None:
    """With a list of hosts, those are reached through the proxy, no others, and nothing past it."""
    limits = replace(LIMITS, network=Network.LISTED, hosts=(LISTED,))
    lacks = await bench.sandbox.missing(limits)
    if lacks is not None:
        raise NotApplicableError(lacks)
    async with _served() as (port, reached), bench.session(limits, PYTHON) as session:
        straight = await session.run(STRAIGHT.format(port=port), key="a", language=PYTHON)
        _require(not reached and "in\n" not in straight.output, "it was reached past the proxy")
        others = await session.run(FETCH.format(host="localhost", port=port), key="b", language=PYTHON)
        _require(not reached and "403" in others.output, f"one that is not listed was not refused: {others.output}")
        wanted = await session.run(FETCH.format(host=LISTED, port=port), key="c", language=PYTHON)
        _require("hello" in wanted.output, f"the one that is listed was not reached: {wanted.output}")


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[int, list[bool]]]:
    """Serve on this computer's loopback: gives the port, and one entry for each connection that has come."""
    reached: list[bool] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(True)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LISTED, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], reached


async def inputs_read_only(bench: Bench) -> None:
    """An input is read, and not written."""
    given = bench.private.parent / f"{bench.private.name}-input.txt"
    given.write_text("hello\n")
    async with bench.session(replace(LIMITS, inputs=(given,)), SHELL) as session:
        said = await session.run(f"cat {given}; echo other > {given}; rm -f {given}", key="a")
        _require("hello" in said.output, "it could not be read")
        _require(given.read_text() == "hello\n", "it was changed")


async def nothing_of_the_person(bench: Bench) -> None:
    """A boundary shows a command no file beside its workspace and its inputs."""
    if await bench.sandbox.strength() is not Strength.BOUNDARY:
        raise NotApplicableError("it is not a boundary")
    secret = bench.private.parent / f"{bench.private.name}-secret.txt"
    secret.write_text("canary")
    async with bench.session(LIMITS, SHELL, PYTHON) as session:
        language = SHELL if SHELL in session.languages else PYTHON
        read = f"cat {secret}" if language == SHELL else f"print(open({str(secret)!r}).read())"
        said = await session.run(read, key="a", language=language)
        _require("canary" not in said.output, "it was read")


LISTED = "127.0.0.1"
STRAIGHT = "import socket\nsocket.create_connection(('127.0.0.1', {port}), 3)\nprint('in')"
FETCH = "import urllib.request as r\nprint(r.urlopen('http://{host}:{port}/', timeout=9).read())"
SAYING = {SHELL: "echo hello", PYTHON: "print('hello')", JAVASCRIPT: "console.log('hello')"}
ENDLESS = {SHELL: "while :; do sleep 1; done", PYTHON: "while True:\n    pass", JAVASCRIPT: "for (;;) {}"}
CHECKS: Sequence[Check] = (
    output_and_status, once_for_each_key, result_is_kept, time_limit, cancelling, nothing_survives, much_output,
    files_confined, files_and_commands_agree, memory_limit, process_limit, cpu_limit, file_limit, workspace_limit,
    no_network, listed_hosts, inputs_read_only, nothing_of_the_person,
)  # fmt: skip


def _any(session: Session) -> str:
    """Give a language that it runs, the shell if it can."""
    return next(language for language in (SHELL, PYTHON, JAVASCRIPT) if language in session.languages)


async def _refuses(session: Session, language: str) -> None:
    try:
        await session.run(SAYING[language], key="a", language=language)
    except errors.Refused:
        return
    raise AssertionError("it ran again")

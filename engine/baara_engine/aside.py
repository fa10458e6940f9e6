"""Small programs of our own beside the engine, which can be killed: for what may never end, or take all the memory."""

import asyncio
import os
import sys

from baara_engine import errors

# Without this one variable, Python does not start on Windows.
_ENV = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


async def run(module: str, data: bytes, *, limit_s: float) -> bytes | None:
    """Give what a module prints when it is run as a program with these bytes as its input; None if time ran out.

    It is printed in part, or not at all, where the program fell over. Raises `errors.SandboxFailure` if it cannot be
    started.
    """
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-X", "utf8", "-m", module, stdin=pipe, stdout=pipe, stderr=nothing, env=_ENV, cwd="/"
        )
    except OSError as error:
        raise errors.SandboxFailure(f"The program {module} cannot be started: {error.strerror}.") from error
    try:
        async with asyncio.timeout(limit_s):
            told, _ = await process.communicate(data)
    except TimeoutError:
        return None
    finally:
        await _end(process)
    return told


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()

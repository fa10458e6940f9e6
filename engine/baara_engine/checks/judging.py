"""The engine's end of `judge`: it starts the program, gives it a job, and ends it when it takes too long."""

import asyncio
import json
import os
import sys
from typing import cast

from baara_engine import errors
from baara_engine.checks.judge import Verdict

JUDGE_S = 20.0  # seconds of one judgement: real ones take milliseconds, starting Python under load takes seconds
ARGV = (sys.executable, "-I", "-X", "utf8", "-m", "baara_engine.checks.judge")

# Without this one variable, Python does not start on Windows.
_ENV = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


async def judge(kind: str, rule: str, text: str, *, limit_s: float = JUDGE_S) -> Verdict:
    """Judge a text by a rule: `output` by an expression, `json` by a schema.

    What takes longer than `limit_s` seconds has not passed. Raises `errors.SandboxFailure` if it cannot be judged.
    """
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *ARGV, stdin=pipe, stdout=pipe, stderr=nothing, env=_ENV, cwd="/"
        )
    except OSError as error:
        raise errors.SandboxFailure(f"The program that judges texts cannot be started: {error.strerror}.") from error
    job = json.dumps({"kind": kind, "rule": rule, "text": text}).encode()
    try:
        async with asyncio.timeout(limit_s):
            told, _ = await process.communicate(job)
    except TimeoutError:
        return Verdict(passed=False, detail=f"It takes more than {limit_s:g} s. Use a simpler one.")
    finally:
        await _end(process)
    try:
        return cast("Verdict", json.loads(told))
    except ValueError:
        return Verdict(passed=False, detail=f"It could not be judged (exit status {process.returncode}).")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()

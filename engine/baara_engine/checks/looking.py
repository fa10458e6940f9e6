"""Holding one check against the work, by way of the sandbox in which it was done."""

import re
from dataclasses import dataclass
from typing import Protocol

from baara_engine import errors, sandboxes
from baara_engine.checks import judging
from baara_engine.checks.judge import Verdict
from baara_engine.checks.specs import Check, Kind
from baara_engine.records import Json

TAIL = 2000  # characters of a failed command's output that are told: errors stand at its end
UNREADABLE = "unreadable"  #: stands for the digest of what was there and could not be read


class Commands(Protocol):
    """What runs the command of a check, once for each round."""

    async def run(self, check: Check) -> sandboxes.CommandResult | None:
        """Give how it ended, or None if a person has ended it."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the work."""

    session: sandboxes.Session
    commands: Commands
    before: dict[str, str | None]  #: digests from before the work began, by path
    text: str  #: its last words

    async def at(self, check: Check) -> Json:
        """Say whether a check has passed, and why not: {spec, passed, detail}. Raises `errors.SandboxFailure`."""
        try:
            problem = await self._problem(check)
        except (errors.InvalidInput, errors.Refused) as error:
            problem = error.message
        return {"spec": check.spec, "passed": problem is None, "detail": problem or ""}

    async def _problem(self, check: Check) -> str | None:
        match check.kind:
            case Kind.FILE:
                return await self._unchanged(check.subject)
            case Kind.COMMAND:
                return _failed(await self.commands.run(check))
            case Kind.CONTAINS:
                return await self._lacks(check.subject, check.against)
            case Kind.JSON:
                return await self._misfits(check.subject, check.against)
            case Kind.OUTPUT:
                return _told(await judging.judge(Kind.OUTPUT, check.subject, self.text))

    async def _unchanged(self, path: str) -> str | None:
        digest = await self._digest(path)
        if digest == self.before.get(path):
            return f"“{path}” is as it was before: this execution has not changed it."
        return None

    async def _lacks(self, path: str, text: str) -> str | None:
        await self._digest(path)
        found = await self.session.grep(re.escape(text), path)
        if found.lines:
            return None
        if found.skipped:
            return f"“{path}” is too large to be searched. Check it by a command: instead."
        return f"“{path}” does not hold this text."

    async def _misfits(self, path: str, schema: str) -> str | None:
        if await self._digest(schema) != self.before.get(schema):
            return f"The schema “{schema}” is not what it was before the work began; a check may not be changed by it."
        rule, text = await self._whole(schema), await self._whole(path)
        return _told(await judging.judge(Kind.JSON, rule, text))

    async def _digest(self, path: str) -> str:
        digest = await self.session.digest(path)
        if digest is None:
            raise errors.InvalidInput(f"There is no file “{path}”.")
        return digest

    async def _whole(self, path: str) -> str:
        read = await self.session.read(path)
        if read.cut:
            raise errors.InvalidInput(f"“{path}” is too large to be held against a schema. Check it by a command:.")
        return read.text


async def digest_before(session: sandboxes.Session, path: str) -> str | None:
    """Give the digest of a file before the work begins; None if there is none."""
    try:
        return await session.digest(path)
    except (errors.InvalidInput, errors.Refused):
        return UNREADABLE


def _failed(result: sandboxes.CommandResult | None) -> str | None:
    if result is None:
        return "A person has ended it."
    if result.timed_out:
        return f"It used up its time ({result.duration_ms / 1000:.0f} s).{_output(result)}"
    return None if result.exit_code == 0 else f"It ended with exit status {result.exit_code}.{_output(result)}"


def _output(result: sandboxes.CommandResult) -> str:
    text = result.output.strip()
    return f"\n{'…' * (len(text) > TAIL)}{text[-TAIL:]}" if text else ""


def _told(verdict: Verdict) -> str | None:
    return None if verdict["passed"] else verdict["detail"] or "It does not fit."

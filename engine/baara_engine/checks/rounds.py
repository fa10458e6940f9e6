"""Rounds of checks: all of them are run when the work says that it is finished, and what failed goes back to the agent.

What a round must know after a crash is noted before it is needed: what was there before the first step, and each
command that it begins. A round has happened once its results are in the store, together with what follows from them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from baara_engine import owner, redaction, sandboxes
from baara_engine.agent.loop import Finished, Waiting
from baara_engine.checks import looking, specs
from baara_engine.checks.specs import Check, Kind
from baara_engine.checks.verdict import SENT_BACK, Verdict
from baara_engine.health import vitals
from baara_engine.health.vitals import Vitals
from baara_engine.journal import Conversation, Journal
from baara_engine.records import Execution
from baara_engine.store import checks, journal
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

BACK = 2  # rounds that send an agent back to its work: one that has not mended it by then will not
COMMAND_S = 1800.0  # seconds of one command: a whole test suite
BEFORE = "before/"  #: notes: the digest of each file before the work began
BEGUN = "begun/"  #: notes: the boot in which each command of a round was begun


class Rounds:
    """The checks of one execution, as its owner runs them."""

    def __init__(
        self, store: Store, execution: Execution, session: sandboxes.Session, vitals_: Vitals, pause: Callable[[], None]
    ) -> None:
        self._store = store
        self._execution = execution
        self._session = session
        self._vitals = vitals_
        self._pause = pause
        self._checks = [specs.parse(spec) for spec in execution.checks]
        self._rounds = execution.check_rounds

    async def begin(self) -> None:
        """Note what is there before the first step, if that has not been done. Raises `errors.BaaraError`."""
        known = self._notes()
        wanted = {f"{BEFORE}{path}": path for path in _paths(self._checks)}
        missing = {key: path for key, path in wanted.items() if key not in known}
        if missing:
            told = {key: await looking.digest_before(self._session, path) for key, path in missing.items()}
            await self._store.awrite(lambda tx: checks.note(tx, self._execution, told))

    async def settled(
        self, work: Callable[[Conversation], Awaitable[Finished | Waiting]], talk: Conversation, writer: Journal
    ) -> Waiting | tuple[Finished, Verdict]:
        """Let an agent work until all checks pass, or it was sent back often enough, or it has to wait."""
        while True:
            ending = await work(talk)
            if isinstance(ending, Waiting):
                return ending
            verdict = await self.hold(ending.text)
            if not verdict.failed or verdict.rounds > BACK:
                return ending, verdict
            await self._send_back(verdict, talk.turn)
            writer.refresh(talk)

    async def hold(self, text: str) -> Verdict:
        """Run one round on the work that ended with this text. Raises `errors.BaaraError`."""
        if not self._checks:
            return Verdict()
        number = self._rounds + 1
        notes = self._notes()
        before = {key.removeprefix(BEFORE): value for key, value in notes.items() if key.startswith(BEFORE)}
        results = []
        for position, check in enumerate(self._checks):
            self._pause()
            commands = _Command(self, f"{number}-{position}", notes)
            results.append(await looking.Look(self._session, commands, before, text).at(check))
        self._rounds = number
        return Verdict(tuple(results), number)

    async def settle(self) -> None:
        """Let the sandbox forget the commands of the rounds whose results are stored."""
        for key in self._notes():
            if key.startswith(BEGUN):
                await self._session.settled(self.name(key.removeprefix(BEGUN)))

    async def _send_back(self, verdict: Verdict, turn: int) -> None:
        execution = self._execution
        content = [{"type": "text", "text": redaction.known.text(_sent_back(verdict))}]

        def work(tx: Tx) -> None:
            checks.put_results(tx, execution, verdict.results, verdict.rounds)
            journal.append(tx, execution.id, turn=turn, role="user", content=content)

        await self._store.awrite(work)
        await self.settle()

    async def run(self, check: Check, name: str, notes: dict[str, str | None]) -> sandboxes.CommandResult | None:
        """Run the command of a check once in its round, or find out what came of it before a crash.

        One that a crash has cut short is begun anew: a check is made to be run more than once.
        """
        begun_in = notes.get(f"{BEGUN}{name}")
        if begun_in is not None:
            earlier = await self._session.earlier(self.name(name), same_boot=begun_in == owner.boot_id())
            if isinstance(earlier, sandboxes.CommandResult) and not earlier.interrupted:
                return earlier
            if not isinstance(earlier, sandboxes.NotBegun):
                return await self.run(check, f"{name}-again", notes)
        told = {f"{BEGUN}{name}": owner.boot_id()}
        await self._store.awrite(lambda tx: checks.note(tx, self._execution, told))
        return await self._run_now(check, self.name(name))

    def name(self, name: str) -> str:
        """Name the command of a round once and for all."""
        return f"{self._execution.id}/checks/{name}"

    async def _run_now(self, check: Check, key: str) -> sandboxes.CommandResult | None:
        try:
            async with self._vitals.step(vitals.CHECK, self._execution.turn) as step:
                return await self._session.run(check.subject, key=key, wall_s=COMMAND_S, on_output=step.beat)
        except vitals.CutShort:
            return None

    def _notes(self) -> dict[str, str | None]:
        if not self._checks:
            return {}
        return self._store.read(lambda view: checks.notes(view, self._execution.id))


@dataclass(frozen=True, slots=True)
class _Command:
    """Runs the command of one check in one round."""

    rounds: Rounds
    name: str
    notes: dict[str, str | None]

    async def run(self, check: Check) -> sandboxes.CommandResult | None:
        return await self.rounds.run(check, self.name, self.notes)


def told(specs_: tuple[str, ...]) -> str:
    """Tell an agent beforehand what will be checked; empty where nothing is."""
    if not specs_:
        return ""
    lines = "\n".join(f"- `{spec}`" for spec in specs_)
    return f"\n\nWhen you say that you are finished, the system checks this:\n\n{lines}\n"


def _paths(wanted: list[Check]) -> list[str]:
    """Give the files whose state before the work matters."""
    files = [check.subject for check in wanted if check.kind is Kind.FILE]
    return files + [check.against for check in wanted if check.kind is Kind.JSON]


def _sent_back(verdict: Verdict) -> str:
    lines = "\n".join(f"- `{result['spec']}`: {result['detail']}" for result in verdict.failed)
    left = BACK + 1 - verdict.rounds
    return (
        f"{SENT_BACK}\n\n{lines}\n\n"
        "Mend this, then say again that you are finished. "
        f"It is checked {left} more {'time' if left == 1 else 'times'}."
    )

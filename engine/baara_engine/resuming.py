"""Beginning a lease: the first start of an execution, or its going on after an interruption, which the thread tells."""

from dataclasses import dataclass

from baara_engine import events
from baara_engine.journal import Conversation, Journal
from baara_engine.records import Execution, Kind
from baara_engine.settle import CRASHED, INTERRUPTED, STOPPED, UNSETTLED
from baara_engine.states import Status
from baara_engine.store import executions, journal, news, threads
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx

MS_PER_S = 1000
S_PER_MIN = 60
S_PER_H = 3600

WHY = {
    CRASHED: "the engine had died",
    STOPPED: "the engine had been stopped",
    UNSETTLED: "the database could not be written",
}


@dataclass(frozen=True, slots=True)
class Interruption:
    """What an earlier lease left behind."""

    ended_by: str
    gap_ms: int  #: from its last sign of life until now


async def begin(store: Store, execution: Execution) -> tuple[Execution, Conversation]:
    """Move a leased execution to running, and say in its thread where it goes on. Raises `errors.LeaseLost`.

    Gives it with its conversation so far, which is empty for a command and for what begins only now.
    """
    talk = Journal(store, execution).load() if execution.kind is Kind.AGENT else Conversation()

    def work(tx: Tx) -> Execution:
        resumed = execution.resumed
        interruption = _interruption(tx, execution)
        if interruption is not None:
            resumed = (*resumed, _say_resumed(tx, store, execution, talk, interruption))
        if execution.kind is Kind.AGENT and not talk.messages:
            content = [{"type": "text", "text": execution.prompt}]
            journal.append(tx, execution.id, turn=0, role="user", content=content)
        return executions.move(
            tx, execution.id, Status.ASSIGNED, Status.RUNNING, epoch=execution.epoch,
            started_at=execution.started_at or tx.now, resumed=resumed,
        )  # fmt: skip

    return await store.awrite(work), talk


def _interruption(tx: Tx, execution: Execution) -> Interruption | None:
    earlier = [attempt for attempt in news.attempts(tx, execution.id) if attempt.epoch < execution.epoch]
    if not earlier or earlier[-1].ended_by not in INTERRUPTED:
        return None
    last_sign = news.last_sign_of_life(tx, execution.id, earlier[-1])
    last_sign = max(last_sign, execution.beat_at or 0)
    return Interruption(str(earlier[-1].ended_by), max(tx.now - last_sign, 0))


def _say_resumed(
    tx: Tx, store: Store, execution: Execution, talk: Conversation, interruption: Interruption
) -> dict[str, object]:
    turn = _turn_at_work(talk)
    threads.post(
        tx, store.ids.new(), execution.thread_id, kind="note", execution_id=execution.id,
        body=_sentence(talk, turn, interruption, execution.kind), key=f"{execution.id}/resumed/{execution.epoch}",
    )  # fmt: skip
    entry = {"at": tx.now, "turn": turn, "reason": interruption.ended_by}
    data = entry | {"gap_ms": interruption.gap_ms}
    tx.emit(events.Kind.RESUMED, execution_id=execution.id, thread_id=execution.thread_id, data=data)
    return entry


def _turn_at_work(talk: Conversation) -> int:
    """Give the turn that was in progress: that of the open calls, or the next one."""
    return talk.turn if talk.blocks else talk.turn + 1


def _sentence(talk: Conversation, turn: int, interruption: Interruption, kind: Kind) -> str:
    where = f"Resumed at turn {turn}" if kind is Kind.AGENT else "Resumed"
    return f"{where} after {duration(interruption.gap_ms)}: {WHY[interruption.ended_by]}{_what_of_the_step(talk)}."


def _what_of_the_step(talk: Conversation) -> str:
    begun = sum(1 for block in talk.open_blocks if block["id"] in talk.calls)
    if begun:
        return f"; {begun} {'call' if begun == 1 else 'calls'} re-checked"
    if talk.messages and not talk.blocks and talk.turn:
        return "; one question to the model asked again"
    return ""


def duration(ms: int) -> str:
    """Write a duration as people say it: 40 ms, 12 s, 3 min, 6 h 12 min."""
    seconds = ms // MS_PER_S
    if seconds < 1:
        return f"{ms} ms"
    if seconds < S_PER_MIN:
        return f"{seconds} s"
    if seconds < S_PER_H:
        return f"{seconds // S_PER_MIN} min"
    return f"{seconds // S_PER_H} h {seconds % S_PER_H // S_PER_MIN} min"

"""What a person says to an agent: while it works, it hears it after its current step; later, work goes on from there.

A word is acknowledged once it is stored, and stands in the thread at once. The agent hears it once, whatever crashes in
between: taking it and putting it into the conversation is one transaction.
"""

from baara_engine import errors, forking, operations, requests, states
from baara_engine.records import Execution, Kind, Said
from baara_engine.states import Status
from baara_engine.store import executions, said, threads
from baara_engine.store.transaction import Tx, View

MOST = 100  # words that wait; more is a program that has gone wrong
AFTER_THE_END = {
    Status.COMPLETED: "It has ended. Reply in its thread, and work goes on from there: baara threads reply.",
    Status.CANCELLED: "It was cancelled. Reply in its thread, and work goes on from there: baara threads reply.",
    Status.DEAD_LETTERED: "It has failed. Resume it with your words: baara dlq resume --say.",
}


def say(tx: Tx, place: operations.Place, prefix: str, text: str, by: str) -> Said:
    """Keep a word for an agent at work, and put it into the thread.

    Raises `errors.NotFound`, or `errors.Refused` for what has ended or has no agent.
    """
    execution = executions.find(tx, prefix)
    if execution.kind is not Kind.AGENT:
        raise errors.Refused("A command hears nothing. Cancel it, or wait for its end.")
    if execution.status in states.ENDED:
        raise errors.Refused(AFTER_THE_END[execution.status])
    if len(said.unheard(tx, execution.id)) >= MOST:
        raise errors.Refused(f"{MOST} words wait to be heard already.")
    ids = place.store.ids
    word = said.say(tx, ids.new(), execution, text, by)
    threads.post(
        tx, ids.new(), execution.thread_id, kind=threads.TYPED, body=text, execution_id=execution.id,
        key=f"said/{word.id}",
    )  # fmt: skip
    return word


def reply(place: operations.Place, thread_id: str, text: str, by: str) -> Execution:
    """Say something in a thread: to its agent at work, or else go on with its conversation as a new execution.

    Gives the execution that hears it. Raises `errors.NotFound`, `errors.Refused`, `errors.InvalidInput`.
    """
    latest = place.store.read(lambda view: _latest(view, thread_id))
    if latest.status not in states.ENDED:
        place.store.write(lambda tx: say(tx, place, latest.id, text, by))
        return latest
    wanted = requests.parse(requests.Fork, {"turn": latest.turn, "prompt": text, "share_workspace": True})
    return forking.fork(place, latest, wanted)


def _latest(view: View, thread_id: str) -> Execution:
    found = executions.latest_of_thread(view, threads.find(view, thread_id).id)
    if found is None:
        raise errors.Refused("There is no agent's work in this thread to go on with. Submit something new.")
    return found

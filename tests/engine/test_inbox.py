"""The inbox: where a thread stands, what a person does to it and takes back, and finding it again."""

from collections.abc import Callable, Iterator

import pytest
from tests.engine import waits

from baara_engine import errors
from baara_engine.engine import Engine
from baara_engine.engine_parts.inbox import Arranged
from baara_engine.records import Kind, Lane
from baara_engine.requests import Submission
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

HOUR_MS = 3_600_000


@pytest.fixture
def working(engine: Engine) -> Iterator[Engine]:
    """Give an engine whose agent says that it is done, asks if it is told to, or fails."""

    def answer(request: object) -> object:
        text = str(getattr(request, "messages", [{}])[0])
        if "ASK" in text and "tool_result" not in str(getattr(request, "messages", "")):
            return calls(("ask_user", {"question": "Which one?", "options": ["a", "b"]}), turn=1)
        return says("The answer is forty-two.")

    engine.start(ScriptedModels(ScriptedModel([answer] * 1000)))  # type: ignore[list-item]
    yield engine
    engine.stop()


def run(engine: Engine, prompt: str, **said: object) -> str:
    execution = engine.submit(Submission.model_validate({"prompt": prompt, **said}))
    waits.until(engine, execution.id, lambda now: waits.has_ended(now) or now.status == "waiting_for_input")
    return execution.thread_id


def lane(engine: Engine, thread_id: str) -> Lane:
    return engine.rows([thread_id])[0].thread.lane


def test_a_thread_goes_through_the_lanes(engine: Engine) -> None:
    """It waits until somebody works on it, and is new once it has ended."""
    execution = engine.submit(Submission(prompt="count"))
    assert lane(engine, execution.thread_id) is Lane.WAITING
    engine.start(ScriptedModels(ScriptedModel([says("One.")])))
    waits.until(engine, execution.id, waits.has_ended)
    engine.stop()
    [row] = engine.lane(Lane.NEW)
    assert (row.thread.id, row.thread.unread, row.line) == (execution.thread_id, True, "One.")
    assert engine.lanes() == {Lane.NEW: 1}


def test_a_question_comes_first(working: Engine) -> None:
    """What waits for a person needs them, whatever they have said of it, and goes on once it is answered."""
    thread_id = run(working, "ASK me")
    working.archive([thread_id])
    [row] = working.lane(Lane.NEEDS_YOU)
    assert (row.thread.id, "Which one?" in row.line) == (thread_id, True)
    with pytest.raises(errors.Refused, match="waits for you"):
        working.snooze([thread_id], working.store.clock.now() + HOUR_MS)
    [question] = working.questions()
    working.answer(question.id, "a", by="test")
    assert lane(working, thread_id) is not Lane.NEEDS_YOU


def test_a_dead_letter_is_failed_until_it_is_put_aside(engine: Engine) -> None:
    """A command that fails for good is in its lane, and done with once it is dismissed and called done."""
    engine.start(ScriptedModels(ScriptedModel([])))
    thread_id = run(engine, "exit 3", kind=Kind.COMMAND, max_retries=0)
    engine.stop()
    assert lane(engine, thread_id) is Lane.FAILED
    engine.dismiss(engine.dead_letters()[0].execution.id)
    engine.settle([thread_id])
    assert lane(engine, thread_id) is Lane.DONE


Act = Callable[[Engine, list[str]], Arranged]
ACTIONS: dict[str, tuple[Act, Lane]] = {
    "settle": (lambda engine, ids: engine.settle(ids), Lane.DONE),
    "archive": (lambda engine, ids: engine.archive(ids), Lane.ARCHIVED),
    "snooze": (lambda engine, ids: engine.snooze(ids, engine.store.clock.now() + HOUR_MS), Lane.SNOOZED),
    "pin": (lambda engine, ids: engine.pin(ids), Lane.NEW),
    "mark_read": (lambda engine, ids: engine.mark_read(ids), Lane.NEW),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_what_a_person_does_can_be_taken_back(working: Engine, name: str) -> None:
    """Each action moves a thread to its lane, and undoing it puts everything back as it was."""
    act, after = ACTIONS[name]
    ids = [run(working, "one"), run(working, "two")]
    before = working.rows(ids)
    arranged = act(working, ids)
    assert [row.thread.lane for row in working.rows(ids)] == [after, after]
    working.undo(arranged)
    assert working.rows(ids) == before


def test_something_new_brings_a_thread_back(working: Engine) -> None:
    """A reply in an archived, snoozed or done thread ends with an answer that is new."""
    for act, _ in (ACTIONS["archive"], ACTIONS["snooze"], ACTIONS["settle"]):
        thread_id = run(working, "one")
        act(working, [thread_id])
        reply = working.reply(thread_id, "and now?", by="test")
        waits.until(working, reply.id, waits.has_ended)
        assert lane(working, thread_id) is Lane.NEW


def test_what_is_snoozed_comes_back_marked(working: Engine) -> None:
    """When its moment has come, a thread is in its lane again, unread, and says that it came back."""
    thread_id = run(working, "one")
    working.snooze([thread_id], working.store.clock.now() + 30)
    waits.until(working, working.executions()[0].id, lambda _: working.bring_back() == 1)
    [row] = working.lane(Lane.NEW)
    assert (row.thread.unread, row.thread.snoozed_until) == (True, None)
    assert row.thread.returned_at is not None
    with pytest.raises(errors.InvalidInput, match="has gone"):
        working.snooze([thread_id], working.store.clock.now() - 1)


def test_the_order_is_of_creation_and_pins(working: Engine) -> None:
    """Activity moves no row; what is pinned stands above the rest."""
    first, second, third = (run(working, text) for text in ("one", "two", "three"))
    reply = working.reply(first, "more", by="test")
    waits.until(working, reply.id, waits.has_ended)
    assert [row.thread.id for row in working.lane(Lane.NEW)] == [third, second, first]
    working.pin([first])
    assert [row.thread.id for row in working.lane(Lane.NEW)] == [first, third, second]
    assert [row.thread.id for row in working.lane(Lane.NEW, limit=1, offset=1)] == [third]


@pytest.mark.parametrize(
    ("words", "found"),
    [("forty", ["two", "one"]), ("peach", ["two"]), ("PEA tart", ["two"]), ("straße", ["one"]), ("nothing-here", []),
     ('" OR * NEAR(', []), ("", [])],
)  # fmt: skip
def test_threads_are_found_by_their_words(working: Engine, words: str, found: list[str]) -> None:
    """Titles, prompts and results are searched, by beginnings of words, and no question breaks the search."""
    threads = {"one": run(working, "die Straße entlang"), "two": run(working, "a peach tart")}
    working.archive([threads["one"]])
    assert [row.thread.id for row in working.search(words)] == [threads[name] for name in found]


def test_nothing_is_indexed_twice(working: Engine) -> None:
    """Looking through everything again, as after a file was written anew, finds each thread once."""
    thread_id = run(working, "a peach tart")
    working.index()
    working.store.write(lambda tx: tx.sql("UPDATE setting SET value = '99 gone' WHERE key = 'searched_upto'"))
    assert [row.thread.id for row in working.search("peach")] == [thread_id]


def test_what_makes_no_sense_is_refused(engine: Engine) -> None:
    """Nothing, too much, and what is not there are refused in words."""
    with pytest.raises(errors.InvalidInput, match="Choose from 1"):
        engine.archive([])
    with pytest.raises(errors.NotFound):
        engine.archive(["01NONE"])
    with pytest.raises(errors.InvalidInput, match="Search for at most"):
        engine.search("x" * 501)

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from baara_engine import errors, owner, queues, settle
from baara_engine.agent.model import Answer, Request, Usage
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Kind, QuestionDraft, UnknownEffect
from baara_engine.requests import Submission
from baara_engine.states import ENDED, Outcome, Status
from baara_engine.store import executions
from baara_engine.store.transaction import Tx
from baara_engine.testing.scripted import Line, ScriptedModel, ScriptedModels, calls, says

LONG = 30.0  # seconds that no wait here takes unless something is wrong


@pytest.fixture
def start(engine: Engine) -> Iterator[Callable[..., ScriptedModel]]:
    """Give a function that lets the engine work, with a model that follows a script."""

    def begin(*script: Line) -> ScriptedModel:
        model = ScriptedModel(script)
        engine.start(ScriptedModels(model))
        return model

    yield begin
    engine.stop()


def until(engine: Engine, execution_id: str, *wanted: Status) -> Execution:
    deadline = time.monotonic() + LONG
    with engine.news() as news:
        while time.monotonic() < deadline:
            execution = engine.execution(execution_id)
            if execution.status in (wanted or ENDED):
                return execution
            news.wait(1.0)
    raise AssertionError(f"still {engine.execution(execution_id)}")


def command(engine: Engine, text: str, **options: object) -> Execution:
    return engine.submit(Submission.model_validate({"prompt": text, "kind": Kind.COMMAND, **options}))


def bodies(engine: Engine, execution: Execution, kind: str) -> list[str]:
    return [message.body for message in engine.thread(execution.thread_id)[1] if message.kind == kind]


def test_a_prompt_becomes_a_result_in_its_thread(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Submitted, claimed, answered with tools, journaled, and the result stands in the thread once."""
    start(
        calls(("write", {"file_path": "a.txt", "content": "hello"}), ("read", {"file_path": "a.txt"}), turn=1),
        calls(("report", {"title": "Found", "markdown": "# hello"}), turn=2),
        says("It says hello."),
    )
    execution = until(engine, engine.submit(Submission(prompt="Say hello.")).id)
    assert (execution.status, execution.outcome, execution.output) == (Status.COMPLETED, Outcome.RAN, "It says hello.")
    assert (execution.turn, execution.attempt, execution.input_tokens) == (3, 1, 30)
    assert (Path(execution.workspace) / "a.txt").read_text() == "hello"
    assert bodies(engine, execution, "report") == ["# hello"]
    assert bodies(engine, execution, "result") == ["It says hello."]
    assert all(call.receipt_at for call in engine.journal(execution.id)[1])


def test_forty_at_once_run_ten_at_a_time(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Of forty executions never more than ten run together, and all of them finish."""
    submitted = [command(engine, "sleep 0.15; echo done").id for _ in range(40)]
    most, stop = 0, threading.Event()

    def count() -> None:
        nonlocal most
        while not stop.is_set():
            most = max(most, engine.queue(queues.TRANSFER).running)
            time.sleep(0.01)

    counting = threading.Thread(target=count)
    counting.start()
    start()
    ended = [until(engine, execution_id) for execution_id in submitted]
    stop.set()
    counting.join()
    assert {execution.status for execution in ended} == {Status.COMPLETED}
    assert 8 <= most <= 10


def test_a_lowered_concurrency_holds_from_the_next_claim_on(
    engine: Engine, start: Callable[..., ScriptedModel]
) -> None:
    """With the concurrency set to 2, no more than two begin together from then on."""
    start()
    engine.set_concurrency(queues.TRANSFER, 2)
    submitted = [command(engine, "sleep 0.1").id for _ in range(8)]
    most = 0
    while any(engine.execution(execution_id).status not in ENDED for execution_id in submitted):
        most = max(most, engine.queue(queues.TRANSFER).running)
    assert most == 2


def test_a_command_that_fails_is_told_and_not_repeated(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """A command runs once, and a status other than 0 makes it a dead letter with its output."""
    start()
    execution = until(engine, command(engine, "echo once >> runs; cat runs; exit 3").id)
    assert (execution.status, execution.outcome) == (Status.DEAD_LETTERED, Outcome.FAILED)
    assert (execution.error_cause, execution.output) == ("command", "once\n")
    assert "exit status 3" in bodies(engine, execution, "failure")[0]


def test_a_command_is_tried_again_where_somebody_said_so(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """With retries allowed, the next attempt waits in the timer queue and then runs."""
    start()
    execution = command(engine, "echo x >> runs; test $(wc -l < runs) -ge 2", max_retries=1)
    assert until(engine, execution.id, Status.RETRY_SCHEDULED).waiting_reason == "retry"
    assert engine.retry(execution.id).status is Status.QUEUED
    ended = until(engine, execution.id)
    assert (ended.status, ended.attempt) == (Status.COMPLETED, 2)


def test_a_dead_letter_gets_a_fresh_allowance(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """A dead letter that is retried runs again in the dead letters' own queue, as a new attempt."""
    start()
    execution = command(engine, "test -e now-it-works")
    assert until(engine, execution.id).status is Status.DEAD_LETTERED
    (Path(execution.workspace) / "now-it-works").touch()
    engine.retry(execution.id)
    ended = until(engine, execution.id, Status.COMPLETED)
    assert (ended.attempt, ended.queue, ended.outcome) == (2, queues.DLQ, Outcome.RAN)


def test_time_is_up_for_all_that_a_command_started(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """At its limit a command is ended with everything it started, well within a second."""
    start()
    begun = time.monotonic()
    execution = until(engine, command(engine, "sleep 4242 & sleep 4242", timeout_s=0.5).id)
    assert time.monotonic() - begun < LONG / 6
    assert execution.error_cause == "timed_out"
    assert [
        process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "4242"]
    ] == []


def test_an_agent_runs_out_of_time_too(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """The time limit of an agent holds across its steps and ends the tool that is at work."""
    start(calls(("bash", {"command": "sleep 4243"}), turn=1), says("never"))
    execution = engine.submit(Submission(prompt="Sleep.", timeout_s=0.5, max_retries=0))
    ended = until(engine, execution.id)
    assert (ended.error_cause, ended.status) == ("timed_out", Status.DEAD_LETTERED)


def test_cancelling_ends_the_processes_within_a_second(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """What runs is ended with its processes; the thread says so; it cannot be cancelled twice."""
    start()
    execution = command(engine, "sleep 4244 & sleep 4244")
    until(engine, execution.id, Status.RUNNING)
    time.sleep(0.2)
    begun = time.monotonic()
    engine.cancel(execution.id)
    ended = until(engine, execution.id)
    assert time.monotonic() - begun < 1.0
    assert (ended.status, ended.outcome) == (Status.CANCELLED, Outcome.CANCELLED)
    assert [
        process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "4244"]
    ] == []
    with pytest.raises(errors.Refused, match="has ended"):
        engine.cancel(execution.id)


def test_a_stop_gives_work_back_at_its_last_step(engine: Engine, home: Path) -> None:
    """A stopped engine leaves its work queued, and the next one goes on with the next turn, not from the start."""
    script = [calls(("bash", {"command": f"echo {turn} >> steps; sleep 0.2"}), turn=turn) for turn in range(1, 8)]
    engine.start(ScriptedModels(ScriptedModel([*script, says("done")])))
    execution = engine.submit(Submission(prompt="Step."))
    while engine.execution(execution.id).turn < 3:
        time.sleep(0.02)
    engine.stop()
    stopped = engine.execution(execution.id)
    assert (stopped.status, stopped.owner) == (Status.QUEUED, None)
    engine.start(ScriptedModels(ScriptedModel([*script, says("done")])))
    ended = until(engine, execution.id)
    engine.stop()
    assert (ended.status, ended.attempt, len(ended.resumed)) == (Status.COMPLETED, 1, 1)
    assert ended.resumed[0]["reason"] == "stopped"
    assert (Path(ended.workspace) / "steps").read_text().split() == [str(turn) for turn in range(1, 8)]
    assert "the engine had been stopped" in bodies(engine, ended, "note")[0]


def test_a_question_frees_the_worker_and_its_answer_is_the_result(
    engine: Engine, start: Callable[..., ScriptedModel]
) -> None:
    """The agent asks, the execution waits without a lease, the answer is given once, and it goes on at that call."""
    start(
        calls(
            ("bash", {"command": "echo before >> f"}), ("ask_user", {"question": "Red?", "options": ["yes"]}), turn=1
        ),
        lambda request: says(f"You said {request.messages[-1]['content'][1]['content'][0]['text']}."),
    )
    execution = engine.submit(Submission(prompt="Ask."))
    waiting = until(engine, execution.id, Status.WAITING_FOR_INPUT)
    assert (waiting.owner, waiting.waiting_reason) == (None, "person")
    [question] = engine.questions()
    assert (question.id, question.text, question.options) == (waiting.waiting_question, "Red?", ("yes",))
    assert bodies(engine, waiting, "question") == ["Red?"]
    engine.answer_execution(execution.id, "yes", by="test")
    ended = until(engine, execution.id)
    assert (ended.output, (Path(ended.workspace) / "f").read_text()) == ("You said yes.", "before\n")
    with pytest.raises(errors.Refused, match="answered already"):
        engine.answer(question.id, "no", by="test")


def test_two_questions_wait_for_both_answers(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """With two questions open it goes on only after both are answered, in whatever order."""
    start(calls(("ask_user", {"question": "A?"}), ("ask_user", {"question": "B?"}), turn=1), says("done"))
    execution = engine.submit(Submission(prompt="Ask."))
    until(engine, execution.id, Status.WAITING_FOR_INPUT)
    first, second = engine.questions()
    engine.answer(second.id, "b", by="test")
    assert engine.execution(execution.id).waiting_question == first.id
    engine.answer(first.id, "a", by="test")
    assert until(engine, execution.id).output == "done"


def test_a_waiting_execution_can_be_cancelled(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Cancelling withdraws the question with it."""
    start(calls(("ask_user", {"question": "A?"}), turn=1))
    execution = engine.submit(Submission(prompt="Ask."))
    until(engine, execution.id, Status.WAITING_FOR_INPUT)
    assert engine.cancel(execution.id).status is Status.CANCELLED
    assert engine.questions() == []
    assert engine.questions(open_only=False)[0].status == "withdrawn"


def test_what_cannot_be_run_is_told_to_the_model(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """An unknown tool, a wrong input, a file outside: each gives an error result, and the agent goes on."""
    start(
        calls(("fly", {}), ("read", {"path": "x"}), ("read", {"file_path": "/etc/passwd"}), turn=1),
        says("I cannot."),
    )
    execution = until(engine, engine.submit(Submission(prompt="Try.")).id)
    _, told = engine.journal(execution.id)
    assert [call.is_error for call in told] == [True, True, True]
    assert "There is no tool “fly”" in str(told[0].result)
    assert "'file_path' is a required property" in str(told[1].result)


def test_turns_run_out(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """An agent that never ends is ended at its limit of turns."""
    start(*(calls(("glob", {"pattern": "*"}), turn=turn) for turn in range(1, 9)))
    execution = until(engine, engine.submit(Submission(prompt="Loop.", max_turns=5)).id)
    assert (execution.error_cause, execution.turn) == ("turns", 5)


@pytest.mark.expects_log("failed unexpectedly")
def test_a_defect_is_a_failure_like_any_other(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """An exception that nobody expected does not leave the execution without an end."""
    start(RuntimeError("a defect"))
    execution = until(engine, engine.submit(Submission(prompt="Break.", max_retries=0)).id)
    assert (execution.status, execution.error_cause) == (Status.DEAD_LETTERED, "internal")


def test_offline_work_is_parked_without_burning_attempts(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Without a connection it waits and says for what; when looked at again it is still the first attempt."""
    start(errors.ModelFailure(errors.FailureKind.OFFLINE, "There is no connection.", retry_after=1.0))
    execution = engine.submit(Submission(prompt="Call.", max_retries=0))
    parked = until(engine, execution.id, Status.RETRY_SCHEDULED)
    assert (parked.waiting_reason, parked.queue) == ("offline", queues.TIMER)
    deadline = time.monotonic() + LONG
    while len(engine.attempts(execution.id)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [lease.attempt for lease in engine.attempts(execution.id)][:2] == [1, 1]
    assert bodies(engine, parked, "note") == ["Waiting: There is no connection."]


def test_a_key_that_comes_lets_waiting_work_go_on(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Work parked for a key is queued the moment there is one."""
    start(errors.ModelFailure(errors.FailureKind.KEY, "There is no key."))
    execution = engine.submit(Submission(prompt="Call."))
    until(engine, execution.id, Status.RETRY_SCHEDULED)
    assert engine.key_changed() == 1


def test_a_second_engine_on_the_same_home_is_refused(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """One home has one engine at work; others may open it and submit."""
    start()
    other = Engine(engine.home)
    assert other.is_working()
    with pytest.raises(errors.Refused, match="Another engine"):
        other.start(ScriptedModels(ScriptedModel([])))
    other.close()


def test_idle_costs_nothing(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """An engine without work takes well under a hundredth of a core."""
    start()
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(2)
    assert time.process_time() - before < 0.05


def test_submitting_while_idle_starts_the_work_at_once(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """Work does not wait for the next look of a sleeping worker."""
    start(*[says("done")] * 20)
    waits = []
    for _ in range(20):
        execution = until(engine, engine.submit(Submission(prompt="Now.")).id)
        waits.append((execution.started_at or 0) - execution.created_at)
    assert sorted(waits)[10] < 200


def test_unknown_outcomes_follow_the_policy_of_the_execution(engine: Engine) -> None:
    """An agent tells the model by default, a command asks a person, and either can be set."""
    assert Submission(prompt="x").unknown is UnknownEffect.BY_TOOL
    assert Submission(prompt="x", kind=Kind.COMMAND).unknown is UnknownEffect.ASK
    assert Submission(prompt="x", unknown_effect=UnknownEffect.RERUN).unknown is UnknownEffect.RERUN


def test_a_damaged_journal_ends_in_a_dead_letter_that_says_so(engine: Engine, home: Path) -> None:
    """An execution whose journal was changed on disk is not gone on with, not tried again, and not stuck."""
    engine.start(ScriptedModels(ScriptedModel([calls(("ask_user", {"question": "Go on?"}), turn=1), says("done")])))
    execution = engine.submit(Submission(prompt="Ask."))
    until(engine, execution.id, Status.WAITING_FOR_INPUT)
    engine.store.write(lambda tx: tx.sql("UPDATE message SET content = zeroblob(9) WHERE turn = 1"))
    engine.store.write(lambda tx: tx.sql("UPDATE execution SET status = 'queued' WHERE id = ?", (execution.id,)))
    ended = until(engine, execution.id)
    engine.stop()
    assert (ended.status, ended.error_cause) == (Status.DEAD_LETTERED, "damaged")
    assert "is not what was written" in (ended.error_message or "")


@pytest.mark.parametrize("damage", ["DELETE FROM tool_call", "UPDATE tool_call SET receipt_at = NULL, result = NULL"])
def test_a_command_whose_journal_was_damaged_is_not_run_again(engine: Engine, damage: str) -> None:
    """A command that ended, and whose receipt or intent was lost on disk, ends as a dead letter and runs no more."""
    execution = command(engine, "echo run >> runs; exit 1")
    engine.start(ScriptedModels(ScriptedModel([])))
    until(engine, execution.id)
    engine.stop()
    engine.store.write(lambda tx: tx.sql(damage))
    statement = "UPDATE execution SET status = 'queued', queue = 'transfer', attempt_open = 1 WHERE id = ?"
    engine.store.write(lambda tx: tx.sql(statement, (execution.id,)))
    engine.start(ScriptedModels(ScriptedModel([])))
    ended = until(engine, execution.id)
    assert (ended.status, ended.error_cause) == (Status.DEAD_LETTERED, "damaged")
    assert (Path(ended.workspace) / "runs").read_text("utf-8") == "run\n"


@pytest.mark.parametrize("stop_reason", ["tool_use", "max_tokens", "pause_turn"])
def test_an_answer_that_cannot_be_gone_on_from_is_not_kept(
    engine: Engine, start: Callable[..., ScriptedModel], stop_reason: str
) -> None:
    """An empty answer that does not end the work is a failed turn, not a journal that can never be continued."""
    start(Answer([], stop_reason, Usage(), "scripted", 0))
    execution = until(engine, engine.submit(Submission(prompt="Break.", max_retries=0)).id)
    assert (execution.error_cause, execution.turn) == ("broken_answer", 0)


@pytest.mark.expects_log("left ", "took back", "could not be used", "a commit raised")
def test_what_could_not_be_settled_is_taken_up_again(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """If the disk refuses the end of an execution, it goes on once the disk is well, and nothing is stuck."""
    start()
    execution = command(engine, "sleep 0.5; echo once >> ran")
    until(engine, execution.id, Status.RUNNING)
    engine.store.write(lambda tx: tx.sql(REFUSE))
    deadline = time.monotonic() + LONG
    while not (Path(execution.workspace) / "ran").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    engine.store.write(lambda tx: tx.sql("DROP TRIGGER refuse"))
    assert until(engine, execution.id).status is Status.COMPLETED
    assert (Path(execution.workspace) / "ran").read_text() == "once\n"


# Stands in for a disk that refuses: every write to the tally of executions fails while it is there.
REFUSE = "CREATE TRIGGER refuse BEFORE UPDATE ON execution BEGIN SELECT raise(ROLLBACK, 'disk is full'); END"


def test_an_engine_for_one_execution_leaves_the_others_alone(engine: Engine) -> None:
    """Started for one execution, an engine works on it and claims nothing else."""
    other = command(engine, "touch other")
    mine = command(engine, "touch mine")
    engine.start(ScriptedModels(ScriptedModel([])), only=mine.id)
    assert until(engine, mine.id).status is Status.COMPLETED
    engine.stop()
    assert engine.execution(other.id).status is Status.QUEUED


@pytest.mark.parametrize("delayed", [True, False])
def test_what_was_cancelled_while_it_waited_never_comes_due(
    engine: Engine,
    start: Callable[..., ScriptedModel],
    delayed: bool,  # noqa: FBT001
) -> None:
    """Cancelling what waits in the timer queue leaves the engine well when its time comes."""
    start(errors.ModelFailure(errors.FailureKind.OFFLINE, "No connection.", retry_after=1.0))
    soon = engine.store.clock.now() + 300
    execution = engine.submit(Submission(prompt="Wait.", not_before=soon if delayed else None))
    until(engine, execution.id, Status.QUEUED if delayed else Status.RETRY_SCHEDULED)
    engine.cancel(execution.id)
    time.sleep(1.5)
    assert engine.execution(execution.id).status is Status.CANCELLED
    assert until(engine, command(engine, "echo still here").id).output == "still here\n"
    with pytest.raises(errors.Refused):
        engine.retry(execution.id)


def test_a_full_queue_is_not_asked_in_a_circle(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """While more is queued than may run, nothing is written for the sake of what cannot be claimed."""
    start()
    engine.set_concurrency(queues.TRANSFER, 1)
    running = until(engine, command(engine, "sleep 3").id, Status.RUNNING)
    command(engine, "true")
    deadline = time.monotonic() + LONG
    while not engine.journal(running.id)[1] and time.monotonic() < deadline:
        time.sleep(0.01)

    def commits() -> int:
        return engine.store.read(lambda view: int(view.sql("SELECT max(batch) FROM writer")[0][0]))

    before = commits()
    time.sleep(1.5)
    assert commits() - before <= 1


@pytest.mark.parametrize("ending", ["released", "waiting", "failed"])
async def test_a_cancel_that_comes_at_the_last_moment_counts(engine: Engine, ending: str) -> None:
    """Called off between its last step and the end of its lease, an execution is cancelled and not kept for later."""
    submitted = engine.submit(Submission(prompt="Work."))

    def lease(tx: Tx) -> Execution:
        [claimed] = executions.claim(tx, queues.TRANSFER, 1, str(owner.Owner.me()), 1 << 60)
        return executions.move(tx, claimed.id, Status.ASSIGNED, Status.RUNNING)

    held = engine.store.write(lease)
    assert engine.cancel(submitted.id).status is Status.RUNNING
    settler = settle.Settler(engine.store, random.Random(1))
    if ending == "released":
        await settler.released(held, 1)
    elif ending == "waiting":
        await settler.waiting(held, [QuestionDraft("Why?")], 0, 1)
    else:
        await settler.failed(held, settle.Failure(errors.FailureKind.SERVER, "No."))
    assert engine.execution(submitted.id).status is Status.CANCELLED


@pytest.mark.parametrize("value", [{"restart": True}, {"restart": False}])
def test_restarting_the_shell_is_answered(
    engine: Engine, start: Callable[..., ScriptedModel], value: dict[str, bool]
) -> None:
    """A call of bash without a command gives a sentence, and the work goes on."""
    start(calls(("bash", value), turn=1), says("done"))
    execution = until(engine, engine.submit(Submission(prompt="Restart.")).id)
    assert execution.output == "done"
    assert "no shell to restart" in str(engine.journal(execution.id)[1][0].result)


def test_what_follows_a_question_waits_for_its_answer(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """A call that acts is not run before the question in front of it is answered."""
    start(calls(("ask_user", {"question": "May I?"}), ("bash", {"command": "touch done"}), turn=1), says("done"))
    execution = engine.submit(Submission(prompt="Ask first."))
    waiting = until(engine, execution.id, Status.WAITING_FOR_INPUT)
    assert not (Path(waiting.workspace) / "done").exists()
    engine.answer_execution(execution.id, "Yes.", by="test")
    assert until(engine, execution.id).status is Status.COMPLETED
    assert (Path(waiting.workspace) / "done").exists()


def test_an_empty_refusal_is_a_refusal(engine: Engine, start: Callable[..., ScriptedModel]) -> None:
    """A model that declines without a word is not asked again, and the cause is told."""
    start(Answer([], "refusal", Usage(), "scripted", 0))
    execution = until(engine, engine.submit(Submission(prompt="Break.")).id)
    assert (execution.error_cause, execution.attempt) == ("refusal", 1)


def test_listeners_end_with_what_they_were_for(engine: Engine) -> None:
    """Waiting for news and working leave nothing behind in the store."""
    before = len(engine.store._listeners)
    for _ in range(5):
        with engine.news():
            pass
    engine.start(ScriptedModels(ScriptedModel([])))
    engine.stop()
    assert len(engine.store._listeners) == before


def test_many_that_share_a_key_ask_once_and_come_back_by_themselves(
    engine: Engine, start: Callable[..., ScriptedModel]
) -> None:
    """Turned away once, thirty park unasked; when the time has come all are answered, each in one attempt."""
    refused = errors.ModelFailure(FailureKind.RATE_LIMIT, "The allowance is used up.", retry_after=3)
    began = time.monotonic()

    def answer(_request: Request) -> Answer:
        if time.monotonic() - began < 2:
            raise refused
        return says("Well.")

    model = start(answer)
    submitted = [engine.submit(Submission(prompt=f"work {number}")).id for number in range(30)]
    ended = [until(engine, one) for one in submitted]
    assert {(one.status, one.attempt) for one in ended} == {(Status.COMPLETED, 1)}
    assert 31 <= len(model.requests) <= 41  # at most a place in the queue each was asking before the first heard

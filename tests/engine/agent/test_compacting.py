"""What is done when a conversation becomes too long for its model, and when compacting it goes wrong."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from baara_engine import states
from baara_engine.agent import models, windows
from baara_engine.config import Config
from baara_engine.engine import Engine
from baara_engine.journal import Journal
from baara_engine.records import Execution, Json
from baara_engine.requests import Submission
from baara_engine.states import Status
from baara_engine.testing import replies
from baara_engine.testing.messages_server import MessagesServer
from baara_engine.testing.replies import Reply

LONG_S = 60.0
COMPACTS, PLAIN = "claude-opus-5-5", "some-local-model"
PROMPT = "Write the file, and keep to “µ”."
NOTE = {"constraints": ["Nothing in English."], "done": ["Step 1"], "next": "Step 2"}
BLOCK: Json = {"type": "compaction", "content": "It was begun.", "signature": "signed"}
PAUSED = Reply([BLOCK], "compaction")
TOO_LONG = replies.failure(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")


def called(turn: int, *, pattern: str = "*") -> Reply:
    return replies.calls(("glob", {"pattern": f"{pattern}{turn}"}), turn=turn)


@dataclass
class Rig:
    """An engine that works on one execution, with a service that answers as it is told."""

    home: Path
    model: str = PLAIN
    context_tokens: int | None = None
    requests: list[Json] = field(default_factory=list)
    betas: list[set[str]] = field(default_factory=list)

    def run(self, *script: Reply) -> tuple[Execution, Engine]:
        """Run an execution to its end and give it with the engine, which is to be closed."""
        with MessagesServer(list(script)) as server:
            settings = Config(base_url=server.url, context_tokens=self.context_tokens)
            engine = Engine(self.home, config_=settings)
            execution = engine.submit(Submission(prompt=PROMPT, model=self.model, max_retries=0))
            engine.start(models.Models(lambda: "a-key-of-no-account", lambda: settings))
            deadline = time.monotonic() + LONG_S
            while engine.execution(execution.id).status not in states.ENDED and time.monotonic() < deadline:
                time.sleep(0.02)
            engine.stop()
            self.requests = [request.body for request in server.requests]
            self.betas = [request.betas for request in server.requests]
        return engine.execution(execution.id), engine


def texts(message: Json) -> str:
    return "\n".join(block.get("text", "") for block in message["content"])


def unmarked(messages: list[Json]) -> list[Json]:
    return [
        message
        | {"content": [{k: v for k, v in block.items() if k != "cache_control"} for block in message["content"]]}
        for message in messages
    ]


def test_what_the_service_has_compacted_is_sent_with_request_and_notes(home: Path) -> None:
    """Its block comes back unchanged; behind it stand the request and the notes word for word, and the last turns."""
    rig = Rig(home, COMPACTS)
    noted = replies.calls(("note_progress", NOTE), turn=1)
    execution, engine = rig.run(noted, called(2), PAUSED, replies.says("Done."))
    assert (execution.status, execution.output, execution.turn) == (Status.COMPLETED, "Done.", 3)
    request, block, pinned, *rest = unmarked(rig.requests[-1]["messages"])
    assert (texts(request), block["content"]) == (PROMPT, [BLOCK])
    assert all(text in texts(pinned) for text in (PROMPT, "Nothing in English.", "Step 1", "Step 2"))
    assert [message["role"] for message in rest] in ([], ["assistant", "user"])
    assert {windows.COMPACTING, windows.CLEARING} <= rig.betas[-1]
    assert [edit["type"] for edit in rig.requests[0]["context_management"]["edits"]] == [
        "clear_tool_uses_20250919", "compact_20260112",
    ]  # fmt: skip
    sent = Journal(engine.store, execution).load().messages
    assert unmarked(sent[:-1]) == unmarked(rig.requests[-1]["messages"])  # after a restart, the same is sent
    assert len(engine.journal(execution.id)[0]) == 6
    engine.close()


def test_an_answer_that_goes_on_after_its_compaction_is_kept_whole(home: Path) -> None:
    """The compaction is taken out of it; what the answer says and calls stands in the journal as ever."""
    rig = Rig(home, COMPACTS)
    both = Reply([BLOCK, *(called(2).content or [])], "tool_use")
    execution, engine = rig.run(called(1), both, replies.says("Done."))
    messages, calls = engine.journal(execution.id)
    assert execution.status is Status.COMPLETED
    assert [block["type"] for message in messages for block in message.content].count("compaction") == 0
    assert len(calls) == 2
    assert [message["role"] for message in rig.requests[-1]["messages"]] == ["user", "assistant"] * 2 + ["user"]
    engine.close()


@pytest.mark.parametrize(
    "refusal",
    [
        replies.failure(400, "invalid_request_error", "x", code="compaction_signature_invalid"),
        replies.failure(400, "invalid_request_error", "x", code="compaction_incomplete_turn"),
    ],
)
def test_a_block_that_is_refused_is_put_into_words(home: Path, refusal: Reply) -> None:
    """Its text takes its place, without asking the model again, and the service is not asked to compact any more."""
    rig = Rig(home, COMPACTS)
    execution, engine = rig.run(called(1), PAUSED, refusal, replies.says("Done."))
    _, compactions = engine.progress(execution.id)
    assert (execution.status, execution.attempt) == (Status.COMPLETED, 1)
    assert [one.kind for one in compactions] == ["service", "summary"]
    assert "It was begun." in texts(rig.requests[-1]["messages"][0])
    assert "context_management" not in rig.requests[-1]
    engine.close()


def test_a_service_that_does_not_know_it_is_asked_without(home: Path) -> None:
    """One refusal costs one question and no attempt."""
    refusal = replies.failure(400, "invalid_request_error", "context_management: Extra inputs are not permitted")
    rig = Rig(home, COMPACTS)
    execution, engine = rig.run(refusal, replies.says("Done."))
    assert (execution.status, execution.attempt, len(rig.requests)) == (Status.COMPLETED, 1, 2)
    assert "context_management" not in rig.requests[-1]
    engine.close()


def test_a_compaction_that_has_failed_is_no_compaction(home: Path) -> None:
    """An empty block is paid for and dropped, and the conversation goes on as it was."""
    rig = Rig(home, COMPACTS)
    failed = Reply([{"type": "compaction", "content": ""}], "compaction")
    execution, engine = rig.run(called(1), failed, replies.says("Done."))
    assert (execution.status, engine.progress(execution.id)[1]) == (Status.COMPLETED, [])
    assert execution.output_tokens > 0
    engine.close()


@pytest.mark.parametrize("model", [COMPACTS, PLAIN])
@pytest.mark.parametrize(
    "refusal", [TOO_LONG, replies.failure(413, "request_too_large"), replies.raw(b"<html>413</html>", "text/plain")]
)
def test_a_question_that_is_refused_as_too_long_is_asked_shortened(home: Path, model: str, refusal: Reply) -> None:
    """What came before is summarised and the work goes on, in the same attempt."""
    if refusal.body.startswith(b"<html>"):
        refusal = Reply(body=refusal.body, status=413)
    rig = Rig(home, model)
    again = [refusal] if model == COMPACTS else []  # at first only the service's own compaction is left out
    script = [called(1), called(2), refusal, *again, replies.says("It was begun."), replies.says("Done.")]
    execution, engine = rig.run(*script)
    assert (execution.status, execution.output, execution.attempt) == (Status.COMPLETED, "Done.", 1)
    assert [one.kind for one in engine.progress(execution.id)[1]] == ["summary"]
    assert rig.requests[-2]["tool_choice"] == {"type": "none"}
    assert all(text in texts(rig.requests[-1]["messages"][0]) for text in (PROMPT, "It was begun."))
    engine.close()


def test_an_answer_cut_by_the_window_runs_nothing_and_makes_room(home: Path) -> None:
    """Its call is not run, the conversation is summarised before the next question, and the work goes on."""
    rig = Rig(home)
    cut = Reply(called(2).content, "model_context_window_exceeded")
    execution, engine = rig.run(called(1), cut, replies.says("It was begun."), replies.says("Done."))
    calls = engine.journal(execution.id)[1]
    assert (execution.status, execution.output) == (Status.COMPLETED, "Done.")
    assert [call.is_error for call in calls] == [False, True]
    assert len(engine.progress(execution.id)[1]) == 1
    engine.close()


def test_what_can_never_fit_ends_in_a_sentence(home: Path) -> None:
    """A service that refuses even the request alone is asked a few times, and then a person is told."""
    rig = Rig(home)
    execution, engine = rig.run(*[TOO_LONG] * 20)
    assert (execution.status, execution.error_cause) == (Status.DEAD_LETTERED, "context")
    assert "does not fit" in str(execution.error_message)
    assert len(rig.requests) < 10
    engine.close()


def test_the_service_counts_only_where_it_matters(home: Path) -> None:
    """Far from the window nobody is asked how long the conversation is."""
    with MessagesServer([called(1), called(2), replies.says("Done.")]) as server:
        settings = Config(base_url=server.url)
        engine = Engine(home, config_=settings)
        execution = engine.submit(Submission(prompt=PROMPT, model=PLAIN))
        engine.start(models.Models(lambda: "a-key-of-no-account", lambda: settings))
        deadline = time.monotonic() + LONG_S
        while engine.execution(execution.id).status not in states.ENDED and time.monotonic() < deadline:
            time.sleep(0.02)
        engine.stop()
        engine.close()
        assert (len(server.requests), server.counted) == (3, 0)

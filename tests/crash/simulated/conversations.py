"""Conversations of any shape, played by the real loop and journal, and cut off at any write.

A conversation is drawn as a list of answers. It is played once undisturbed; then once for each write of the engine,
with the engine dying right after that write and another one taking it up. All that is sent to the model is looked at.
"""

import copy
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import strategies as st
from tests.crash.simulated import machine_room

from baara_engine import errors, states
from baara_engine.agent import anthropic_model
from baara_engine.agent.model import Answer, Request, Usage
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.records import Execution, Json, Permission, UnknownEffect
from baara_engine.requests import Submission
from baara_engine.settle import Settler
from baara_engine.states import Status
from baara_engine.store.store import Store
from baara_engine.testing import legality
from baara_engine.testing.inline import InlineWriter
from baara_engine.testing.outside import Outside
from baara_engine.testing.virtual import VirtualClock

STEP_S = 1800.0  # an engine has done all that it can by then
MOST_RESUMES = 2  # what was declined is declined again, for as often as it is resumed
# Tokens of windows into which, beside the tools and the system prompt, hardly one turn fits, or a few; and
# one in which the turns after a long first one stay as they are.
SMALL = (5_100, 6_800, 11_300)
FIRST_TEXT = 8_000  # characters of the first answer in a conversation that is long
LONG_TEXT = 400  # characters of an answer in a conversation that is long
SUMMED_UP = re.compile(r"All went well up to turn (\d+)\.")
MOST_STEPS = 20  # answers and words of a person, at most, until a conversation is left as it is

# Tool calls of each effect class, calls that are refused, and such as nobody can run.
USES: tuple[tuple[str, Json], ...] = (
    ("read", {"file_path": "a.txt"}),
    ("glob", {"pattern": "*"}),
    ("write", {"file_path": "a.txt", "content": "one"}),
    ("edit", {"file_path": "a.txt", "old_string": "one", "new_string": "two"}),
    ("edit", {"file_path": "none.txt", "old_string": "one", "new_string": "two"}),
    ("report", {"title": "Found", "markdown": "This."}),
    ("bash", {"command": "send"}),
    ("bash", {"nothing": "of the kind"}),
    ("ask_user", {"question": "May I?"}),
    ("no_such_tool", {}),
)
BAD_IDS = ("not legal", "", "toolu_0_0")  #: characters that are not allowed, none, and the id of another call
FAILURES = (FailureKind.SERVER, FailureKind.RATE_LIMIT, FailureKind.REQUEST, FailureKind.BROKEN_ANSWER)


@dataclass(frozen=True, slots=True)
class Line:
    """One answer of a conversation."""

    stop_reason: str
    uses: tuple[int, ...] = ()  #: of `USES`
    broken: frozenset[int] = frozenset()  #: positions of the calls whose input cannot be read
    text: bool = True
    fails: FailureKind | None = None  #: once, before it is given
    bad_id: str | None = None  #: that one call has when the answer is first given

    def answer(self, turn: int, *, again: bool) -> Answer:
        """Give the answer; a thought in it tells which one it was."""
        content: list[Json] = [{"type": "thinking", "thinking": "Hm.", "signature": f"turn-{turn}"}]
        if self.text or not self.uses:
            content.append({"type": "text", "text": f"At {turn}."})
        broken = {}
        for position, use in enumerate(self.uses):
            name, value = USES[use]
            call_id = f"toolu_{turn}_{position}"
            if self.bad_id is not None and position == 0 and not again:
                call_id = self.bad_id
            if position in self.broken:
                broken[call_id], value = "it broke off", {}
            content.append({"type": "tool_use", "id": call_id, "name": name, "input": value})
        return Answer(content, self.stop_reason, Usage(1, 1), "scripted", 1, broken)


@dataclass(frozen=True, slots=True)
class Script:
    """A whole conversation, and how it is met."""

    lines: tuple[Line, ...]
    policy: UnknownEffect
    answers: bool  #: people answer what is asked
    say: str | None  #: what they say to a dead letter that they resume
    luck: int  #: seed of what the tools do
    window: int | None  #: tokens of the model's window, where that is so small that the conversation is compacted
    dies_again: int  #: write of the second engine at which that dies as well; 0: it lives
    permission: Permission = Permission.AUTO
    word: str = "Accept"  #: what people say to a call that waits for their approval
    checks: tuple[str, ...] = ()
    tells: str | None = None  #: what a person says once while it works …
    tells_at: int = 0  #: … when the model is asked for the time of that number, from 1; 0: at the first effect


# Its beginning is summarised while its last turns stay as they are, which few drawn conversations come to.
KEEPS_ITS_LAST_TURNS = Script(
    (
        Line("tool_use", (0, 2)), Line("tool_use", (3,)), Line("max_tokens", (1,)), Line("pause_turn"),
        Line("tool_use", (6,)), Line("end_turn"),
    ),
    UnknownEffect.TELL, answers=True, say=None, luck=3, window=SMALL[-1], dies_again=3,
)  # fmt: skip


def scripts() -> st.SearchStrategy[Script]:
    """Draw conversations."""
    calls = st.lists(st.integers(0, len(USES) - 1), min_size=1, max_size=4).map(tuple)
    none_or_calls = st.lists(st.integers(0, len(USES) - 1), max_size=3).map(tuple)
    fails = st.sampled_from([None, None, None, None, *FAILURES])
    broken = st.sampled_from([frozenset[int](), frozenset[int](), frozenset({0}), frozenset({1, 2})])
    bad_ids = st.sampled_from([None, None, None, None, *BAD_IDS])
    acts = st.builds(Line, st.just("tool_use"), calls, broken, st.booleans(), fails, bad_ids)
    cut = st.builds(Line, st.just("max_tokens"), none_or_calls, broken, st.booleans(), fails)
    pauses = st.builds(Line, st.just("pause_turn"), fails=fails)
    pauses_badly = st.builds(Line, st.just("pause_turn"), calls)
    ends = st.builds(Line, st.sampled_from(["refusal", "end_turn", "something_new"]), none_or_calls)
    lines = st.lists(st.one_of(acts, acts, acts, cut, pauses, pauses_badly, ends), min_size=1, max_size=5).map(tuple)
    return st.builds(
        Script, lines, st.sampled_from(list(UnknownEffect)), st.booleans(), st.sampled_from([None, "Go on."]),
        st.integers(0, 1000), st.sampled_from([None, *SMALL]), st.integers(0, 4),
        st.sampled_from([Permission.AUTO, *Permission]),
        st.sampled_from(["Accept", "Accept for this task", "Refuse", "Use the other folder."]),
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class Player:
    """The model of a script: what it says next is read off the conversation."""

    script: Script
    requests: list[Json] = field(default_factory=list)
    given: set[int] = field(default_factory=set)  #: turns whose first answer has been given, or has failed
    on_asked: Callable[[int], None] = lambda _count: None  #: called with how often it was asked

    def preload(self) -> None:
        """Need nothing."""

    async def get(self, model_id: str) -> "Player":
        """Be the model for every id."""
        return self

    async def close(self) -> None:
        """Hold nothing."""

    async def answer(self, request: Request, on_piece: object = None) -> Answer:
        """Check what was sent, and give the next line."""
        body = anthropic_model.body(request)
        self.requests.append(copy.deepcopy(body))
        self.on_asked(len(self.requests))
        problem = legality.problem(body)
        if problem is not None:
            raise AssertionError(f"an illegal request: {problem}")
        turn = thoughts(body)
        if request.no_calls:
            return Answer([_text(f"All went well up to turn {turn}.")], "end_turn", Usage(0, 0), "scripted", 1)
        again = turn in self.given
        self.given.add(turn)
        line = self.script.lines[turn] if turn < len(self.script.lines) else Line("end_turn")
        if line.fails is not None and not again:
            raise errors.ModelFailure(line.fails, "It failed.")
        if again and line.stop_reason == "pause_turn" and line.uses:
            line = Line("end_turn")  # an answer that can never be kept is not given for ever
        return self._long(line.answer(turn, again=again), FIRST_TEXT if turn == 0 else LONG_TEXT)

    def _long(self, answer: Answer, chars: int) -> Answer:
        """Make an answer so long that its conversation is compacted; this service does not count."""
        if self.script.window is None or answer.stop_reason == "end_turn":
            return answer
        return replace(answer, content=[_text("m" * chars), *answer.content], usage=Usage())


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def thoughts(body: Json) -> int:
    """Count the answers that a request tells of, and check that their thoughts are what they were.

    Those that a summary stands for are told by it, and those that follow it stand there whole.
    """
    blocks = [block for message in body["messages"] if message["role"] == "assistant" for block in message["content"]]
    signed = [block["signature"] for block in blocks if block["type"] == "thinking"]
    texts = [block.get("text", "") for block in body["messages"][0]["content"]]
    if not texts[0].startswith("Work."):
        raise AssertionError(f"the request was changed: {texts}")
    told = max((int(turn) for turn in SUMMED_UP.findall("".join(texts))), default=0)
    first = int(signed[0].removeprefix("turn-")) if signed else told
    if signed != [f"turn-{first + turn}" for turn in range(len(signed))] or first > told:
        raise AssertionError(f"thoughts were changed: {signed}, after a summary of {told}")
    return max(first + len(signed), told)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a conversation."""

    execution: Execution
    writes: int  #: of the first engine
    effects: dict[str, int]
    requests: list[Json]


def play(template: Path, home: Path, script: Script, dies_at: int = 0, *, kept: bool = True) -> Played:
    """Play a conversation in a copy of a home.

    With `dies_at`, the engine dies at its write of that number: right after its commit, or before it unless `kept`.
    """
    shutil.copytree(template, home)
    with _stage(home, script) as stage:
        return stage.play(dies_at, kept=kept)


def play_and_die_at_work(template: Path, home: Path, script: Script) -> Played:
    """Play a conversation in which the first engine dies while the first effect is on its way."""
    shutil.copytree(template, home)
    with _stage(home, script) as stage:
        return stage.play_and_die_at_work()


class Stage:
    """Where a conversation is played."""

    def __init__(self, home: Path, script: Script) -> None:
        self._home, self._script = home, script
        self._clock = VirtualClock()
        self._engine = Engine(home, clock_=self._clock, open_store=self._open, is_alive=self._is_alive)
        self._player = Player(script)
        self._random = random.Random(script.luck)
        self._outside = Outside(self._random, calm=True)
        self._resumes = MOST_RESUMES
        self._lives: list[machine_room.Life] = []
        self._says = [script.tells] if script.tells is not None else []
        self._told: str | None = None  # the execution that is told

    def _tell(self, _key: str = "") -> None:
        """Let a person say what they have to say, once; an engine that dies over it does not undo it."""
        if self._says and self._told is not None:
            self._engine.say(self._told, self._says.pop(), by="somebody")

    def play_and_die_at_work(self) -> Played:
        """Play with an engine that dies at its first effect."""
        self._outside.on_effect = lambda _key: self._lives[0].plug.pull()
        return self.play(0)

    def play(self, dies_at: int, *, kept: bool = True) -> Played:
        """Submit, and let engines and people do what the script says."""
        submission = Submission(
            prompt="Work.", unknown_effect=self._script.policy,
            permission=self._script.permission, checks=self._script.checks,
        )  # fmt: skip
        submitted = self._engine.submit(submission)
        self._told = submitted.id
        if self._script.tells_at:
            self._player.on_asked = lambda count: self._tell() if count == self._script.tells_at else None
        elif self._says:
            self._outside.on_effect = self._tell
        self._live(dies_at, kept=kept)
        for _ in range(MOST_STEPS):
            self._lives[-1].run_until(self._clock.monotonic() + STEP_S)
            if self._lives[-1].plug.is_pulled:
                self._die()
            elif not self._meet(self._engine.execution(submitted.id)):
                break
        writes, execution = self._lives[0].plug.writes, self._engine.execution(submitted.id)
        return Played(execution, writes, dict(self._outside.effects), self._player.requests)

    def close(self) -> None:
        """Free everything."""
        self._lives.pop().bury()
        self._engine.close()

    def _open(self, home: Path, _clock: object) -> Store:
        return Store(home, self._clock, writer=InlineWriter)

    def _is_alive(self, owner: str | None) -> bool:
        return self._lives[-1].is_me(owner)

    def _live(self, dies_at: int, *, kept: bool = True) -> None:
        self._lives.append(
            machine_room.Life(
                self._home, self._clock, self._random, self._player, self._outside, Settler, self._script.window
            )
        )
        if dies_at:
            self._lives[-1].plug.pull_at(dies_at, kept=kept)
        self._lives[-1].begin()

    def _die(self) -> None:
        self._lives[-1].bury()
        self._outside.crash(power=self._script.luck % 2 == 0)
        self._live(self._script.dies_again if len(self._lives) == 1 else 0)

    def _answer(self) -> None:
        """Answer everything that is open; one answer may be that to others as well."""
        while waiting := self._engine.questions():
            word = self._script.word if waiting[0].kind == "approval" else "It happened"
            self._engine.answer(waiting[0].id, word, by="somebody")

    def _meet(self, execution: Execution) -> bool:
        """Do what people do about an execution; say whether there was anything to do."""
        if execution.status is Status.WAITING_FOR_INPUT and self._script.answers:
            self._answer()
            return True
        if execution.status is Status.DEAD_LETTERED and self._resumes:
            self._resumes -= 1
            self._engine.resume(execution.id, self._script.say)
            return True
        return execution.status not in {*states.ENDED, Status.WAITING_FOR_INPUT}


@contextmanager
def _stage(home: Path, script: Script) -> Iterator[Stage]:
    stage = Stage(home, script)
    try:
        yield stage
    finally:
        stage.close()
        shutil.rmtree(home)

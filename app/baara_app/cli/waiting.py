"""Following an execution until it has ended, as its engine if there is no other."""

import contextlib
import math
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from baara_app import documents, lifecycle, loglines
from baara_app.cli import output
from baara_app.cli.common import Shell
from baara_engine import clock, errors, nudge, queues, resuming, states, words
from baara_engine.engine import Engine
from baara_engine.events import Kind
from baara_engine.records import Event, Execution, Question
from baara_engine.states import Outcome, Status

MS_PER_S = 1000
LOOK_S = 1.0  # between two looks without a nudge: nudges can be lost, and a moving line shows seconds
QUESTIONS = 10_000  # open ones that are looked through: more than a person could answer
GOOD = frozenset({Outcome.RAN, Outcome.DONE, Outcome.NOTHING_TO_DO})
TOLD = frozenset({Kind.STATUS, Kind.TURN, Kind.TOOL_BEGUN, Kind.TOOL_ENDED, Kind.RESUMED, Kind.CANCEL_REQUESTED,
                  Kind.CHECKED})  # fmt: skip


class Interrupted(errors.BaaraError):
    """The waiting was interrupted, not the work."""

    title = "Stopped waiting"
    code = "interrupted"


class Progress(Protocol):
    """How it is shown what happens meanwhile."""

    def change(self, line: str) -> None:
        """Show how it stands now."""
        ...

    def happened(self, line: str) -> None:
        """Show one thing that happened."""
        ...

    def stay(self, line: str) -> None:
        """Say something that must not be missed."""
        ...


def follow(shell: Shell, engine: Engine, execution: Execution, *, timeout_s: float | None = None) -> int:
    """Wait until an execution has ended, show what came of it, and give the exit status.

    Raises `errors.Refused` if it takes longer than `timeout_s`, and `Interrupted` at Ctrl-C; the work goes on.
    """
    ended = Watch(engine, execution.id).until_ended(timeout_s)
    if shell.json:
        output.document(documents.execution(ended, clock.SystemClock().now()))
    else:
        if ended.output:
            output.text(ended.output)
        output.tell(summary(ended))
    return 0 if ended.outcome in GOOD else 1


def summary(ended: Execution) -> str:
    """Say in one line how an execution has ended."""
    spent = words.duration(ended, clock.SystemClock().now())
    told = words.state(ended)
    told += f" in {spent}" if spent else ""
    told += f", {words.count(ended.turn, 'turn')}" if ended.turn else ""
    told += f", {words.cost(ended)}" if ended.cost_microusd else ""
    return f"{told}: {ended.error_message}" if ended.error_message else f"{told}."


@dataclass(slots=True)
class Watch:
    """One wait for one execution."""

    engine: Engine
    execution_id: str
    here: bool = False  #: whether this process is the engine
    interrupted: bool = False  #: whether somebody wants the waiting to end
    seen: int = 0  #: number of the last event that was told
    tool: str = ""  #: the tool at work
    asked: set[str] = field(default_factory=set)  #: ids of the questions that were told
    told: bool = False  #: whether it was said that this process works
    _work: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)  #: what ends this process's engine

    def until_ended(self, timeout_s: float | None) -> Execution:
        """Wait. Raises `errors.Refused` or `Interrupted`."""
        self.seen = self.engine.last_event()
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
        with self.engine.news() as news, self._signals(news), contextlib.closing(self), _progress() as progress:
            progress.happened(words.state(self.engine.execution(self.execution_id)))
            while (execution := self._look(progress)).status not in states.ENDED and not self.interrupted:
                self._see_to_work(execution)
                news.wait(self._time_left(deadline, execution))
            if self.interrupted and self.here:
                progress.stay("Stopping; the step at work has some seconds to end.")
        after = self.engine.execution(self.execution_id)  # it may have ended while this engine was stopping
        if self.interrupted and after.status not in states.ENDED:
            raise Interrupted(f"Stopped waiting. {self._rest()}")
        return after

    @contextlib.contextmanager
    def _signals(self, news: nudge.Listener) -> Iterator[None]:
        """Let Ctrl-C and a polite kill end the waiting at its next look, never in the middle of starting an engine."""

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            self.interrupted = True
            nudge.send_to(news.path)

        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def close(self) -> None:
        """Stop being the engine, if this process is it."""
        self._work.close()

    def _see_to_work(self, execution: Execution) -> None:
        """Be the engine while there is something to do and nobody else is it.

        Work that waits for a person or for its time needs no engine, and must not keep others from having one. Raises
        `errors.Unavailable` if the engine of this process has died.
        """
        if self.here and self.engine.join(0):
            raise errors.Unavailable("The engine ended by a defect. The work is kept; try again.")
        if self.here and not _can_go_on(execution):
            self.close()
            self.here = False
        if self.here or not _can_go_on(execution) or self.engine.is_working():
            return
        try:
            self.here = self._work.enter_context(lifecycle.working(self.engine, self.execution_id))
        except errors.Refused:
            return  # another process was quicker
        if self.here and not self.told:
            self.told = True
            output.tell("No engine was running, so this process works on it until it has ended.")

    def _look(self, progress: Progress) -> Execution:
        """Tell what is new, and give the execution as it stands."""
        execution = self.engine.execution(self.execution_id)
        for event in loglines.after(self.engine, self.seen, self.execution_id):
            self._tell(event, progress)
        if execution.status is Status.WAITING_FOR_INPUT:
            self._ask(progress)
        progress.change(_standing(execution, self.tool))
        return execution

    def _tell(self, event: Event, progress: Progress) -> None:
        self.seen = event.seq
        if event.kind == Kind.TOOL_BEGUN:
            self.tool = event.data["name"]
        elif event.kind in {Kind.TOOL_ENDED, Kind.STATUS}:
            self.tool = ""
        if event.kind == Kind.QUESTION and event.data["status"] == "open":
            self._ask(progress)  # it may go on meanwhile
        if event.kind in TOLD:
            progress.happened(loglines.sentence(event))

    def _ask(self, progress: Progress) -> None:
        for question in self.engine.questions(limit=QUESTIONS):
            if question.execution_id == self.execution_id and question.id not in self.asked:
                self.asked.add(question.id)
                progress.stay(_how_to_answer(question))

    def _time_left(self, deadline: float, execution: Execution) -> float:
        """Give the seconds until the next look. Raises `errors.Refused` once the time is up."""
        left = deadline - time.monotonic()
        if left <= 0:
            told = f"It has not ended in time; its state: {words.state(execution)}."
            raise errors.Refused(f"{told} {self._rest()}")
        return min(left, LOOK_S)

    def _rest(self) -> str:
        """Say what becomes of the work."""
        if self.here:
            return (
                f"No engine works now; execution {self.execution_id} is kept and goes on with the next one: "
                f"baara serve, or baara executions wait {self.execution_id}"
            )
        return f"The work goes on: baara executions wait {self.execution_id}"


def _standing(execution: Execution, tool: str) -> str:
    """Say in one line how it stands."""
    now = clock.SystemClock().now()
    parts = [words.state(execution)]
    parts += [f"turn {execution.turn + 1}"] if execution.turn else []
    parts += [tool] if tool else []
    parts += [words.cost(execution)] if execution.cost_microusd else []
    parts += [resuming.duration(max(now - execution.created_at, MS_PER_S))]
    return " · ".join(parts)


def _how_to_answer(question: Question) -> str:
    lines = [f"Needs you: {question.text}"]
    if question.kind == "approval":  # its text has the exact call; what is in the detail could mislead the eye
        lines += [f"  {choice}: {meaning}" for choice, meaning in question.detail["choices"].items()]
    else:
        lines += [f"  {name}: {value}" for name, value in question.detail.items()]
        lines += [f"  choices: {' · '.join(question.options)}"] if question.options else []
    lines += [f'  answer it: baara questions answer {question.id} "…"']
    return "\n".join(lines)


class _Plain:
    """Lines, one for each change."""

    def change(self, line: str) -> None:
        """Show nothing: each change has had its line."""

    def happened(self, line: str) -> None:
        """Print a line."""
        output.tell(line)

    def stay(self, line: str) -> None:
        """Print a line."""
        output.tell(line)


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    if not output.on_terminal(sys.stderr):
        yield _Plain()
        return
    with output.screen().moving() as moving:
        yield moving


def _can_go_on(execution: Execution) -> bool:
    """Say whether an engine could do something for it now."""
    if execution.waiting_reason == states.SUB_TASK:
        return True
    if execution.status in {Status.WAITING_FOR_INPUT, *states.ENDED}:
        return False
    due = execution.not_before
    return execution.queue != queues.TIMER or due is None or due <= clock.SystemClock().now()

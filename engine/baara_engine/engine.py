"""The one door: every operation, whichever surface calls it. Plain records in and out.

An `Engine` that is only opened reads and writes the store, so that a command line works beside a running engine or
without one. `start` makes it the engine of its home: the one process that works on the queues.
"""

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baara_engine import (
    answers,
    approving,
    backups,
    clock,
    config,
    engine_parts,
    errors,
    forking,
    homes,
    live,
    nudge,
    operations,
    owner,
    projects,
    queues,
    requests,
    running,
    triage,
)
from baara_engine.agent import model
from baara_engine.engine_parts.money import Money
from baara_engine.engine_parts.schedules import Schedules
from baara_engine.records import (
    Attempt,
    Compaction,
    DeadLetter,
    Event,
    Execution,
    Finding,
    Grant,
    Message,
    Progress,
    Question,
    Queue,
    Task,
    Thread,
    ThreadMessage,
    ToolCall,
)
from baara_engine.states import Status
from baara_engine.store import (
    compactions,
    executions,
    findings,
    grants,
    journal,
    news,
    progress,
    questions,
    tasks,
    threads,
)
from baara_engine.store.backup import Backup
from baara_engine.store.store import SENTINEL, Store

OURS_ALONE = 0o700  # mode of a home: it holds what people have asked for
LISTING = 50  #: rows of a list unless more are asked for


class Engine(
    Money,
    engine_parts.Families,
    engine_parts.Fetching,
    engine_parts.Inbox,
    engine_parts.Looking,
    engine_parts.Templates,
    engine_parts.Pausing,
    engine_parts.Projects,
    engine_parts.Skills,
    engine_parts.Speaking,
    engine_parts.Telling,
    engine_parts.McpServers,
    Schedules,
):
    """Everything that can be asked of Baara. Safe to use from any thread."""

    def __init__(
        self,
        home: Path,
        *,
        config_: config.Config | None = None,
        clock_: clock.Clock | None = None,
        open_store: Callable[[Path, clock.Clock], Store] = Store,
        is_alive: Callable[[str | None], bool] = owner.alive,
    ) -> None:
        """Open the store of a home, making both where there is none.

        `is_alive` says whether the owner of a lease, as it is written there, still runs. Raises `errors.StoreError`,
        or `errors.Refused` for a home on a network or in a synced folder.
        """
        homes.require_fit(home)
        self.home = home
        self._base = config_ or config.Config()
        self.is_alive = is_alive
        _make_private(home)
        self.store = open_store(home, clock_ or clock.SystemClock())
        self.store.listen(lambda _: nudge.send(home))
        self.live = live.Live()  #: what agents write, while they write it, in this process
        self._running: running.Running | None = None

    def close(self) -> None:
        """Stop working, if it works, and close the store."""
        self.stop()
        self.store.close()

    # ---------------------------------------------------------------- work

    def submit(self, submission: requests.Submission) -> Execution:
        """Queue one prompt or command, in its project or the active one. It is on the disk when this returns.

        The same idempotency key gives the same execution again. Raises `errors.Refused` if that key was used for
        another prompt, `errors.NotFound` for an unknown thread or task.
        """
        return self.store.write(lambda tx: operations.submit(tx, self, projects.placed(tx, submission)))

    def submit_task(self, name_or_id: str, *, source: str, first: bool = False) -> Execution:
        """Queue one execution of a task, before other work if it is to be first.

        Raises `errors.NotFound`, or `errors.Refused` if the task is switched off.
        """
        queue = queues.VISIBILITY if first else None
        return self.store.write(lambda tx: operations.submit_task(tx, self, name_or_id, source, queue))

    def cancel(self, prefix: str) -> Execution:
        """Call an execution off: at once if nobody works on it, else as soon as its owner hears of it.

        Raises `errors.Refused` if it has ended.
        """
        return self.store.write(lambda tx: operations.cancel(tx, self, prefix))

    def retry(self, prefix: str) -> Execution:
        """Try a dead letter again with a fresh allowance, or one that waits for its next attempt now.

        Raises `errors.Refused` in any other state.
        """
        return self.store.write(lambda tx: triage.retry(tx, executions.find(tx, prefix)))

    def resume(self, prefix: str, say: str | None = None, edits: requests.Edits = triage.AS_IT_IS) -> Execution:
        """Go on with a dead letter at its last turn, with a fresh allowance, after changes and a word to the agent.

        Raises `errors.Refused` for anything but a dead letter, `errors.InvalidInput` for changes without a meaning.
        """
        told = None if say is None else requests.parse(requests.Said, {"text": say}).text
        return self.store.write(lambda tx: triage.resume(tx, executions.find(tx, prefix), told, edits))

    def restart(self, prefix: str) -> Execution:
        """Begin a dead letter anew as another execution in the same thread. Raises `errors.Refused`."""
        return self.store.write(lambda tx: triage.restart(tx, self, executions.find(tx, prefix)))

    def run_again(self, prefix: str) -> Execution:
        """Run the like of what has ended once more, in the same thread. Raises `errors.Refused`."""
        return self.store.write(lambda tx: triage.again(tx, self, executions.find(tx, prefix)))

    def fork(self, prefix: str, turn: int, **changes: Any) -> Execution:
        """Go on from a turn of an execution as another one, in the same thread; `changes` as in `requests.Fork`.

        Turn 0 is the request alone. Raises `errors.NotFound`, `errors.InvalidInput`, `errors.JournalDamaged`, or
        `errors.Refused` for a person's own folder that nobody said may be shared.
        """
        wanted = requests.parse(requests.Fork, {"turn": turn, **changes})
        return forking.fork(self, self.execution(prefix), wanted)

    def dismiss(self, prefix: str) -> Execution:
        """Put a dead letter aside; it stays in the store. Raises `errors.Refused` for anything else."""
        return self.store.write(lambda tx: triage.dismiss(tx, executions.find(tx, prefix)))

    def dead_letters(self, cause: str | None = None) -> list[DeadLetter]:
        """Give the dead letters that nobody has put aside, newest first; of one cause, if it is named."""
        return self.store.read(lambda view: triage.letters(view, cause))

    def dead_letter(self, prefix: str) -> DeadLetter:
        """Give one dead letter. Raises `errors.NotFound`."""
        return self.store.read(lambda view: triage.letter(view, executions.find(view, prefix)))

    def key_changed(self) -> int:
        """Let what waits for a key or for credit try again now, and give how many that were."""
        return self.store.write(operations.wake_for_key)

    # ------------------------------------------------------------ executions

    def execution(self, prefix: str) -> Execution:
        """Give the execution whose id begins like this. Raises `errors.NotFound`."""
        return self.store.read(lambda view: executions.find(view, prefix))

    def executions(
        self, *, status: Status | None = None, task: str | None = None, limit: int = LISTING
    ) -> list[Execution]:
        """Give the newest executions, newest first. Raises `errors.NotFound` for an unknown task."""
        task_id = None if task is None else self.task(task).id
        return self.store.read(lambda view: executions.listing(view, status=status, task_id=task_id, limit=limit))

    def journal(self, prefix: str) -> tuple[list[Message], list[ToolCall]]:
        """Give the messages and tool calls of an execution. Raises `errors.NotFound` or `errors.JournalDamaged`."""
        execution = self.execution(prefix)
        return self.store.read(
            lambda view: (journal.messages(view, execution.id)[0], journal.calls(view, execution.id)),
        )

    def progress(self, prefix: str) -> tuple[Progress, list[Compaction]]:
        """Give what an agent has noted of its work, and how its conversation was compacted. Raises as `journal`."""
        execution = self.execution(prefix)
        return self.store.read(
            lambda view: (progress.get(view, execution.id), compactions.listing(view, execution.id)),
        )

    def events(self, after: int = 0, *, execution: str | None = None, limit: int = 1000) -> list[Event]:
        """Give the events after number `after`, oldest first. Raises `errors.NotFound` for an unknown execution."""
        execution_id = None if execution is None else self.execution(execution).id
        return self.store.read(lambda view: news.after(view, after, execution_id=execution_id, limit=limit))

    def last_event(self) -> int:
        """Give the number of the newest event, 0 if there is none."""
        return self.store.read(news.last_seq)

    def attempts(self, prefix: str) -> list[Attempt]:
        """Give the leases that an execution has had. Raises `errors.NotFound`."""
        execution_id = self.execution(prefix).id
        return self.store.read(lambda view: news.attempts(view, execution_id))

    # ----------------------------------------------------------------- tasks

    def create_task(self, draft: requests.TaskDraft) -> Task:
        """Store a task. Raises `errors.Refused` if there is one of that name."""
        return self.store.write(lambda tx: operations.create_task(tx, self, projects.placed(tx, draft)))

    def update_task(self, name_or_id: str, changes: dict[str, Any]) -> Task:
        """Change some fields of a task. Raises `errors.NotFound`, `errors.InvalidInput` or `errors.Refused`."""
        return self.store.write(lambda tx: operations.update_task(tx, self, name_or_id, projects.resolved(tx, changes)))

    def delete_task(self, name_or_id: str) -> Task:
        """Delete a definition; what it has run stays. Raises `errors.NotFound`."""
        return self.store.write(lambda tx: operations.delete_task(tx, self, name_or_id))

    def task(self, name_or_id: str) -> Task:
        """Give a task by its name or the beginning of its id. Raises `errors.NotFound`."""
        return self.store.read(lambda view: tasks.find(view, name_or_id))

    def tasks(self) -> list[Task]:
        """Give all tasks by name."""
        return self.store.read(tasks.listing)

    # ---------------------------------------------------------------- queues

    def queues(self) -> list[Queue]:
        """Give the four queues with what is in them now."""
        return self.store.read(news.all_queues)

    def queue(self, name: str) -> Queue:
        """Give one queue. Raises `errors.NotFound`."""
        queues.require(name)
        return next(queue for queue in self.queues() if queue.name == name)

    def set_concurrency(self, name: str, concurrency: int) -> Queue:
        """Say how many of a queue may run at once; it holds from the next claim on. Raises `errors.InvalidInput`."""
        queues.require(name)
        if not 1 <= concurrency <= queues.MAX_CONCURRENCY:
            raise errors.InvalidInput(f"The concurrency must be from 1 to {queues.MAX_CONCURRENCY}.")
        self.store.write(lambda tx: news.set_concurrency(tx, name, concurrency))
        return self.queue(name)

    # ----------------------------------------------------- threads, questions

    def threads(self, limit: int = LISTING) -> list[Thread]:
        """Give the newest threads, newest first."""
        return self.store.read(lambda view: threads.listing(view, limit))

    def thread(self, prefix: str) -> tuple[Thread, list[ThreadMessage]]:
        """Give a thread and what stands in it. Raises `errors.NotFound`."""
        thread = self.store.read(lambda view: threads.find(view, prefix))
        return thread, self.store.read(lambda view: threads.messages(view, thread.id))

    def questions(self, *, open_only: bool = True, limit: int = LISTING) -> list[Question]:
        """Give questions, oldest first."""
        return self.store.read(lambda view: questions.listing(view, open_only=open_only, limit=limit))

    def question(self, prefix: str) -> Question:
        """Give the question whose id begins like this. Raises `errors.NotFound`."""
        return self.store.read(lambda view: questions.find(view, prefix))

    def answer(self, prefix: str, text: str, *, by: str) -> Question:
        """Answer a question, named by the beginning of its id. Raises `errors.Refused` if it is answered already."""
        question = self.question(prefix)
        given = requests.parse(requests.Said, {"text": text}).text
        return self.store.write(lambda tx: answers.answer(tx, self.store, question, given, by))

    def answer_execution(self, prefix: str, text: str, *, by: str) -> Question:
        """Answer the oldest open question of an execution. Raises `errors.Refused` if it has none."""
        execution = self.execution(prefix)
        waiting = self.store.read(lambda view: questions.open_of(view, execution.id))
        if not waiting:
            raise errors.Refused(f"Execution {execution.id} asks nothing at present; it is {execution.status}.")
        return self.answer(waiting[0].id, text, by=by)

    def grants(self, *, every: bool = False, limit: int = LISTING) -> list[Grant]:
        """Give what persons have allowed for several calls and holds now; with `every`, all that was ever allowed."""
        now = self.store.clock.now()
        return self.store.read(lambda view: grants.listing(view, every=every, now=now, limit=limit))

    def allow(self, task: str, allowance: requests.Allowance, *, by: str) -> Grant:
        """Let calls of a tool run unasked in a task whose permission is to ask. Raises `errors.NotFound`."""
        return self.store.write(lambda tx: approving.allow(tx, self.store, tasks.find(tx, task), allowance, by))

    def revoke(self, prefix: str, *, by: str) -> Grant:
        """Take back what was allowed; what has run has run. Raises `errors.Refused` if that was done before."""
        return self.store.write(lambda tx: grants.revoke(tx, grants.find(tx, prefix), by))

    # ---------------------------------------------------------------- health

    def health(self) -> list[Finding]:
        """Give what is not as it should be, with the work and with the engine itself, oldest first.

        It is what the engine that works, or worked last, has found.
        """
        return self.store.read(findings.listing)

    # --------------------------------------------------------------- backups

    def back_up(self) -> Backup:
        """Make a verified backup now, and thin out the older ones. Raises `errors.StoreError`."""
        return backups.Backups(self.home, self.store).take()

    # -------------------------------------------------------------- the work

    @contextmanager
    def news(self) -> Iterator[nudge.Listener]:
        """Hear of every commit, of this process and of others: `wait` on what this gives, then look."""
        listener = nudge.Listener(self.home)
        forget = self.store.listen(lambda _: nudge.send_to(listener.path))
        try:
            yield listener
        finally:
            forget()
            listener.close()

    def start(self, models: model.Models, *, only: str | None = None) -> None:
        """Become the engine of this home: take back what a dead one left, then work on the queues in a thread.

        With `only`, work on nothing but the execution of this full id. Raises `errors.Refused` if another engine works
        on this home.
        """
        self._running = running.Running(self, models, only, self.live)

    def stop(self) -> None:
        """Stop working; what is at work goes back to its queue at its last step."""
        if self._running is not None:
            at_work, self._running = self._running, None
            at_work.stop()

    def drain(self, *, on: bool = True) -> int:
        """Begin nothing new and let what is at work come to its end, or not any more; give how many are at work."""
        return 0 if self._running is None else self._running.drain(on=on)

    def join(self, timeout_s: float) -> bool:
        """Wait until the engine's thread has ended, and say whether it has: by itself it ends only by a defect."""
        return self._running is None or self._running.ended(timeout_s)

    def is_working(self) -> bool:
        """Say whether any process works on this home."""
        return self._running is not None or homes.is_worked_on(self.home)


def _make_private(home: Path) -> None:
    """Make the folder, or close it to others if it is empty or ours; somebody else's folder is left as it is.

    Raises `errors.DatabaseOutOfReach`.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours = (home / SENTINEL).exists() or not any(home.iterdir())
        if ours and stat.S_IMODE(home.stat().st_mode) != OURS_ALONE:
            home.chmod(OURS_ALONE)
    except OSError as error:
        raise errors.DatabaseOutOfReach(
            f"The folder {home} cannot be used: {error.strerror}. Look at its disk and its permissions, "
            "or choose another folder: --home PATH.",
        ) from error

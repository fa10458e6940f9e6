"""The engine's operations on schedules and on the ledger of their due times."""

import random
from collections.abc import Callable
from pathlib import Path

from baara_engine import errors, projects, requests
from baara_engine.clock import Millis
from baara_engine.engine_parts.settings import Setting
from baara_engine.records import Task
from baara_engine.schedules import rules
from baara_engine.schedules.records import Schedule, Slot
from baara_engine.scheduling import definitions
from baara_engine.scheduling.firing import Firing
from baara_engine.store import executions, schedules, slots, tasks
from baara_engine.store.store import Store

LISTING = 50  #: rows of the ledger unless more are asked for
AS_IT_IS = requests.Timing()


class Schedules(Setting):
    """What can be asked about when tasks are due."""

    home: Path
    store: Store
    is_alive: Callable[[str | None], bool]

    def create_schedule(self, task: str, rule: rules.Rule, timing: requests.Timing = AS_IT_IS) -> Schedule:
        """Let a task be due by a rule from now on.

        Raises `errors.NotFound`, or `errors.InvalidInput` for a rule by which it is never due.
        """
        return self.store.write(lambda tx: definitions.create(tx, self, task, rule, timing))

    def create_scheduled_task(
        self, draft: requests.TaskDraft, rule: rules.Rule, timing: requests.Timing = AS_IT_IS
    ) -> tuple[Task, Schedule]:
        """Store a task together with its schedule, or neither. Raises as `create_task` and `create_schedule` do."""
        return self.store.write(lambda tx: definitions.create_task(tx, self, projects.placed(tx, draft), rule, timing))

    def update_schedule(
        self, prefix: str, rule: rules.Rule | None = None, timing: requests.Timing = AS_IT_IS
    ) -> Schedule:
        """Change a schedule; what is due by now is dealt with as it was. Raises as `create_schedule` does."""
        return self.store.write(lambda tx: definitions.update(tx, self._firing, prefix, rule, timing))

    def reschedule(self, task: str, rule: rules.Rule | None, timing: requests.Timing = AS_IT_IS) -> Schedule:
        """Change the one schedule of a task, or make it.

        Raises as `create_schedule` does, or `errors.Refused` if the task has several.
        """
        known = self.schedules(task)
        if len(known) > 1:
            raise errors.Refused(f"“{task}” has {len(known)} schedules. Choose one: baara schedule update ID.")
        if known:
            return self.update_schedule(known[0].id, rule, timing)
        if rule is None:
            raise errors.InvalidInput("Say also when it is to be due.")
        return self.create_schedule(task, rule, timing)

    def pause_schedule(self, prefix: str) -> Schedule:
        """Let a schedule rest. Raises `errors.Refused` if it rests already."""
        return self.store.write(lambda tx: definitions.pause(tx, self._firing, prefix))

    def resume_schedule(self, prefix: str) -> Schedule:
        """Let a paused schedule go on; what was due meanwhile is skipped. Raises `errors.Refused`."""
        return self.store.write(lambda tx: definitions.resume(tx, self._firing, prefix))

    def delete_schedule(self, prefix: str) -> Schedule:
        """Delete a schedule with its ledger; what it has run stays. Raises `errors.NotFound`."""
        return self.store.write(lambda tx: definitions.delete(tx, prefix))

    def schedule(self, prefix: str) -> Schedule:
        """Give the schedule whose id begins like this. Raises `errors.NotFound`."""
        return self.store.read(lambda view: schedules.find(view, prefix))

    def schedules(self, task: str | None = None) -> list[Schedule]:
        """Give all schedules, or those of a task, oldest first. Raises `errors.NotFound`."""
        return self.store.read(
            lambda view: schedules.listing(view, None if task is None else tasks.find(view, task).id)
        )

    def slots(self, schedule: str | None = None, limit: int = LISTING) -> list[Slot]:
        """Give what became of the latest due times, latest first. Raises `errors.NotFound`."""
        found = None if schedule is None else self.schedule(schedule).id
        return self.store.read(lambda view: slots.listing(view, found, limit))

    def next_due(self) -> Millis | None:
        """Give the moment when the next timer or schedule is due, None if nothing waits for a time."""
        found = [self.store.read(executions.next_due), self.store.read(schedules.next_due)]
        return min((one for one in found if one is not None), default=None)

    @property
    def _firing(self) -> Firing:
        """Deal with due times as an engine at work does, though without a wake that would have to be quiet."""
        return Firing(self, random.SystemRandom(), lambda now: now)

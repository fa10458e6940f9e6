"""Making and changing schedules, each as one transaction that first deals with what is due."""

from dataclasses import replace

from baara_engine import errors, operations, requests
from baara_engine.clock import Millis
from baara_engine.records import Task
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap, Schedule
from baara_engine.scheduling.firing import Firing
from baara_engine.store import schedules, tasks
from baara_engine.store.transaction import Tx

MOST = 100  # schedules of one task; more is a slip of a program
PREVIEW = 5  #: due times that are shown before a schedule is saved


def create(tx: Tx, place: operations.Place, name_or_id: str, rule: rules.Rule, timing: requests.Timing) -> Schedule:
    """Let a task be due by a rule from now on. Raises `errors.InvalidInput` if it would never be."""
    task = tasks.find(tx, name_or_id)
    if len(schedules.listing(tx, task.id)) >= MOST:
        raise errors.Refused(f"The task “{task.name}” has {MOST} schedules already, the most.")
    schedule = Schedule(
        id=place.store.ids.new(), task_id=task.id, rule=rules.encode(rule), missed=timing.missed or Missed.ONCE,
        overlap=timing.overlap or Overlap.SKIP, jitter_s=timing.jitter_s or 0.0,
        catch_up=timing.catch_up or requests.DEFAULT_CATCH_UP, enabled=True, accounted_until=tx.now,
        next_due=_next(rule, tx.now), created_at=tx.now, updated_at=tx.now,
    )  # fmt: skip
    return schedules.make(tx, schedule)


def create_task(
    tx: Tx, place: operations.Place, draft: requests.TaskDraft, rule: rules.Rule, timing: requests.Timing
) -> tuple[Task, Schedule]:
    """Store a task with its schedule, or neither."""
    task = operations.create_task(tx, place, draft)
    return task, create(tx, place, task.id, rule, timing)


def update(tx: Tx, firing: Firing, prefix: str, rule: rules.Rule | None, timing: requests.Timing) -> Schedule:
    """Change a schedule: what is due by now is dealt with as it was, and the change holds from now on."""
    schedule = _dealt_with(tx, firing, prefix)
    changes = {name: value for name, value in timing.model_dump().items() if value is not None}
    changed = replace(schedule, **changes, updated_at=tx.now)
    if rule is not None:
        due = _next(rule, tx.now)
        changed = replace(changed, rule=rules.encode(rule), next_due=due if schedule.enabled else None)
    return schedules.change(tx, changed, "updated")


def pause(tx: Tx, firing: Firing, prefix: str) -> Schedule:
    """Let a schedule rest: its due times are skipped until it is resumed. Raises `errors.Refused` if it rests."""
    if not schedules.find(tx, prefix).enabled:
        raise errors.Refused("This schedule is paused already.")
    schedule = _dealt_with(tx, firing, prefix)
    return schedules.change(tx, replace(schedule, enabled=False, next_due=None, updated_at=tx.now), "paused")


def resume(tx: Tx, firing: Firing, prefix: str) -> Schedule:
    """Let a paused schedule go on, and account for what came meanwhile. Raises `errors.Refused` if it is not paused."""
    if schedules.find(tx, prefix).enabled:
        raise errors.Refused("This schedule is not paused.")
    schedule = _dealt_with(tx, firing, prefix)
    due = rules.next_after(rules.decode(schedule.rule), tx.now)
    return schedules.change(tx, replace(schedule, enabled=True, next_due=due, updated_at=tx.now), "resumed")


def delete(tx: Tx, prefix: str) -> Schedule:
    """Delete a schedule and its ledger."""
    schedule = schedules.find(tx, prefix)
    schedules.delete(tx, schedule)
    return schedule


def require_due(rule: rules.Rule, now: Millis) -> list[Millis]:
    """Give the next due times of a rule. Raises `errors.InvalidInput` if there is none."""
    due = rules.upcoming(rule, now, PREVIEW)
    if not due:
        raise errors.InvalidInput(f"That is never due again: {rules.describe(rule)}. Name a time to come.")
    return due


def _next(rule: rules.Rule, now: Millis) -> Millis:
    return require_due(rule, now)[0]


def _dealt_with(tx: Tx, firing: Firing, prefix: str) -> Schedule:
    """Give a schedule whose ledger goes until now."""
    schedule = schedules.find(tx, prefix)
    firing.deal(tx, schedule, paused=not schedule.enabled)
    return schedules.get(tx, schedule.id)

"""When a task is due: the options that tasks and schedules share, and what is said before one is saved."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from baara_app import documents
from baara_app.cli import options, output
from baara_app.cli.common import Shell
from baara_engine import clock, errors, requests, words
from baara_engine.engine import Engine
from baara_engine.records import Task
from baara_engine.schedules import parsing, phrases, rules
from baara_engine.schedules.records import Missed, Overlap, Schedule
from baara_engine.scheduling import definitions

EXAMPLES = '--cron "0 7 * * 1-5" --zone Europe/Paris, --every 15m, --at 2027-01-31T07:00, --when "mondays at 9:30"'


@dataclass(frozen=True, slots=True)
class When:
    """When it is due, and what happens when it is not as planned. None: not said."""

    cron: Annotated[str | None, typer.Option(metavar="EXPR", help="Five fields, or @daily and the like.")] = None
    zone: Annotated[str | None, typer.Option(metavar="IANA", help="Whose clocks count; else this computer's.")] = None
    every: Annotated[str | None, typer.Option(metavar="TIME", help="An interval: 90, 15m, 2h30m, 1d.")] = None
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Once: ISO 8601, +10m.")] = None
    when: Annotated[str | None, typer.Option(metavar="PHRASE", help="In words: “every weekday at 7”.")] = None
    missed: Annotated[Missed | None, typer.Option(help="What runs of what came while nobody was at work.")] = None
    overlap: Annotated[Overlap | None, typer.Option(help="What happens while the one before still runs.")] = None
    jitter: Annotated[float | None, typer.Option(metavar="S", help="Seconds to put it off by, at most.")] = None
    catch_up: Annotated[
        int | None, typer.Option(metavar="N", help="How many missed due times are made up for, at most.")
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show when it would be due, and save nothing.")] = False

    def rule(self) -> rules.Rule | None:
        """Give the rule that was said, None if none was. Raises `errors.InvalidInput`."""
        said = [name for name in ("cron", "every", "at", "when") if getattr(self, name) is not None]
        if len(said) > 1:
            raise errors.InvalidInput(f"Say when in one way, not by {' and '.join(f'--{name}' for name in said)}.")
        if self.zone is not None and said in ([], ["every"]):
            raise errors.InvalidInput(f"--zone goes with --cron, --at and --when. For example: {EXAMPLES}.")
        return self._rule(said[0]) if said else None

    def timing(self) -> requests.Timing:
        """Give the rest of what was said. Raises `errors.InvalidInput`."""
        said = {"missed": self.missed, "overlap": self.overlap, "jitter_s": self.jitter, "catch_up": self.catch_up}
        with options.as_typed(jitter_s="--jitter"):
            return requests.parse(requests.Timing, said)

    def _rule(self, said: str) -> rules.Rule:
        text, now = str(getattr(self, said)), clock.SystemClock().now()
        match said:
            case "cron":
                return parsing.parse_cron(text, self.zone or parsing.local_zone())
            case "every":
                return parsing.parse_every(text, now)
            case "at":
                return parsing.parse_at(text, now, self.zone)
            case _:
                return phrases.parse_phrase(text, self.zone or parsing.local_zone(), now)


def preview(shell: Shell, rule: rules.Rule) -> None:
    """Say when a rule is due, on stderr, before it is saved. Raises `errors.InvalidInput` if it never is."""
    due = definitions.require_due(rule, clock.SystemClock().now())
    if not shell.json:
        output.tell(f"{rules.describe(rule)}. Next: {'; '.join(words.local(at) or '' for at in due)}.")


def dry_run(shell: Shell, rule: rules.Rule | None) -> None:
    """Show when a rule would be due. Raises `errors.InvalidInput`."""
    if rule is None:
        raise errors.InvalidInput(f"Say when it is to be due. For example: {EXAMPLES}.")
    due = definitions.require_due(rule, clock.SystemClock().now())
    if shell.json:
        output.document(
            {"rule": rules.encode(rule), "due": rules.describe(rule), "next": [clock.iso(at) for at in due]}
        )
        return
    output.fields([("Due", rules.describe(rule)), ("Next", "\n".join(words.local(at) or "" for at in due))])
    output.text("Nothing was saved.")


def is_said(said: requests.Timing) -> bool:
    """Say whether anything was said of how a schedule deals with what is not as planned."""
    return bool(said.model_dump(exclude_none=True))


def require_rule(rule: rules.Rule | None, said: requests.Timing) -> None:
    """Raise `errors.InvalidInput` where it is said how, and not when."""
    if rule is None and is_said(said):
        raise errors.InvalidInput(f"Say also when it is to be due. For example: {EXAMPLES}.")


def change(shell: Shell, engine: Engine, task: Task, rule: rules.Rule | None, said: requests.Timing) -> None:
    """Change the one schedule of a task, or make it. Raises `errors.Refused` if the task has several."""
    if rule is not None:
        preview(shell, rule)
    elif not engine.schedules(task.id):
        require_rule(rule, said)
    engine.reschedule(task.name, rule, said)


def line(schedule: Schedule) -> str:
    """Say in one line when it is due."""
    due = rules.describe(rules.decode(schedule.rule))
    if not schedule.enabled:
        return f"{due} (paused)"
    return f"{due}; next {words.local(schedule.next_due) or 'never again'}"


def show(shell: Shell, engine: Engine, schedule: Schedule) -> None:
    """Show one schedule."""
    name = engine.task(schedule.task_id).name
    if shell.json:
        output.document(document(schedule, name))
        return
    output.fields(
        [
            ("Schedule", schedule.id),
            ("Task", name),
            ("Due", rules.describe(rules.decode(schedule.rule))),
            ("State", "on" if schedule.enabled else "paused"),
            ("Missed", f"{schedule.missed}, at most {schedule.catch_up}"),
            ("Overlap", schedule.overlap),
            ("Jitter", f"up to {schedule.jitter_s:g} s" if schedule.jitter_s else None),
            ("Next", "\n".join(words.local(at) or "" for at in _next(schedule)) or "never again"),
        ]
    )


def document(schedule: Schedule, task: str) -> dict[str, Any]:
    """Give a schedule as JSON."""
    told = {"task": task, "due": rules.describe(rules.decode(schedule.rule))}
    return documents.schedule(schedule) | told | {"next": [clock.iso(at) for at in _next(schedule)]}


def _next(schedule: Schedule) -> list[int]:
    """Give the next due times, none while it is paused."""
    if not schedule.enabled:
        return []
    return rules.upcoming(rules.decode(schedule.rule), clock.SystemClock().now(), definitions.PREVIEW)

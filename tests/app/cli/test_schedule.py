import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import TaskDraft
from baara_engine.schedules import rules
from baara_engine.schedules.records import Missed, Overlap

Baara = Callable[..., subprocess.CompletedProcess[str]]

CRON = ("--cron", "0 7 * * 1-5", "--zone", "Europe/Paris")


@pytest.fixture
def task(engine: Engine) -> str:
    return engine.create_task(TaskDraft(name="nightly", prompt="true", kind=Kind.COMMAND)).id


def test_a_task_is_created_with_its_schedule(baara: Baara, engine: Engine) -> None:
    """The next five due times are told before it is saved, and the JSON has the schedule with them."""
    made = baara("tasks", "create", "nightly", "--prompt", "x", *CRON, "--missed", "ask", "--overlap", "queue")
    assert made.returncode == 0, made.stderr
    assert made.stderr.count(" 0") >= 5
    [schedule] = engine.schedules("nightly")
    assert schedule.rule == rules.encode(rules.Cron("0 7 * * 1-5", "Europe/Paris"))
    assert (schedule.missed, schedule.overlap) == (Missed.ASK, Overlap.QUEUE)
    [shown] = json.loads(baara("tasks", "show", "nightly", "--json").stdout)["schedules"]
    assert (shown["id"], len(shown["next"]), shown["next"][0]) == (schedule.id, 5, shown["next_due"])


def test_a_dry_run_saves_nothing(baara: Baara, engine: Engine) -> None:
    """It shows when it would be due, as people read it and as JSON."""
    dry = baara("tasks", "create", "nightly", "--prompt", "x", "--every", "2h", "--dry-run")
    told = json.loads(baara("tasks", "create", "nightly", "--prompt", "x", *CRON, "--dry-run", "--json").stdout)
    assert (dry.returncode, dry.stdout.splitlines()[-1], len(dry.stdout.splitlines())) == (0, "Nothing was saved.", 7)
    assert (told["rule"]["expression"], len(told["next"])) == ("0 7 * * 1-5", 5)
    assert engine.tasks() == []


def test_it_is_said_in_words(baara: Baara, engine: Engine, task: str) -> None:
    """A phrase is kept as the rule that it stands for, by the clocks of the zone; so is a time without an offset."""
    typed = ("schedule", "create", "nightly", "--zone", "Asia/Tokyo")
    assert baara(*typed, "--when", "every weekday at 7").returncode == 0
    assert baara(*typed, "--at", "2097-01-31T07:00").returncode == 0
    first, second = (rules.decode(one.rule) for one in engine.schedules("nightly"))
    assert first == rules.Cron("0 7 * * MON-FRI", "Asia/Tokyo")
    assert second == rules.Once(int(datetime(2097, 1, 30, 22, tzinfo=UTC).timestamp() * 1000))


def test_nonsense_is_refused_with_an_example(baara: Baara, engine: Engine, task: str) -> None:
    """A wrong expression, zone, interval or time, two ways at once, a past time: one line, nothing is stored."""
    refused = [
        (("--cron", "61 * * * *"), "As in “30 7 * * 1-5”"),
        (("--cron", "* * *"), "five fields"),
        (("--cron", "0 0 * * *", "--zone", "Mars/Base"), "Europe/Vienna"),
        (("--every", "soon"), "15m"),
        (("--at", "yesterday"), "2027-01-31T07:00"),
        (("--at", "2001-01-01T00:00Z"), "Name a time to come"),
        (("--every", "1h", "--cron", "0 0 * * *"), "in one way"),
        (("--every", "1h", "--zone", "UTC"), "--zone goes with --cron, --at and --when"),
        (("--when", "whenever it suits"), "every weekday at 7"),
        (("--when", "every weekday at 7", "--every", "1h"), "not by --every and --when"),
        (("--every", "1h", "--jitter", "-1"), "--jitter: "),
        ((), "Say when it is to be due. For example: --cron"),
    ]
    for typed, line in refused:
        done = baara("schedule", "create", "nightly", *typed)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
        assert line in done.stderr
    assert engine.schedules() == []


def test_schedules_are_listed_changed_paused_resumed_and_deleted(baara: Baara, engine: Engine, task: str) -> None:
    """Each by the beginning of its id; what is not named in a change stays."""
    made = json.loads(baara("schedule", "create", "nightly", "--every", "1h", "--missed", "all", "--json").stdout)
    short = made["id"]
    changed = json.loads(baara("schedule", "update", short, "--every", "2h", "--json").stdout)
    assert (changed["rule"]["seconds"], changed["missed"]) == (7200, "all")
    assert json.loads(baara("schedule", "pause", short, "--json").stdout)["next"] == []
    assert baara("schedule", "pause", short).returncode == 4
    listed = baara("schedule", "list").stdout.splitlines()
    assert listed[0].split() == ["ID", "STATE", "NEXT", "MISSED", "OVERLAP", "TASK", "DUE"]
    assert listed[1].split()[:6] == [made["id"], "paused", "–", "all", "skip", "nightly"]
    assert len(json.loads(baara("schedule", "resume", short, "--json").stdout)["next"]) == 5
    assert baara("schedule", "delete", short).stdout.startswith("Deleted a schedule of the task “nightly”.")
    assert baara("schedule", "pause", short).returncode == 3
    assert engine.schedules() == []


def test_updating_a_task_changes_its_only_schedule(baara: Baara, engine: Engine, task: str) -> None:
    """With none it is made, with several the person has to choose."""
    assert baara("tasks", "update", "nightly", "--missed", "all").returncode == 2
    assert baara("tasks", "update", "nightly", "--every", "1h").returncode == 0
    assert baara("tasks", "update", "nightly", "--missed", "all", "--description", "x").returncode == 0
    [schedule] = engine.schedules("nightly")
    assert (schedule.missed, engine.task("nightly").description) == (Missed.ALL, "x")
    engine.create_schedule("nightly", rules.Every(60, 0))
    several = baara("tasks", "update", "nightly", "--every", "2h")
    assert (several.returncode, "baara schedule update" in several.stderr) == (4, True)


def test_the_ledger_is_shown(baara: Baara, engine: Engine, task: str) -> None:
    """A pause shows as one row with its first and last due time and their number, also as JSON."""
    schedule = engine.create_schedule("nightly", rules.Every(1, 0))
    engine.pause_schedule(schedule.id)
    time.sleep(2.5)
    engine.resume_schedule(schedule.id)
    told = json.loads(baara("schedule", "slots", schedule.id, "--json").stdout)
    assert (told[0]["state"], told[0]["count"] >= 2, told[0]["due"].endswith("Z")) == ("skipped", True, True)
    assert "The schedule was paused." in baara("schedule", "slots").stdout


def test_the_status_tells_what_is_due_next(baara: Baara, engine: Engine, task: str) -> None:
    """A schedule counts as what waits in the timer queue does."""
    schedule = engine.create_schedule("nightly", rules.Every(3600, 0))
    told = json.loads(baara("status", "--json").stdout)["next_due"]
    shown = json.loads(baara("schedule", "list", "--json").stdout)[0]
    assert (told, schedule.next_due) == (shown["next_due"], engine.next_due())

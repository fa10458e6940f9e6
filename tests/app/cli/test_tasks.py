import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from baara_engine import operations, queues
from baara_engine.engine import Engine
from baara_engine.records import Kind
from baara_engine.requests import Submission, TaskDraft
from baara_engine.states import Status
from baara_engine.store.transaction import Tx

Baara = Callable[..., subprocess.CompletedProcess[str]]


def test_a_task_is_created_with_all_its_options(baara: Baara, engine: Engine, tmp_path: Path) -> None:
    """What is said stands in the task, and the JSON shows it."""
    thread = engine.submit(Submission(prompt="x")).thread_id
    done = baara(
        "tasks", "create", "nightly", "--prompt", "make test", "--command", "--description", "Runs the tests.",
        "--workspace", str(tmp_path), "--priority", "1", "--max-retries", "2", "--timeout", "60", "--thread", thread,
        "--json",
    )  # fmt: skip
    task = engine.task("nightly")
    assert json.loads(done.stdout)["id"] == task.id
    assert (task.kind, task.prompt, task.description) == (Kind.COMMAND, "make test", "Runs the tests.")
    assert (task.workspace, task.priority, task.max_retries, task.timeout_s) == (str(tmp_path), 1, 2, 60.0)
    assert (task.thread_id, task.enabled) == (thread, True)


def test_bad_tasks_are_refused_and_not_stored(baara: Baara, engine: Engine) -> None:
    """Two of one name, no prompt, an empty name, a thread that is not there: one line each, and nothing is stored."""
    engine.create_task(TaskDraft(name="one", prompt="x"))
    refused = [
        (baara("tasks", "create", "one", "--prompt", "y"), 4, "There is a task named “one” already."),
        (baara("tasks", "create", "two"), 2, "Say what is to be done: --prompt TEXT."),
        (baara("tasks", "create", "two", "--prompt", ""), 2, "--prompt: it is empty"),
        (baara("tasks", "create", " ", "--prompt", "y"), 2, "NAME: it must be one line of 1 to 200 characters."),
        (baara("tasks", "create", "two", "--prompt", "y", "--thread", "ZZ"), 3, "There is no thread ZZ."),
    ]
    for done, status, line in refused:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
        assert done.stderr.startswith(f"baara: {line}")
    assert [task.prompt for task in engine.tasks()] == ["x"]


def test_only_what_is_given_is_changed(baara: Baara, engine: Engine) -> None:
    """An update leaves the rest as it is, refuses nonsense, and asks what is meant if nothing is said."""
    before = engine.create_task(TaskDraft(name="one", prompt="x", kind=Kind.COMMAND, max_retries=2))
    done = baara("tasks", "update", before.id[:12], "--name", "first", "--timeout", "5")
    after = engine.task("first")
    assert (done.returncode, after.id, after.timeout_s) == (0, before.id, 5.0)
    assert (after.prompt, after.kind, after.max_retries) == ("x", Kind.COMMAND, 2)
    assert baara("tasks", "update", "first", "--agent").returncode == 0
    assert engine.task("first").kind is Kind.AGENT
    nonsense, nothing = baara("tasks", "update", "first", "--timeout", "-1"), baara("tasks", "update", "first")
    assert (nonsense.returncode, nonsense.stderr) == (2, "baara: --timeout: Input should be greater than 0.\n")
    assert (nothing.returncode, engine.task("first").timeout_s) == (2, 5.0)


def test_a_task_that_is_off_runs_nothing(baara: Baara, engine: Engine) -> None:
    """Toggling switches it; what is off refuses to run and says how to switch it on."""
    engine.create_task(TaskDraft(name="one", prompt="x"))
    assert baara("tasks", "toggle", "one").stdout == "The task “one” is off.\n"
    assert baara("tasks", "toggle", "one", "--off").stdout == "The task “one” is off.\n"
    for arguments in (["tasks", "submit", "one"], ["tasks", "run", "one"], ["submit", "--task", "one"]):
        done = baara(*arguments)
        assert (done.returncode, "Switch it on first: baara tasks toggle" in done.stderr) == (4, True)
    assert baara("tasks", "toggle", "one").stdout == "The task “one” is on.\n"
    assert engine.executions() == []


def test_running_a_task_waits_for_it(baara: Baara, engine: Engine) -> None:
    """`run` goes to the queue of what a person waits for and shows the output."""
    task = engine.create_task(TaskDraft(name="greet", prompt="echo hello", kind=Kind.COMMAND))
    done = baara("tasks", "run", "greet")
    [execution] = engine.executions(task="greet")
    assert (done.returncode, done.stdout.splitlines()) == (0, [execution.id, "hello"])
    assert (execution.task_id, execution.queue, execution.status) == (task.id, queues.VISIBILITY, Status.COMPLETED)


def test_submitting_a_task_returns_at_once(baara: Baara, engine: Engine) -> None:
    """`tasks submit` and `submit --task` queue its next execution, the latter with changes for this once."""
    engine.create_task(TaskDraft(name="greet", prompt="echo hello", kind=Kind.COMMAND))
    plain = engine.execution(baara("tasks", "submit", "greet").stdout.strip())
    changed = engine.execution(baara("submit", "--task", "greet", "--priority", "0", "--name", "Once").stdout.strip())
    assert (plain.prompt, plain.priority, plain.name, plain.status) == ("echo hello", 2, "greet", Status.QUEUED)
    assert (changed.prompt, changed.priority, changed.name) == ("echo hello", 0, "Once")
    assert changed.kind is Kind.COMMAND


def test_tasks_are_listed_shown_and_deleted(baara: Baara, engine: Engine) -> None:
    """By name or id; what a deleted task has run stays."""
    task = engine.create_task(TaskDraft(name="greet", prompt="echo hello", kind=Kind.COMMAND))
    execution = engine.submit_task("greet", source="test")
    assert baara("tasks", "list").stdout.splitlines() == [
        "ID                          STATE  KIND     QUEUE     NAME",
        f"{task.id}  on     command  transfer  greet",
    ]
    [listed] = json.loads(baara("--json", "tasks", "list").stdout)
    assert (listed["name"], listed["created_at"].endswith("Z")) == ("greet", True)
    assert "Prompt         echo hello\n" in baara("tasks", "show", "GREET").stdout
    assert baara("tasks", "delete", "greet").returncode == 0
    gone = baara("tasks", "show", "greet")
    assert (gone.returncode, gone.stderr) == (3, "baara: There is no task greet.\n")
    assert engine.execution(execution.id).task_id is None


def test_a_task_tells_what_it_will_likely_cost(baara: Baara, engine: Engine) -> None:
    """After a few runs: half of them stayed below the first figure, nine in ten below the second."""
    task = engine.create_task(TaskDraft(name="report", prompt="x", checks=("output:y",), budget_microusd=2_000_000))
    assert json.loads(baara("tasks", "show", "report", "--json").stdout)["estimate"] is None

    def pretend(tx: Tx) -> None:
        for number in range(1, 12):
            one = operations.submit_task(tx, engine, task.id, "a test")
            tx.sql(
                "UPDATE execution SET status = 'completed', outcome = 'Ran', cost_microusd = ?, started_at = 0, "
                "completed_at = ? WHERE id = ?", (number * 100_000, number * 1000, one.id),
            )  # fmt: skip

    engine.store.write(pretend)
    told = json.loads(baara("tasks", "show", "report", "--json").stdout)["estimate"]
    assert told == {
        "executions": 11, "cost_microusd": 600_000, "cost_most_microusd": 1_000_000,
        "duration_ms": 6000, "duration_most_ms": 10_000,
    }  # fmt: skip
    shown = baara("tasks", "show", "report").stdout
    assert "$0.60 and 6 s; nine in ten up to $1.00 and 10 s (by 11 runs)" in shown
    assert "$2.00 an execution" in shown
    assert "output:y" in shown

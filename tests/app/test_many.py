"""Thirty processes that submit at once."""

import subprocess
import sys
from pathlib import Path

from baara_engine.engine import Engine
from baara_engine.states import Status

PROCESSES, EACH = 30, 20

SUBMIT = f"""
import sys
from pathlib import Path
from baara_engine.engine import Engine
from baara_engine.requests import Submission
engine = Engine(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range({EACH}):
    print(engine.submit(Submission(prompt=f"{{sys.argv[2]}} {{number}}")).id, flush=True)
engine.close()
"""


def test_six_hundred_submissions_of_thirty_processes_are_all_kept(home: Path) -> None:
    """Every acknowledged id is in the store once and queued; nobody is refused because others write."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SUBMIT, str(home), str(number)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # all begin together, once the slowest is ready
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=60) for process in processes]
    acknowledged = [execution_id for out, _ in ended for execution_id in out.split()]
    assert [err for _, err in ended if err] == []
    assert (len(acknowledged), len(set(acknowledged))) == (PROCESSES * EACH, PROCESSES * EACH)
    engine = Engine(home)
    stored = engine.executions(limit=10_000)
    engine.close()
    assert {execution.id for execution in stored} == set(acknowledged)
    assert {execution.status for execution in stored} == {Status.QUEUED}
    assert len({execution.prompt for execution in stored}) == PROCESSES * EACH

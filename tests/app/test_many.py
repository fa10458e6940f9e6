"""Thirty processes that submit at once."""

from multiprocessing.context import ForkServerContext
from pathlib import Path

from baara_engine.engine import Engine
from baara_engine.states import Status

PROCESSES, EACH = 30, 20
LONG = 60.0  # seconds that nothing here takes unless something is wrong

SUBMIT = f"""
from pathlib import Path
from baara_engine.engine import Engine
from baara_engine.requests import Submission
engine = Engine(Path(home))
together.wait({LONG})
with Path(told).open("w") as file:
    for number in range({EACH}):
        print(engine.submit(Submission(prompt=f"{{name}} {{number}}")).id, file=file, flush=True)
engine.close()
"""


def test_six_hundred_submissions_of_thirty_processes_are_all_kept(
    home: Path, tmp_path: Path, imported: ForkServerContext
) -> None:
    """Every acknowledged id is in the store once and queued; nobody is refused because others write."""
    together = imported.Barrier(PROCESSES)
    told = [tmp_path / f"told-{number}" for number in range(PROCESSES)]
    given = [{"home": str(home), "told": str(path), "name": path.name, "together": together} for path in told]
    processes = [imported.Process(target=exec, args=(SUBMIT, values)) for values in given]
    for process in processes:
        process.start()
    for process in processes:
        process.join(LONG)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    acknowledged = [execution_id for path in told for execution_id in path.read_text().split()]
    assert (len(acknowledged), len(set(acknowledged))) == (PROCESSES * EACH, PROCESSES * EACH)
    engine = Engine(home)
    stored = engine.executions(limit=10_000)
    engine.close()
    assert {execution.id for execution in stored} == set(acknowledged)
    assert {execution.status for execution in stored} == {Status.QUEUED}
    assert len({execution.prompt for execution in stored}) == PROCESSES * EACH

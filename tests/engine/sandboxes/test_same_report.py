"""The same task in each sandbox: read a table, compute, write a report."""

import asyncio
from pathlib import Path

import pytest
from tests.engine import waits

from baara_engine import sandboxes
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.states import Outcome
from baara_engine.testing.scripted import ScriptedModel, ScriptedModels, calls, says

TABLE = "region,sold\nnorth,120\nsouth,80\nnorth,30\nwest,7.5\n"
COMPUTES = """
import csv, statistics
with open("data.csv", newline="") as file:
    rows = [(row["region"], float(row["sold"])) for row in csv.DictReader(file)]
by_region = {}
for region, sold in rows:
    by_region[region] = by_region.get(region, 0) + sold
with open("report.md", "w") as report:
    report.write("# Sales\\n\\n| region | sold |\\n|---|---|\\n")
    for region in sorted(by_region):
        report.write(f"| {region} | {by_region[region]:g} |\\n")
    report.write(f"\\nMedian of {len(rows)} lines: {statistics.median(sold for _, sold in rows):g}\\n")
print("written")
"""
REPORT = """# Sales

| region | sold |
|---|---|
| north | 150 |
| south | 80 |
| west | 7.5 |

Median of 4 lines: 55
"""


async def lacks(name: str) -> str | None:
    sandbox = sandboxes.make(name)
    try:
        return await sandbox.missing(sandboxes.Limits())
    finally:
        await sandbox.close()


@pytest.mark.timeout(300)  # the first use of wasm compiles its guests
@pytest.mark.parametrize("name", sandboxes.TABLE)
def test_the_report_is_the_same(engine: Engine, tmp_path: Path, name: str) -> None:
    """Whichever sandbox was chosen, the same program writes the same report, and the checks hold there."""
    missing = asyncio.run(lacks(name))
    if missing is not None:
        pytest.skip(missing)
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "data.csv").write_text(TABLE)
    model = ScriptedModel(
        [
            calls(("read", {"file_path": "data.csv"}), turn=1),
            calls(("python", {"code": COMPUTES}), turn=2),
            calls(("report", {"title": "Sales", "markdown": "See report.md.", "files": ["report.md"]}), turn=3),
            says("The report is in report.md."),
        ]
    )
    engine.start(ScriptedModels(model))
    wanted = {
        "prompt": "read data.csv, compute, write report.md", "sandbox": name, "workspace": str(workspace),
        "checks": ("file:report.md", "contains:report.md:| north | 150 |"),
    }  # fmt: skip
    execution = engine.submit(Submission.model_validate(wanted))
    ended = waits.until(engine, execution.id, waits.has_ended)
    engine.stop()
    assert (ended.outcome, ended.sandbox) == (Outcome.DONE, name)
    assert (workspace / "report.md").read_text() == REPORT

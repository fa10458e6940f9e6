"""The matrix of the hostile inputs as a page: `python -m tests.engine.sandboxes.hostile.matrix` writes it."""

from pathlib import Path

from tests.engine.sandboxes.hostile.rows import ROWS, Row

PAGE = Path(__file__).parents[4] / "docs" / "hostile-inputs.md"
HEAD = """# Hostile inputs

What code in a sandbox may try (numbers of the project's list of 46), and what came of it. *Contained* is what a test
shows at each run (`tests/engine/sandboxes/hostile`): nothing outside was read, written or reached, no process was left,
the sandbox went on working, and the engine's loop was less than 200 ms late in 95 of 100 looks. *Native plain* is the
native sandbox where bubblewrap is not installed: what it does not hold is *not a boundary*, and is not tried.

| | attack | native | docker | wasm | native plain |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Give the whole page."""
    return HEAD + "".join(map(_line, ROWS))


def _line(row: Row) -> str:
    if row.elsewhere:
        return f"| {row.number} | {row.title} | – | – | – | {row.elsewhere} |\n"
    plain = "contained" if row.plain else "not a boundary"
    return f"| {row.number} | {row.title} | contained | contained | contained | {plain} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())

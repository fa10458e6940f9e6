"""The size budget: what is small enough is read; what is not is skimmed. Run by `just check`.

    python scripts/budget.py

Checks every module of ours: lines per module, lines per function, and that no import of our own packages hides inside
a function (implementations that are loaded when asked for go through importlib and a table).
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("engine", "ui", "app", "notebooks", "scripts")
OWN = ("baara_engine", "baara_ui", "baara_app", "baara")

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def problems(path: Path) -> Iterator[str]:
    """Say what in a module is over the budget."""
    text = path.read_text("utf-8")
    lines = text.count("\n")
    if lines > MAX_MODULE_LINES:
        yield f"{path}: {lines} lines; {MAX_MODULE_LINES} is the most"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield from _problems_of_function(path, node)


def _problems_of_function(path: Path, function: Function) -> Iterator[str]:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if lines > MAX_FUNCTION_LINES:
        yield f"{path}:{function.lineno}: {function.name} has {lines} lines; {MAX_FUNCTION_LINES} is the most"
    for node in ast.walk(function):
        if any(name.split(".")[0] in OWN for name in _imported(node)):
            yield f"{path}:{function.lineno}: {function.name} hides an import of our own"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def main() -> int:
    """Print what is over the budget; give the exit status."""
    paths = [path for source in SOURCES for path in sorted((ROOT / source).rglob("*.py"))]
    found = [problem for path in paths for problem in problems(path)]
    print("\n".join(found) or f"{len(paths)} modules within the budget")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Pin every dependency, transitively and exactly, in two forms that name no host. Run by `just lock`.

    python scripts/lock.py

`[tool.uv] constraint-dependencies` in pyproject.toml makes `uv run` resolve the same versions everywhere;
`requirements.lock` (with hashes) is what bundles are built from. `uv.lock` itself records download addresses and stays
out of the repository.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "pyproject.toml"
BEGIN, END = "constraint-dependencies = [\n", "]\n"
EXPORT = (
    "uv",
    "export",
    "--quiet",
    "--no-header",
    "--no-annotate",
    "--no-emit-workspace",
    "--all-packages",
    "--all-extras",
)


def main() -> int:
    """Resolve anew without the old pins, then write both forms."""
    _write_pins([])
    _run("uv", "lock", "--quiet", "--upgrade")
    _write_pins(_run(*EXPORT, "--no-hashes", "--all-groups", "--frozen").splitlines())
    _run("uv", "lock", "--quiet")
    bundle = _run(*EXPORT, "--no-dev", "--frozen")
    (ROOT / "requirements.lock").write_text(bundle, "utf-8")
    return 0


def _write_pins(pins: list[str]) -> None:
    text = PROJECT.read_text("utf-8")
    lines = "".join(f"    {_quoted(pin)},\n" for pin in pins if pin.strip())
    pattern = re.escape(BEGIN) + r"(?:    .*\n)*" + re.escape(END)
    PROJECT.write_text(re.sub(pattern, lambda _: BEGIN + lines + END, text), "utf-8")


def _quoted(pin: str) -> str:
    return '"' + pin.replace('"', "'") + '"'


def _run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())

"""What the engine itself has of the wasm sandbox."""

import subprocess
import sys
from pathlib import Path

import pytest

from baara_engine import errors
from baara_engine.sandboxes.wasm_parts import compiled

LOADED = "import sys, baara_engine.sandboxes.wasm; print([name for name in sys.modules if name.startswith('extism')])"


def test_the_engine_does_not_load_the_runtime() -> None:
    """Its code runs in workers alone."""
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_what_is_compiled_is_the_persons_alone(tmp_path: Path) -> None:
    """The folder is closed to others, also where it was open before; one that is no folder is told of."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)
    made = compiled.Compiled(folder)
    made.prepare()
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / compiled.MODULES)} == {0o700}
    assert not made.done()
    made.note()
    assert made.done()
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.SandboxFailure, match="cannot be used"):
        compiled.Compiled(tmp_path / "file").prepare()

"""What a guest may read beside its workspace: folders as they lie there, single files as copies in folders of ours."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from baara_engine import errors, homes

FOLDER = "inputs"  # of the copies, in the private folder


def placed(inputs: Iterable[Path], workspace: Path, private: Path) -> dict[str, str]:
    """Give the folders to be shown, by what they are called inside. Raises `errors.SandboxFailure`.

    A guest can be given folders only, so a file is shown in a folder that has nothing else of the real one in it.
    """
    copies = private / FOLDER
    try:
        shutil.rmtree(copies, ignore_errors=True)
        shown = {str(path): str(path.resolve(strict=True)) for path in inputs if path.is_dir()}
        for path in inputs:
            if str(path) not in shown and not _is_seen(path, workspace, shown):
                place = copies / str(len(list(copies.glob("*"))) if str(path.parent) not in shown else 0)
                place = Path(shown.get(str(path.parent), str(place)))
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(path, place / path.name)
                shown[str(path.parent)] = str(place)
    except OSError as error:
        homes.require_room(error, copies)
        raise errors.SandboxFailure(f"The input {error.filename} cannot be used: {error.strerror}.") from error
    return shown


def _is_seen(path: Path, workspace: Path, shown: dict[str, str]) -> bool:
    """Say whether a file is in the workspace, or in a folder that is shown as it is."""
    above = {str(parent) for parent in path.parents}
    return str(workspace) in above or any(called in above and place == called for called, place in shown.items())

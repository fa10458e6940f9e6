"""Where the data folder is."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "BAARA_HOME"
APP = "baara"


def home(chosen: str | None = None) -> Path:
    """Give the data folder, absolute: the chosen one, else that of BAARA_HOME, else this user's own. It makes none."""
    folder = chosen or os.environ.get(VARIABLE) or platformdirs.user_data_dir(APP, appauthor=False)
    return Path(folder).expanduser().absolute()

"""Where the data folder is."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "BAARA_HOME"
APP = "baara"


def home(chosen: str | None = None) -> Path:
    """Give the data folder, absolute: the chosen one, else that of BAARA_HOME, else this user's own. It makes none."""
    folder = chosen or os.environ.get(VARIABLE)
    return usual() if not folder else Path(folder).expanduser().absolute()


def usual() -> Path:
    """Give this user's own data folder."""
    return Path(platformdirs.user_data_dir(APP, appauthor=False)).absolute()

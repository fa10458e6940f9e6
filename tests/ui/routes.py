"""Every address that a Baara serves, found in the app that is served: `python -m tests.ui.routes HOME` prints them."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from baara_app import server
from baara_app.desk import desk
from baara_engine.engine import Engine
from baara_ui import house

PARAMETER = re.compile(r"\{[^}]*\}")


def paths(app: Any, before: str = "") -> Iterator[str]:
    """Give the paths of an app and of all that is mounted in it, with an x where a name belongs."""
    for route in getattr(app, "routes", []):
        if hasattr(route, "original_router"):  # how FastAPI keeps a router that was included
            yield from paths(route.original_router, before)
            continue
        path = before + str(getattr(route, "path", ""))
        yield PARAMETER.sub("x", path) or "/"
        yield from paths(getattr(route, "app", None), path)


def main() -> int:
    """Print them as one JSON document."""
    engine = Engine(Path(sys.argv[1]))
    asked = desk.Desk(engine.home, engine, lambda: None, on_screen=False)
    opened: Any = house.NoAccess()
    print(json.dumps(sorted(set(paths(server.pages(engine, house.NoKeys(), asked, opened))))))
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

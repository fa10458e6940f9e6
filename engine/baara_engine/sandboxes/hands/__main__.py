"""Start one of these programs: `python -I -S …/hands/__main__.py launcher` or `… search JOB`."""

import importlib
import sys

if __name__ == "__main__":
    # Appended, so that nothing beside this package can stand in for a module of the standard library.
    sys.path.append(__file__.rpartition("/hands/")[0])
    importlib.import_module(f"hands.{sys.argv[1]}").main(sys.argv[2:])

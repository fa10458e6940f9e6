"""The program `baara`."""

import os
import sys

# Python's start is the larger part of a restart after a crash, and compiling our own modules the larger part of that.
# Some environments forbid bytecode for all programs alike; for this one it is worth its few hundred kilobytes.
sys.dont_write_bytecode = False

from baara_app.cli import main as cli  # noqa: E402 - after the switch above


def main() -> None:
    """Run the command line and end with its exit status."""
    os.umask(0o077)  # whatever the program writes is this user's alone; commands in a sandbox have their own
    sys.exit(cli.run(sys.argv[1:]))


if __name__ == "__main__":
    main()

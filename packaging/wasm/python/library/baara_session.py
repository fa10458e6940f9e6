"""Inside the guest: take programs from the host, one after the other, and run each in the same module.

The channel to the host is a file that the shim knows. What is written to it says how the last program ended; what is
read from it is the next.
"""

import builtins
import json
import linecache
import os
import sys
import traceback

CHANNEL = "/lib/baara/.baara-channel"
CHUNK = 1 << 20  # bytes read at once

_main = sys.modules["__main__"]


def _exchange(said):
    channel = os.open(CHANNEL, os.O_RDWR)
    try:
        os.write(channel, json.dumps(said).encode())
        parts = []
        while part := os.read(channel, CHUNK):
            parts.append(part)
        return json.loads(b"".join(parts))
    finally:
        os.close(channel)


def _run(source, number):
    """Run a program as `python -c` would, and give its exit status."""
    name = f"<program {number}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    try:
        exec(compile(source, name, "exec", dont_inherit=True), _main.__dict__)
    except SystemExit as wanted:
        return _status(wanted.code)
    except BaseException as error:
        _show(error)
        return 1
    return 0


def _status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _show(error):
    """Print a traceback that begins in the program: the first frame is this file's."""
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    try:
        traceback.print_exception(error, file=sys.stderr)
    except BaseException:
        os.write(2, f"{type(error).__name__}\n".encode())


def _streams(out, err):
    """Give the next program the streams that there were, whatever the last one has made of them."""
    for stream in (sys.stdout, sys.stderr, out, err):
        try:
            stream.flush()
        except Exception:
            continue
    sys.stdout, sys.stderr = out, err


def _serve():
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    out, err = sys.stdout, sys.stderr
    said, number = {"ready": True}, 0
    while True:
        order = _exchange(said)
        if number == 0:
            os.chdir(order["folder"])
            os.environ["HOME"] = os.environ["PWD"] = order["folder"]
            sys.path.insert(0, "")
            _main.__builtins__ = builtins
        number += 1
        status = _run(order["source"], number)
        _streams(out, err)
        said = {"status": status}


_serve()

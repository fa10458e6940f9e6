"""Starting and stopping, in order and exactly reversed: the engine, the server, and the note of how to reach them."""

import contextlib
import ctypes
import importlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from baara_app import crashes, credentials, logs, runtime
from baara_engine import addresses, errors, settings
from baara_engine.agent import models
from baara_engine.config import DEFAULT_MODEL, Config
from baara_engine.engine import Engine

log = logging.getLogger(__name__)

SUPERVISE_S = 2.0  # how often the main thread looks whether the engine still lives; each look wakes the processor
MAX_PACE_S = 60.0
# What of the configuration the environment may say; then no setting changes it.
VARIABLES = {
    "default_model": "BAARA_MODEL", "base_url": "ANTHROPIC_BASE_URL", "context_tokens": "BAARA_CONTEXT_TOKENS",
    "keep_awake": "BAARA_KEEP_AWAKE",
}  # fmt: skip
MAX_DIGITS = 12  # of a number of tokens
PR_SET_DUMPABLE = 4  # prctl(2)

# Imported only once the engine works: the web server must not delay what was interrupted.
SERVER = "baara_app.server"
DESK = "baara_app.desk.desk"
KEYS = "baara_app.keys"


def serve(home: Path, port: int, *, on_screen: bool = False) -> int:
    """Work on a home until it is to quit, and give the exit status; with a window and a tray, if they are wanted.

    SIGTERM and SIGINT end it in order, as its person does by the tray, a page or a command. Raises `errors.BaaraError`.
    """
    stopped = _stop_on_signals()
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(_bound(port))
        engine = Engine(home, config_=config())
        stack.callback(engine.close)
        stack.enter_context(logs.kept(home))
        stack.enter_context(crashes.kept(home))
        engine.start(make_models(lambda: engine.config))
        stack.callback(engine.stop)  # while there is a log to tell what went wrong with that
        found = runtime.describe(listening)
        keys = importlib.import_module(KEYS).Keys(engine, lambda: make_models(lambda: engine.config))
        desk = importlib.import_module(DESK).Desk(home, engine, stopped.set, on_screen=on_screen)
        server = importlib.import_module(SERVER).start(listening, found, engine, keys, desk)
        stack.callback(server.stop)
        stack.enter_context(runtime.announced(home, found))
        print(json.dumps({"url": found.url}), flush=True)  # noqa: T201 - the one line that `serve` promises
        desk.start()
        stack.callback(desk.stop)
        while not stopped.wait(SUPERVISE_S):
            if engine.join(0) or not server.is_alive():
                log.error("a part of the engine ended by itself; stopping the rest, so that a new start can resume")
                return 1
    return 0


@contextlib.contextmanager
def working(engine: Engine, execution_id: str) -> Iterator[bool]:
    """See that somebody works: this process, on nothing but this execution, if no engine works on this home.

    Gives whether it is this process.
    """
    if engine.is_working():
        yield False
        return
    engine.start(make_models(lambda: engine.config), only=execution_id)
    try:
        yield True
    finally:
        engine.stop()


def config() -> Config:
    """Read the settings that the environment holds. Raises `errors.InvalidInput`."""
    fixed = {name for name, variable in VARIABLES.items() if os.environ.get(variable)}
    return Config(
        fixed=frozenset(fixed),
        default_model=_model(os.environ.get("BAARA_MODEL") or DEFAULT_MODEL),
        claude=Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude").absolute(),
        keep_awake=_switch("BAARA_KEEP_AWAKE"),
        secret=credentials.secret,
        base_url=_base_url(os.environ.get("ANTHROPIC_BASE_URL")),
        offline_pace_s=_pace(os.environ.get("BAARA_OFFLINE_PACE") or "0"),
        context_tokens=_context(os.environ.get("BAARA_CONTEXT_TOKENS") or None),
    )


def make_models(config_: Callable[[], Config]) -> models.Models:
    """Make the models, with the key and the settings taken from where they are each time that they are needed."""
    return models.Models(credentials.api_key, config_)


def hide_memory() -> None:
    """Keep other processes of this user, sandboxes first of all, from reading this process's memory and environment."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _base_url(address: str | None) -> str | None:
    return addresses.require_fit(address) if address else None


def _model(name: str) -> str:
    if not name.isprintable() or len(name) > settings.MAX_MODEL:
        raise errors.InvalidInput(f"BAARA_MODEL must be one line of at most {settings.MAX_MODEL} characters.")
    return name


def _pace(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_PACE_S:
        raise errors.InvalidInput(f"BAARA_OFFLINE_PACE must be seconds from 0 to {MAX_PACE_S:g}, not “{text[:40]}”.")
    return seconds


def _switch(name: str) -> bool:
    text = os.environ.get(name) or "0"
    if text not in {"0", "1"}:
        raise errors.InvalidInput(f"{name} must be 1 or 0, not “{text[:40]}”.")
    return text == "1"


def _context(text: str | None) -> int | None:
    if text is None:
        return None
    tokens = int(text) if text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS else 0
    if not tokens >= settings.LEAST_CONTEXT:
        raise errors.InvalidInput(
            f"BAARA_CONTEXT_TOKENS must be a number of tokens from {settings.LEAST_CONTEXT} on, not “{text[:40]}”."
        )
    return tokens


def _stop_on_signals() -> threading.Event:
    """Let the signals that end a program set a flag; the main thread does the work."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


def _bound(port: int) -> socket.socket:
    """Bind to loopback. Raises `errors.Unavailable` if the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # else a port is taken for a minute after a crash; on Windows this would let others share it
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((runtime.LOOPBACK, port))
        listening.listen()  # from here on whoever connects is kept waiting, not refused
    except OSError as error:
        listening.close()
        raise errors.Unavailable(
            f"Port {port} cannot be used ({error.strerror}). Choose another, or leave it out."
        ) from error
    return listening

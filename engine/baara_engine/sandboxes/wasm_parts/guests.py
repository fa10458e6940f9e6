"""Running programs in a guest: WebAssembly modules that know nothing but a few functions of ours and some folders.

A thread of its own is inside the guest, because a call that blocks there cannot be interrupted: whoever wants it to end
ends the process. Extism raises its limit of memory and anything that a guest does wrong as errors of the call.
"""

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import extism
from extism.extism import CompiledPlugin

from baara_engine.sandboxes import PYTHON
from baara_engine.sandboxes.wasm_parts.framing import Setup

PAGE = 64 * 1024  # bytes of a page of WebAssembly's memory
MOST_PAGES = 65536  # all that it can address: 4 GiB
LEAST_PAGES = 48 * 1024 * 1024 // PAGE  # without so much, Python itself does not start
LIBRARY = "/lib/baara"  # where a guest finds its own files

OUT_OF_MEMORY = "oom"  # what Extism says when a guest has more than it may
MAX_MESSAGE = 4096  # bytes of what a guest says of itself


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended."""

    status: int | None  #: None if it broke, instead of ending
    problem: str = ""  #: what Extism says of that
    lost: bool = False  #: what it left in the guest is gone

    @property
    def starved(self) -> bool:
        """Say whether it asked for more memory than it may have."""
        return self.problem == OUT_OF_MEMORY


class Guest:
    """One loaded module and the thread that runs programs in it, one at a time."""

    def __init__(self, setup: Setup, on_output: Callable[[bytes], None], on_end: Callable[[Outcome], None]) -> None:
        """Load the module; takes seconds if it was never compiled here. Raises `extism.Error`, and OSError.

        Both functions are called in the guest's thread.
        """
        self._compiled = load(_manifest(setup))
        self._folder = setup["folder"]
        self._on_output = on_output
        self._on_end = on_end
        self._sources: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._running = False
        self._status: int | None = None
        serve = self._serve_session if setup["language"] == PYTHON else self._serve_each
        threading.Thread(target=serve, name="guest", daemon=True).start()

    def start(self, source: str) -> None:
        """Let a program run; `on_end` follows."""
        self._sources.put(source)

    def output(self, data: bytes) -> None:
        """Take output of the guest."""
        self._on_output(data)

    def exited(self, status: int) -> None:
        """Hear with what status the guest wants to end."""
        self._status = status

    def exchange(self, said: bytes) -> bytes:
        """Hear how the program ended, and wait for the next: called by a guest that keeps a session."""
        if self._running:
            self._end(Outcome(_status_in(said)))
        source = self._sources.get()
        self._running = True
        return json.dumps({"source": source, "folder": self._folder}).encode("ascii")

    def _serve_session(self) -> None:
        """Run the guest that asks for programs itself; where it has ended or broken, another."""
        while True:
            problem = self._call(b"")
            if not self._running:  # it does not start: then each program finds out
                self._sources.get()
            self._end(Outcome(None if problem else self._status, problem, lost=True))

    def _serve_each(self) -> None:
        """Run each program in a guest of its own."""
        while True:
            problem = self._call(f"{self._folder}\0{self._sources.get()}".encode())
            self._end(Outcome(None if problem else self._status, problem))

    def _call(self, data: bytes) -> str:
        """Run the guest to its end and give what Extism finds wrong with it."""
        self._status = None
        try:
            with extism.Plugin(self._compiled) as plugin:
                plugin.call("run", data, host_context=self)
        except extism.Error as error:
            return str(error) or "unknown"
        return "" if self._status is not None else "it ended without a status"

    def _end(self, outcome: Outcome) -> None:
        self._running = False
        self._on_end(outcome)


def load(manifest: dict[str, Any]) -> CompiledPlugin:
    """Load a module with the host's functions; compile it, if that was not done here before. Raises `extism.Error`."""
    return CompiledPlugin(manifest, wasi=True, functions=_functions())


def _manifest(setup: Setup) -> dict[str, Any]:
    pages = min(max(setup["memory_bytes"] // PAGE, LEAST_PAGES), MOST_PAGES)
    return {
        "wasm": [{"path": setup["guest"]}],
        "memory": {"max_pages": pages},
        "allowed_hosts": [],
        "allowed_paths": {
            setup["folder"]: setup["folder"],
            f"ro:{setup['library']}": LIBRARY,
            **{f"ro:{place}": called for called, place in setup["inputs"].items()},
        },
    }


def _functions() -> list[Any]:
    """Give the host's functions as Extism wants them: of 64-bit numbers, among them addresses of its own memory."""
    number = extism.ValType.I64
    return [
        extism.host_fn(name="output", signature=([number, number], []))(_output),
        extism.host_fn(name="exited", signature=([number], []))(_exited),
        extism.host_fn(name="exchange", signature=([number], [number]))(_exchange),
    ]


def _output(plugin: Any, given: Any, _taken: Any, *_more: Any) -> None:
    plugin.host_context().output(bytes(plugin.input_buffer(given[1])))


def _exited(plugin: Any, given: Any, _taken: Any, *_more: Any) -> None:
    plugin.host_context().exited(given[0].value & 0xFF)


def _exchange(plugin: Any, given: Any, taken: Any, *_more: Any) -> None:
    said = bytes(plugin.input_buffer(given[0])[:MAX_MESSAGE])
    plugin.return_bytes(taken[0], plugin.host_context().exchange(said))


def _status_in(said: bytes) -> int:
    """Read how a program ended, out of what a guest says: it may say anything."""
    try:
        status = json.loads(said)["status"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 1
    return status & 0xFF if isinstance(status, int) else 1

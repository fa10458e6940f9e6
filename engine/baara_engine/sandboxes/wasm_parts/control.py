"""A worker's main thread: takes programs from the engine, lets the guest run them, and holds them to their limits.

What a supervisor is for the commands of the native sandbox (see `hands.supervisor`), this is for programs in a guest:
it outlives the engine for a grace, and leaves a receipt. The one sure end of a program is that of this process.
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from typing import NoReturn, cast

from baara_engine.sandboxes.hands import marks, wire
from baara_engine.sandboxes.hands.output import Kept
from baara_engine.sandboxes.hands.watching import MEMORY, Most, Watch
from baara_engine.sandboxes.wasm_parts import framing
from baara_engine.sandboxes.wasm_parts.framing import Incoming, Order, Said
from baara_engine.sandboxes.wasm_parts.guests import Outcome

BEAT_S = 1.0  # seconds between two signs of life
KILLED = 137  # exit code of what was ended, as shells report it
OUT_OF_CPU = 152  # likewise, of what has used up its processor's time
CPU = "cpu"
NO_LIMIT = 1 << 62  # of what is watched elsewhere

Runner = Callable[[str], None]  # lets the guest run a program


class Control:
    """Programs, one after the other."""

    def __init__(self, orders: Incoming, pipe: int, answers: int, folder: str) -> None:
        """Take the engine's messages, the pipe that they come through, the one for answers, and the workspace."""
        self._orders = orders
        self._pipe = pipe
        self._answers = answers
        self._folder = folder
        self._woken, self._wake = os.pipe()
        self._lock = threading.Lock()
        self._kept = Kept(0)
        self._output = False  # there was some since the last sign of life
        self._outcome: Outcome | None = None

    def output(self, data: bytes) -> None:
        """Take output, in the guest's thread."""
        with self._lock:
            self._kept.add(data)
            first, self._output = not self._output, True
        if first:
            os.write(self._wake, b"o")

    def ended(self, outcome: Outcome) -> None:
        """Hear that the program has ended, in the guest's thread."""
        self._outcome = outcome
        os.write(self._wake, b"e")

    def serve(self, run: Runner) -> None:
        """Do what the engine orders, until it has gone."""
        while not self._orders.ended:
            self._wait(None)
            for message in self._orders.take():
                if "source" in message:
                    self._do(cast("Order", message), run)

    def say(self, said: Said) -> None:
        """Answer. An engine that is gone does not hear it."""
        data = framing.pack(said)
        try:
            while data:
                data = data[os.write(self._answers, data) :]
        except BrokenPipeError:
            return

    def _do(self, order: Order, run: Runner) -> None:
        try:
            if not marks.begin(order["marks"], order["boot"]):
                self.say({"report": {"refused": True}})
                return
        except OSError as error:
            self.say({"report": {"failure": str(error), "code": error.errno or 0}})
            return
        self._kept, self._outcome, self._output = Kept(order["output_bytes"]), None, False
        running = _Running(order, self._folder)
        run(order["source"])
        self._see_to_the_end(running)
        self._report(running)

    def _see_to_the_end(self, running: "_Running") -> None:
        next_beat = 0.0
        while self._outcome is None and not running.over():
            ready = self._wait(running.next_look())
            if self._pipe in ready:
                messages = self._orders.take()
                if self._orders.ended:
                    running.lose_engine()
                elif messages:
                    running.cancel()
            if self._output and time.monotonic() >= next_beat:
                next_beat = time.monotonic() + BEAT_S
                self._output = False
                self.say({"beat": True})

    def _report(self, running: "_Running") -> None:
        outcome = self._outcome
        with self._lock:
            text, total = self._kept.text(), self._kept.total
        result = running.result(outcome, text, total)
        with contextlib.suppress(OSError):  # on a full disk, the living engine still gets its answer
            marks.receipt(running.order["marks"], running.order["boot"], result)
        lost = outcome is None or outcome.lost
        self.say({"report": {"result": result}, "lost": lost, "ending": outcome is None})
        if outcome is None:
            _leave()

    def _wait(self, until: float | None) -> list[int]:
        timeout = None if until is None else max(until - time.monotonic(), 0.0)
        pipes = [self._woken] if self._orders.ended else [self._pipe, self._woken]
        ready = select.select(pipes, [], [], timeout)[0]
        if self._woken in ready:
            os.read(self._woken, wire.CHUNK)
        return ready


class _Running:
    """One program that runs, and what may end it."""

    def __init__(self, order: Order, folder: str) -> None:
        self.order = order
        self._began = time.monotonic()
        self._deadline = self._began + order["wall_s"]
        self._cpu_at = time.process_time() + order["cpu_s"] if order["cpu_s"] is not None else None
        most = Most(memory_bytes=NO_LIMIT, processes=NO_LIMIT, workspace_bytes=order["workspace_bytes"])
        self._watch = Watch(most, folder)
        self._cut_short = False
        self._over: str | None = None

    def next_look(self) -> float:
        """Give the moment at which something is to be looked at, in seconds of the monotonic clock."""
        return min(self._deadline, self._watch.due)

    def over(self) -> bool:
        """Say whether it is to be ended now."""
        if self._cpu_at is not None and time.process_time() >= self._cpu_at:
            self._over = CPU
        elif self._watch.look():
            self._over = self._watch.over
        return self._over is not None or time.monotonic() >= self._deadline

    def cancel(self) -> None:
        """End it now."""
        self._cut_short = True
        self._deadline = 0.0

    def lose_engine(self) -> None:
        """Let it go on for the grace."""
        until = time.monotonic() + self.order["grace_s"]
        if until < self._deadline:
            self._deadline = until
            self._cut_short = True

    def result(self, outcome: Outcome | None, text: str, total: int) -> wire.Result:
        """Tell how it ended; no outcome: it is being ended."""
        over, code = self._over if outcome is None else None, KILLED
        if outcome is not None and outcome.status is not None:
            code = outcome.status
        elif outcome is not None:
            over = MEMORY if outcome.starved else None
            text += "" if outcome.starved else f"\n[the program broke: {_first_line(outcome.problem)}]\n"
        elif over == CPU:
            code = OUT_OF_CPU
        ended = outcome is None and over is None
        return {
            "exit_code": code,
            "output": text,
            "output_bytes": total,
            "timed_out": ended and not self._cut_short,
            "interrupted": ended and self._cut_short,
            "duration_ms": round((time.monotonic() - self._began) * 1000),
            "over": over,
        }


def _first_line(problem: str) -> str:
    return problem.strip().partition("\n")[0][:200]


def _leave() -> NoReturn:
    """End this process, whatever its threads are in."""
    os._exit(0)

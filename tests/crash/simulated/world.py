"""A world for an engine to live in: people, weather, accidents and clocks, all drawn from one seed.

The world's own time is the virtual clock's. Between two things that happen in it the engine, if there is one, works on
its loop; so whatever happens, happens between two steps of the engine, or at one of its writes.
"""

import hashlib
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
from tests.crash.simulated import machine_room, watching
from tests.crash.simulated.people import HOUR_S, MS_PER_S, People

from baara_engine import config, nudge
from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.settle import Settler
from baara_engine.store import executions, news
from baara_engine.store.store import Store
from baara_engine.testing.chaotic import ChaoticModel
from baara_engine.testing.inline import InlineWriter
from baara_engine.testing.outside import Outside
from baara_engine.testing.virtual import VirtualClock

DAY_S = 24 * HOUR_S
TEN_YEARS_MS = 3652 * 24 * 3600 * MS_PER_S
STOP_S = 60.0  # more than an orderly stop may take
SEEN_S = machine_room.FALLBACK_S + 1  # after this an engine has seen whatever was done
LATE_S = machine_room.FALLBACK_S + 1  # a timer may go off so much later than it is due
DRAIN_ROUNDS = 24 * 10  # hours in which everything has to come to an end once the weather is fine
DIES_AT_ONCE = 0.2  # share of lives that end at one of their first writes, the recovery among them
OUTAGES = (FailureKind.OFFLINE, FailureKind.OVERLOADED, FailureKind.SERVER, FailureKind.RATE_LIMIT)


@dataclass(frozen=True, slots=True)
class History:
    """What came of a simulation."""

    seed: int
    digest: str  #: of all events
    broken: str | None
    at_day: float
    counts: Counter[str]


class World:
    """Everything, for one seed."""

    def __init__(self, home: Path, seed: int, make_settler: machine_room.MakeSettler = Settler) -> None:
        draw = random.Random(seed)
        self.clock = VirtualClock()
        self.counts: Counter[str] = Counter()
        self._seed, self._home, self._make_settler = seed, home, make_settler
        self._random = draw
        self._life: machine_room.Life | None = None
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._acted = 0.0
        self._outage: FailureKind | None = None
        self._engine = Engine(home, clock_=self.clock, open_store=self._open, is_alive=self._is_alive)
        self._engine.store.listen(lambda told: self.watcher.heard(told, by_engine=False))
        self.watcher = watching.Watcher(self._engine, LATE_S)
        workspace = home / config.WORKSPACES / "all"
        workspace.mkdir(parents=True)
        self.people = People(self._engine, workspace, random.Random(f"{seed}/people"))
        self._outside = Outside(random.Random(f"{seed}/outside"), self.watcher.acted)
        self._model = ChaoticModel(random.Random(f"{seed}/model"), lambda: self._outage, self.watcher.asked)

    def run(self, days: float) -> History:
        """Let it run for so long, then let everything come to an end; give what came of it."""
        try:
            self._plan(days * DAY_S)
            self._begin()
            while self._agenda and self.watcher.broken is None:
                self._go_to(self._agenda[0][0])
                if self._agenda and self._agenda[0][0] <= self.clock.monotonic():
                    heapq.heappop(self._agenda)[2]()
            self._drain()
        except AssertionError as broken:  # of the world or of what it shares with the rigs of the disk
            self.watcher.complain(str(broken))
        return self._history()

    def close(self) -> None:
        """Free what it holds."""
        self._end_life()
        self._engine.close()

    # -------------------------------------------------------------- what happens

    def _plan(self, end: float) -> None:
        """Plan what happens, each kind again and again, by the hours that are between on average."""
        people, draw = self.people, self._random
        for hours, act in (
            (1.0, people.submit), (4.0, people.visit), (24.0, people.set_concurrency), (10.0, self._crash),
            (20.0, self._stop), (30.0, self._suspend), (60.0, self._outage_begins), (80.0, self._key_goes),
            (3.0, self._look),
        ):  # fmt: skip
            self._again(hours, act, end)
        if draw.random() < 0.4:
            self._again(50.0, lambda: self._jump(draw.choice([-1, 1]) * 3600 * MS_PER_S), end)
        if draw.random() < 0.25:
            self._at(draw.uniform(0, end), lambda: self._jump(draw.choice([-1, 1]) * TEN_YEARS_MS))
        self._at(end / 2, self._look_back)

    def _again(self, hours: float, act: Callable[[], None], end: float) -> None:
        at = self._random.expovariate(1 / (hours * HOUR_S))
        while at < end:
            self._at(at, act)
            at += self._random.expovariate(1 / (hours * HOUR_S))

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (when, next(self._numbers), lambda: self._do(act)))

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._at(self.clock.monotonic() + seconds, act)

    def _do(self, act: Callable[[], None]) -> None:
        act()
        if act not in {self._look, self._look_back}:
            self._acted = self.clock.monotonic()
            for path in sorted((self._home / nudge.FOLDER).glob("*")):
                nudge.send_to(path)

    def _go_to(self, when: float) -> None:
        """Let time go by until then. The engine may die on the way."""
        if self._life is None:
            self.clock.advance(when - self.clock.monotonic())
            return
        self._life.run_until(when)
        if self._life.plug.is_pulled:
            self._died()
        elif self._life.has_ended:
            raise watching.Broken(f"the worker ended by itself: {self._life.bury()!r}")

    # -------------------------------------------------------------- the engine

    def _open(self, home: Path, clock: object) -> Store:
        return Store(home, self.clock, randomness=random.Random(f"{self._seed}/ids"), writer=InlineWriter)

    def _is_alive(self, owner: str | None) -> bool:
        return self._life is not None and self._life.is_me(owner)

    def _begin(self) -> None:
        if self._life is not None:
            return
        self.counts["lives"] += 1
        self._life = machine_room.Life(
            self._home, self.clock, self._random, self._model, self._outside, self._make_settler
        )
        if self._random.random() < DIES_AT_ONCE:
            self._life.plug.pull_at(self._random.randint(1, 4), kept=self._random.random() < 0.5)
        self._life.begin()
        self._life.store.listen(lambda told: self.watcher.heard(told, by_engine=True))
        self.watcher.stopping = False
        self._calm_from_now()

    def _crash(self) -> None:
        """Kill the engine now, or at one of its next writes."""
        if self._life is None:
            return
        if self._random.random() < 0.4:
            self._life.plug.pull()
            self._died()
        else:
            self._life.plug.pull_at(self._random.randint(1, 12), kept=self._random.random() < 0.5)

    def _died(self) -> None:
        self.counts["deaths"] += 1
        self._end_life()
        self._outside.crash(power=self._random.random() < 0.3)
        self._in(HOUR_S ** self._random.uniform(0, 1.2), self._begin)

    def _stop(self) -> None:
        if self._life is None:
            return
        self.counts["stops"] += 1
        self.watcher.stopping = True
        self._life.stop(STOP_S)
        if self._life.plug.is_pulled:
            self._died()
            return
        if not self._life.has_ended:
            raise watching.Broken("an orderly stop did not come to its end")
        self._end_life()
        if self._engine.store.read(executions.leased):
            raise watching.Broken("after an orderly stop something is leased")
        self._in(HOUR_S ** self._random.uniform(0, 1.2), self._begin)

    def _end_life(self) -> None:
        life, self._life = self._life, None
        error = None if life is None else life.bury()
        if isinstance(error, Exception):
            self.watcher.complain(f"the worker ended by {error!r}")

    # ------------------------------------------------------------- weather, clocks

    def _outage_begins(self) -> None:
        self._outage = self._random.choice(OUTAGES)
        self._in(self._random.uniform(0.1, 2.0) * HOUR_S, self._fair)

    def _key_goes(self) -> None:
        self._outage = FailureKind.KEY
        self._in(self._random.uniform(0.1, 8.0) * HOUR_S, self._fair)

    def _fair(self) -> None:
        had, self._outage = self._outage, None
        if had is FailureKind.KEY:
            self._engine.key_changed()

    def _suspend(self) -> None:
        self.counts["suspends"] += 1
        self.clock.suspend(self._random.uniform(0.1, 9.0) * HOUR_S)
        self._calm_from_now()

    def _jump(self, ms: int) -> None:
        """Set the wall clock wrong, and right again some hours later."""
        self.counts["jumps"] += 1
        self._shift(ms)
        self._in(self._random.uniform(0.1, 6.0) * HOUR_S, lambda: self._shift(-ms))

    def _shift(self, ms: int) -> None:
        self.clock.shift(ms)
        self.watcher.clock_was_set(ms)
        self._calm_from_now()

    def _calm_from_now(self) -> None:
        self.watcher.calm_since = self.clock.now()
        self._acted = self.clock.monotonic()

    # ------------------------------------------------------------- looking

    def _look(self) -> None:
        life = self._life
        calm = life is not None and self.clock.monotonic() - self._acted > SEEN_S
        owner, at_work = (None, {}) if life is None else (life.owner, life.at_work)
        self._engine.store.read(lambda view: watching.check_moment(view, owner, at_work, calm=calm))

    def _look_back(self) -> None:
        self._engine.store.read(lambda view: watching.check_history(view, self._outside.effects))

    def _drain(self) -> None:
        """Stop all that disturbs; people answer what is asked, and then nothing may be left."""
        self._outage, self._model.calm, self._outside.calm = None, True, True
        self._in(0, self.people.put_times_right)
        for _ in range(DRAIN_ROUNDS):
            if self.watcher.broken is not None or not self._left():
                break
            self._in(0, self._begin)
            self._in(60, lambda: self.people.answer(1.0))
            self._in(HOUR_S, self._look)
            while self._agenda and self.watcher.broken is None:
                self._go_to(self._agenda[0][0])
                if self._agenda and self._agenda[0][0] <= self.clock.monotonic():
                    heapq.heappop(self._agenda)[2]()
        watching.require(self.watcher.broken is not None or not self._left(), f"left for ever: {self._left()}")
        self._look_back()

    def _left(self) -> list[object]:
        statement = f"SELECT id, status, queue, waiting_reason, not_before FROM execution WHERE {watching.ACTIVE}"
        return list(self._engine.store.read(lambda view: view.sql(statement)))

    def _history(self) -> History:
        state = hashlib.blake2b(digest_size=16)
        for event in self._engine.store.read(lambda view: news.after(view, 0, limit=watching.ALL)):
            told = (event.seq, event.at, event.kind, event.execution_id, event.thread_id, event.data)
            state.update(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
        counts = self.counts + self.people.counts + self.watcher.counts
        at_day = self.clock.monotonic() / DAY_S
        return History(self._seed, state.hexdigest(), self.watcher.broken, at_day, counts)

"""What a clock that was wrong leaves behind."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.simulated import machine_room
from tests.crash.simulated.people import HOUR_S, MS_PER_S
from tests.crash.simulated.world import TEN_YEARS_MS

from baara_engine.engine import Engine
from baara_engine.errors import FailureKind
from baara_engine.requests import Submission
from baara_engine.settle import Settler
from baara_engine.states import Status
from baara_engine.store.store import Store
from baara_engine.testing.chaotic import ChaoticModel
from baara_engine.testing.inline import InlineWriter
from baara_engine.testing.outside import Outside
from baara_engine.testing.virtual import VirtualClock


class Room:
    """An engine on a virtual clock, with a service that can be away."""

    def __init__(self, home: Path) -> None:
        self.clock = VirtualClock()
        self.away = True
        self.engine = Engine(
            home, clock_=self.clock, open_store=lambda at, _: Store(at, self.clock, writer=InlineWriter)
        )
        model = ChaoticModel(random.Random(1), self._weather, lambda _request, _problem: None, calm=True)
        outside = Outside(random.Random(1), calm=True)
        self.life = machine_room.Life(home, self.clock, random.Random(1), model, outside, Settler)
        self.life.begin()

    def go_on(self, seconds: float) -> None:
        self.life.run_until(self.clock.monotonic() + seconds)

    def close(self) -> None:
        self.life.bury()
        self.engine.close()

    def _weather(self) -> FailureKind | None:
        return FailureKind.OFFLINE if self.away else None


@pytest.fixture
def room(home: Path) -> Iterator[Room]:
    """Give an engine at work."""
    made = Room(home)
    yield made
    made.close()


def test_what_was_put_off_by_a_clock_ten_years_ahead_does_not_wait_ten_years(room: Room) -> None:
    """Work that was to look again in a moment goes on soon after the clock is right again."""
    submitted = room.engine.submit(Submission(prompt="Work."))
    room.clock.shift(TEN_YEARS_MS)
    room.go_on(60)
    assert room.engine.execution(submitted.id).status is Status.RETRY_SCHEDULED
    room.clock.shift(-TEN_YEARS_MS)
    room.away = False
    room.go_on(HOUR_S)
    assert room.engine.execution(submitted.id).status is Status.COMPLETED


def test_what_a_person_put_off_waits_for_its_time_whatever_the_clock_says(room: Room) -> None:
    """A time that somebody named is kept, also one that is years away."""
    later = room.clock.now() + TEN_YEARS_MS
    submitted = room.engine.submit(Submission(prompt="Work.", not_before=later))
    room.away = False
    room.go_on(HOUR_S)
    assert room.engine.execution(submitted.id).not_before == later
    room.clock.shift(TEN_YEARS_MS - round(2 * HOUR_S * MS_PER_S))
    room.go_on(1.5 * HOUR_S)
    assert room.engine.execution(submitted.id).status is Status.COMPLETED

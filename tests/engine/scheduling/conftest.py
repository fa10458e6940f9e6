from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.scheduling.rig import Rig

from baara_engine.engine import Engine
from baara_engine.testing.clocks import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(home: Path, clock: FakeClock) -> Iterator[Engine]:
    opened = Engine(home, clock_=clock)
    yield opened
    opened.close()


@pytest.fixture
def rig(engine: Engine, clock: FakeClock) -> Rig:
    return Rig(engine, clock)

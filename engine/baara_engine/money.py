"""Money: what may be spent, and what was. Amounts are whole microdollars (millionths of a US dollar)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from baara_engine import errors
from baara_engine.clock import Millis

MICRO = 1_000_000
MS_PER_S = 1000
MOST = 1_000_000 * MICRO  # a million dollars: catches a slip of the finger
AMOUNT = re.compile(r"\$?\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)")  #: as people write it
LEAST = 1_000  # a tenth of a cent: less than the shortest answer of a cheap model costs


class Scope(StrEnum):
    """What a limit is for. All but the first hold for one day, from midnight to midnight where the person is."""

    EXECUTION = "execution"  #: One execution, from its beginning to its end.
    DAY = "day"  #: Everything.
    TASK = "task"  #: The executions of one task.
    PROJECT = "project"  #: The executions of one project.


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may be spent."""

    scope: Scope
    key: str  #: id of the execution, task or project; empty for a day
    microusd: int


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that a question to a model would go beyond."""

    limit: Limit
    spent: int  #: paid for already
    held: int  #: set aside for questions that are being answered just now

    @property
    def passes(self) -> bool:
        """Say whether waiting for those questions may be all that is needed."""
        return self.held > 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent on something."""

    what: str  #: a day, or the id of a task or project, or a model
    questions: int
    microusd: int
    unknown: int  #: of it, what an interrupted question may have cost at most


def parse(text: str) -> int:
    """Read an amount in dollars, as in `1`, `0.25` or `$2.50`. Raises `errors.InvalidInput`."""
    plain = AMOUNT.fullmatch(text.strip())
    if plain is None:
        raise errors.InvalidInput(f"“{text[:40]}” is no amount in dollars. Write for example: 0.50")
    amount = int((Decimal(plain[1]) * MICRO).to_integral_value())
    if not LEAST <= amount <= MOST:
        raise errors.InvalidInput(f"An amount must be from ${shown(LEAST)} to ${MOST // MICRO:,}, not “{text[:40]}”.")
    return amount


def shown(microusd: int) -> str:
    """Write an amount in dollars, with cents, and with more digits where it is smaller than that."""
    if microusd % 10_000 == 0 or microusd >= MICRO:
        return f"{microusd / MICRO:.2f}"
    return f"{microusd / MICRO:.4f}".rstrip("0")


def midnights(now: Millis, zone: ZoneInfo) -> tuple[Millis, Millis]:
    """Give when this day began and when it ends, where the person is."""
    today = datetime.fromtimestamp(now / MS_PER_S, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    # The date moves on, not 24 hours: days on which a clock is set are longer or shorter.
    tomorrow = datetime.combine(today.date() + timedelta(days=1), today.timetz())
    return _millis(today), _millis(tomorrow)


def _millis(moment: datetime) -> Millis:
    return round(moment.timestamp() * MS_PER_S)

"""Work that goes round in circles: the same call with the same result again and again, or nothing but failures."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import orjson

from baara_engine.records import Json, ToolCall

TOLD_AFTER = 3  # equal calls in a row: two may be a retry, and who polls looks a third time
ASKED_AFTER = 5  # equal calls in a row: more of them cost money, and will not be different either
FAILED_TURNS = 10  # in a row, in which every call failed: an agent that can help itself has done so by then


@dataclass(frozen=True, slots=True)
class Seen:
    """One call that has its result."""

    turn: int
    name: str
    asked: bytes  #: digest of its input
    got: bytes  #: digest of its result
    is_error: bool

    def is_like(self, other: "Seen") -> bool:
        """Say whether it is the same tool with the same input and the same result."""
        return (self.name, self.asked, self.got) == (other.name, other.asked, other.got)


def seen(calls: Iterable[ToolCall]) -> list[Seen]:
    """Take those calls that have results, in their order."""
    return [
        Seen(call.turn, call.name, digest(call.input), digest(call.result), call.is_error)
        for call in calls
        if call.receipt_at is not None
    ]


def repeats(past: Sequence[Seen]) -> int:
    """Count how often the last call came in a row, with equal input and result; 0 if there is none."""
    count = 0
    for call in reversed(past):
        if not call.is_like(past[-1]):
            break
        count += 1
    return count


def is_next(past: Sequence[Seen], block: Json) -> bool:
    """Say whether this call asks for the same as the last one did."""
    return bool(past) and (past[-1].name, past[-1].asked) == (block["name"], digest(block["input"]))


def failed_turns(past: Sequence[Seen]) -> int:
    """Count the last turns in a row in which every call failed."""
    count = 0
    for _, turn in groupby(reversed(past), lambda call: call.turn):
        if not all(call.is_error for call in turn):
            break
        count += 1
    return count


def recent(past: Sequence[Seen]) -> list[Seen]:
    """Give that part of the past that still matters."""
    first = past[-1].turn - FAILED_TURNS if past else 0
    return [call for call in past if call.turn >= first]


def digest(value: object) -> bytes:
    """Stand for a JSON value: equal values have equal digests."""
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()

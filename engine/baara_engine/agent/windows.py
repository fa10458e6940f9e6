"""How much a model takes in at once, and what the service does about long conversations: dated data."""

import re
from dataclasses import dataclass, replace

from baara_engine.config import OFFLINE
from baara_engine.records import Json

AS_OF = "2026-11"  #: year and month when these were read

DATED = re.compile(r"-20\d{6}$")  # the day of a model's release
MOST_ANSWER = 32_000  # tokens of one answer; every model of today can write as much
USUAL_TRIGGER = 150_000  # tokens, as the service itself has it: beyond that, what a model pays attention to gets thin
LEAST_TRIGGER = 50_000  # tokens; the service takes no less
KEPT_CALLS = 12  # tool calls whose results stay when the service clears the older ones
LEAST_CLEARED = 20_000  # tokens: clearing a few is not worth the cache that it costs
COMPACTING, CLEARING = "compact-2026-01-12", "context-management-2025-06-27"  #: names of the betas
UNKNOWN = 32_000  # tokens of a model that is not listed: what local servers are commonly started with


@dataclass(frozen=True, slots=True)
class Window:
    """What may be sent to one model. All figures are tokens."""

    size: int | None  #: of question and answer together; None for no limit
    compacts: bool = False  #: the service compacts by itself when asked to (`compact_20260112`)
    clears: bool = False  #: the service leaves out old tool results when asked to (`clear_tool_uses_20250919`)
    sees: bool = True  #: it takes pictures

    @property
    def answer(self) -> int:
        """Give the longest answer to ask for."""
        return MOST_ANSWER if self.size is None else min(MOST_ANSWER, self.size // 4)

    @property
    def most(self) -> int | None:
        """Give the longest question: there must be room for the answer, and some for what was not counted well."""
        return None if self.size is None else self.size - self.answer - self.size // 20

    @property
    def trigger(self) -> int | None:
        """Give the length from which on a conversation is compacted."""
        return None if self.most is None else min(USUAL_TRIGGER, self.most * 4 // 5)

    @property
    def edits(self) -> Json | None:
        """Say what the service is to do about a long conversation; None if it can do nothing."""
        trigger = self.trigger
        if trigger is None or trigger < LEAST_TRIGGER:
            return None
        clear: Json = {
            "type": "clear_tool_uses_20250919",
            "trigger": {"type": "input_tokens", "value": trigger * 2 // 3},
            "keep": {"type": "tool_uses", "value": KEPT_CALLS},
            "clear_at_least": {"type": "input_tokens", "value": LEAST_CLEARED},
            "exclude_tools": ["note_progress"],
        }
        compact: Json = {
            "type": "compact_20260112",
            "trigger": {"type": "input_tokens", "value": trigger},
            "pause_after_compaction": True,  # so that the request and the notes can be put back at once
        }
        edits = [*([clear] if self.clears else []), *([compact] if self.compacts else [])]
        return {"edits": edits} if edits else None


LARGE = Window(1_000_000, compacts=True, clears=True)
TABLE: dict[str, Window] = {
    "claude-fable-5-2": LARGE,
    "claude-fable-5-1": LARGE,
    "claude-fable-5": LARGE,
    "claude-mythos-5-2": LARGE,
    "claude-mythos-5-1": LARGE,
    "claude-mythos-5": LARGE,
    "claude-opus-5-5": LARGE,
    "claude-opus-5": LARGE,
    "claude-sonnet-5-5": LARGE,
    "claude-sonnet-5": LARGE,
    "claude-haiku-5-5": LARGE,
    # These have larger windows only where the account has asked for them.
    "claude-opus-4-8": Window(200_000, compacts=True, clears=True),
    "claude-opus-4-7": Window(200_000, compacts=True, clears=True),
    "claude-opus-4-6": Window(200_000, compacts=True, clears=True),
    "claude-sonnet-4-6": Window(200_000, compacts=True, clears=True),
    "claude-opus-4-5": Window(200_000, clears=True),
    "claude-sonnet-4-5": Window(200_000, clears=True),
    "claude-haiku-4-5": Window(200_000, clears=True),
    OFFLINE: Window(None, sees=False),  # it reads its whole conversation each time, and must
}


def of(model: str, most: int | None = None) -> Window:
    """Give the window of a model by its id, with or without its date; `most` makes it smaller, or says an unknown one.

    Where the conversation is kept below what the service compacts at, it is not asked to.
    """
    known = TABLE.get(DATED.sub("", model))
    if known is None:
        return Window(most or UNKNOWN, sees=False)
    if most is None or known.size is None:
        return known
    return replace(known, size=min(most, known.size))

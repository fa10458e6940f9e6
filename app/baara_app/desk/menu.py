"""The tray's menu, made of how it stands. What each item does is in its id: `do(id)` of the desk knows them."""

from datetime import UTC, datetime
from typing import Any

from baara_app.desk import icons
from baara_app.desk.standing import Standing, Thread
from baara_engine import words
from baara_engine.clock import Millis

TITLE = 48  # characters of a title: menus do not wrap
OPEN, QUIT, RESUME = "open", "quit", "resume"
PAGE, PAUSE, AWAKE = "page:", "pause:", "awake:"  #: with an address, a length, or on and off
HOUR, TOMORROW, ENDLESS = "hour", "tomorrow", "endless"
MS_PER_MIN = 60_000
MIN_PER_H = 60

Item = dict[str, Any]


def message(now: Standing) -> Item:
    """Give what the tray is told: the icon's state, a sentence, and the menu."""
    said = sentence(now)
    return {"state": state(now), "tip": f"Baara: {said[:1].lower()}{said[1:]}", "menu": items(now, said)}


def state(now: Standing) -> str:
    """Say which icon is shown. What needs a person comes first."""
    if now.needs_count:
        return icons.NEEDS_YOU
    if now.paused is not None:
        return icons.PAUSED
    return icons.WORKING if now.running_count else icons.IDLE


def sentence(now: Standing) -> str:
    """Say in a few words how it stands."""
    if now.finishing:
        return f"Quits when what is at work has ended ({now.running_count})"
    if now.paused is not None:
        return words.pause(now.paused).rstrip(".")
    if now.running:
        more = now.running_count - 1
        return f"Running: {_named(now.running[0], now.now)}{f', and {more} more' if more else ''}"
    if now.needs_count:
        return f"{words.count(now.needs_count, 'question')} waiting for you"
    return "Nothing is at work"


def items(now: Standing, said: str) -> list[Item]:
    """Give the menu, from the top."""
    return [
        {"id": OPEN, "text": said, "off": True},
        {},
        {"id": f"{PAGE}/new", "text": "New task…"},
        {"id": f"{PAGE}/", "text": f"Inbox ({now.inbox})" if now.inbox else "Inbox"},
        *_below("Needs you", now.needs_you, now.needs_count, now.now),
        *_below("Running", now.running, now.running_count, now.now),
        {},
        *([] if now.next_due is None else [{"id": f"{PAGE}/schedule", "text": f"Next: {_due(now)}"}]),
        {"id": f"{PAGE}/usage", "text": f"Today ${now.today_microusd / words.MICRO:.2f}"},
        {},
        _pausing(now),
        {"id": f"{AWAKE}{'off' if now.keep_awake else 'on'}", "text": "Keep awake while working", "on": now.keep_awake},
        {},
        {"id": OPEN, "text": "Open"},
        {"id": f"{PAGE}/settings", "text": "Settings"},
        {"id": QUIT, "text": "Quit"},
    ]


def _below(title: str, threads: tuple[Thread, ...], count: int, now: Millis) -> list[Item]:
    if not threads:
        return []
    below = [{"id": f"{PAGE}/thread/{one.id}", "text": _named(one, now)} for one in threads]
    more = [{"id": f"{PAGE}/", "text": f"{count - len(threads)} more"}] if count > len(threads) else []
    return [{"text": f"{title} ({count})", "items": [*below, *more]}]


def _pausing(now: Standing) -> Item:
    if now.paused is not None:
        return {"id": RESUME, "text": "Resume work"}
    lengths = {HOUR: "1 hour", TOMORROW: "until tomorrow", ENDLESS: "until I resume"}
    return {"text": "Pause", "items": [{"id": f"{PAUSE}{name}", "text": text} for name, text in lengths.items()]}


def _named(thread: Thread, now: Millis) -> str:
    title = thread.title if len(thread.title) <= TITLE else f"{thread.title[: TITLE - 1]}…"
    return title if thread.since is None else f"{title}, {_length(now - thread.since)}"


def _length(ms: int) -> str:
    minutes = max(ms, 0) // MS_PER_MIN
    if minutes < 1:
        return "just begun"
    return f"{minutes} min" if minutes < 2 * MIN_PER_H else f"{minutes // MIN_PER_H} h"


def _due(now: Standing) -> str:
    at, name = now.next_due or (0, "")
    moment, today = (datetime.fromtimestamp(one / words.MS_PER_S, UTC).astimezone() for one in (at, now.now))
    return f"{moment.strftime('%H:%M' if moment.date() == today.date() else '%a %H:%M')} {name[:TITLE]}"

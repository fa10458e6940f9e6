"""The tray's icon, sentence and menu, made of how it stands."""

import io
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from PIL import Image

from baara_app.desk import icons, menu
from baara_app.desk.standing import Standing, Thread
from baara_engine.records import Pause

NOW = round(datetime(2026, 3, 2, 12, 0).astimezone().timestamp() * 1000)
IDLE = Standing(
    now=NOW, paused=None, running=(), running_count=0, needs_you=(), needs_count=0, inbox=0, next_due=None,
    today_microusd=0, keep_awake=False,
)  # fmt: skip
REPORT = Thread("t1", "weekly report", NOW - 190_000)
BUSY = replace(IDLE, running=(REPORT,), running_count=3)
ASKED = replace(IDLE, needs_you=(Thread("t2", "Which one?", None),), needs_count=1, inbox=1)


@pytest.mark.parametrize(
    ("standing", "state", "sentence"),
    [
        (IDLE, icons.IDLE, "Nothing is at work"),
        (BUSY, icons.WORKING, "Running: weekly report, 3 min, and 2 more"),
        (ASKED, icons.NEEDS_YOU, "1 question waiting for you"),
        (replace(ASKED, running=(REPORT,), running_count=1), icons.NEEDS_YOU, "Running: weekly report, 3 min"),
        (replace(IDLE, paused=Pause(NOW, None, "tray")), icons.PAUSED, "All work is paused"),
        (replace(BUSY, finishing=True), icons.WORKING, "Quits when what is at work has ended (3)"),
    ],
)
def test_a_sentence_and_a_shape_tell_how_it_stands(standing: Standing, state: str, sentence: str) -> None:
    """What needs a person shows first in the icon, what runs first in the words."""
    made = menu.message(standing)
    assert (made["state"], made["menu"][0]["text"], made["menu"][0]["off"]) == (state, sentence, True)
    assert made["tip"] == f"Baara: {sentence[0].lower()}{sentence[1:]}"


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [item["text"] for item in items if item]


def test_the_menu_has_all_that_the_pages_have_at_hand() -> None:
    """In order, with numbers, and no empty lists below."""
    due = replace(BUSY, inbox=4, next_due=(NOW + 3600_000, "briefing"), today_microusd=420_000)
    assert texts(menu.message(due)["menu"]) == [
        "Running: weekly report, 3 min, and 2 more", "New task…", "Inbox (4)", "Running (3)", "Next: 13:00 briefing",
        "Today $0.42", "Pause", "Keep awake while working", "Open", "Settings", "Quit",
    ]  # fmt: skip
    [below] = [item for item in menu.message(due)["menu"] if item.get("text") == "Running (3)"]
    assert [(one["id"], one["text"]) for one in below["items"]] == [
        ("page:/thread/t1", "weekly report, 3 min"), ("page:/", "2 more"),
    ]  # fmt: skip


def test_what_is_paused_can_be_resumed() -> None:
    """One item takes the place of the lengths."""
    assert "Resume work" in texts(menu.message(replace(IDLE, paused=Pause(NOW, None, "tray")))["menu"])


def test_a_long_title_is_cut() -> None:
    """A menu does not wrap."""
    long = replace(BUSY, running=(Thread("t1", "x" * 300, None),), running_count=1)
    assert len(menu.message(long)["menu"][0]["text"]) < 80


def test_the_icons_are_told_apart_by_their_shapes() -> None:
    """Also without colours, and small."""
    seen = set()
    for state in icons.SHAPES:
        with Image.open(io.BytesIO(icons.picture(state))) as picture:
            seen.add(picture.convert("LA").resize((16, 16)).tobytes())
    assert len(seen) == len(icons.SHAPES)

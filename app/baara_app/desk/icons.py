"""The tray's pictures: idle, working and needs-you are told apart by their shape, in whatever colours a panel has."""

import io
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageDraw

EDGE = 64  # pixels: panels make it smaller
GREEN, LIGHT, AMBER = "#0b6656", "#ffffff", "#b45309"
IDLE, WORKING, NEEDS_YOU, PAUSED = "idle", "working", "needs you", "paused"


@cache
def picture(state: str) -> bytes:
    """Give the picture of a state as a PNG."""
    made = Image.new("RGBA", (EDGE, EDGE))
    SHAPES[state](ImageDraw.Draw(made))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def _idle(draw: ImageDraw.ImageDraw) -> None:
    """Draw three lines in a ring: nothing is at work."""
    draw.ellipse((4, 4, 60, 60), fill=LIGHT, outline=GREEN, width=6)
    for y in (24, 32, 40):
        draw.line((20, y, 44, y), fill=GREEN, width=4)


def _working(draw: ImageDraw.ImageDraw) -> None:
    """Draw a full disc with an arrow that goes on."""
    draw.ellipse((2, 2, 62, 62), fill=GREEN)
    draw.polygon(((24, 16), (24, 48), (50, 32)), fill=LIGHT)


def _needs_you(draw: ImageDraw.ImageDraw) -> None:
    """Draw a triangle with a mark: somebody is asked for."""
    draw.polygon(((32, 2), (62, 58), (2, 58)), fill=AMBER)
    draw.line((32, 20, 32, 40), fill=LIGHT, width=7)
    draw.ellipse((28, 45, 36, 53), fill=LIGHT)


def _paused(draw: ImageDraw.ImageDraw) -> None:
    """Draw two bars in a square: all work is paused."""
    draw.rounded_rectangle((4, 4, 60, 60), 12, fill=LIGHT, outline=GREEN, width=6)
    draw.rectangle((20, 18, 28, 46), fill=GREEN)
    draw.rectangle((36, 18, 44, 46), fill=GREEN)


SHAPES: dict[str, Callable[[ImageDraw.ImageDraw], None]] = {
    IDLE: _idle, WORKING: _working, NEEDS_YOU: _needs_you, PAUSED: _paused,
}  # fmt: skip

"""Plots as SVG, drawn on the server: a bar for each day."""

from collections.abc import Sequence

from markupsafe import Markup

from baara_ui import rendering

WIDTH, HEIGHT, FOOT, HEAD = 900, 190, 22, 16  # units of the drawing
LABELS = 8  # along the axis, so that they do not touch


def bars(days: Sequence[tuple[str, int]], title: str) -> Markup:
    """Draw amounts in microdollars by day; each bar says its day and amount."""
    most = max((amount for _, amount in days), default=0) or 1
    step = WIDTH / max(len(days), 1)
    drawn = Markup("").join(_bar(at * step, step, day, amount, most) for at, (day, amount) in enumerate(days))
    every = max(len(days) // LABELS, 1)
    labels = Markup("").join(
        Markup('<text x="{:.1f}" y="{}">{}</text>').format(at * step + 2, HEIGHT - 6, day[5:])
        for at, (day, _) in enumerate(days) if at % every == 0
    )  # fmt: skip
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}"><text x="0" y="11">{}</text>{}{}'
        '<path class="axis" d="M0 {}H{}"/></svg>'
    ).format(WIDTH, HEIGHT, title, rendering.money(most if most > 1 else 0), drawn, labels, HEIGHT - FOOT, WIDTH)


def _bar(x: float, step: float, day: str, amount: int, most: int) -> Markup:
    room = HEIGHT - FOOT - HEAD
    height = max(room * amount / most, 2.0 if amount else 0.0)
    return Markup(
        '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}: {}</title></rect>'
    ).format(x + step * 0.1, HEIGHT - FOOT - height, step * 0.8, height, day, rendering.money(amount))

"""Plots as SVG, drawn on the server: a bar for each day, and a line of what an execution did."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from baara_engine.clock import Millis
from baara_engine.records import CallSeen, Turn
from baara_ui import rendering

WIDTH, HEIGHT, FOOT, HEAD = 900, 190, 22, 16  # units of the drawing
LINE_HEIGHT, MARKS_AT, CALLS_AT, CALL_HEIGHT = 40, 10, 20, 14
LABELS = 8  # along the axis, so that they do not touch


def bars(days: Sequence[tuple[str, int]], title: str, told: Callable[[int], str] = rendering.money) -> Markup:
    """Draw amounts by day; each bar says its day and its amount, which `told` writes."""
    most = max((amount for _, amount in days), default=0) or 1
    step = WIDTH / max(len(days), 1)
    drawn = Markup("").join(
        _bar(at * step, step, f"{day}: {told(amount)}", amount / most) for at, (day, amount) in enumerate(days)
    )
    every = max(len(days) // LABELS, 1)
    labels = Markup("").join(
        Markup('<text x="{:.1f}" y="{}">{}</text>').format(at * step + 2, HEIGHT - 6, day[5:])
        for at, (day, _) in enumerate(days) if at % every == 0
    )  # fmt: skip
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}"><text x="0" y="11">{}</text>{}{}'
        '<path class="axis" d="M0 {}H{}"/></svg>'
    ).format(WIDTH, HEIGHT, title, told(most if most > 1 else 0), drawn, labels, HEIGHT - FOOT, WIDTH)


def _bar(x: float, step: float, title: str, share: float) -> Markup:
    height = max((HEIGHT - FOOT - HEAD) * share, 2.0 if share else 0.0)
    return Markup(
        '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}</title></rect>'
    ).format(x + step * 0.1, HEIGHT - FOOT - height, step * 0.8, height, title)


def timeline(turns: Sequence[Turn], begun: Millis | None, ended: Millis) -> Markup:
    """Draw when the model answered (marks) and how long tools ran (bars), from the beginning to the end."""
    if begun is None or not turns:
        return Markup("")
    first = min(begun, turns[0].at) if turns[0].turn == 1 else turns[0].at
    scale = WIDTH / max(ended - first, 1)
    calls = Markup("").join(_call(call, first, ended, scale) for turn in turns for call in turn.calls)
    marks = Markup("").join(
        Markup('<circle class="mark" cx="{:.1f}" cy="{}" r="4"><title>turn {}</title></circle>').format(
            min(max((turn.at - first) * scale, 4), WIDTH - 4), MARKS_AT, turn.turn
        )
        for turn in turns
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="When it answered, and how long its tools ran">'
        '<path class="axis" d="M0 {}H{}"/>{}{}</svg>'
    ).format(WIDTH, LINE_HEIGHT, MARKS_AT, WIDTH, calls, marks)


def _call(call: CallSeen, first: Millis, now: Millis, scale: float) -> Markup:
    x = max((call.begun_at - first) * scale, 0)
    width = max(((call.ended_at or now) - call.begun_at) * scale, 2)
    return Markup(
        '<rect class="bar{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"><title>{}</title></rect>'
    ).format(
        " bad" if call.is_error else "", min(x, WIDTH - 2), CALLS_AT, min(width, WIDTH - x), CALL_HEIGHT, call.name
    )

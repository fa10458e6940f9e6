"""Templates and what they may call. Everything that is put into one is escaped, unless it comes from `markdown`."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from baara_engine import resuming, words
from baara_engine.clock import Millis, iso
from baara_ui import looks, markdown, moments

HERE = Path(__file__).parent
MICRO = 1_000_000
CENTS_FROM = 100_000  # microdollars: below ten cents the parts of a cell matter


def render(template: str, **values: Any) -> str:
    """Fill a template. A value that it names and that is missing is an error."""
    return ENVIRONMENT.get_template(template).render(**values)


def money(microusd: int | None) -> str:
    """Write an amount as people read it: to the cent, small ones finer."""
    amount = (microusd or 0) / MICRO
    return f"${amount:,.2f}" if (microusd or 0) >= CENTS_FROM or not microusd else f"${amount:.4f}"


def at(moment: Millis | None, how: str = "ago") -> Markup:
    """Write a moment as an element that the browser keeps up to date: “3 min”, or the local time."""
    if moment is None:
        return Markup("")
    local = moments.local(moment)
    return Markup('<time datetime="{}" data-at="{}" title="{}">{}</time>').format(
        iso(moment), how, local.strftime("%A, %d %B %Y, %H:%M:%S"), local.strftime("%d %b %H:%M")
    )


def took(started: Millis | None, ended: Millis | None) -> Markup:
    """Write how long something took; what still runs counts on in the browser."""
    if started is None:
        return Markup("")
    if ended is None:
        return Markup('<time datetime="{}" data-at="since"></time>').format(iso(started))
    return Markup("{}").format(resuming.duration(max(ended - started, 0)))


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"at": at, "took": took, "words": words, "looks": looks}
    made.filters |= {"money": money, "markdown": markdown.html, "plain": markdown.plain, "code": markdown.code}
    return made


ENVIRONMENT = _environment()

"""Making what a host gave readable: HTML as Markdown, by a program that can be killed."""

import codecs

from baara_engine import aside, errors
from baara_engine.fetching.getting import Got

READ_S = 20.0  # seconds: a page that takes longer is no page, or an attack
HTML = frozenset({"text/html", "application/xhtml+xml"})
ALSO_TEXT = frozenset({"application/json", "application/xml", "application/javascript", "application/yaml"})


async def text(got: Got) -> str:
    """Give it as text. Raises `errors.InvalidInput` for what is none."""
    if got.media_type in HTML:
        return await _markdown(_decoded(got))
    if got.media_type.startswith("text/") or got.media_type in ALSO_TEXT or got.media_type.endswith(("+json", "+xml")):
        return _decoded(got)
    raise errors.InvalidInput(f"It is {got.media_type}, not a page of text.")


async def _markdown(html: str) -> str:
    told = await aside.run("baara_engine.fetching.markdown", html.encode("utf-8", "replace"), limit_s=READ_S)
    if not told:
        raise errors.InvalidInput("The page cannot be made readable: it is too large or too deep, or has no text.")
    return told.decode("utf-8")


def _decoded(got: Got) -> str:
    try:
        codecs.lookup(got.charset)
        return got.body.decode(got.charset, "replace")
    except (LookupError, ValueError):  # a host may name anything, base64 among it
        return got.body.decode("utf-8", "replace")

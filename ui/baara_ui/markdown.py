"""Text of agents as HTML: what is not on a list does not get through.

Nothing that it makes loads anything, runs anything, or leads anywhere unasked: pictures become their description, and
links are inert until a person has seen their host (`data-href`, opened by the page's own script).
"""

from functools import lru_cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from pygments import highlight, lexers, util
from pygments.formatters.html import HtmlFormatter

MOST = 400_000  # characters that are taken apart: longer texts are shown as they are, in full
MOST_KEPT = 20_000  # characters of a text that is kept as HTML: pages are rendered often, a few long ones fill memory
MOST_CODE = 100_000  # characters of code that are coloured
TAGS = {
    "a", "blockquote", "br", "code", "del", "details", "div", "dl", "dt", "dd", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "kbd", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td",
    "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"data-href", "data-host", "role", "tabindex"}, "ol": {"start"}, "code": {"class"}, "span": {"class"},
    "td": {"align"}, "th": {"align"}, "pre": {"tabindex"},
}  # fmt: skip
COLOURED = HtmlFormatter(nowrap=True, classprefix="c-")
WEB = frozenset({"http", "https"})


def html(text: str) -> Markup:
    """Give Markdown as HTML that may stand in a page."""
    if len(text) > MOST:
        return plain(text)
    return _kept(text) if len(text) <= MOST_KEPT else _html(text)


def plain(text: str) -> Markup:
    """Give text as it is, with its lines."""
    return Markup('<pre class="plain" tabindex="0">{}</pre>').format(text)


def code(text: str, language: str = "") -> Markup:
    """Give code in colours, as far as its language is known."""
    return Markup('<pre class="code" tabindex="0"><code>{}</code></pre>').format(Markup(_coloured(text, language)))  # noqa: S704 - pygments escapes


@lru_cache(maxsize=256)
def _kept(text: str) -> Markup:
    return _html(text)


def _html(text: str) -> Markup:
    made = PARSER.render(text)
    kept = nh3.clean(
        made, tags=TAGS, attributes={tag: set(names) for tag, names in ATTRIBUTES.items()}, url_schemes=set(),
        link_rel=None,
    )  # fmt: skip
    return Markup(kept)  # noqa: S704 - it has just been cleaned


def _coloured(text: str, language: str, _attributes: str = "") -> str:
    if not language or len(text) > MOST_CODE:
        return str(escape(text))
    try:
        lexer = lexers.get_lexer_by_name(language)
    except util.ClassNotFound:
        return str(escape(text))
    return str(highlight(text, lexer, COLOURED))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "highlight": _coloured})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("fence", _fence)
    return parser


def _image(_self: object, tokens: list, at: int, _options: object, _env: object) -> str:  # type: ignore[type-arg]
    """Name a picture instead of loading it: where it lies, somebody would learn that it was looked at."""
    return f"<em>[picture: {escape(tokens[at].content or 'without description')}]</em>"


def _link(_self: object, tokens: list, at: int, _options: object, _env: object) -> str:  # type: ignore[type-arg]
    """Make a link that does nothing by itself."""
    address = str(tokens[at].attrGet("href") or "")
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "<a>"
    if parts.scheme not in WEB or not host:
        return "<a>"
    return f'<a data-href="{escape(address)}" data-host="{escape(host)}" role="link" tabindex="0">'


def _fence(_self: object, tokens: list, at: int, _options: object, _env: object) -> str:  # type: ignore[type-arg]
    token = tokens[at]
    language = (token.info or "").split(maxsplit=1)[0] if token.info.strip() else ""
    return f'<pre tabindex="0"><code>{_coloured(token.content, language)}</code></pre>'


PARSER = _parser()

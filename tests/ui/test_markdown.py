"""Markdown of agents as HTML."""

from html.parser import HTMLParser

import pytest
from tests.ui.payloads import PAYLOADS

from baara_ui import markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and `code`", "<p><strong>bold</strong> and <code>code</code></p>"),
        ("# Head", "<h1>Head</h1>"),
        ("a\n\n- b\n- c", "<li>b</li>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<td>2</td>"),
        ("~~gone~~", "<s>gone</s>"),
        ("![a cat](http://evil.example/cat.png)", "[picture: a cat]"),
        ("[there](https://example.org/x)", 'data-href="https://example.org/x" data-host="example.org"'),
        ("[there](javascript:alert(1))", "javascript:alert(1)"),
        ("```python\ndef f(): ...\n```", '<span class="c-k">def</span>'),
        ("```\n<b>\n```", "&lt;b&gt;"),
        ("```no-such-language\nx\n```", "<code>x"),
        ("<b>raw</b>", "&lt;b&gt;raw&lt;/b&gt;"),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    """What people write in Markdown is shown as such; HTML within it is text."""
    assert html in markdown.html(text)


class Elements(HTMLParser):
    """Collects the elements of a text, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("text", PAYLOADS, ids=range(len(PAYLOADS)))
def test_nothing_loads_or_runs(text: str) -> None:
    """Whatever a text holds, no element and no attribute that loads or runs anything comes of it."""
    made = Elements(markdown.html(text))
    assert made.found <= markdown.TAGS
    assert made.attributes <= {"data-href", "data-host", "role", "tabindex", "class", "align", "start"}


def test_a_long_text_is_shown_in_full() -> None:
    """A text that is too long to be taken apart is shown as it is, to its last word."""
    text = "word " * 100_000 + "<end>"
    assert markdown.html(text).endswith("&lt;end&gt;</pre>")

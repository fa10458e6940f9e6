"""A program of its own: HTML on its input, Markdown on its output. Nothing in a page is run or loaded."""

import sys

import bs4
import markdownify

from baara_engine import address_space

MEMORY = 1024 * 1024 * 1024  # bytes of address space: five megabytes of tags make a tree of some hundred
UNREAD = ("script", "style", "noscript", "template", "svg", "iframe", "object", "form", "nav", "footer")


def main() -> None:
    """Read, turn, print."""
    address_space.limit(MEMORY)
    tree = bs4.BeautifulSoup(sys.stdin.buffer.read(), "html.parser", from_encoding="utf-8")
    for element in tree(UNREAD):
        element.decompose()
    title = tree.title.get_text(" ", strip=True) if tree.title else ""
    text = markdownify.MarkdownConverter(heading_style="atx", bullets="*").convert_soup(tree.body or tree)
    sys.stdout.buffer.write(_tidy(f"# {title}\n\n{text}" if title else text).encode())


def _tidy(text: str) -> str:
    """Leave one empty line where there are more."""
    kept: list[str] = []
    for line in (line.rstrip() for line in text.splitlines()):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


if __name__ == "__main__":
    main()

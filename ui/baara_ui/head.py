"""What every page loads, all of it from here."""

import hashlib
from pathlib import Path

from nicegui import ui

STATIC = Path(__file__).parent / "static"
FAVICON = STATIC / "baara.svg"
LOADED = ("theme.js", "vendor/idiomorph.min.js", "baara.js")


def _address(name: str) -> str:
    """Name a file with its version, so that no browser shows an old one."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def add() -> None:
    """Add it to the page that is being built."""
    scripts = "".join(f'<script src="{_address(name)}"></script>' for name in LOADED)
    sheets = "".join(f'<link rel="stylesheet" href="{_address(name)}">' for name in ("baara.css", "code.css"))
    ui.add_head_html(sheets + scripts)
    ui.add_body_html('<a class="skip" href="#main">Skip to the content</a>')

"""Skills and plugins as people have them on their disks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


@pytest.fixture
def claude(tmp_path: Path) -> Path:
    """Give an empty folder of Claude's."""
    folder = tmp_path / "claude"
    folder.mkdir()
    return folder


@pytest.fixture
def skill() -> Write:
    """Give a function that writes a skill into a folder of skills."""

    def write(root: Path, name: str, body: str = "Do it.", description: str = "Does it.", **head: str) -> Path:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{key.replace('_', '-')}: {value}" for key, value in ({"description": description} | head).items()]
        (folder / "SKILL.md").write_text("\n".join(["---", *lines, "---", body]))
        return folder

    return write


@pytest.fixture
def plugin(claude: Path) -> Callable[..., Path]:
    """Give a function that installs a plugin as Claude does."""

    def install(
        name: str, *, on: bool | None = True, market: str = "market", version: str = "1.0.0",
        manifest: dict[str, Any] | None = None, offer: dict[str, Any] | None = None, scope: str = "user",
    ) -> Path:  # fmt: skip
        path = claude / "plugins" / "cache" / market / name / version
        (path / ".claude-plugin").mkdir(parents=True)
        if manifest is not None:
            (path / ".claude-plugin" / "plugin.json").write_text(json.dumps({"name": name} | manifest))
        full = f"{name}@{market}"
        entry = {"scope": scope, "installPath": str(path), "version": version, "lastUpdated": "2026-01-01T00:00:00Z"}
        _merge(claude / "plugins" / "installed_plugins.json", {"version": 2, "plugins": {full: [entry]}})
        if on is not None:
            _merge(claude / "settings.json", {"enabledPlugins": {full: on}})
        place = claude / "plugins" / "marketplaces" / market
        (place / ".claude-plugin").mkdir(parents=True, exist_ok=True)
        offers = {"name": market, "plugins": [{"name": name, "source": "./"} | (offer or {})]}
        (place / ".claude-plugin" / "marketplace.json").write_text(json.dumps(offers))
        _merge(claude / "plugins" / "known_marketplaces.json", {market: {"installLocation": str(place)}})
        return path

    return install


def _merge(file: Path, values: dict[str, Any]) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    for key, value in values.items():
        known[key] = known.get(key, {}) | value if isinstance(value, dict) else value
    file.write_text(json.dumps(known))

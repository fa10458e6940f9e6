"""Putting the pages behind a web server."""

import asyncio
import importlib
from pathlib import Path

from fastapi import FastAPI, Request
from nicegui import app as nicegui_app
from nicegui import ui

from baara_ui import files, head
from baara_ui.house import House
from baara_ui.page import Page

STATIC = Path(__file__).parent / "static"
RECONNECT_S = 30.0  # seconds that a page which has lost its connection keeps its place

# address → module and class; the class is made for each window that opens the address
TABLE: dict[str, tuple[str, str]] = {
    "/": ("baara_ui.pages.inbox", "Inbox"),
    "/thread/{thread_id}": ("baara_ui.pages.inbox", "Inbox"),
    "/executions/{execution_id}": ("baara_ui.pages.inbox", "OfExecution"),
    "/welcome": ("baara_ui.pages.welcome", "Welcome"),
    "/new": ("baara_ui.pages.compose", "Compose"),
    "/tasks": ("baara_ui.pages.tasks", "Tasks"),
    "/tasks/{task_id}": ("baara_ui.pages.task", "TaskEditor"),
    "/schedule": ("baara_ui.pages.schedule", "Schedule"),
    "/queues": ("baara_ui.pages.queues", "Queues"),
    "/usage": ("baara_ui.pages.usage", "Usage"),
    "/templates": ("baara_ui.pages.templates", "Templates"),
    "/projects": ("baara_ui.pages.projects", "Projects"),
    "/skills": ("baara_ui.pages.skills", "Skills"),
    "/settings": ("baara_ui.pages.settings", "Settings"),
    "/health": ("baara_ui.pages.health", "Health"),
    "/quit": ("baara_ui.pages.quitting", "Quit"),
}


def mount(app: FastAPI, house: House) -> None:
    """Add all pages, what they load, and the files of workspaces; the news is told while the app runs."""
    for address, (module, name) in TABLE.items():
        _add(address, getattr(importlib.import_module(module), name), house)
    nicegui_app.add_static_files("/static", str(STATIC))
    files.add(app, house.engine)
    nicegui_app.on_startup(lambda: house.hub.start(asyncio.get_running_loop()))
    nicegui_app.on_shutdown(house.hub.stop)
    ui.run_with(
        app, title="Baara", dark=None, language="en-US", tailwind=False, reconnect_timeout=RECONNECT_S,
        show_welcome_message=False, binding_refresh_interval=None, favicon=head.FAVICON,
    )  # fmt: skip


def _add(address: str, page: type[Page], house: House) -> None:
    """Register a page under an address; it is told what stands in the place of a name in it."""

    def show(request: Request) -> None:
        head.add()
        page(house, **request.path_params)

    ui.page(address)(show)

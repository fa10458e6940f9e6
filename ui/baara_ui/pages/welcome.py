"""The first steps: a key, a folder, something to try. Each can be left out."""

import asyncio
from typing import Any

from nicegui import ui

from baara_engine import errors, requests
from baara_engine.config import OFFLINE
from baara_engine.projects import ProjectDraft
from baara_engine.records import Event
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

PROJECT = "My work"  #: what the first project is called
TRIES = (
    "Look over this folder and tell me what is in it",
    "Count the files and lines in this folder",
    "Find what is marked TODO in this folder",
)


class Welcome(Page):
    """Three steps for who is here for the first time."""

    title = "First steps"
    here = "welcome"

    def __init__(self, house: House) -> None:
        """Ask the keyring once, and again when it is changed from here."""
        self.key = house.keys.state()
        self.key_told = self.folder = self.folder_error = ""
        super().__init__(house)

    def build(self) -> None:
        """Show them."""
        self.part("welcome.html", self._values)
        for name, do in {
            "keep-key": self._keep, "check-key": self._check, "folder": self._work_here, "try": self._try,
        }.items():  # fmt: skip
            self.on(name, do)

    def touches(self, event: Event) -> bool:
        """Look at what changes projects."""
        return event.kind == "project"

    async def _keep(self, fields: Fields) -> None:
        self.key_told = await asyncio.to_thread(self.house.keys.keep, fields.get("key", "").strip())
        self.key = await asyncio.to_thread(self.house.keys.state)

    async def _check(self, _fields: Fields) -> None:
        self.key_told = await asyncio.to_thread(self.house.keys.check)

    async def _work_here(self, fields: Fields) -> None:
        self.folder, self.folder_error = fields.get("folder", "").strip(), ""
        try:
            draft = requests.parse(ProjectDraft, {"name": PROJECT, "folder": self.folder or None})
            if draft.folder is None:
                raise errors.InvalidInput("Name a folder, or leave this step out.")
            project = await asyncio.to_thread(self.engine.create_project, draft)
        except errors.BaaraError as error:
            self.folder_error = error.message
            return
        await asyncio.to_thread(self.engine.set_active_project, project.id)

    async def _try(self, fields: Fields) -> None:
        model = None if self.key.source else OFFLINE
        said = {"prompt": fields.get("text", ""), "source": BY, "model": model}
        execution = await asyncio.to_thread(self.engine.submit, requests.parse(requests.Submission, said))
        ui.navigate.to(f"/thread/{execution.thread_id}")

    def _values(self) -> dict[str, Any]:
        return {
            "key": self.key, "key_told": self.key_told, "project": self.engine.active_project(),
            "folder": self.folder, "folder_error": self.folder_error, "tries": TRIES,
        }  # fmt: skip

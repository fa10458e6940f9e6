"""Templates: prompts with parameters."""

import asyncio
import re
from typing import Any

from nicegui import ui

from baara_engine import errors, requests
from baara_engine.records import Event
from baara_engine.templates.filling import TemplateDraft
from baara_ui.house import House
from baara_ui.page import BY, Fields, Page

GIVEN = "p-"  #: stands before the name of a parameter in the form
NAMED = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


class Templates(Page):
    """All templates, each with its form."""

    title = "Templates"
    here = "templates"

    def __init__(self, house: House) -> None:
        """Begin with all of them closed."""
        self.open = self.error = ""
        self.given: dict[str, str] = {}
        super().__init__(house)

    def build(self) -> None:
        """Show them."""
        self.part("templates.html", self._values)
        self.on("use", self._use)
        self.on("create", self._create)
        self.on("delete", self._delete)

    def touches(self, event: Event) -> bool:
        """Look at what changes templates."""
        return event.kind == "template"

    async def _use(self, fields: Fields) -> None:
        self.open, self.error, self.given = fields["id"], "", dict(fields)
        params = {name.removeprefix(GIVEN): value for name, value in fields.items()
                  if name.startswith(GIVEN) and value.strip()}  # fmt: skip
        try:
            made = await asyncio.to_thread(self.engine.submit_template, fields["id"], params, {"source": BY})
        except errors.InvalidInput as error:
            self.error = error.message
            return
        ui.navigate.to(f"/thread/{made.thread_id}")

    async def _create(self, fields: Fields) -> None:
        prompt = fields.get("prompt", "")
        names = dict.fromkeys(NAMED.findall(prompt))
        said = {
            "name": fields.get("name", "").strip(), "description": fields.get("description", "").strip(),
            "prompt": prompt,
            "parameters": tuple({"name": name, "required": True} for name in names),
        }  # fmt: skip
        made = await asyncio.to_thread(self.engine.create_template, requests.parse(TemplateDraft, said))
        self.open = made.id
        self.say(f"“{made.name}” is kept.")

    async def _delete(self, fields: Fields) -> None:
        gone = await asyncio.to_thread(self.engine.delete_template, fields["id"])
        self.say(f"“{gone.name}” is deleted.")

    def _values(self) -> dict[str, Any]:
        return {"templates": self.engine.templates(), "open": self.open, "error": self.error, "given": self.given}

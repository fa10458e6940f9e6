"""Pictures of every page, light, dark and narrow: `python -m tests.ui.shots FOLDER`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tests.ui.conftest import CHROMIUM, House, connected

from baara_app import reaching
from baara_engine.projects import ProjectDraft
from baara_engine.records import Kind, Permission
from baara_engine.requests import TaskDraft
from baara_engine.schedules import saying

PAGES = (
    "new",
    "tasks",
    "schedule",
    "queues",
    "usage",
    "templates",
    "projects",
    "skills",
    "settings",
    "health",
    "welcome",
)
FORMS = {"light": (1280, 800, "light"), "dark": (1280, 800, "dark"), "narrow": (420, 860, "light")}
PATIENCE_MS = 15_000.0
SETTLE_MS = 700.0  # until icons and times stand


def main() -> int:
    """Take them all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        house = House(Path(place) / "home")
        house.start()
        try:
            _live(house)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for form, (width, height, scheme) in FORMS.items():
                _take(house, browser, folder, form, width, height, scheme)
            browser.close()
        finally:
            house.stop()
    return 0


def _take(house: House, browser: Browser, folder: Path, form: str, width: int, height: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(reaching.link(house.home))
    _inbox(page, folder, form)
    for name in PAGES:
        page.goto(f"{house.url}/{name}")
        _shot(page, folder / f"{name}-{form}.png")
    page.goto(house.url + "/tasks")
    page.locator("td a").first.click()
    _shot(page, folder / f"task-{form}.png")
    context.close()


def _inbox(page: Page, folder: Path, form: str) -> None:
    _shot(page, folder / f"inbox-{form}.png")
    for name, title in (
        ("report", "Sales"), ("question", "Which supplier"), ("failure", "Nightly copy"), ("files", "Minutes"),
    ):  # fmt: skip
        page.locator(".list .row a", has=page.locator(".title", has_text=title)).first.click()
        page.locator(".reading-head h1", has_text=title).wait_for()
        _shot(page, folder / f"thread-{name}-{form}.png")
        if form == "narrow":
            page.get_by_role("button", name="Back to the list").click()


def _shot(page: Page, path: Path) -> None:
    connected(page)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)


def _live(house: House) -> None:
    """Let some things happen."""
    house.submit("report the sales", name="Sales of the third quarter", source="schedule")
    house.submit("write minutes.md", name="Minutes of Tuesday's meeting", checks=("file:minutes.md",))
    house.submit("write other.md", name="Translate the welcome letter", checks=("file:letter.md",), max_turns=6)
    house.submit("ask Which supplier is to be asked for an offer first?", name="Which supplier for the new desks?")
    house.submit("run rm -r old-drafts", name="Tidy the drafts", permission=Permission.ASK)
    house.submit("exit 3", name="Nightly copy to the other disk", kind=Kind.COMMAND, max_retries=0)
    house.submit("long 6", name="Look through the archive of letters")
    settled = [house.submit(f"echo Fine: {number} of {number}.", name=name) for number, name in enumerate(
        ("Invoices of October", "Spelling of the manual", "Links on the home page"), 3
    )]  # fmt: skip
    engine = house.engine()
    engine.settle(settled)
    now = engine.store.clock.now()
    for name, when in (("Morning briefing", "every weekday at 7"), ("Weekly report", "mondays at 9:30")):
        draft = TaskDraft(name=name, prompt="report what is new", description="What happened, in ten lines.")
        engine.create_scheduled_task(draft, saying.parse(when, "Europe/Berlin", now))
    engine.create_project(ProjectDraft(name="Garden centre", instructions="Write for gardeners. Be brief."))
    engine.close()


if __name__ == "__main__":
    sys.exit(main())

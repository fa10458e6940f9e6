"""The pages as people use them who do not see them, or use no mouse: the rules of WCAG 2.1 AA, by axe-core."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.ui.conftest import House, Open

from baara_engine.projects import ProjectDraft
from baara_engine.records import Kind
from baara_engine.requests import TaskDraft
from baara_engine.schedules import saying

PAGES = (
    "/", "/new", "/tasks", "/schedule", "/queues", "/usage", "/templates", "/projects", "/skills", "/settings",
    "/health", "/welcome",
)  # fmt: skip
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


@pytest.fixture(scope="module")
def lived_in(house: House) -> House:
    """Give a Baara in which something of every kind has happened."""
    house.submit("report the figures", name="A report with a table")
    house.submit("write notes.md", name="A file was written", checks=("file:notes.md",))
    house.submit("long 4", name="Several turns")
    house.submit("ask Which way?", name="A question")
    house.submit("exit 3", name="A failure", kind=Kind.COMMAND, max_retries=0)
    engine = house.engine()
    draft = TaskDraft(name="Morning", prompt="echo hello", description="Says hello.")
    engine.create_scheduled_task(draft, saying.parse("every weekday at 7", "Europe/Berlin", engine.store.clock.now()))
    engine.create_project(ProjectDraft(name="Garden", instructions="Be brief."))
    engine.close()
    return house


def complaints(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES)
    return [
        f"{one['id']}: {node['html'][:160]} — {node['failureSummary'][:200]}"
        for one in found.response["violations"] for node in one["nodes"]
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_breaks_no_rule(lived_in: House, open_page: Open, path: str, scheme: str) -> None:
    """No page breaks a rule, in either theme."""
    page = open_page(path, scheme=scheme)
    assert complaints(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "title", ["A report with a table", "A file was written", "Several turns", "A question", "A failure"]
)
def test_a_thread_breaks_no_rule(lived_in: House, open_page: Open, title: str, scheme: str) -> None:
    """No thread that is open breaks a rule, whatever it holds, with all that can be opened in it open."""
    page = open_page("/", scheme=scheme)
    page.locator(".list .row", has_text=title).locator("a").click()
    page.locator(".reading-head h1", has_text=title).wait_for()
    page.evaluate("document.querySelectorAll('.reading-pane details').forEach(one => one.open = true)")
    assert complaints(page) == []


def test_a_narrow_page_and_its_dialogs_break_no_rule(lived_in: House, open_page: Open) -> None:
    """Nor does a narrow window, nor a dialog."""
    page = open_page("/", width=420)
    assert complaints(page) == []
    page.keyboard.press("?")
    page.locator("#keys").wait_for()
    assert complaints(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator("#commands").wait_for()
    assert complaints(page) == []

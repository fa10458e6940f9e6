"""Text of agents, files and people is text: it runs nothing, loads nothing and leads nowhere."""

import json

import pytest
from playwright.sync_api import Page
from tests.ui.conftest import House, Open, until
from tests.ui.payloads import PAYLOADS

from baara_engine.engine import Engine
from baara_engine.requests import Submission

LINE = 190  # characters that a name may have


def name_of(payload: str) -> str:
    return "".join(char if char.isprintable() else " " for char in payload)[:LINE].strip() or "x"


@pytest.fixture(scope="module")
def poisoned(house: House) -> list[str]:
    """Give the threads of a Baara where each text is title, prompt and result, and some are inputs and file names."""
    engine = Engine(house.home)
    submitted = [engine.submit(Submission(prompt=f"echo {text}", name=name_of(text))) for text in PAYLOADS]
    submitted += [engine.submit(Submission(prompt=f"run echo {json.dumps(text)}")) for text in PAYLOADS[::10]]
    names = [text.replace("/", "∕").replace("\x00", "")[:80] for text in PAYLOADS[::20]]
    submitted += [engine.submit(Submission(prompt=f"write {name_of(name)}.md")) for name in names]
    ended = {"completed", "dead_lettered"}
    for one in submitted:
        until(lambda one=one: engine.execution(one.id).status in ended)  # type: ignore[misc]
    engine.close()
    return [one.thread_id for one in submitted]


def shown(page: Page, thread_id: str) -> None:
    """Open a thread, and everything in it."""
    page.evaluate("id => window.baara.send('open', { id })", thread_id)
    page.wait_for_function("id => document.querySelector(`[data-do=settle][data-id='${id}']`)", arg=thread_id)
    page.evaluate("document.querySelectorAll('.reading-pane details').forEach(one => one.open = true)")


def test_three_hundred_texts_do_nothing(poisoned: list[str], house: House, open_page: Open) -> None:
    """No script runs, no request leaves, no page is left, no error is raised, and the text can be read."""
    assert len(PAYLOADS) >= 300
    page = open_page("/")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    left: list[str] = []
    page.on("framenavigated", lambda frame: left.append(frame.url))
    for thread_id in poisoned:
        shown(page, thread_id)
    assert page.evaluate("window.pwned") is None
    assert (dialogs, [url for url in left if not url.startswith(house.url)], len(page.frames)) == ([], [], 1)


def test_a_link_leads_away_only_after_a_person_has_seen_where_to(house: House, open_page: Open) -> None:
    """A link of an agent shows its real host first, and nothing has been loaded by then."""
    thread_id = house.submit("report with a link", name="a link")
    page = open_page(f"/thread/{thread_id}")
    page.locator("section.answer a", has_text="the source").click()
    dialog = page.locator("#link")
    dialog.wait_for()
    assert "example.org" in (dialog.locator("[data-link-host]").text_content() or "")
    assert dialog.locator("[data-link-go]").get_attribute("href") == "https://example.org/figures"
    dialog.get_by_role("button", name="Stay").click()
    assert page.url.startswith(house.url)

"""What people do in the pages, in a real browser."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.ui.conftest import House, Open, until

from baara_engine.records import Kind, Lane
from baara_engine.requests import Submission


def row(page: Page, title: str) -> Locator:
    return page.locator(".list .row", has_text=title)


def test_a_person_submits_and_reads(house: House, open_page: Open) -> None:
    """What is written and sent is queued, done, and read in the same window, with its table and its code."""
    page = open_page("/")
    page.get_by_role("link", name="New task").first.click()
    page.get_by_label("The task, in your words").fill("report on the sales of the quarter")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/thread/"))
    answer = page.locator("section.answer")
    expect(answer.get_by_text("Sales rose by 4 %")).to_be_visible()
    expect(answer.locator("table td").first).to_have_text("north")
    expect(answer.locator("pre .c-k").first).to_have_text("def")
    expect(row(page, "report on the sales")).to_have_attribute("aria-current", "true")
    expect(row(page, "report on the sales")).not_to_have_class(re.compile("unread"))


def test_a_question_is_answered(house: House, open_page: Open) -> None:
    """A question stands in the first lane, is answered by a click, and the work goes on with that answer."""
    house.submit("ask Which way?")
    page = open_page("/")
    lane = page.locator("section.lane").first
    expect(lane).to_have_attribute("aria-label", "Needs you")
    row(page, "ask Which way?").locator("a").click()
    page.get_by_role("button", name="The second").click()
    expect(page.locator("section.answer")).to_contain_text("The second")
    expect(page.locator(".said")).to_contain_text("Answered")


def test_every_key_does_what_it_says(house: House, open_page: Open) -> None:
    """Next, previous, open, done, undo, archive, snooze, pin, unread, select, search and the keys themselves."""
    for name in ("alpha", "beta", "gamma"):
        house.submit(f"echo {name}", name=f"key {name}")
    page = open_page("/")
    expect(row(page, "key gamma")).to_be_visible()
    page.keyboard.press("j")
    first = page.locator(".list .row.here").get_attribute("data-id")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator(".list .row.here").get_attribute("data-id") == first
    row(page, "key gamma").locator("a").click()
    expect(page.locator(".reading-head h1")).to_have_text("key gamma")
    page.keyboard.press("e")
    expect(page.locator(".said")).to_contain_text("Done")
    expect(page.locator(".reading-head h1")).not_to_have_text("key gamma")
    page.keyboard.press("z")
    expect(page.locator(".said")).to_contain_text("Taken back")
    row(page, "key beta").locator("a").click()
    page.keyboard.press("s")
    expect(row(page, "key beta")).to_have_class(re.compile("pinned"))
    page.keyboard.press("Shift+U")
    expect(row(page, "key beta")).to_have_class(re.compile("unread"))
    page.keyboard.press("Shift+I")
    expect(row(page, "key beta")).not_to_have_class(re.compile("unread"))
    page.keyboard.press("x")
    expect(page.locator(".bulk")).to_contain_text("1 selected")
    page.keyboard.press("x")
    expect(page.locator(".bulk")).to_have_count(0)
    page.keyboard.press("h")
    page.get_by_role("button", name="Tomorrow morning").click()
    expect(page.locator("section.lane[aria-label=Snoozed]")).to_contain_text("key beta")
    row(page, "key alpha").locator("a").click()
    page.keyboard.press("#")
    expect(row(page, "key alpha")).to_have_count(0)
    page.keyboard.press("z")
    expect(row(page, "key alpha")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "reply-text"
    page.keyboard.type("echo j and e are letters here")
    page.keyboard.press("Control+Enter")
    expect(page.locator("section.answer")).to_contain_text("are letters here")
    page.keyboard.press("Control+k")
    page.keyboard.type("usage")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/usage"))
    page.keyboard.press("c")
    page.wait_for_url(re.compile("/new"))


def test_a_thread_is_found(house: House, open_page: Open) -> None:
    """Searching finds words of prompts and results, also of what is archived, and says when there is nothing."""
    thread = house.submit("echo the quetzal flies", name="a rare bird")
    engine = house.engine()
    engine.archive([thread])
    engine.close()
    page = open_page("/")
    page.keyboard.press("/")
    page.keyboard.type("quetz")
    expect(page.locator("section.lane[aria-label=Found] .row")).to_have_count(1)
    page.get_by_label("Outcome").select_option("Failed")
    expect(page.locator("section.lane[aria-label=Found]")).to_have_count(0)
    page.get_by_label("Outcome").select_option("Ran")
    expect(page.locator("section.lane[aria-label=Found] .row")).to_have_count(1)
    page.get_by_label("Search all threads").fill("nothing-like-this")
    expect(page.locator(".empty")).to_contain_text("Nothing found")


def test_a_dead_letter_is_mended_and_resumed(house: House, open_page: Open) -> None:
    """What failed says why and what to try; with another command it goes on, and its result is there."""
    house.submit("cat missing-file", name="a broken command", kind=Kind.COMMAND, max_retries=0)
    page = open_page("/")
    row(page, "a broken command").locator("a").click()
    card = page.locator(".card.failure")
    expect(card).to_contain_text("exit status 1")
    expect(card).to_contain_text("What to try")
    card.get_by_text("Change something first").click()
    card.get_by_label("Command").fill("echo mended")
    card.get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator("section.answer")).to_contain_text("mended")
    expect(card).to_have_count(0)


def test_many_are_archived_and_brought_back(house: House, open_page: Open) -> None:
    """Five hundred threads are selected, archived in one go, and brought back by one undo."""
    engine = house.engine()
    engine.store.write(lambda tx: tx.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
        "INSERT INTO thread (id, title, source, created_at, updated_at, unread, lane) "
        "SELECT printf('zz-bulk-%04d', i), 'bulk ' || i, 'test', 1000 + i, 1000 + i, 0, 'failed' FROM n"
    ))  # fmt: skip
    page = open_page("/")
    lane = page.locator("section.lane[aria-label=Failed]")
    expect(lane.locator(".count")).to_contain_text("500")
    lane.get_by_role("button", name="Select all").click()
    expect(page.locator(".bulk")).to_contain_text("500 selected")
    page.locator(".bulk").get_by_role("button", name="Archive").click()
    until(lambda: engine.lanes().get(Lane.ARCHIVED, 0) >= 500)
    page.keyboard.press("z")
    expect(page.locator(".said")).to_contain_text("Taken back")
    until(lambda: engine.lanes().get(Lane.ARCHIVED, 0) < 500)
    engine.store.write(lambda tx: tx.sql("DELETE FROM thread WHERE id LIKE 'zz-bulk-%'"))
    engine.close()


def test_what_is_written_is_seen_while_it_is_written(house: House, open_page: Open) -> None:
    """An answer grows before one's eyes, a word said meanwhile is kept, and the end takes its place."""
    page = open_page("/new")
    page.get_by_label("The task, in your words").fill("slow answer")
    page.get_by_role("button", name="Queue it").click()
    page.wait_for_url(re.compile("/thread/"))
    expect(page.locator("section.live")).to_contain_text("word3")
    expect(page.locator("section.live")).not_to_contain_text("word39")
    expect(page.locator("section.lane[aria-label=Running]")).to_contain_text("slow answer")
    expect(page.locator("section.answer")).to_contain_text("word39")
    expect(page.locator("section.live")).to_have_count(0)


def test_a_task_is_made_edited_scheduled_and_run(house: House, open_page: Open) -> None:
    """A task is saved with its times, says the next ones, refuses what makes no sense, is edited and run."""
    page = open_page("/new")
    page.get_by_label("The task, in your words").fill("echo good morning")
    page.get_by_label("Called").fill("Morning greeting")
    page.get_by_label("When").fill("every nonsense")
    expect(page.locator(".field.wrong")).to_have_count(1)
    page.get_by_label("When").fill("every weekday at 7")
    expect(page.get_by_text("Next:")).to_be_visible()
    page.get_by_role("button", name="Save as a task").click()
    page.wait_for_url(re.compile("/tasks/"))
    expect(page.locator("h1")).to_have_text("Morning greeting")
    page.get_by_label("What it does").fill("echo good evening")
    page.get_by_role("button", name="Save", exact=False).first.click()
    expect(page.locator(".said")).to_contain_text("Saved")
    page.get_by_label("Name", exact=True).fill("")
    expect(page.locator(".notice.bad")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Morning greeting")
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_label("Due").fill("every day at 6:30")
    page.get_by_label("What was missed").select_option("skip")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("missed: skip")).to_be_visible()
    expect(page.get_by_text("At 06:30")).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".chip", has_text="paused")).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).click()
    page.goto(house.url + "/tasks")
    page.get_by_role("button", name="Run").first.click()
    expect(page.locator(".said")).to_contain_text("queued")
    page.goto(house.url + "/schedule")
    expect(page.locator(".calendar .slot").first).to_contain_text("Morning greeting")
    page.goto(house.url)
    row(page, "Morning greeting").first.locator("a").click()
    expect(page.locator("section.answer")).to_contain_text("good evening")


def test_a_fork_goes_another_way(house: House, open_page: Open) -> None:
    """From a turn of what has ended, another execution goes on with other words."""
    house.submit("long 3", name="to be forked")
    page = open_page("/")
    row(page, "to be forked").locator("a").click()
    page.locator(".turn summary").first.click()
    page.get_by_role("button", name="Fork from here").first.click()
    expect(page.locator(".reply .notice")).to_contain_text("from turn 1")
    page.locator("#reply-text").fill("echo another way")
    page.locator(".reply").get_by_role("button", name="Fork").click()
    expect(page.locator("section.answer")).to_contain_text("another way")


def test_a_limit_is_set_and_taken_away(house: House, open_page: Open) -> None:
    """A limit for a day is set in the page, shown, and taken away; a wrong amount is refused in words."""
    page = open_page("/usage")
    page.get_by_label("$ a day").fill("lots")
    page.get_by_role("button", name="Set the limit").click()
    expect(page.locator(".said.bad")).to_contain_text("no amount")
    page.get_by_label("$ a day").fill("2.50")
    page.get_by_role("button", name="Set the limit").click()
    expect(page.get_by_role("cell", name="$2.50 a day")).to_be_visible()
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_text("There is no limit.")).to_be_visible()


def test_the_theme_is_switched_and_kept(house: House, open_page: Open) -> None:
    """The theme follows the system, until somebody chooses."""
    page = open_page("/", scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 19, 17)"
    page.get_by_role("button", name="Theme").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 245, 241)"


def test_a_narrow_window_shows_one_thing_at_a_time(house: House, open_page: Open) -> None:
    """At 420 pixels the list fills the page, a thread takes its place, and one comes back; nothing is cut off."""
    house.submit("echo narrow", name="narrow thing")
    page = open_page("/", width=420)
    row(page, "narrow thing").locator("a").click()
    expect(page.locator(".reading-head h1")).to_have_text("narrow thing")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.get_by_role("button", name="Back to the list").click()
    expect(row(page, "narrow thing")).to_be_visible()
    page.get_by_role("button", name="All pages").click()
    page.get_by_role("link", name="Usage").click()
    page.wait_for_url(re.compile("/usage"))


def test_a_server_that_dies_is_said_and_comes_back(house: House, open_page: Open) -> None:
    """The page says that the connection is lost; once the server is there again, it shows what happened meanwhile."""
    page = open_page("/")
    house.kill()
    expect(page.locator(".offline")).to_be_visible()
    house.start()
    house.submit("echo meanwhile", name="done meanwhile")
    expect(row(page, "done meanwhile")).to_be_visible()
    expect(page.locator(".offline")).to_be_hidden()
    house.wrong.clear()  # a browser complains of each connection that is refused


def test_tab_goes_from_lane_to_lane(house: House, open_page: Open) -> None:
    """Within a lane the keys j and k move; Tab goes to the first row of the next lane."""
    house.submit("echo one", name="tab one")
    house.submit("echo two", name="tab two")
    house.submit("exit 3", name="tab failed", kind=Kind.COMMAND, max_retries=0)
    page = open_page("/")
    row(page, "tab failed").locator("a").focus()
    lanes = []
    for _ in range(8):
        lanes.append(page.evaluate("document.activeElement.closest('.lane')?.getAttribute('aria-label')"))
        page.keyboard.press("Tab")
    inside = [lane for lane in lanes if lane]
    assert inside[0] == "Failed"
    assert "New results" in inside
    assert inside.count("New results") <= 3  # its heading's button, its first row, and “show more”


def test_a_change_is_shown_as_one(house: House, open_page: Open) -> None:
    """What a tool was called with is shown as what it is, with when it ran."""
    thread_id = house.submit("write notes.md", name="a file")
    page = open_page(f"/thread/{thread_id}")
    page.locator(".turn summary").first.click()
    expect(page.locator(".turn .call").first).to_contain_text("Written")
    expect(page.locator("svg.plot .mark")).to_have_count(2)


def test_each_lane_stands_where_it_belongs(house: House, open_page: Open) -> None:
    """All seven lanes are shown, work that stands still first; what is archived is in none."""
    house.submit("ask Left or right?", name="lane question")
    house.submit("exit 4", name="lane failure", kind=Kind.COMMAND, max_retries=0)
    house.submit("echo new", name="lane new")
    threads = {name: house.submit("echo x", name=f"lane {name}") for name in ("snoozed", "done", "archived")}
    engine = house.engine()
    engine.snooze([threads["snoozed"]], engine.store.clock.now() + 3_600_000)
    engine.settle([threads["done"]])
    engine.archive([threads["archived"]])
    engine.submit(Submission(prompt="sleep 30", name="lane running", kind=Kind.COMMAND))
    engine.submit(Submission(prompt="echo later", name="lane waiting", not_before=engine.store.clock.now() + 3_600_000))
    page = open_page("/")
    expect(page.locator("section.lane[aria-label=Running]")).to_contain_text("lane running")
    shown = {
        str(lane.get_attribute("aria-label")): lane.inner_text() for lane in page.locator("section.lane").all()
    }  # fmt: skip
    assert list(shown) == ["Needs you", "Failed", "New results", "Running", "Waiting", "Snoozed", "Done"]
    names = ("question", "failure", "new", "running", "waiting", "snoozed", "done")
    assert all(f"lane {name}" in text for name, text in zip(names, shown.values(), strict=True))
    expect(row(page, "lane archived")).to_have_count(0)
    for one in engine.executions(limit=3):
        if one.name in {"lane running", "lane waiting"}:
            engine.cancel(one.id)
    engine.close()


@pytest.mark.parametrize("key", ["e", "#", "s", "Shift+U", "h"])
def test_each_action_is_taken_back_by_a_key(house: House, open_page: Open, key: str) -> None:
    """Whatever a key does to a thread, `z` puts it back as it was."""
    thread_id = house.submit("echo undo", name="to be undone")
    page = open_page(f"/thread/{thread_id}")
    engine = house.engine()
    until(lambda: not engine.rows([thread_id])[0].thread.unread)
    before = engine.rows([thread_id])[0].thread
    expect(row(page, "to be undone").first).to_have_class(re.compile("here"))
    page.keyboard.press(key)
    if key == "h":
        page.get_by_role("button", name="In an hour").click()
    until(lambda: engine.rows([thread_id])[0].thread != before)
    page.keyboard.press("z")
    until(lambda: engine.rows([thread_id])[0].thread == before)
    engine.archive([thread_id])
    engine.close()

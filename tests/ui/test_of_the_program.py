"""What the pages show of the program around them: its log, what fell over, and who is let in."""

import logging
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.ui.conftest import House, Open, until

from baara_app import crashes, logs

REPORT = crashes.Report("2026-01-02T03:04:05.000Z", "the <b>tray</b> fell over", "line 7, in draw\n<i>boom</i>")


@pytest.mark.expects_log("")
def test_health_tells_the_log_and_what_fell_over(house: House, open_page: Open) -> None:
    """From warnings on, or all of it, as text; reports open in place."""
    crashes.write(house.home, REPORT)
    _log(house.home, logging.WARNING, "the <b>disk</b> is slow")
    _log(house.home, logging.INFO, "nothing of interest")
    page = open_page("/health")
    page.locator("#crashes summary").click()
    assert "the <b>tray</b> fell over" in page.locator("#crashes").inner_text()
    assert "<i>boom</i>" in page.locator("#crashes pre").inner_text()
    expect(page.locator("#log li")).to_contain_text(["the <b>disk</b> is slow"])
    assert "nothing of interest" not in page.locator("#log").inner_text()
    page.locator("#log [data-do=level]", has_text="everything").click()
    expect(page.locator("#log")).to_contain_text("nothing of interest")
    page.evaluate("document.querySelector('#log [data-do=level]').dataset.level = 'loud'")
    page.locator("#log [data-do=level]").first.click()
    expect(page.locator(".said")).to_contain_text("The log is told from one of these on: info, warning, error.")


def test_all_other_windows_are_shut_out(house: House, open_page: Open) -> None:
    """The one that asks stays; the others are told at once how to come back, and their cookie is worth nothing."""
    mine, other = open_page("/settings"), open_page("/")
    mine.reload()
    expect(mine.locator("#access")).to_contain_text("windows and browsers are let in.")
    mine.locator("[data-do=shut-out]").click()
    expect(mine.locator("#access")).to_contain_text("1 window or browser is let in.")
    until(lambda: "baara open" in other.locator("body").inner_text())
    answer = other.goto(house.url + "/")
    assert answer is not None
    assert answer.status == 401
    other.close()
    house.wrong = [line for line in house.wrong if "401" not in line and "WebSocket" not in line]
    mine.goto(house.url + "/health")
    expect(mine.locator("h1")).to_have_text("Health")


def _log(home: Path, level: int, message: str) -> None:
    """Write a line as the program does."""
    handler = logs.File(home / logs.FOLDER / logs.FILE, encoding="utf-8")
    handler.setFormatter(logs.AsJson())
    handler.emit(logging.LogRecord("baara_engine.x", level, "", 0, message, (), None))
    handler.close()

"""The pages without a browser, by NiceGUI's own simulation of a user."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from nicegui import ElementFilter, ui
from nicegui.testing import User
from nicegui.testing.user_simulation import user_simulation
from tests.engine import waits
from tests.ui.playing import Playing

from baara_engine.engine import Engine
from baara_engine.records import Lane
from baara_engine.requests import Submission
from baara_engine.testing.scripted import ScriptedModels
from baara_ui import head
from baara_ui.house import House, NoAccess, NoDesk, NoKeys, NoLogbook
from baara_ui.hub import Hub
from baara_ui.page import Page
from baara_ui.pages.compose import Compose
from baara_ui.pages.inbox import Inbox
from baara_ui.pages.welcome import Welcome
from baara_ui.part import Morphed


@pytest.fixture
def working(engine: Engine) -> Iterator[Engine]:
    """Give an engine whose agent does what its prompt says."""
    engine.start(ScriptedModels(Playing()))  # type: ignore[arg-type]
    yield engine
    engine.stop()


@pytest.fixture
async def user(working: Engine) -> AsyncIterator[User]:
    """Give a user of its pages."""
    hub = Hub(working)
    house = House(working, hub, NoKeys(), NoDesk(), NoAccess(), NoLogbook())

    def show(page: type[Page]) -> Page:
        head.add()
        return page(house)

    async with user_simulation(lambda: None) as simulated:
        ui.page("/inbox")(lambda: show(Inbox))
        ui.page("/compose")(lambda: show(Compose))
        ui.page("/welcome")(lambda: show(Welcome))
        yield simulated


def seen(user: User) -> str:
    """Give all that is shown."""
    with user:
        return "\n".join(element.props["html"] for element in ElementFilter(kind=Morphed))


async def do(user: User, name: str, **fields: str) -> None:
    """Do what the browser would ask for."""
    assert user.client is not None
    layout: Any = user.client.layout
    with user:
        [listener] = [one for one in layout._event_listeners.values() if one.type == "do"]
        layout._handle_event({"listener_id": listener.id, "args": {"do": name, **fields}})
    for _ in range(200):
        await waits.moment()


def ended(engine: Engine, prompt: str, **said: object) -> str:
    execution = engine.submit(Submission.model_validate({"prompt": prompt, **said}))
    waits.until(engine, execution.id, lambda now: waits.has_ended(now) or now.status == "waiting_for_input")
    return execution.thread_id


async def test_an_empty_inbox_says_what_to_do(user: User) -> None:
    """Who has nothing yet is told how to begin."""
    await user.open("/inbox")
    assert "Nothing here yet" in seen(user)


async def test_a_question_is_shown_and_answered(user: User, working: Engine) -> None:
    """A question is in the first lane; its answer lets the work end, and the result is shown."""
    thread_id = ended(working, "ask Which way?")
    await user.open("/inbox")
    assert "Needs you" in seen(user)
    await do(user, "open", id=thread_id)
    [question] = working.questions()
    await do(user, "answer", id=question.id, choice="The first")
    waits.until(working, working.executions()[0].id, waits.has_ended)
    await do(user, "look")
    assert "You chose: The first" in seen(user)


async def test_what_is_done_is_undone(user: User, working: Engine) -> None:
    """Done moves a thread, undo brings it back, and a thing to do that makes no sense is refused in words."""
    thread_id = ended(working, "echo hello")
    await user.open("/inbox")
    await do(user, "settle", id=thread_id)
    assert working.lanes() == {Lane.DONE: 1}
    await do(user, "undo")
    assert working.lanes() == {Lane.NEW: 1}
    await do(user, "fly")
    assert "does not know how" in seen(user)


async def test_a_form_is_checked_where_it_enters(user: User, working: Engine) -> None:
    """A budget that is no amount is refused beside the form, with what was typed kept; nothing is queued."""
    await user.open("/compose")
    await do(user, "submit", prompt="say hello", budget="a lot")
    assert "no amount in dollars" in seen(user)
    assert "say hello" in seen(user)
    assert working.executions() == []
    await do(user, "when", prompt="say hello", when="every weekday at 7")
    assert "Next:" in seen(user)


async def test_the_first_steps_lead_to_a_result(user: User, working: Engine, tmp_path: Path) -> None:
    """A folder that is none is refused in words; one that is there is worked in; what is tried ends in the inbox."""
    await user.open("/welcome")
    await do(user, "folder", folder=str(tmp_path / "none"))
    assert "is not a folder" in seen(user)
    await do(user, "folder", folder=str(tmp_path))
    assert working.active_project() is not None
    await do(user, "try", text="Look over this folder and tell me what is in it")
    [execution] = working.executions()
    assert (execution.model, execution.workspace) == ("offline", str(tmp_path))
    assert waits.until(working, execution.id, waits.has_ended).output

"""What is said in forms, as the engine takes it."""

import pytest

from baara_engine import errors, requests
from baara_engine.engine import Engine
from baara_engine.records import Kind, Permission
from baara_engine.requests import Submission, TaskDraft
from baara_ui import forms, moments, rendering

NOW = 1_795_000_000_000


def test_a_form_becomes_options_and_comes_back(engine: Engine) -> None:
    """What a task has is shown in its form, and the form says the same again."""
    said = {
        "name": "Tidy", "prompt": "tidy up", "description": "Each Friday.", "sandbox": "docker", "model": "offline",
        "permission": "ask", "budget": "2.50", "checks": "file:a.md\ncommand:make test", "timeout_s": "90",
        "max_turns": "12", "max_retries": "3", "priority": "1", "network": "none",
    }  # fmt: skip
    draft = requests.parse(
        TaskDraft, forms.options(said) | {name: said[name] for name in ("name", "prompt", "description")}
    )
    assert (draft.permission, draft.budget_microusd, draft.checks) == (
        Permission.ASK, 2_500_000, ("file:a.md", "command:make test"),
    )  # fmt: skip
    shown = forms.shown(engine.create_task(draft))
    assert {name: shown[name] for name in said} == said | {"budget": shown["budget"]}
    assert shown["budget"].startswith("2.5")


def test_an_empty_form_says_nothing() -> None:
    """What is left empty is left to the defaults."""
    assert forms.options(dict.fromkeys(("model", "budget", "checks", "timeout_s", "network", "gate"), "")) == {
        "kind": Kind.AGENT
    }
    assert Submission(prompt="x", **forms.options({"kind": "command"})).kind is Kind.COMMAND


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("timeout_s", "soon"),
        ("max_turns", "1.5"),
        ("budget", "a lot"),
        ("permission", "everything"),
        ("priority", "high"),
    ],
)
def test_what_is_no_value_is_refused(name: str, text: str) -> None:
    """A word where a number belongs is refused in words, not by a trace."""
    with pytest.raises(errors.InvalidInput):
        forms.options({name: text})


@pytest.mark.parametrize(
    ("microusd", "told"),
    [(0, "$0.00"), (None, "$0.00"), (420_000, "$0.42"), (1_234_567_890, "$1,234.57"), (1_500, "$0.0015")],
)
def test_money_is_told(microusd: int | None, told: str) -> None:
    """Amounts are told to the cent, small ones finer."""
    assert rendering.money(microusd) == told


def test_moments_are_understood() -> None:
    """Tomorrow and Monday are mornings, a length is a length, and what is neither is refused."""
    assert moments.local(moments.until("tomorrow", NOW)).hour == moments.MORNING
    assert moments.local(moments.until("monday", NOW)).weekday() == 0
    assert moments.until("+3h", NOW) == NOW + 3 * 3_600_000
    for said in ("", "whenever"):
        with pytest.raises(errors.InvalidInput):
            moments.until(said, NOW)

"""What a person sets for the whole of Baara."""

from pathlib import Path
from typing import Any

import pytest

from baara_engine import errors
from baara_engine.config import Config
from baara_engine.engine import Engine
from baara_engine.requests import Submission
from baara_engine.store import settings as rows


def test_a_setting_is_in_force_at_once(engine: Engine) -> None:
    """The next submission has it, and taking it back gives what was there before."""
    usual = engine.config.default_model
    engine.change_settings({"default_model": "offline", "keep_awake": True}, by="test")
    assert (engine.submit(Submission(prompt="x")).model, engine.config.keep_awake) == ("offline", True)
    engine.change_settings({"default_model": None}, by="test")
    assert (engine.submit(Submission(prompt="x")).model, engine.config.keep_awake) == (usual, True)


def test_what_the_environment_says_comes_first(home: Path) -> None:
    """A setting that it has said is kept and not in force."""
    engine = Engine(home, config_=Config(default_model="said", fixed=frozenset({"default_model"})))
    engine.change_settings({"default_model": "set"}, by="test")
    assert (engine.config.default_model, engine.settings().default_model) == ("said", "set")
    engine.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"}, {"default_model": ""}, {"default_model": "two\nlines"}, {"context_tokens": 5},
        {"context_tokens": "many"}, {"base_url": "http://example.org"}, {"base_url": "not an address"},
        {"quiet_from": "25:00"}, {"quiet_from": "7 o'clock"}, {"notify": "perhaps"},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_changes_nothing(engine: Engine, changes: dict[str, Any]) -> None:
    """Unknown names and wrong values get a sentence, and what goes with them is not set either."""
    with pytest.raises(errors.InvalidInput):
        engine.change_settings(changes | {"keep_awake": True}, by="test")
    assert not engine.settings().keep_awake


def test_another_process_reads_it(engine: Engine, home: Path) -> None:
    """It lies in the store; whoever reads again has it, and an event says so."""
    other = Engine(home)
    seen = engine.last_event()
    other.change_settings({"notify": False}, by="test")
    other.close()
    assert engine.settings().notify is False
    assert [event.kind for event in engine.events(seen)] == ["settings"]


def test_what_another_version_has_written_is_passed_over(engine: Engine) -> None:
    """A setting that this version does not know, or not like that, is as if it were not set; the others hold."""
    stored = {"keep_awake": True, "quiet_from": "late", "from_the_future": 1}
    engine.store.write(lambda tx: rows.put(tx, stored, ["all"], "test"))
    assert (engine.settings().keep_awake, engine.settings().quiet_from) == (True, None)

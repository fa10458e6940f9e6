"""The waits of days and minutes cut to moments, so that a table of faults is through in a minute."""

import importlib
from typing import Any

from baara_engine import config, retry
from baara_engine.agent import gate
from baara_engine.agent.model import Model
from baara_engine.agent.models import Models

DELAY_S = 0.1
IDLE_S = 2.0  # of a stream that has fallen silent
KEY = "a-key-of-no-account"


def lose() -> None:
    """Shorten every wait of this process."""
    waits: Any = retry
    waits.FIRST_DELAY_S = waits.SHORTEST_PARK_S = DELAY_S
    waits.PARK_S.update(dict.fromkeys(waits.PARK_S, DELAY_S * 2))
    gates: Any = gate
    gates.NO_VERDICT_S = DELAY_S


def settings(url: str) -> config.Config:
    """Talk to this service."""
    return config.Config(base_url=url)


class Impatient(Models):
    """The engine's own models, of which the real one waits for no silent stream."""

    def __init__(self, url: str) -> None:
        super().__init__(lambda: KEY, lambda: settings(url))
        self._url = url

    def _make(self, place: str | None) -> Model:
        module = importlib.import_module("baara_engine.agent.anthropic_model")
        made: Model = module.AnthropicModel(lambda: KEY, self._url, first_s=IDLE_S * 2, idle_s=IDLE_S)
        return made

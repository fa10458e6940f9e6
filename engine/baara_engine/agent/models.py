"""Which model answers: chosen by its id, made when first asked for, shared by all executions."""

import asyncio
import importlib
import threading
from collections.abc import Callable
from typing import cast

from baara_engine import config
from baara_engine.agent.model import Model

# The SDK's import takes seconds of CPU, so it is loaded beside everything else and never on the way to a claim.
SLOW_MODULES = ("baara_engine.agent.anthropic_model", "baara_engine.tools.check")


class Models:
    """The models of one engine."""

    def __init__(self, key: Callable[[], str | None], settings: Callable[[], config.Config]) -> None:
        """Take where the API key and the settings come from: both are asked at each call and never kept."""
        self._key = key
        self._settings = settings
        self._made: dict[str | None, Model] = {}  #: by the service's address, None for the usual one
        self._loaded = threading.Event()

    def preload(self) -> None:
        """Begin to import the SDK, in a thread of its own."""
        threading.Thread(target=self._load, name="baara-sdk-import", daemon=True).start()

    async def get(self, model_id: str) -> Model:
        """Give what answers for this model id."""
        if not self._loaded.is_set():
            await asyncio.to_thread(self._load)
        place = config.OFFLINE if model_id == config.OFFLINE else self._settings().base_url
        if place not in self._made:
            self._made[place] = self._make(place)
        return self._made[place]

    async def close(self) -> None:
        """Close what was made."""
        while self._made:
            await self._made.popitem()[1].close()

    def _load(self) -> None:
        for name in SLOW_MODULES:
            importlib.import_module(name)
        self._loaded.set()

    def _make(self, place: str | None) -> Model:
        module = importlib.import_module(SLOW_MODULES[0])
        if place == config.OFFLINE:
            return cast("Model", module.offline(pace_s=self._settings().offline_pace_s))
        return cast("Model", module.AnthropicModel(self._key, place))

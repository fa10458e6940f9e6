"""The operations on what a person sets for the whole of Baara."""

from typing import Any

from baara_engine import errors
from baara_engine import settings as what
from baara_engine.config import Config
from baara_engine.settings import Settings
from baara_engine.store import settings as rows
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx, View


class Setting:
    """Settings, and the configuration that they make with the environment."""

    store: Store
    _base: Config
    _settings: Settings | None = None  #: as they were last read

    @property
    def config(self) -> Config:
        """Give what is in force now."""
        return what.in_force(self._base, self._settings or self.settings())

    def settings(self) -> Settings:
        """Give what a person has set, as it is in the store."""
        self._settings = found = self.store.read(_read)
        return found

    def change_settings(self, changes: dict[str, Any], *, by: str) -> Settings:
        """Change some; None takes one back. Raises `errors.InvalidInput`, and then nothing is changed."""

        def work(tx: Tx) -> Settings:
            made = what.changed(_read(tx), changes)
            rows.put(tx, made.model_dump(exclude_defaults=True), sorted(changes), by)
            return made

        self._settings = made = self.store.write(work)
        return made


def _read(view: View) -> Settings:
    """Read them; what an earlier or later version has written and this one cannot use is as if it were not set."""
    stored = rows.get(view)
    try:
        return what.parsed(stored)
    except errors.InvalidInput:
        return what.parsed({name: value for name, value in stored.items() if _is_fit(name, value)})


def _is_fit(name: str, value: Any) -> bool:
    try:
        what.parsed({name: value})
    except errors.InvalidInput:
        return False
    return True

"""The log and the crash reports, as the pages ask for them (see `baara_ui.house.Logbook`)."""

from dataclasses import dataclass
from pathlib import Path

from baara_app import crashes, logs


@dataclass(frozen=True, slots=True)
class Logbook:
    """Those of one home."""

    home: Path

    def lines(self, count: int, level: str) -> list[logs.Line]:
        """Give the last lines of this level or above, oldest first. Raises `errors.Unavailable`."""
        return logs.tail(self.home, count, level)

    def crashes(self) -> list[crashes.Report]:
        """Give the reports, newest first."""
        return crashes.listing(self.home)

"""Glob patterns, matched name by name, so that a walk need not enter what cannot fit."""

import fnmatch
import re

UNSEARCHED = ".git"  # entered only where a pattern names it: thousands of files that nobody looks for


class Pattern:
    """A glob pattern: `*`, `?` and `[…]` within a name, `**` for any number of folders.

    Where it has come to is a set of places: indices of the parts that may fit the next name.
    """

    def __init__(self, text: str) -> None:
        """Take the pattern; a `**` at its end stands for everything below. Raises ValueError."""
        parts = [part for part in text.split("/") if part not in {"", "."}]
        if not parts or ".." in parts:
            raise ValueError("it must name something below the folder that is searched")
        if parts[-1] == "**":
            parts.append("*")
        self._parts = [None if part == "**" else re.compile(fnmatch.translate(part)) for part in parts]
        self._end = len(parts)
        self._last: tuple[tuple[str, ...], frozenset[int]] = ((), self._closed({0}))

    def fits(self, trail: tuple[str, ...], name: str) -> bool:
        """Say whether the file `name` in the folder at `trail` fits."""
        return self._end in self._after(self._places(trail), name, is_folder=False)

    def may_enter(self, trail: tuple[str, ...]) -> bool:
        """Say whether something below the folder at `trail` may fit. `**` does not lead into `.git`."""
        return bool(self._places(trail) - {self._end})

    def _places(self, trail: tuple[str, ...]) -> frozenset[int]:
        """Give the places after these names; remembered, because a folder's entries come one after the other."""
        if trail != self._last[0]:
            places = self._closed({0})
            for name in trail:
                places = self._after(places, name, is_folder=True)
            self._last = trail, places
        return self._last[1]

    def _after(self, places: frozenset[int], name: str, *, is_folder: bool) -> frozenset[int]:
        """Give the places after one more name."""
        after = set()
        for place in places - {self._end}:
            part = self._parts[place]
            if part is not None and part.match(name):
                after.add(place + 1)
            elif part is None and not (is_folder and name == UNSEARCHED):
                after.add(place)
        return self._closed(after)

    def _closed(self, places: set[int]) -> frozenset[int]:
        """Add the places that are reached by letting a `**` stand for nothing."""
        for place in range(self._end):
            if place in places and self._parts[place] is None:
                places.add(place + 1)
        return frozenset(places)

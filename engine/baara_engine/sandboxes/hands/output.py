"""Keeping the first and the last part of any amount of output, in a fixed amount of memory."""

from . import whole


class Kept:
    """Output of which at most `limit` bytes are kept: the first two thirds, and the last third."""

    def __init__(self, limit: int, all_of_it: whole.Whole | None = None) -> None:
        """Take the limit in bytes, and where all of the output goes if it is longer."""
        self.total = 0  #: bytes that there were
        self._limit = limit
        self._whole = all_of_it
        self._head_room = limit * 2 // 3
        self._tail_room = limit - self._head_room
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self._add_to_whole(data)
        self.total += len(data)
        room = self._head_room - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Cutting only at twice the room makes the copying proportional to the output, however small its pieces are.
        if len(self._tail) > 2 * self._tail_room:
            self._trim()

    def text(self) -> str:
        """Give what is kept as text, undecodable bytes replaced, with a note where bytes were cut out."""
        self._trim()
        missing = self.total - len(self._head) - len(self._tail)
        note = f"\n[… {missing} bytes of output cut out here{self._where()} …]\n" if missing else ""
        if not note:
            return (self._head + self._tail).decode("utf-8", "replace")
        return self._head.decode("utf-8", "replace") + note + self._tail.decode("utf-8", "replace")

    def close(self) -> None:
        """Let the file of the whole output go."""
        if self._whole is not None:
            self._whole.close()

    def _add_to_whole(self, data: bytes) -> None:
        if self._whole is None or self.total + len(data) <= self._limit:
            return
        if self.total <= self._limit:  # nothing was cut so far
            self._whole.begin()
            self._whole.add(bytes(self._head + self._tail))
        self._whole.add(data)

    def _where(self) -> str:
        if self._whole is None or not self._whole.is_there:
            return ""
        how_much = f"the first {whole.MOST // whole.MIB} MiB are" if self._whole.is_cut else "all of it is"
        return f"; {how_much} in {self._whole.path}: read or search it there"

    def _trim(self) -> None:
        del self._tail[: max(0, len(self._tail) - self._tail_room)]

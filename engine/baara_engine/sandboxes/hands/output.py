"""Keeping the first and the last part of any amount of output, in a fixed amount of memory."""


class Kept:
    """Output of which at most `limit` bytes are kept: the first two thirds, and the last third."""

    def __init__(self, limit: int) -> None:
        """Take the limit in bytes."""
        self.total = 0  #: bytes that there were
        self._head_room = limit * 2 // 3
        self._tail_room = limit - self._head_room
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
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
        note = f"\n[… {missing} bytes of output cut out here …]\n" if missing else ""
        if not note:
            return (self._head + self._tail).decode("utf-8", "replace")
        return self._head.decode("utf-8", "replace") + note + self._tail.decode("utf-8", "replace")

    def _trim(self) -> None:
        del self._tail[: max(0, len(self._tail) - self._tail_room)]

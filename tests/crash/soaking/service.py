"""The Messages API of the soak, in a process of its own: it answers as the prompt says, and fails in every way.

python -m tests.crash.soaking.service SEED
"""

import random
import signal
import sys
import threading

from tests.crash.soaking import work

from baara_engine.records import Json
from baara_engine.testing import replies
from baara_engine.testing.messages_server import MessagesServer, Recorded
from baara_engine.testing.replies import Reply

FAILING = 0.06  # of all questions
KEPT = 100  # requests


class Service(MessagesServer):
    """Remembers only the last requests: a soak makes many."""

    def reply_to(self, request: Recorded) -> tuple[Reply, str]:
        del self.requests[:-KEPT]
        return super().reply_to(request)


def script(chance: random.Random, request: Json) -> Reply:
    """Answer, or fail."""
    reply = Reply(*work.answer(request["messages"]))
    if chance.random() >= FAILING:
        return reply
    return chance.choice([
        replies.failure(429, "rate_limit_error", headers={"retry-after": "2"}),
        replies.failure(529, "overloaded_error", headers={"retry-after": "2"}),
        replies.failure(500, "api_error"),
        replies.raw(b'event: error\ndata: {"type": "error", "error": {"type": "api_error"}}\n\n'),
        reply.cut(chance.randint(0, 600)),
        reply.cut(chance.randint(0, 600)),
    ])  # fmt: skip


def main(arguments: list[str]) -> int:
    """Print the address and answer until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    chance = random.Random(int(arguments[0]))
    with Service(lambda request: script(chance, request)) as service:
        print(service.url, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

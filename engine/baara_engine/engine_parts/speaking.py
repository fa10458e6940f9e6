"""Talking to agents: while they work, and after."""

from baara_engine import operations, requests, speaking
from baara_engine.records import Execution, Said
from baara_engine.store import executions, said
from baara_engine.store.store import Store
from baara_engine.store.transaction import View


class Speaking(operations.Place):
    """The operations on what people say."""

    store: Store

    def say(self, prefix: str, text: str, *, by: str) -> Said:
        """Say something to an agent at work: it hears it once, after its current step.

        Raises `errors.NotFound`, `errors.InvalidInput`, or `errors.Refused` for what has ended or has no agent.
        """
        wanted = requests.parse(requests.Said, {"text": text})
        return self.store.write(lambda tx: speaking.say(tx, self, prefix, wanted.text, by))

    def said(self, prefix: str) -> list[Said]:
        """Give what was said to an execution, oldest first. Raises `errors.NotFound`."""

        def work(view: View) -> list[Said]:
            return said.listing(view, executions.find(view, prefix).id)

        return self.store.read(work)

    def reply(self, thread: str, text: str, *, by: str) -> Execution:
        """Go on in a thread: give the execution that hears this, which is a new one where the last has ended.

        Raises `errors.NotFound`, `errors.InvalidInput`, or `errors.Refused` where no agent has worked in the thread.
        """
        wanted = requests.parse(requests.Said, {"text": text})
        return speaking.reply(self, thread, wanted.text, by)

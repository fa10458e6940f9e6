"""The contract of a writer, held by the one in use and by the one for simulations; and how the latter dies."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baara_engine import clock
from baara_engine.events import Kind
from baara_engine.store.store import Store
from baara_engine.store.transaction import Tx, View
from baara_engine.store.writer import Committer, GroupWriter, Writer
from baara_engine.testing.inline import Dead, InlineWriter, Plug


@pytest.fixture(params=[GroupWriter, InlineWriter])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give a store with either writer."""
    make: Callable[[Committer], Writer] = request.param
    opened = Store(tmp_path, clock.SystemClock(), writer=make)
    yield opened
    opened.close()


def put(key: str) -> Callable[[Tx], str]:
    def work(tx: Tx) -> str:
        tx.sql("INSERT INTO setting (key, value) VALUES (?, '1')", (key,))
        tx.emit(Kind.QUEUE, data={"name": key})
        return key

    return work


def keys(view: View) -> list[str]:
    return [key for (key,) in view.sql("SELECT key FROM setting ORDER BY key")]


async def test_a_write_is_answered_and_there(store: Store) -> None:
    """Waited for by a thread or by a loop, it gives its result, and the next reader sees it."""
    assert store.write(put("a")) == "a"
    assert await store.awrite(put("b")) == "b"
    assert store.read(keys) == ["a", "b"]


async def test_a_write_that_fails_takes_nothing_along(store: Store) -> None:
    """Its caller gets the error, and of it there is nothing, nor is it told."""
    told: list[object] = []
    store.listen(told.extend)

    def fail(tx: Tx) -> None:
        put("b")(tx)
        raise ValueError("no")

    store.write(put("a"))
    with pytest.raises(ValueError, match="no"):
        await store.awrite(fail)
    store.write(put("c"))
    store.close()
    assert [event.data["name"] for event in told] == ["a", "c"]  # type: ignore[attr-defined]


def test_each_batch_is_numbered(store: Store) -> None:
    """A commit that raises can be looked up by the number of its batch."""
    store.write(put("a"))
    store.write(put("b"))
    assert store.read(lambda view: view.sql("SELECT max(batch) FROM writer")) == [(2,)]


@pytest.mark.parametrize(("kept", "there"), [(True, ["a", "b"]), (False, ["a"])])
def test_a_process_dies_at_the_write_that_was_named(tmp_path: Path, kept: bool, there: list[str]) -> None:  # noqa: FBT001
    """The writes before it are there, those after it never, and nobody is told that it succeeded."""
    plug = Plug()
    dying = Store(tmp_path, clock.SystemClock(), writer=lambda committer: InlineWriter(committer, plug))
    plug.pull_at(2, kept=kept)
    dying.write(put("a"))
    for key in ("b", "c"):
        with pytest.raises(Dead):
            dying.write(put(key))
    assert not dying.submit(put("d")).done()
    dying.close()
    again = Store(tmp_path, clock.SystemClock())
    assert again.read(keys) == there
    again.close()

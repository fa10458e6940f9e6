import asyncio

import pytest

from baara_engine import watch


@pytest.mark.expects_log("background task doomed failed")
async def test_a_failing_task_is_told_by_its_name() -> None:
    """A background task that ends by an error is logged and reported, never lost."""
    told: list[tuple[str, str]] = []
    tasks = watch.Tasks(lambda name, error: told.append((name, str(error))))

    async def fail() -> None:
        raise ValueError("no")

    tasks.spawn(fail(), name="doomed")
    await asyncio.sleep(0.01)
    await tasks.stop()
    assert told == [("doomed", "no")]


async def test_stopping_waits_until_all_have_ended() -> None:
    """Stop cancels what runs and returns when it has cleaned up."""
    cleaned = []

    async def linger() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(True)

    tasks = watch.Tasks()
    tasks.spawn(linger(), name="one")
    tasks.spawn(linger(), name="two")
    await asyncio.sleep(0)
    await tasks.stop()
    assert cleaned == [True, True]


async def test_together_gives_results_in_order_and_the_first_error() -> None:
    """Several at once: results as asked, or the error itself, with the others cancelled."""

    async def give(value: int, wait_s: float = 0.0) -> int:
        await asyncio.sleep(wait_s)
        return value

    async def fail() -> int:
        raise KeyError("x")

    assert await watch.together(give(1, 0.02), give(2)) == [1, 2]
    with pytest.raises(KeyError):
        await watch.together(give(1, 60), fail())

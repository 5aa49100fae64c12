"""Faust's consumer waits as mode does, only without tasks for what does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import mode
import pytest

from services.stream.first_step import FirstStep

Work = Callable[[], Awaitable[str]]


class Waiting(FirstStep, mode.Service):
    """A service that only waits."""


async def never() -> None:
    await asyncio.Event().wait()


def test_what_has_nothing_to_wait_for_is_done_before_the_loop_turns():
    async def main() -> None:
        turned: list[str] = []

        async def ready() -> str:
            return "put"

        waiting = Waiting()
        asyncio.get_running_loop().call_soon(turned.append, "turned")
        got = await waiting.wait_first(ready(), never())
        assert (got.results, got.stopped, turned) == (["put"], False, [])

    asyncio.run(main())


@pytest.mark.parametrize("pause", [lambda: asyncio.sleep(0), lambda: asyncio.sleep(0.001)], ids=["turn", "timer"])
def test_what_waits_goes_on_where_it_stopped_and_each_step_is_taken_once(pause: Callable[[], Awaitable[None]]):
    async def main() -> None:
        steps: list[int] = []

        async def slow() -> str:
            for step in range(3):
                steps.append(step)
                await pause()
            return "put"

        got = await Waiting().wait_first(slow(), never())
        assert (got.results, steps) == (["put"], [0, 1, 2])

    asyncio.run(main())


def test_what_waits_is_ended_when_the_other_is_done_first():
    async def main() -> None:
        ended: list[str] = []
        suspended = asyncio.Event()

        async def slow() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        asyncio.get_running_loop().call_soon(suspended.set)
        got = await Waiting().wait_first(slow(), suspended.wait())
        await asyncio.sleep(0)
        assert (got.results, ended) == ([True], ["cancelled"])

    asyncio.run(main())


@pytest.mark.parametrize("late", [False, True])
def test_what_it_raises_is_raised(late: bool):
    async def main() -> None:
        async def broken() -> None:
            if late:
                await asyncio.sleep(0)
            raise LookupError("no queue")

        with pytest.raises(LookupError, match="no queue"):
            await Waiting().wait_first(broken(), never())

    asyncio.run(main())


def test_a_service_that_stops_waits_no_longer():
    async def main() -> None:
        waiting = Waiting()
        asyncio.get_running_loop().call_soon(waiting._stopped.set)
        got = await waiting.wait_first(never(), never())
        assert got.stopped

    asyncio.run(main())

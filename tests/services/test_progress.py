"""A partition that does not move although something waits is trouble; a broker that does not answer is not ours."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from services.adapters.memory import MemoryLog
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL
from services.ports import Bounds, LogUntrusted, Message
from services.progress import Progress
from tests.simulation.virtual import run


def holding(answered: int = 0) -> Any:
    return SimpleNamespace(writer=SimpleNamespace(answered=answered), followings={})


async def watched(log: Any, held: Any, seconds: float) -> Progress:
    progress = Progress(log, lambda: {0: held})
    task = asyncio.create_task(progress.run())
    await asyncio.sleep(seconds)
    if task.done():
        task.result()
    task.cancel()
    await asyncio.wait([task])
    return progress


def test_what_waits_and_does_not_move_for_half_a_minute_is_said():
    async def main() -> None:
        log, held = MemoryLog(1), holding()
        assert (await watched(log, held, 60)).trouble() is None
        await log.append(COMMANDS, 0, [Message(b"x"), Message(b"y")])
        assert (await watched(log, held, 20)).trouble() is None
        words = (await watched(log, held, 60)).trouble()
        assert words is not None
        assert "partition (0), writer" in words
        assert "(2) wait" in words

    run(main())


def test_what_moves_slowly_is_no_trouble():
    async def main() -> None:
        log, held = MemoryLog(1), holding()
        await log.append(COMMANDS, 0, [Message(b"x")] * 9)

        async def moving() -> None:
            for _ in range(5):
                await asyncio.sleep(20)
                held.writer.answered += 1

        mover = asyncio.create_task(moving())
        assert (await watched(log, held, 100)).trouble() is None
        await mover

    run(main())


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def bounds(self, topic: str, partition: int) -> Bounds:
        raise self.error


def test_a_broker_that_does_not_answer_is_not_the_streams_trouble():
    async def main() -> None:
        log = Failing(Stop(ExitCode.UNREACHABLE, "no broker"))
        assert (await watched(log, holding(), 100)).trouble() is None

    run(main())


def test_a_log_made_anew_is_raised_also_where_nothing_is_owned():
    async def main() -> None:
        with pytest.raises(LogUntrusted):
            await Progress(Failing(LogUntrusted("made anew")), dict).look()

    run(main())


def test_what_stops_is_said_within_half_a_minute_wherever_it_stops_between_two_looks():
    async def main() -> None:
        for late_s in (0.1, 2.5, 4.9):
            log, held = MemoryLog(1), holding()
            progress = Progress(log, lambda held=held: {0: held})
            task = asyncio.create_task(progress.run())
            await asyncio.sleep(20 + late_s)
            await log.append(COMMANDS, 0, [Message(b"x"), Message(b"y")])
            held.writer.answered = 1
            await asyncio.sleep(19)
            assert progress.trouble() is None
            await asyncio.sleep(11)
            assert progress.trouble() is not None
            task.cancel()
            await asyncio.wait([task])

    run(main())


def test_a_reader_that_waits_for_others_can_be_left_out():
    async def main() -> None:
        log = MemoryLog(1)
        held = SimpleNamespace(
            writer=SimpleNamespace(answered=0), followings={"projecting": SimpleNamespace(next_offset=0)}
        )
        await log.append(JOURNAL, 0, [Message(b"x")])
        progress = await watched(log, held, 60)
        assert "projecting" in (progress.trouble() or "")
        assert progress.trouble(but=("projecting",)) is None

    run(main())

"""An agent that has died without a word is said to have (L5, L6), and what it was to bring is answered all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.asking import Asking
from services.stream.app import MATCHING
from tests.brokers import fresh_topics, needs_kafka, opened
from tests.simulation import toy
from tests.streams import Heard, eventually, running, stream

pytestmark = needs_kafka
PARTITIONS = 4


def test_an_agent_that_ended_makes_its_stream_unhealthy_and_the_commands_are_answered_nevertheless(tmp_path: Path):
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix, opened(prefix) as log:
            heard = Heard()
            async with running(stream(log, prefix, tmp_path, heard, PARTITIONS)) as works:
                await eventually(lambda: works.ready)
                assert await works.trouble() is None
                await works._app.agents[MATCHING].stop()
                assert await works.trouble() == works.stuck() == f"agent ({MATCHING}) has ended"
                [place] = await Asking(log, PARTITIONS).append([toy.place("z1")])
                await heard.until(*place)

    asyncio.run(main())


def test_an_agent_that_faust_starts_again_is_no_trouble(tmp_path: Path):
    async def main() -> None:
        async with (
            fresh_topics(PARTITIONS) as prefix,
            opened(prefix) as log,
            running(stream(log, prefix, tmp_path, Heard(), PARTITIONS)) as works,
        ):
            await eventually(lambda: works.ready)
            [actor] = works._app.agents[MATCHING]._actors
            actor.actor_task.cancel()
            await eventually(lambda: actor.actor_task.done() and works.stuck() is None)

    asyncio.run(main())

"""The run that an older prototype left unexplained, played on this code: topics deleted and made anew under two live
writers, and 40,000 commands into the new ones while the writers still live.

There 6,567 of 40,000 stayed unanswered for ever. What can do that: a place that somebody remembers by the topic's name
(a reader's position, a group's committed offset) outlives the topic, and what stands before it in the new one is taken
for done; `test_remade.py` shows it with a plain client, to the number. Here no place is kept without the id of its
topic: both writers have to end with 7, and what is started after them has to answer all 40,000.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from matcher.commands import Command, DefinePlace, DefineSkill
from matcher.terms import PlaceLevel
from services.adapters.kafka import KafkaLog
from services.names import COMMANDS
from services.ports import Message
from services.wire import encode, partition_of
from tests.chaos.faults import Run
from tests.chaos.history import History
from tests.chaos.judging import Judged
from tests.chaos.made_anew import everybody_ends
from tests.chaos.town import PARTITIONS, Town, until

#: What the old topics held and the writers had answered; what went to the new ones.
OLD, NEW = 6_567, 40_000
TOGETHER = 250
ANSWERED_S = 400.0
#: Faust commits once a second.
COMMITTED_S = 3.0


async def play(run: Run) -> float:
    """Play it; return the seconds from the deletion until both writers had ended."""
    town = run.town
    await town.load.stop()
    await _append(town.log, town, "old", OLD)
    await town.all_answered()
    await asyncio.sleep(COMMITTED_S)
    committed = sum(at for (topic, _), at in (await town.committed()).items() if topic == COMMANDS)
    before = await town.topic_ids()
    writers = [each.process for each in town.streams]
    run.hurt()
    await town.remove_topics()
    await town.make_topics()
    after = await town.topic_ids()
    run.must(not before & after and len(after) == 4, "four topics, four other ids than before")
    async with _new_log(town) as log:
        alive = sum(each.poll() is None for each in writers)
        run.must(alive == len(writers), f"{alive} writers lived when the new topics were there")
        asked, met = [], 0
        async for ids in _appending(log, town, "new", NEW):
            asked += ids
            met = len(asked) if all(each.poll() is None for each in writers) else met
        run.must(met, f"{committed} of the old were committed; {met} of {NEW} new were in before a writer ended")
        noticed_s = await everybody_ends(run)
        await _judge(run, log, asked)
    return noticed_s


async def _judge(run: Run, log: KafkaLog, asked: list[str]) -> None:
    """See what the old writers did to the new log; let new ones answer it, and count."""
    town = run.town
    history = History(log, PARTITIONS)
    await history.read_on()
    run.evidence.append(f"the old writers answered {len(history.answers())}, {history.void} records of theirs are void")
    rebuild = town.command("board", "rebuild")
    if code := await asyncio.to_thread(rebuild.ended):
        run.wrong.append(f"`board rebuild` ended with ({code}): {rebuild.said[-600:]}")
    town.streams = []
    began_s = time.time()
    await asyncio.gather(town.add_stream(), town.add_stream())
    await until(
        lambda: _all_answered(history), lambda: f"answered: {[each.answered for each in history.lines]}", ANSWERED_S
    )
    run.figures["answered"] = time.time() - began_s
    places = history.answers()
    run.judged = Judged(
        acknowledged=len(asked),
        lost=sum(each not in places for each in asked),
        doubled=sum(len(places.get(each, [])) > 1 for each in asked),
        void=history.void,
        sign_ins=history.sign_ins,
    )


async def _all_answered(history: History) -> bool:
    await history.read_on()
    return all(line.answered >= len(line.asked_s) for line in history.lines)


@asynccontextmanager
async def _new_log(town: Town) -> AsyncIterator[KafkaLog]:
    """A client that never knew the old topics."""
    log = KafkaLog(town.brokers.kafka, PARTITIONS, prefix=town.prefix, trial=True)
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


async def _append(log: KafkaLog, town: Town, name: str, count: int) -> None:
    async for _ in _appending(log, town, name, count):
        pass


async def _appending(log: KafkaLog, town: Town, name: str, count: int) -> AsyncIterator[list[str]]:
    """Append so many commands, as fast as the log takes them; yield the ids of those that it has."""
    at = datetime.now(UTC)
    zones = town.load.zones
    commands: dict[int, list[Command]] = {}
    for zone in zones:
        place = DefinePlace(
            id=f"{name}.{zone}", zone=zone, at=at, place="yard", level=PlaceLevel.COMPOUND, name="Yard", point=None
        )
        commands.setdefault(partition_of(zone, PARTITIONS), []).append(place)
    for n in range(count - len(zones)):
        zone = zones[n % len(zones)]
        skill = DefineSkill(id=f"{name}.{n}", zone=zone, at=at, skill=f"skill-{n % 50}")
        commands[partition_of(zone, PARTITIONS)].append(skill)
    while any(commands.values()):
        batch = {partition: mine[:TOGETHER] for partition, mine in commands.items() if mine}
        for partition, mine in batch.items():
            del commands[partition][: len(mine)]
        await asyncio.gather(
            *(
                log.append(COMMANDS, partition, [Message(encode(each)) for each in mine])
                for partition, mine in batch.items()
            )
        )
        yield [each.id for mine in batch.values() for each in mine]

"""Faults of people who run it: two processes of one name, another number of partitions, weaker topics.

The start-up checks have to refuse, with 5 and a word, what would break the log; what runs has to go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from confluent_kafka.admin import NewPartitions
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from services.adapters import kafka_topics
from services.exits import ExitCode
from services.names import COMMANDS, JOURNAL
from tests.chaos.faults import LEAVES_S, Run
from tests.chaos.town import PARTITIONS, STREAMS


async def same_member(run: Run) -> None:
    """A second stream is started under the name of a first, one after the other: the first ends, with 0."""
    town = run.town
    for n in range(STREAMS):
        await town.add_stream(PAIDAN_MEMBER=f"member-{n}")
        await run.leaves(town.streams.pop(0))
    await run.acknowledged(20)
    run.hurt()
    for n in range(STREAMS):
        first = town.streams.pop(0)
        await town.add_stream(PAIDAN_MEMBER=f"member-{n}")
        code = await asyncio.to_thread(first.process.wait, LEAVES_S)
        run.must("has taken the place" in first.said, f"process {first.process.pid}: another has taken its place")
        if code:
            run.wrong.append(f"replaced, it ended with ({code}): {first.said[-600:]}")
    await run.answering()
    run.figures["silence"] = run.town.history.silence_s(run.hurt_s)


async def wrong_partitions(run: Run) -> None:
    """A stream and an API are started with another number of partitions than the log has: both refuse."""
    run.hurt()
    for role in ("stream", "api"):
        await _refused(run, role, "partitions", PAIDAN_PARTITIONS=str(2 * PARTITIONS))
    await run.answering()


async def partitions_raised(run: Run) -> None:
    """Somebody gives the commands more partitions while all runs: it goes on, and nothing new starts."""
    town = run.town
    run.hurt()
    topic = town.prefix + COMMANDS
    for future in town.admin.create_partitions([NewPartitions(topic, 2 * PARTITIONS)]).values():
        await asyncio.to_thread(future.result)
    found = (await asyncio.to_thread(kafka_topics.describe, town.admin, [topic]))[topic].partitions
    run.must(found == 2 * PARTITIONS, f"the commands have {found} partitions")
    await _refused(run, "stream", "partitions")
    await run.answering()


async def in_sync_lowered(run: Run) -> None:
    """Somebody lets one copy be enough: what runs goes on, and nothing new starts that was not told it is a trial."""
    town = run.town
    run.hurt()
    await _set(run, {"min.insync.replicas": "1"})
    found = await asyncio.to_thread(kafka_topics.describe, town.admin, [town.prefix + JOURNAL])
    is_now = found[town.prefix + JOURNAL].settings["min.insync.replicas"]
    run.must(is_now == "1", f"min.insync.replicas of the journal is {is_now}")
    for role in ("stream", "api"):
        await _refused(run, role, "min.insync.replicas", PAIDAN_TRIAL="false")
    await _set(run, {"min.insync.replicas": "2"})
    await town.add_stream(PAIDAN_TRIAL="false")
    await run.leaves(town.streams.pop(0))
    await run.answering()


async def _refused(run: Run, role: str, word: str, **changes: str) -> None:
    """Start a process that must refuse with 5, naming what is wrong."""
    process = run.town.serve(role, **changes)
    code = await asyncio.to_thread(process.ended)
    said = (process.said.strip().splitlines() or [""])[-1]
    run.must(True, f"a {role} was started and ended with ({code}): {said[-160:]}")
    if code != ExitCode.BAD_INPUT or word not in said:
        run.wrong.append(f"started with ({changes}), a {role} ended with ({code}): {process.said[-600:]}")


async def _set(run: Run, settings: Mapping[str, str]) -> None:
    town = run.town
    entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in settings.items()]
    resources = [
        ConfigResource(ConfigResource.Type.TOPIC, town.prefix + topic, incremental_configs=entries)
        for topic in (COMMANDS, JOURNAL)
    ]
    for future in town.admin.incremental_alter_configs(resources).values():
        await asyncio.to_thread(future.result)

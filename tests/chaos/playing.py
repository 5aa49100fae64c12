"""One run: the load asks, the fault happens, the load goes on, everything is judged. And many of them, in few towns.

A town is used again by the next run that needs the same brokers, as long as it was found sound: a log that has lived
through one fault is what the next one hits.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matcher.commands import Tick
from services.asking import Asking
from tests.chaos.faults import Run
from tests.chaos.history import issued, reported
from tests.chaos.judging import judge
from tests.chaos.matrix import Fault
from tests.chaos.proving import DidNotHappen
from tests.chaos.result import AFTER, BEFORE, Result, caught
from tests.chaos.sites import Brokers, Sites
from tests.chaos.town import PARTITIONS, Town

RETRY_S = 61.0


async def play(run: Run, fault: Fault, *, hurry: bool = False) -> Result:
    """Play one fault in a town and judge it. `hurry`: tell the zones a later time instead of waiting for a retry.

    After a hurry nothing is matched in the town for a minute: it should be the last run.
    """
    town = run.town
    began_s = time.time()
    before = (len(town.load.asked), len(town.load.receipts), town.history.void, town.history.sign_ins)
    result = Result(fault=fault.name, seed=town.seed)
    run.begin()
    with caught(result, town.ended):
        town.load.start()
        await run.acknowledged(BEFORE)
        assert fault.play is not None
        measured_s = await fault.play(run)
        if not fault.ends_town:
            played_s = time.time()
            await run.acknowledged(AFTER)
            await town.load.stop()
            if hurry:
                await tell_later_time(town)
            result.judged = await judge(town)
            run.wrong += [f"A process has ended {each}" for each in town.ended()]
            measured_s = _recovery_s(run, fault, measured_s, played_s)
        elif run.judged is not None:
            result.judged = run.judged
        result.recovery_s = measured_s
        result.judged.void -= before[2]
        result.judged.sign_ins -= before[3]
        result.judged.findings = [*result.judged.findings, *run.wrong]
        if not run.evidence:
            raise DidNotHappen("nothing shows that it took place")
    result.evidence, result.figures = run.evidence, {name: round(each, 2) for name, each in run.figures.items()}
    result.seconds = round(time.time() - began_s, 1)
    result.statuses = dict(sorted(Counter(s for asked in town.load.asked[before[0] :] for s in asked.statuses).items()))
    if run.judged is None:
        result.judged.acknowledged = len(town.load.receipts) - before[1]
    return result


def _recovery_s(run: Run, fault: Fault, measured_s: float | None, played_s: float) -> float | None:
    """From the fault to the first right answer of all: measured by the fault, or read from the log."""
    if fault.by_reports:
        known = reported(run.town.history)
        waits = [known[what] for what, at_s in issued(run.town.history) if at_s <= played_s and what in known]
        return max(waits, default=run.hurt_s) - run.hurt_s
    return run.town.history.recovery_s(run.hurt_s) if measured_s is None else measured_s


async def tell_later_time(town: Town) -> None:
    """Append a Tick to every zone that says a little more than the time of a retry."""
    at = datetime.now(UTC) + timedelta(seconds=RETRY_S)
    ticks = [Tick(id=f"later.{zone}.{at.timestamp()}", zone=zone, at=at, beat=2**40) for zone in town.load.zones]
    await Asking(town.log, PARTITIONS).append(ticks)


@asynccontextmanager
async def opened(fault: Fault, sites: Sites, folder: Path, seed: int) -> AsyncIterator[Run]:
    """Open a town on the brokers that a fault needs, and close it."""
    if "small-kafka" in fault.own:
        kafka = await asyncio.to_thread(sites.small_kafka)
    else:
        kafka = await asyncio.to_thread(sites.kafka, "kafka" in fault.own, fault.brokers)
    redis = await asyncio.to_thread(sites.redis, "redis" in fault.own)
    amqp = await asyncio.to_thread(sites.rabbitmq, "rabbitmq" in fault.own) if fault.jobs == "rabbitmq" else None
    town = Town(Brokers(kafka, redis, amqp, fault.brokers), folder, seed=seed, session_s=fault.session_s)
    try:
        await town.open()
        yield Run(town, sites)
    finally:
        await town.close()


def place(fault: Fault) -> tuple[object, ...]:
    """What a fault needs: those that need the same can share a town."""
    apart = fault.name if fault.apart or fault.last else ""
    return (fault.brokers, sorted(fault.own), fault.jobs, fault.ends_town, fault.session_s, apart)


async def play_all(wanted: Iterator[Fault], folder: Path, seed: int) -> AsyncIterator[Result]:
    """Play the faults in this order, neighbours that need the same in one town; yield each result as it comes."""
    sites = Sites(folder / "servers")
    towns, fault = 0, next(wanted, None)
    try:
        while fault is not None:
            towns += 1
            here = folder / f"town-{towns}"
            where, sound, goes_on = place(fault), True, True
            if fault.apart is not None:
                result = await fault.apart(here, seed + towns)
                yield result
                sound, fault = result.sound, next(wanted, None)
                if sound:
                    shutil.rmtree(here, ignore_errors=True)
                continue
            try:
                async with opened(fault, sites, here, seed + towns) as run:
                    while fault is not None and sound and goes_on and place(fault) == where:
                        result = await play(run, fault)
                        yield result
                        sound, goes_on = result.sound, not (fault.ends_town or fault.last)
                        fault = next(wanted, None)
            except (
                Exception
            ) as error:  # a town that could not be opened, or closed: hours of others must not end with it
                sound = False
                if fault is not None:
                    yield Result(fault=fault.name, seed=seed + towns, did_not_happen=f"no town: {error!r}"[:600])
                    fault = next(wanted, None)
            if sound:
                shutil.rmtree(here, ignore_errors=True)
    finally:
        await asyncio.to_thread(sites.close)

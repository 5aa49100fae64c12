"""`paidan demo --kafka`: the same run, answered by the service's own processes on brokers. Called by `demo` only.

Makes topics under a prefix of the run's own, starts stream, worker and API processes, plays, lets them drain, checks
the log, and removes what it made. With no streams to start, the processes run already and nothing is made or removed.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import typer

from services.adapters.kafka import KafkaLog
from services.adapters.kafka_tailing import KafkaTail
from services.core import Matching
from services.demo.children import Children, Role
from services.demo.folder import Folder, Played
from services.demo.lockstep import Watcher
from services.demo.playing import Audience, play_on
from services.demo.receipts import Receipts
from services.demo.remote import Remote
from services.demo.scenario import Scenario
from services.demo.site import Site, fresh_prefix
from services.demo.summary import Summary, as_json, summarise
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL
from services.settings import PREFIX, Settings
from services.signals import Signals
from services.verify import read_receipts, verify
from services.wire import partition_of

OWNERS_S = 60.0
POLL_S = 0.2

View = Callable[[Audience], AbstractContextManager[Sequence[Watcher]]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run on brokers. `settings.prefix` is the run's own."""

    settings: Settings
    kept: Folder
    played: Played
    scenario: Scenario
    view: View
    streams: int
    keep: bool


def prepared(settings: Settings, kept: Folder, played: Played, streams: int) -> tuple[Settings, Played]:
    """Choose the prefix: the one given, else that of an unfinished run here, else a fresh one. Raises Stop (exit 5)."""
    if settings.redis is None and streams:
        raise Stop(ExitCode.BAD_INPUT, f"The board needs --redis (or {PREFIX}REDIS) beside --kafka.")
    prefix = settings.prefix or kept.prefix()
    if not prefix and not streams:
        raise Stop(ExitCode.BAD_INPUT, "With --streams 0, name the log of the processes that run: --prefix.")
    prefix = prefix or fresh_prefix()
    return msgspec.structs.replace(settings, prefix=prefix), msgspec.structs.replace(played, prefix=prefix)


async def run(given: Run) -> Summary:
    """Play to the end, or until a signal. Whatever happens, the processes are stopped and what was made is removed."""
    with Signals() as signals:
        playing = asyncio.ensure_future(_run(given))
        came = asyncio.ensure_future(signals.wait())
        await asyncio.wait([playing, came], return_when=asyncio.FIRST_COMPLETED)
        came.cancel()
        if not playing.done():
            typer.echo("Stopping the processes …", err=True)
            playing.cancel()
            await asyncio.wait([playing])
            words = "The same command goes on from here." if given.keep else "Nothing was kept; --keep would."
            raise Stop(ExitCode.INTERRUPTED, f"Stopped. {words}")
        return playing.result()


async def _run(given: Run) -> Summary:
    site = Site(given.settings)
    await asyncio.to_thread(site.look)
    goes_on = await asyncio.to_thread(_claim, given, site)
    try:
        summary = await _answered(given, site, goes_on=goes_on)
        given.kept.summary.write_bytes(as_json(summary))
        return summary
    finally:
        if given.keep:
            typer.echo(f"Kept on the brokers: what begins with ({given.settings.prefix}).", err=True)
        elif given.streams:
            await asyncio.to_thread(site.remove)
            given.kept.forget()


def _claim(given: Run, site: Site) -> bool:
    """Go on with the run that is here (then True), or begin one.

    Raises Stop (exit 5: the folder or the prefix holds another run).
    """
    goes_on = given.kept.prefix() == given.settings.prefix
    if goes_on and not site.made():
        given.kept.forget()
        goes_on = False
    given.kept.claim(given.played)
    if given.streams and not goes_on:
        if site.trial:
            words = f"The cluster has ({site.brokers}) of at least 3 brokers"
            typer.echo(f"{words}: this is a trial, records may be lost with a broker.", err=True)
        site.make()
    return goes_on


async def _answered(given: Run, site: Site, *, goes_on: bool) -> Summary:
    """Start the processes, play, stop them, and check what they left."""
    children = Children(_roles(given, site), given.kept.processes)
    given.kept.processes.mkdir(parents=True, exist_ok=True)
    audience = Audience()
    log = KafkaLog(str(given.settings.kafka), given.settings.partitions, prefix=given.settings.prefix, trial=site.trial)
    await log.start()
    try:
        if not goes_on:
            await _nobody_asked(log, given.settings.prefix)
        try:
            await children.start()
            owners = await children.during(_played(given, site, log, audience))
        finally:
            await children.stop()
        verdict = await verify(log, log.partitions, read_receipts(given.kept.receipts))
    finally:
        await log.stop()
    return summarise(
        audience.tally,
        audience.figures,
        lost=verdict.lost,
        double_bookings=verdict.double_bookings,
        zones_by_process=owners,
    )


async def _nobody_asked(log: KafkaLog, prefix: str) -> None:
    """Raises Stop (exit 5) when the log holds commands: a replay would mix with them."""
    bounds = [await log.bounds(COMMANDS, partition) for partition in range(log.partitions)]
    if any(each.end for each in bounds):
        raise Stop(ExitCode.BAD_INPUT, f"The log under the prefix ({prefix}) is in use. Choose an empty one.")


async def _played(given: Run, site: Site, log: KafkaLog, audience: Audience) -> dict[str, int]:
    """Play; return how many zones each stream process answers."""
    partitions = given.settings.partitions
    if given.streams:
        await _all_own(site, min(given.streams, partitions))
    tail = KafkaTail(str(given.settings.kafka), given.settings.prefix + JOURNAL)
    remote = Remote(log, Matching(), tail, partitions=partitions, stages=audience.figures.stages)
    with Receipts(given.kept.receipts) as receipts, given.view(audience) as watchers:
        await play_on(remote, given.scenario, log, receipts, audience, watchers)
    owners = await asyncio.to_thread(site.owners)
    zones = Counter(dict.fromkeys(owners.values(), 0))
    zones.update(owners.get(partition_of(zone, partitions), "?") for zone in remote.zones())
    return dict(sorted(zones.items()))


async def _all_own(site: Site, streams: int) -> None:
    """Wait until each of the streams owns something: a group is handed out anew with each that joins."""
    try:
        async with asyncio.timeout(OWNERS_S):
            while len(set((await asyncio.to_thread(site.owners)).values())) < streams:  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Stop(
            ExitCode.UNREACHABLE, f"The group did not give each of ({streams}) streams a partition in {OWNERS_S:.0f} s."
        ) from None


def _roles(given: Run, site: Site) -> list[Role]:
    if not given.streams:
        return []
    names = [f"stream-{n}" for n in range(1, given.streams + 1)]
    shared = {"data_dir": given.kept.processes / "people"}
    return [
        *(Role(n, ("serve", "stream"), _environment(given, site, data_dir=_data(given, n), member=n)) for n in names),
        Role("worker", ("serve", "worker"), _environment(given, site, **shared)),
        Role("api", ("serve", "api"), _environment(given, site, **shared)),
    ]


def _data(given: Run, name: str) -> Path:
    return given.kept.processes / name


def _environment(given: Run, site: Site, **more: Any) -> dict[str, str]:
    """What a process is told: the run's brokers and prefix, lock-step, and nothing of this shell's own settings."""
    settings = given.settings
    told: dict[str, Any] = {
        "kafka": settings.kafka,
        "redis": settings.redis,
        "amqp": settings.amqp,
        "prefix": settings.prefix,
        "group": settings.group,
        "partitions": settings.partitions,
        "trial": str(site.trial).lower(),
        "port": 0,
        "beat_s": 0,
        "log_level": settings.log_level,
        **more,
    }
    own = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    return own | {PREFIX + name.upper(): str(value) for name, value in told.items() if value is not None}

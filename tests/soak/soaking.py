"""One soak: twice the load that can be carried, a solver three times slower than the beat, a drain, a verdict."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from matcher.events import TimePassed
from services.ports import Log
from services.verify import Verdict, verify
from tests.chaos.history import History
from tests.soak.asking import Asking
from tests.soak.site import PARTITIONS, Place
from tests.soak.watching import MIB, SAMPLE_S, Watching

BEAT_S = 1.0
#: Solver against beat, load against what can be carried (DESIGN: I-13).
SLOWER, LOAD = 3.0, 2.0
#: So many commands may wait; each waits about a solve: that is what can be carried.
UNANSWERED_MAX = 60
ZONES = [f"z{n}" for n in range(2 * PARTITIONS)]
DRAIN_S = 600.0
SAY_S = 30.0
RSS_MAX = 512 * MIB
#: A zone remembers each command for a week and an ended request while it can be reopened (DESIGN 4.8): so much may
#: stay of a command. More is a leak.
STAYS_MAX = 6_000
#: Files that may be open more at the end than after the first third.
FILES_MAX = 16


@dataclass
class Soaked:
    """What was seen."""

    minutes: float
    taken: int
    taken_late: int
    statuses: dict[str, int]
    rude: int
    most: dict[str, float]
    drained_s: float
    codes: dict[str, int]
    verdict: Verdict
    beats_s: list[float]
    rss: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # MiB: first, most, last
    grown: dict[str, float] = field(default_factory=dict)  # bytes, after the first third
    files: dict[str, int] = field(default_factory=dict)  # more open than after the first third

    def wrong(self) -> list[str]:
        """Say what should not be."""
        found = [f"lost ({self.verdict.lost}): {self.verdict.findings[:3]}"] if self.verdict.lost else []
        if not self.verdict.sound:
            found.append(f"the log is not sound: {self.verdict.findings[:3]}")
        if self.rude:
            found.append(f"({self.rude}) answers 429 did not say when to come again")
        if not self.statuses.get("429"):
            found.append("nobody was refused: the load was no load")
        # A connection that is closed while it is taken up again is the client's to repeat.
        strange = {
            status: count
            for status, count in self.statuses.items()
            if status.isdecimal() and status not in ("202", "429")
        }
        if strange:
            found.append(f"answers that are neither 202 nor 429: {strange}")
        if self.most["commands_unanswered"] > UNANSWERED_MAX:
            found.append(f"({self.most['commands_unanswered']:.0f}) commands waited, ({UNANSWERED_MAX}) may")
        if any(self.codes.values()):
            found.append(f"exit codes {self.codes}")
        for name, (_, most, _) in self.rss.items():
            if most * MIB > RSS_MAX:
                found.append(f"{name} had ({most:.0f}) MiB")
            if self.stays(name) > STAYS_MAX and self.grown[name] > 8 * MIB:
                found.append(f"{name} keeps ({self.stays(name):.0f}) bytes of each command")
        found += [f"{name} has ({more}) more files open" for name, more in self.files.items() if more > FILES_MAX]
        return found

    def stays(self, name: str) -> float:
        """Bytes by which a process grew for each command taken after the first third."""
        return self.grown[name] / max(1, self.taken_late)


async def soak(folder: Path, minutes: float, *, brokers: bool, seed: int, say: Callable[[str], None]) -> Soaked:
    """Play it. `folder`: logs of the processes and, embedded, the data."""
    place = Place(folder, brokers)
    try:
        url = await place.start(SLOWER * BEAT_S, BEAT_S, UNANSWERED_MAX)
        asking, watching = Asking(url, ZONES, PARTITIONS, seed), Watching(place.processes)
        try:
            return await _soaked(place, asking, watching, minutes, say)
        finally:
            await asking.close()
            await watching.close()
    finally:
        await place.remove()


async def _soaked(
    place: Place, asking: Asking, watching: Watching, minutes: float, say: Callable[[str], None]
) -> Soaked:
    await asking.open()
    looking = asyncio.create_task(watching.run())
    saying = asyncio.create_task(_say(asking, watching, say))
    third = asyncio.create_task(_taken_after(asking, 60 * minutes / 3))
    began_s, since_s = time.time(), watching.elapsed_s
    # A client asks twice: for help, and to take it back.
    await asking.ask(LOAD * UNANSWERED_MAX / (SLOWER * BEAT_S) / 2, 60 * minutes)
    ended_s = time.time()
    for task in (looking, saying):
        task.cancel()
    drained_s = await watching.drained(DRAIN_S)
    await watching.sample()
    codes = await place.stop()
    async with place.log() as log:
        verdict = await verify(log, PARTITIONS, asking.receipts)
        beats_s = await _beats(log, began_s, ended_s)
    made = Soaked(
        minutes=minutes,
        taken=len(asking.receipts),
        taken_late=len(asking.receipts) - await third,
        statuses=dict(asking.statuses),
        rude=asking.rude,
        most=watching.most,
        drained_s=drained_s,
        codes=codes,
        verdict=verdict,
        beats_s=beats_s,
    )
    _memory(made, watching, since_s + 60 * minutes / 3)
    return made


def _memory(made: Soaked, watching: Watching, since_s: float) -> None:
    for name, seen in watching.seen.items():
        after = [n for n, at_s in enumerate(seen.at_s) if at_s >= since_s]
        if not after:
            continue
        made.rss[name] = (seen.rss[0] / MIB, max(seen.rss) / MIB, seen.rss[-1] / MIB)
        made.grown[name] = seen.grown(since_s)
        made.files[name] = seen.files[-1] - seen.files[after[0]]


async def _taken_after(asking: Asking, seconds: float) -> int:
    await asyncio.sleep(seconds)
    return len(asking.receipts)


async def _beats(log: Log, since_s: float, until_s: float) -> list[float]:
    """Seconds from one beat of a zone to its next, while it was asked too much."""
    history = History(log, PARTITIONS)
    await history.read_on()
    at: dict[str, list[float]] = {}
    for event in history.events():
        if isinstance(event, TimePassed) and since_s <= event.at.timestamp() <= until_s:
            at.setdefault(event.zone, []).append(event.at.timestamp())
    return sorted(later - earlier for each in at.values() for earlier, later in pairwise(each))


async def _say(asking: Asking, watching: Watching, say: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(max(SAY_S, SAMPLE_S))
        rss = ", ".join(f"{name} {seen.rss[-1] / MIB:.0f}" for name, seen in watching.seen.items() if seen.rss)
        say(f"{watching.elapsed_s:6.0f} s  MiB: {rss}; {dict(asking.statuses)}; most waiting {watching.most}")


def page(made: Soaked) -> str:
    """What was seen, as Markdown."""
    beats = made.beats_s or [0.0]
    p95 = beats[min(len(beats) - 1, int(0.95 * len(beats)))]
    wrong = made.wrong()
    lines = [
        f"{made.minutes:g} minutes; commands taken {made.taken:,}, refused with 429 {made.statuses.get('429', 0):,}, "
        f"lost {made.verdict.lost}, answered twice {made.verdict.answered_twice}.",
        f"Beats: {statistics.median(beats):.1f} s in the median, p95 {p95:.1f} s, longest {beats[-1]:.1f} s "
        f"(asked: {BEAT_S:g} s). Most waiting: {made.most['commands_unanswered']:.0f} of {UNANSWERED_MAX}. "
        f"Drained {made.drained_s:.1f} s after the last client.",
        "",
        "| process | MiB at first | most | last | grown after the first third | of each command | MiB an hour |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (first, most, last) in made.rss.items():
        grown = made.grown[name]
        lines.append(
            f"| {name} | {first:.0f} | {most:.0f} | {last:.0f} | {grown / MIB:.1f} MiB | {made.stays(name):,.0f} bytes "
            f"| {grown / MIB / (made.minutes * 2 / 3 / 60):.0f} |"
        )
    return "\n".join([*lines, "", *(f"WRONG: {each}" for each in wrong)] if wrong else lines)

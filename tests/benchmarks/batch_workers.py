"""Two planning processes against one on separable work: `python -m tests.benchmarks.batch_workers --iterations 20000`.

Towns that nothing binds, a part each; the parts of one batch are worked by one process, then, of another batch over the
same state, by two at a time. Prints wall and CPU seconds of the parts, and the machine's load: what else used the CPU
must be said with the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path

from matcher import events as e
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.embedded import Embedded
from services.jobs import Rematch
from services.reading import Reader
from services.solving import InlineSolver
from services.wire import Entry, partition_of
from services.worker.planning.process import Planner
from tests.batches import of_kind, start, zone_of

ZONE = "zone-a"
TICK = os.sysconf("SC_CLK_TCK")


class Story(Reader):
    """Hears the journal."""

    def __init__(self) -> None:
        self.events: list[tuple[int, e.Event]] = []

    def entry(self, partition: int, offset: int, entry: Entry, events: list[e.Event]) -> None:
        self.events += [(offset, event) for event in events]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def batch(workers: int, towns: int, visits: int, iterations: int) -> tuple[float, float, int]:
    """Return wall and CPU seconds of the parts, and how many there were."""
    log, story = MemoryLog(1), Story()
    chain = Embedded(log, Matching(), InlineSolver(), partitions=1, beat_s=None, linger_s=0)
    chain.subscribe(story)
    await chain.start()
    planners = [Planner(log, chain.append, places_max=visits) for _ in range(workers)]
    try:
        for command in (*zone_of(ZONE, people=towns * visits // 5, requests=towns * visits * 9 // 10, towns=towns),):
            await chain.append([command])
        for place in await chain.append([start(ZONE, iterations=iterations)]):
            await chain.answered(*place)
        offset = next(at for at, event in story.events if isinstance(event, e.RematchStarted))

        def job(stage: str, part: int) -> Rematch:
            return Rematch(
                zone=ZONE,
                rematch="w1",
                stage=stage,
                part=part,
                partition=partition_of(ZONE, 1),
                offset=offset,
                attempt=1,
            )

        await planners[0].work(job("cut", 0))
        [cut] = of_kind([event for _, event in story.events], e.RematchCut)
        for planner in planners:  # what every process needs once: the kernel, the state, its cut
            await planner.work(job("cut", 0))
            await planner.work(job("part", 0))
        pids = [planner.pid for planner in planners]
        waiting = list(range(1, cut.parts))
        before, began = sum(cpu_s(pid) for pid in pids if pid), time.perf_counter()

        async def take(planner: Planner) -> None:
            while waiting:
                await planner.work(job("part", waiting.pop(0)))

        await asyncio.gather(*(take(planner) for planner in planners))
        wall = time.perf_counter() - began
        return wall, sum(cpu_s(pid) for pid in pids if pid) - before, cut.parts
    finally:
        for planner in planners:
            await planner.close()
        await chain.stop()


def main() -> None:
    """Measure, interleaved."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--towns", type=int, default=9)
    parser.add_argument("--visits", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    for _ in range(given.rounds):
        for workers in (1, 2):
            load = os.getloadavg()[0]
            wall, cpu, parts = asyncio.run(batch(workers, given.towns, given.visits, given.iterations))
            print(
                f"{workers} process(es), {parts} parts: wall {wall:.1f} s, CPU {cpu:.1f} s, load before {load:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

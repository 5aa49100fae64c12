"""Command -> journal at a fixed rate, open loop: how long until a reader of its own could read the answer.

From the broker's acknowledgement of the command to the moment when the holding entry is read. One command an append, at
its time whether or not the former ones are answered. Ours as shipped, without Ticks and with a beat of a second; the
plain agent awaits the acknowledgement of each record. Processor seconds are the stream process's (and its solvers').
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from matcher.commands import Command
from services.asking import Asking
from services.names import COMMANDS, JOURNAL
from services.settings import Settings
from tests.benchmarks.brokers import mix
from tests.benchmarks.brokers.hearing import Hearing
from tests.benchmarks.brokers.machine import cpu_s
from tests.benchmarks.brokers.place import append, extra_topic, forget_topic, load_now, log_of, place
from tests.processes import Served, ready, until
from tests.shell import ROOT, clean_environment

PARTITIONS = 4
ZONES = [f"zone{n}" for n in range(8)]
#: Not counted: everybody warms up.
WARM_S = 3.0
#: What is not answered so long after the last one is lost to the figures.
PATIENCE_S = 20.0


def measure(rate: int, seconds: float) -> dict[str, Any]:
    """Return percentiles in milliseconds for ours and for the plain agent."""
    load = [load_now()]
    ways: dict[str, Any] = {}
    for name, work in (
        ("ours as shipped, no Ticks", lambda: _ours(rate, seconds, "0")),
        ("plain Faust agent, awaits the acknowledgement", lambda: _plain(rate, seconds)),
        ("ours as shipped, a beat a second", lambda: _ours(rate, seconds, "1")),
    ):
        ways[name] = work()
        load.append(load_now())
    return {"rate": rate, "seconds": seconds, "load": [min(load), max(load)], "ways": ways}


def _commands(rate: int, seconds: float) -> list[Command]:
    each = int(rate * (seconds + WARM_S)) // len(ZONES) + 1
    return list(chain.from_iterable(zip(*(mix.asks(zone, each) for zone in ZONES), strict=True)))


def _ours(rate: int, seconds: float, beat: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, place(PARTITIONS, PAIDAN_BEAT_S=beat) as (settings, environment):
        opening = [command for zone in ZONES for command in mix.opening(zone)]
        append(settings, opening)
        made = Served(Path(folder), "serve", "stream", **environment)
        try:
            until(lambda: ready(made.url), lambda: made.said)
            with Hearing(str(settings.kafka), settings.prefix + JOURNAL, PARTITIONS) as hearing:
                until(lambda: len(hearing.answers().at_s) >= len(opening))
                return asyncio.run(
                    _asked(settings, rate, seconds, made.process.pid, lambda: hearing.answers().at_s, _commands)
                )
        finally:
            made.end()


def _plain(rate: int, seconds: float) -> dict[str, float]:
    with place(PARTITIONS) as (settings, environment):
        target = extra_topic(settings, "answers")
        arguments = ["acked", f"{settings.prefix}plain", settings.prefix + COMMANDS, target, "0"]
        agent = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.brokers.plain", *arguments],
            cwd=ROOT,
            env=clean_environment(**environment, PYTHONPATH=str(ROOT)),
            stdout=subprocess.PIPE,
        )
        try:
            assert agent.stdout is not None
            agent.stdout.readline()
            ids: dict[str, tuple[int, int]] = {}
            with Hearing(str(settings.kafka), target, PARTITIONS) as hearing:

                def answered() -> dict[tuple[int, int], float]:
                    found = ((json.loads(heard.value)["id"], heard.at_s) for heard in list(hearing.records))
                    return {ids[name]: at_s for name, at_s in found if name in ids}

                return asyncio.run(_asked(settings, rate, seconds, agent.pid, answered, _commands, ids))
        finally:
            agent.kill()
            agent.wait()
            forget_topic(settings, target)


async def _asked(
    settings: Settings,
    rate: int,
    seconds: float,
    pid: int,
    answered: Any,
    commands: Any,
    ids: dict[str, tuple[int, int]] | None = None,
) -> dict[str, float]:
    """Ask at the rate, wait for the answers, return the figures."""
    log = log_of(settings)
    await log.start()
    asking = Asking(log, PARTITIONS)
    acked: dict[tuple[int, int], tuple[float, float]] = {}
    late: list[float] = []

    async def one(command: Command, due_s: float) -> None:
        began = time.perf_counter()
        late.append(began - due_s)
        [where] = await asking.append([command])
        if ids is not None:
            ids[command.id] = where
        acked[where] = (began, time.perf_counter())

    due: list[Command] = commands(rate, seconds)
    start_s = time.perf_counter()
    warm = start_s + WARM_S
    before, wall = (0.0, 0.0), 0.0
    tasks = []
    for number, command in enumerate(due):
        due_s = start_s + number / rate
        if (pause_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(pause_s)
        if not wall and due_s >= warm:
            before, wall = cpu_s(pid), time.perf_counter()
        tasks.append(asyncio.create_task(one(command, due_s)))
    await asyncio.gather(*tasks)
    after, wall = cpu_s(pid), time.perf_counter() - wall
    end_s = time.perf_counter() + PATIENCE_S
    while len(set(acked) - set(found := answered())) and time.perf_counter() < end_s:  # noqa: ASYNC110 - a thread hears
        await asyncio.sleep(0.2)
    await log.stop()
    counted = {where: times for where, times in acked.items() if times[0] >= warm}
    waits = [max(0.0, found[where] - times[1]) for where, times in counted.items() if where in found]
    whole = [found[where] - times[0] for where, times in counted.items() if where in found]
    return {
        **_percentiles("", waits),
        "p99_from_asking_ms": _percentiles("", whole)["p99_ms"],
        "unanswered": len(counted) - len(waits),
        "asked_late_p99_ms": round(sorted(late)[int(len(late) * 0.99)] * 1000, 1),
        "cores": round((after[0] - before[0]) / wall, 2),
        "solver_cores": round((after[1] - before[1]) / wall, 2),
        "cpu_ms_a_command": round((after[0] - before[0]) / len(counted) * 1000, 2),
    }


def _percentiles(name: str, values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    return {f"{name}p50_ms": at(0.5), f"{name}p99_ms": at(0.99), f"{name}max_ms": at(1.0)}

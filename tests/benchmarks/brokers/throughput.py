"""Commands that stand in the topic: how many a second, and how many a second of processor time, until all are answered.

Interleaved: each repetition runs every way once, in turn forwards and backwards, on a fresh log. The same commands for
all; the plain agents read the very topic that we have answered.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from matcher.commands import Command
from services.names import COMMANDS
from services.settings import Settings
from tests.benchmarks.brokers import mix, reading
from tests.benchmarks.brokers.place import append, extra_topic, forget_topic, load_now, measured, place
from tests.benchmarks.chain_against_file import through_the_chain

PARTITIONS = 4
OURS = ("shipped", "matching")
PLAIN = ("decode", "send", "acked")
CONSUME = "consume"
EMBEDDED = "embedded"
#: Partitions of the embedded spine's file.
EMBEDDED_PARTITIONS = 16


def measure(count: int, repeats: int) -> dict[str, Any]:
    """Return every way's commands a second and a core-second, for one zone and for eight."""
    return {
        "one zone": _case([mix.zone_of(0, PARTITIONS)], count, repeats),
        "eight zones": _case([f"zone{n}" for n in range(8)], count, repeats),
    }


def _case(zones: list[str], count: int, repeats: int) -> dict[str, Any]:
    commands = mix.standing(zones, count)
    runs: dict[str, list[dict[str, float]]] = {}
    loads = [load_now()]
    for repeat in range(repeats):
        ways = [EMBEDDED, *OURS, CONSUME, *PLAIN]
        for way in ways if repeat % 2 == 0 else reversed(ways):
            runs.setdefault(way, []).append(_one(way, commands))
        loads.append(load_now())
    folds = [run["folded_a_core_second"] for run in runs[EMBEDDED]]
    return {
        "commands": len(commands),
        "repeats": repeats,
        "load": [min(loads), max(loads)],
        "folded_a_core_second": {"median": round(statistics.median(folds)), "worst": round(min(folds))},
        "ways": {way: _figures(len(commands), each) for way, each in runs.items()},
    }


def _one(way: str, commands: list[Command]) -> dict[str, float]:
    if way == EMBEDDED:
        return _embedded(commands)
    with place(PARTITIONS, PAIDAN_BEAT_S="0") as (settings, environment):
        append(settings, commands)
        if way in OURS:
            return measured("ours", environment, way)
        if way == CONSUME:
            return measured("reading", environment, settings.prefix + COMMANDS, str(PARTITIONS), str(len(commands)))
        return _plain(way, settings, environment, len(commands))


def _plain(way: str, settings: Settings, environment: dict[str, str], count: int) -> dict[str, float]:
    target = extra_topic(settings, "answers")
    try:
        source = settings.prefix + COMMANDS
        return measured("plain", environment, way, f"{settings.prefix}plain", source, target, str(count))
    finally:
        forget_topic(settings, target)


def _embedded(commands: list[Command]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        cpu = time.process_time()
        seconds = asyncio.run(through_the_chain(Path(folder), commands))
        cpu = time.process_time() - cpu
        events_a_s = reading.folded(Path(folder) / "chain.sqlite", EMBEDDED_PARTITIONS)
        return {"answered_s": seconds, "answered_cpu_s": cpu, "folded_a_core_second": events_a_s}


def _figures(count: int, runs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for moment in ("answered", "told"):
        if f"{moment}_s" in runs[0]:
            a_second = [count / run[f"{moment}_s"] for run in runs]
            a_core = [count / run[f"{moment}_cpu_s"] for run in runs]
            found[moment] = {
                "a_second": round(statistics.median(a_second)),
                "worst_a_second": round(min(a_second)),
                "a_core_second": round(statistics.median(a_core)),
                "worst_a_core_second": round(min(a_core)),
            }
    return found

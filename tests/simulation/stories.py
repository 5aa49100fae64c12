"""Seeded stories of one partition: two zones, people, requests, beats, repeats, and what no program wrote."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

from matcher.commands import Command, Tick
from matcher.events import Event
from matcher.problem import Plan, Problem
from services.adapters.memory import MemoryLog
from services.core import Core, Matching
from services.folding import Fold
from services.names import COMMANDS, JOURNAL
from services.parking import NO_ZONE
from services.ports import Log, Solver
from services.solving import InlineSolver
from services.verify import Receipt, Verdict, verify
from services.wire import encode
from tests.simulation import toy

ZONES = ("east", "west")


class Slow:
    """The real solver, in line, after some time of the loop's."""

    def __init__(self, solve_s: float) -> None:
        self._solve_s = solve_s
        self._solver = InlineSolver()

    async def solve(self, problem: Problem) -> Plan:
        await asyncio.sleep(self._solve_s)
        return await self._solver.solve(problem)


#: What the stories are played with: both cores see the same faults.
CORES: dict[str, tuple[Callable[[], Core], Callable[[float], Solver]]] = {
    "toy": (toy.ToyCore, toy.ToySolver),
    "matcher": (Matching, Slow),
}

#: Thirty commands: beats that solve, cancelled requests, a repeat, refusals, garbage, an unknown zone.
FIXED: list[Command | bytes] = [
    toy.place("east"), toy.person("east", "ana"), toy.request("east", "e1"), toy.tick("east", 0),
    toy.place("west"), toy.person("west", "wei"), toy.request("west", "w1"), toy.request("west", "w2"),
    toy.tick("west", 0), toy.cancel("west", "w1"), toy.request("east", "e2"), toy.tick("east", 1),
    b"{broken", toy.person("east", "ben"), toy.tick("east", 2), toy.request("east", "e2", "submit.e2.again"),
    toy.person("east", "ben"), toy.tick("west", 1), toy.cancel("east", "e1"), toy.request("east", "e3"),
    toy.tick("east", 3), toy.accept("east", "e2", "ana"), toy.accept("east", "e2", "ben"),
    toy.request("nowhere", "n1"), toy.person("west", "li"), toy.request("west", "w3"), toy.tick("west", 2),
    toy.tick("east", 4),
    toy.cancel("east", "e3"), toy.tick("east", 5),
]  # fmt: skip


def random_story(dice: random.Random, length: int) -> list[Command | bytes]:
    """Return a story that opens both zones and then does anything."""
    return [*(toy.place(zone) for zone in ZONES), *_steps(dice, length - len(ZONES))]


def _steps(dice: random.Random, length: int) -> Iterator[Command | bytes]:
    beats = dict.fromkeys(ZONES, 0)
    said: list[Command | bytes] = []
    people: list[str] = []
    for n in range(length):
        zone = dice.choice(ZONES)
        what = dice.random()
        step: Command | bytes
        if what < 0.25:
            step = toy.tick(zone, beats[zone])
            beats[zone] += 1
        elif what < 0.45:
            step = toy.person(zone, f"p{n}")
            people.append(f"p{n}")
        elif what < 0.75:
            step = toy.request(zone, f"r{n}")
        elif what < 0.88:
            step = toy.cancel(zone, f"r{dice.randrange(n + 1)}")
        elif what < 0.93 and people:
            step = toy.accept(zone, f"r{dice.randrange(n + 1)}", dice.choice(people))
        elif what < 0.96 and said:
            step = dice.choice(said)
        else:
            step = dice.choice([b"", b"\xff", b'{"type":"Tick"}', toy.request("nowhere", f"n{n}")])
        said.append(step)
        yield step


def as_bytes(step: Command | bytes) -> bytes:
    return step if isinstance(step, bytes) else encode(step)


def receipt(step: Command | bytes, offset: int) -> dict[str, Receipt]:
    """Return what the client keeps: every command but Ticks; garbage under a name of its own."""
    if isinstance(step, Tick):
        return {}
    name = step.id if isinstance(step, Command) else f"raw.{offset}"
    return {name: Receipt(name, 0, offset)}


# --- afterwards ----------------------------------------------------------------------------------------------------


async def zone_events(log: Log, core: Core) -> dict[str, list[Event]]:
    """Fold the journal; return each zone's events. The fold checks hashes and ranges on the way."""
    fold = Fold(core, 0)
    events: dict[str, list[Event]] = {}
    for record in await log.read(JOURNAL, 0, 0, 10**6):
        for event in fold.accept(record.offset, record.value)[1]:
            if event.zone != NO_ZONE:
                events.setdefault(event.zone, []).append(event)
    return events


async def sound(log: MemoryLog, receipts: dict[str, Receipt]) -> Verdict:
    """Let the independent checker judge; fail with what it found."""
    verdict = await verify(log, 1, receipts)
    assert verdict.sound, verdict
    assert verdict.commands == (await log.bounds(COMMANDS, 0)).end
    return verdict

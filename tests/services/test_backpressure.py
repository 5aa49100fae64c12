"""Asked for twice as much as it can do, with a solver three times slower than the beat (I-13), in virtual time.

The API, the writers, the ticker, the board and the checker are the product's; only the time and the solver's are not.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx

from matcher.events import TimePassed
from matcher.problem import Plan, Problem
from services.adapters.board_memory import MemoryBoard
from services.adapters.contacts_memory import MemoryContacts
from services.adapters.memory import MemoryLog
from services.api import app as api
from services.api.context import Context
from services.api.pending import Pending
from services.core import Matching
from services.embedded import Embedded
from services.metrics import Metrics
from services.projecting import Projecting
from services.readiness import Readiness
from services.solving import InlineSolver
from services.verify import Receipt, verify
from services.wire import partition_of
from tests.serving import ALWAYS, POINT
from tests.simulation.virtual import run

SEED = 20261123
BEAT_S = 1.0
SOLVE_S = 3.0
UNANSWERED_MAX = 10
#: What can be taken for good: so many may wait, and each waits about a solve.
SUSTAINED_A_S = UNANSWERED_MAX / SOLVE_S
OVERLOAD_S = 60.0
TRIES = 3
ZONES = ("z0", "z1")
PARTITIONS = 2
START = datetime(2026, 3, 2, tzinfo=UTC)


class LateSolver(InlineSolver):
    """Right, and late."""

    late_s = SOLVE_S

    async def solve(self, problem: Problem) -> Plan:
        await asyncio.sleep(self.late_s)
        return await super().solve(problem)


class Beats:
    """When each zone's time moved, in the log's own time."""

    def __init__(self) -> None:
        self.at: dict[str, list[float]] = {}

    def entry(self, partition: int, offset: int, entry: Any, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, TimePassed):
                self.at.setdefault(event.zone, []).append((event.at - START).total_seconds())

    def lengths(self, since_s: float, until_s: float) -> list[float]:
        """Seconds from beat to beat."""
        return [
            later - earlier
            for each in self.at.values()
            for earlier, later in pairwise(each)
            if since_s <= earlier and later <= until_s
        ]


class Overloaded:
    """One process whose clients ask too much."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return START + timedelta(seconds=loop.time())

        self.log = MemoryLog(PARTITIONS)
        self.solver = LateSolver()
        self.beats = Beats()
        self.pending = Pending(UNANSWERED_MAX)
        board = MemoryBoard(PARTITIONS)
        self.projecting = Projecting(board, [self.pending])
        self.embedded = Embedded(
            self.log, Matching(), self.solver, partitions=PARTITIONS, beat_s=BEAT_S, linger_s=0, now=now
        )
        self.embedded.subscribe(self.projecting)
        self.embedded.subscribe(self.beats)
        readiness = Readiness()
        readiness.started = True
        app = api.create(
            Context(
                append=self.embedded.append,
                board=board,
                contacts=MemoryContacts(),
                pending=self.pending,
                readiness=readiness,
                metrics=Metrics(),
                now=now,
                list_limit_max=100,
            )
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
        self.statuses: dict[int, int] = {}
        self.receipts: dict[str, Receipt] = {}
        self.most_waiting = 0

    async def ask(self, zone: str, path: str, body: dict[str, Any], key: str) -> bool:
        """POST as often as a person would, when the answer says so; say whether it was taken."""
        for _ in range(TRIES):
            answer = await self.http.post(f"/zones/{zone}{path}", json=body, headers={"Idempotency-Key": key})
            self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
            self._look()
            if answer.status_code == 202:
                command = answer.json()["command"]
                self.receipts[command] = Receipt(command, partition_of(zone, PARTITIONS), -1)
                return True
            assert answer.status_code == 429, answer.text
            await asyncio.sleep(float(answer.headers["Retry-After"]))
        return False

    async def open(self) -> None:
        for zone in ZONES:
            for path, body in (
                ("/places", {"place": "yard", "level": "compound", "name": "Yard", "point": POINT}),
                ("/skills", {"skill": "plumbing"}),
                ("/policy", {"policy": {"name": "load", "offers_per_day": 0, "notify": False}}),
                (
                    "/volunteers",
                    {"volunteer": "ana", "point": POINT, "skills": [{"skill": "plumbing"}], "hours": ALWAYS},
                ),
            ):
                assert await self.ask(zone, path, body, f"{zone}{path}")

    async def load(self, a_second: float, seconds: float) -> None:
        """Clients come at a rate, whatever became of those before."""
        dice = random.Random(SEED)
        asking = []
        for n in range(int(a_second * seconds)):
            body = {"request": f"r{n}", "point": POINT, "requirements": [{"skills": [{"skill": "plumbing"}]}]}
            asking.append(asyncio.create_task(self.ask(ZONES[n % len(ZONES)], "/requests", body, f"r{n}")))
            await asyncio.sleep(dice.expovariate(a_second))
        await asyncio.gather(*asking)

    def _look(self) -> None:
        waiting = max(len(self.pending), sum(writer.unanswered for writer in self.embedded.writers()))
        self.most_waiting = max(self.most_waiting, waiting)


def test_twice_the_load_on_a_solver_three_times_too_slow_is_bounded_refused_kindly_and_drained() -> None:
    async def story() -> None:
        its = Overloaded()
        loop = asyncio.get_running_loop()
        await its.embedded.start()
        projecting = asyncio.create_task(its.projecting.run())
        await its.open()
        began_s = loop.time()
        await its.load(2 * SUSTAINED_A_S, OVERLOAD_S)
        ended_s = loop.time()

        # Bounded: what waits is what may wait, and one Tick a zone.
        assert its.most_waiting <= UNANSWERED_MAX + len(ZONES)
        # Refused, not dropped; and what could be done was done.
        assert its.statuses[429] > its.statuses[202] / 4
        assert its.statuses[202] >= SUSTAINED_A_S * OVERLOAD_S / 2
        # The beat grows with the solver, and no Tick is piled on another.
        longer = its.beats.lengths(began_s, ended_s)
        assert len(longer) > len(ZONES) * OVERLOAD_S / (SOLVE_S + 2 * BEAT_S)
        assert min(longer) >= SOLVE_S
        assert max(longer) <= SOLVE_S + 2 * BEAT_S

        # Drained with the next solves, and then as quick as ever.
        await its.pending.emptied()
        assert loop.time() - ended_s <= 2 * (SOLVE_S + BEAT_S)
        its.solver.late_s = 0.0
        again_s = loop.time() + SOLVE_S + BEAT_S
        while loop.time() < again_s + 10:
            assert await its.ask(ZONES[0], "/skills", {"skill": f"s{loop.time()}"}, f"s{loop.time()}")
            await asyncio.sleep(BEAT_S / 2)
        assert its.pending.full is False

        verdict = await verify(its.log, PARTITIONS, its.receipts)
        assert verdict.sound, verdict.findings
        assert (verdict.lost, verdict.receipts) == (0, len(its.receipts))
        await its.embedded.stop()
        projecting.cancel()
        await its.http.aclose()

    run(story())

"""Clients and people of the simulation, outside of every process: they ask over HTTP until they are answered.

They know what they were told: a 202, an offer that came as a message. What they do is drawn from the seed and the
offer, so that a shorter story changes nothing else.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from services.api.identity import derived
from services.jobs import Notify
from tests.simulation.whole.processes import EPOCH
from tests.simulation.whole.stories import OPENING_S, Say, Story

REQUEST_S = 5.0
PAUSE_S = 1.0
#: A client that is not answered asks so often, then it is the system's fault.
TRIES_MAX = 400

Reply = tuple[int, Any]
Ask = Callable[[str, str, str, dict[str, str], bytes], Coroutine[Any, Any, Reply]]


class Lost(Exception):
    """The connection broke; nobody knows whether the request arrived."""


class Town:
    """`ask(api, method, path, headers, body)` is HTTP; raises Lost. `checker` hears what clients hear."""

    def __init__(
        self, story: Story, ask: Ask, apis: tuple[str, ...], checker: Any, put: Callable[[str, bytes], None]
    ) -> None:
        self._story, self._ask, self._apis, self._checker, self._put = story, ask, apis, checker, put
        self.busy: set[asyncio.Task[None]] = set()
        #: the latest time of a visit that somebody has waited for
        self.due_s = 0.0
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.statuses: dict[int, int] = {}
        self.acknowledged = 0
        self._used_twice = _used_twice(story)
        self._opening: dict[str, asyncio.Lock] = {}

    def begin(self, say: Say) -> None:
        """Ask at its time."""
        asyncio.get_running_loop().call_at(say.at_s, lambda: self._go(self._said(say)))

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.busy.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.busy.discard(task)
        if not task.cancelled() and task.exception() is not None and not self.failed.done():
            self.failed.set_exception(task.exception())  # type: ignore[arg-type]

    async def _said(self, say: Say) -> None:
        """A zone is opened step by step; what else is asked of it waits for that."""
        opening = self._opening.setdefault(say.zone, asyncio.Lock())
        if say.at_s < OPENING_S:
            async with opening:  # whoever came first goes first
                await self._asked(say)
            return
        async with opening:
            pass
        if not say.path:
            self._put(say.zone, say.raw)
            return
        await self._asked(say)

    async def _asked(self, say: Say) -> str:
        """Ask until it is taken; return what became of it."""
        dice = random.Random(f"{self._story.seed}.{say.zone}.{say.key}.{say.at_s}")
        body = json.dumps(say.body).encode()
        for _ in range(TRIES_MAX):
            status, answer = await self._try(dice, "POST", f"/zones/{say.zone}{say.path}", body, say.key)
            if status == 202:
                self.acknowledged += 1
                self._checker.taken(say.zone, answer["command"])
                assert answer["command"] == derived("town", say.key)
                return await self._followed(say.zone, answer["command"], dice)
            if status == 422:
                assert answer["error"] == "idempotency_conflict", (say, answer)
                assert (say.zone, say.key) in self._used_twice, (say, answer)
                return "conflict"
            assert status in (0, 429, 503), (status, answer)
            await asyncio.sleep(dice.uniform(0.1, 0.3 if self._begins() else PAUSE_S))
        raise AssertionError(f"Nobody takes ({say}).")

    async def _followed(self, zone: str, command: str, dice: random.Random) -> str:
        """Look at the receipt until it says what became of it."""
        for _ in range(TRIES_MAX):
            await asyncio.sleep(dice.uniform(0.1, 0.2 if self._begins() else 3 * PAUSE_S))
            status, answer = await self._try(dice, "GET", f"/zones/{zone}/commands/{quote(command)}", b"", "")
            if status in (200, 404):
                self._checker.looked(zone, command, status, answer)
            if status == 200 and answer["command"]["state"] != "pending":
                return str(answer["command"]["state"])
        raise AssertionError(f"Nobody says what became of ({command}) of ({zone}).")

    async def _try(self, dice: random.Random, method: str, path: str, body: bytes, key: str) -> Reply:
        headers = {"host": "127.0.0.1", "x-client-id": "town", **({"idempotency-key": key} if key else {})}
        await asyncio.sleep(dice.uniform(0, 0.01))
        try:
            reply = await self._ask(dice.choice(self._apis), method, path, headers, body)
        except Lost:
            reply = (0, None)
        self.statuses[reply[0]] = self.statuses.get(reply[0], 0) + 1
        return reply

    def _begins(self) -> bool:
        """Whether the town is being opened: then everybody is quick."""
        return any(lock.locked() for lock in self._opening.values())

    # --- people ----------------------------------------------------------------------------------------------------

    def told(self, job: Notify, again: bool) -> None:
        """Somebody reads a message. One that knows its key is read once."""
        if job.about == "offer" and not again:
            self._go(self._answers(job))

    async def _answers(self, job: Notify) -> None:
        dice = random.Random(f"{self._story.seed}.{job.zone}.{job.offer}")
        mood = dice.random() if self._story.rough else 0.0
        await asyncio.sleep(dice.uniform(1, 15) if self._story.rough else 1.0)
        if mood > 0.88:
            return
        if mood > 0.72:
            await self._does(job, f"/offers/{job.offer}/decline", "decline", {"reason": "BUSY"})
            return
        if await self._does(job, f"/offers/{job.offer}/accept", "accept") != "answered" or mood > 0.64:
            return
        for what, at in (("depart", job.start), ("arrive", job.start), ("finish", job.end)):
            await self._until((at - EPOCH).total_seconds())
            if await self._does(job, f"/assignments/{job.offer}/{what}", what) != "answered":
                return
        rating = {"effect": 5, "conduct": 4, "solved": mood < 0.6}
        await self._does(job, f"/requests/{job.request}/rate", f"rate.{job.offer}", rating)

    async def _does(self, job: Notify, path: str, what: str, body: dict[str, Any] | None = None) -> str:
        now_s = asyncio.get_running_loop().time()
        return await self._asked(Say(now_s, job.zone, path, f"{what}.{job.offer}", body or {}))

    async def _until(self, at_s: float) -> None:
        self.due_s = max(self.due_s, at_s)
        await asyncio.sleep(max(0.5, at_s - asyncio.get_running_loop().time()))


def _used_twice(story: Story) -> set[tuple[str, str]]:
    """Keys that a client uses for two bodies: either may be refused, the order is the log's."""
    bodies: dict[tuple[str, str], set[str]] = {}
    for say in story.items:
        if isinstance(say, Say):
            bodies.setdefault((say.zone, say.key), set()).add(say.path + json.dumps(say.body))
    return {key for key, each in bodies.items() if len(each) > 1}

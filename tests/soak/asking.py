"""Who asks for too much: clients that come at a rate, whatever became of those before them.

Each asks for help and takes it back some seconds later, so that what is open stays bounded. A client that is told 429
comes again when the answer says so, a few times; then it goes away. What was acknowledged is the outside evidence.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Any

import httpx

from services.verify import Receipt
from services.wire import partition_of
from tests.serving import ALWAYS, POINT

TRIES = 4
#: To take back what was asked must succeed at last, or what is open grows.
TRIES_TO_CANCEL = 600
PEOPLE = 10
STAY_S = (5.0, 10.0)
HTTP_S = 30.0


class Asking:
    """Asks at `url` in `zones`."""

    def __init__(self, url: str, zones: list[str], partitions: int, seed: int) -> None:
        self.receipts: dict[str, Receipt] = {}
        self.statuses: Counter[str] = Counter()
        #: Answers 429 that do not say when to come again.
        self.rude = 0
        self._zones = zones
        self._partitions = partitions
        self._dice = random.Random(seed)
        self._count = 0
        self._http = httpx.AsyncClient(base_url=url, timeout=HTTP_S, limits=httpx.Limits(max_connections=100))

    async def open(self) -> None:
        """Open the zones: a place, a skill, a policy, people without a contact."""
        for zone in self._zones:
            await self._must(zone, "/places", {"place": "yard", "level": "compound", "name": "Yard", "point": POINT})
            await self._must(zone, "/skills", {"skill": "plumbing"})
            await self._must(zone, "/policy", {"policy": {"name": "soak", "offers_per_day": 0}})
            for n in range(PEOPLE):
                can = {"point": POINT, "skills": [{"skill": "plumbing"}], "hours": ALWAYS}
                await self._must(zone, "/volunteers", {"volunteer": f"p{n}", **can})

    async def ask(self, a_second: float, seconds: float) -> None:
        """Let clients come; return when the last has gone."""
        end_s = time.monotonic() + seconds
        living: set[asyncio.Task[None]] = set()
        next_s = time.monotonic()
        while time.monotonic() < end_s:
            # Who comes too late because this process was slow does not come at all.
            next_s = max(next_s, time.monotonic() - 1.0) + self._dice.expovariate(a_second)
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
            task = asyncio.create_task(self._client())
            living.add(task)
            task.add_done_callback(living.discard)
        await asyncio.gather(*living)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def _client(self) -> None:
        self._count += 1
        name, zone = f"r{self._count}", self._zones[self._count % len(self._zones)]
        stay_s = self._dice.uniform(*STAY_S)
        if await self._asked(zone, "/requests", {"request": name, "point": POINT, "requirements": _TAP}, TRIES):
            await asyncio.sleep(stay_s)
            await self._asked(zone, f"/requests/{name}/cancel", {}, TRIES_TO_CANCEL)

    async def _must(self, zone: str, path: str, body: dict[str, Any]) -> None:
        if not await self._asked(zone, path, body, TRIES_TO_CANCEL):
            raise RuntimeError(f"Zone ({zone}) cannot be opened: {self.statuses}.")

    async def _asked(self, zone: str, path: str, body: dict[str, Any], tries: int) -> bool:
        key = f"{zone}{path}{body.get('volunteer', '')}{body.get('request', '')}"
        for _ in range(tries):
            try:
                answer = await self._http.post(f"/zones/{zone}{path}", json=body, headers={"Idempotency-Key": key})
            except httpx.HTTPError as error:
                self.statuses[type(error).__name__] += 1
                await asyncio.sleep(1.0)
                continue
            self.statuses[str(answer.status_code)] += 1
            if answer.status_code == 202:
                command = answer.json()["command"]
                self.receipts[command] = Receipt(command, partition_of(zone, self._partitions), -1)
                return True
            self.rude += answer.status_code == 429 and "Retry-After" not in answer.headers
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
        return False


_TAP = [{"skills": [{"skill": "plumbing"}]}]

"""Who asks: a seeded client of the API in several zones, that repeats itself under one key until it has an answer.

It keeps a history of its own: every key, every status, every acknowledged command. That is the outside evidence.
Residents ask, people accept what the board offers them, depart, arrive and finish; now and then somebody cancels,
declines, or asks the same again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.api.identity import derived
from services.verify import Receipt
from services.wire import partition_of
from tests.chaos.gateway import Gateway
from tests.serving import ALWAYS, POINT

CLIENT = "chaos"
HTTP_S = 10.0
#: Longer than every fault; then a command counts as never acknowledged.
PATIENCE_S = 150.0
AGAIN_S = 0.25
PEOPLE = 5
REPEATS = 0.05
DECLINES = 0.1
CANCELS = 0.05


@dataclass
class Asked:
    """One command as its client sees it. `statuses` is 0 where nothing came back."""

    key: str
    zone: str
    began_s: float
    statuses: list[int] = field(default_factory=list)
    acknowledged_s: float | None = None
    receipt: str = ""
    wrong: str = ""

    @property
    def id(self) -> str:
        """The command's id, derived as the API derives it."""
        return derived(CLIENT, self.key)


class Load:
    """`url` says where the API is now. `pause_s`: how long an actor rests between two asks."""

    def __init__(
        self, url: Callable[[], str], gateway: Gateway, zones: list[str], partitions: int, seed: int, pause_s: float
    ) -> None:
        self.zones = zones
        self.asked: list[Asked] = []
        self._url = url
        self._gateway = gateway
        self._partitions = partitions
        self._pause_s = pause_s
        self._seed = seed
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._http = httpx.AsyncClient(timeout=HTTP_S, headers={"X-Client-Id": CLIENT})
        self._counters: Counter[str] = Counter()
        #: what a GET was answered with
        self.looked: Counter[int] = Counter()

    async def open(self) -> None:
        """Open the zones: a place, a skill, a policy, people who are told at the gateway."""
        await asyncio.gather(*(self._open(zone) for zone in self.zones))

    def start(self) -> None:
        """Let everybody ask."""
        self._stopping.clear()
        dice = random.Random(f"{self._seed} {len(self.asked)}")
        self._tasks = [asyncio.create_task(self._live(zone, random.Random(dice.random()))) for zone in self.zones]

    async def stop(self) -> None:
        """Let everybody finish what they ask."""
        self._stopping.set()
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*tasks)

    async def abandon(self) -> None:
        """Give up, whoever still asks."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give up and hang up."""
        await self.abandon()
        await self._http.aclose()

    @property
    def receipts(self) -> dict[str, Receipt]:
        """What was acknowledged, for `journal verify`; the API tells no offset, so it says -1."""
        return {
            each.id: Receipt(each.id, partition_of(each.zone, self._partitions), -1)
            for each in list(self.asked)
            if each.acknowledged_s is not None
        }

    def acknowledged_since(self, since_s: float) -> int:
        """Return how many commands were taken after this moment."""
        return sum(1 for each in list(self.asked) if (each.acknowledged_s or 0) >= since_s)

    async def ask(self, zone: str, path: str, body: dict[str, Any], key: str | None = None) -> Asked:
        """POST until it is taken or refused for good; whatever else comes is asked again under the same key."""
        self._counters[zone] += 1
        asked = Asked(key or f"{self._seed}.{zone}.{self._counters[zone]}", zone, time.time())
        self.asked.append(asked)
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            if await self._posted(asked, zone, path, body):
                return asked
            await asyncio.sleep(AGAIN_S)
        asked.wrong = f"never taken: {Counter(asked.statuses)}"
        return asked

    async def _posted(self, asked: Asked, zone: str, path: str, body: dict[str, Any]) -> bool:
        """POST once; say whether that was the last word."""
        try:
            answer = await self._http.post(
                f"{self._url()}/zones/{zone}{path}", json=body, headers={"Idempotency-Key": asked.key}
            )
        except httpx.HTTPError:
            asked.statuses.append(0)
            return False
        asked.statuses.append(answer.status_code)
        if answer.status_code == 202:
            asked.acknowledged_s = time.time()
            asked.receipt = answer.headers["Location"]
            if answer.json()["command"] != asked.id:
                asked.wrong = f"another command ({answer.json()['command']}) under its key"
            return True
        if answer.status_code in (429, 503):
            return False
        asked.wrong = f"({answer.status_code}) {answer.text}"
        return True

    async def look(self, zone: str, path: str) -> Any:
        """GET once; None where the board cannot tell now."""
        try:
            answer = await self._http.get(f"{self._url()}/zones/{zone}{path}")
        except httpx.HTTPError:
            self.looked[0] += 1
            return None
        self.looked[answer.status_code] += 1
        return answer.json() if answer.status_code == 200 else None

    async def _open(self, zone: str) -> None:
        policy = {"name": "chaos", "offers_per_day": 0, "job_retry_minutes": 1, "job_attempts_max": 20}
        await self.ask(zone, "/places", {"place": "yard", "level": "compound", "name": "Yard", "point": POINT})
        await self.ask(zone, "/skills", {"skill": "plumbing"})
        await self.ask(zone, "/policy", {"policy": policy})
        for n in range(PEOPLE):
            # The same names in every zone: an id is unique in its zone only.
            person = f"p{n}"
            contact = {"webhook": self._gateway.webhook(zone, person)}
            put = await self._http.put(f"{self._url()}/zones/{zone}/contacts/{person}", json=contact)
            assert put.status_code == 204, put.text
            body = {"volunteer": person, "point": POINT, "skills": [{"skill": "plumbing"}], "hours": ALWAYS}
            await self.ask(zone, "/volunteers", body)

    async def _live(self, zone: str, dice: random.Random) -> None:
        """Ask for help, answer what the board offers, again and again."""
        while not self._stopping.is_set():
            await self._request(zone, dice)
            await self._answer(zone, f"p{dice.randrange(PEOPLE)}", dice)
            await asyncio.sleep(self._pause_s * (0.5 + dice.random()))

    async def _request(self, zone: str, dice: random.Random) -> None:
        name = f"r{self._counters[zone]}"
        body = {"request": name, "point": POINT, "requirements": [{"skills": [{"skill": "plumbing"}]}]}
        asked = await self.ask(zone, "/requests", body)
        if dice.random() < REPEATS:
            await self._posted(Asked(asked.key, zone, time.time()), zone, "/requests", body)
        if dice.random() < CANCELS:
            await self.ask(zone, f"/requests/{name}/cancel", {})

    async def _answer(self, zone: str, person: str, dice: random.Random) -> None:
        found = await self.look(zone, f"/volunteers/{person}/offers?state=sent&limit=3")
        for offer in [each["offer"] for each in found["offers"]] if found else []:
            if dice.random() < DECLINES:
                await self.ask(zone, f"/offers/{offer}/decline", {"reason": "BUSY"})
                continue
            await self.ask(zone, f"/offers/{offer}/accept", {})
            for step in ("depart", "arrive", "finish"):
                await self.ask(zone, f"/assignments/{offer}/{step}", {})

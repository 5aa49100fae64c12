"""Jobs and those who work them: a queue that loses and repeats, the product's own `Worker`, and where people are told.

The worker's code waits for nobody: each of its steps outside (contact, message, report, acknowledgement) is a place at
which it may die.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from matcher.commands import JobOutcome, ReportJob
from services.asking import asked
from services.contacts import Contact
from services.jobs import Notify
from services.metrics import Metrics
from services.names import COMMANDS
from services.ports import AppendUncertain, Message
from services.queues import PUBLISHED_AT, notify_queue
from services.worker.consumer import Worker
from services.worker.intents import Intent, Intents
from services.worker.sending import Telling
from tests.simulation.whole.lines import Line
from tests.simulation.whole.processes import Dead, Process

VISIBILITY_S = 20.0
REPORT_TRIES = 3

#: zone, person, offer, about
What = tuple[str, str, str, str]


class Silent(Metrics):
    """Counts nothing: a registry a process would be most of the simulation's work."""

    def __init__(self) -> None:
        return

    def count(self, name: str, amount: float = 1, /, **labels: str) -> None:
        return

    set = add = observe = remove = count  # type: ignore[assignment]

    def at_scrape(self, look: Any) -> None:
        return


class Queue:
    """The broker of the jobs: at least once on good days, in no order."""

    def __init__(self, dice: random.Random) -> None:
        self.waiting: list[tuple[bytes, float, bool]] = []
        self._dice = dice
        self._away_until_s = -1.0

    def put(self, body: bytes, since_s: float | None = None) -> None:
        """A job arrives; while the broker is away it is lost."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._away_until_s:
            self.waiting.append((body, now_s if since_s is None else since_s, since_s is not None))

    def away(self, for_s: float) -> None:
        """Nobody reaches it."""
        self._away_until_s = asyncio.get_running_loop().time() + for_s

    def lose(self) -> None:
        """What waits is gone (LANDMINES K1, K7)."""
        self.waiting.clear()

    def double(self) -> None:
        """What waits comes twice."""
        self.waiting *= 2

    def take(self) -> Delivery | None:
        """Any job; given to somebody else when it is not acknowledged in time."""
        if not self.waiting or asyncio.get_running_loop().time() < self._away_until_s:
            return None
        body, since_s, again = self.waiting.pop(self._dice.randrange(len(self.waiting)))
        delivery = Delivery(body, since_s, again)
        asyncio.get_running_loop().call_later(VISIBILITY_S, self._restore, delivery)
        return delivery

    def _restore(self, delivery: Delivery) -> None:
        if not delivery.acknowledged:
            self.put(delivery.body, delivery.since_s)


class Delivery:
    """A kombu message."""

    def __init__(self, body: bytes, since_s: float, again: bool) -> None:
        self.body, self.since_s = body, since_s
        self.acknowledged = False
        self.process: Process | None = None
        self.delivery_info = {"redelivered": again}

    @property
    def headers(self) -> dict[str, float]:
        """When it was handed over, by the clock that the worker asks."""
        return {PUBLISHED_AT: time.time() - (asyncio.get_running_loop().time() - self.since_s)}

    def decode(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)

    def ack(self) -> None:
        """It is done."""
        assert self.process is not None
        self.process.point()
        self.acknowledged = True
        self.process.point()


class Publishing:
    """Port `Jobs` of one process: what it has not handed over dies with it."""

    def __init__(self, queue: Queue, process: Process, dice: random.Random) -> None:
        self._queue, self._process, self._dice = queue, process, dice

    def publish(self, job: Notify) -> None:
        """See `Jobs.publish`."""
        if self._process.alive:
            body = msgspec.json.encode(job)
            asyncio.get_running_loop().call_later(self._dice.uniform(0, 0.1), self._hand_over, body)

    def _hand_over(self, body: bytes) -> None:
        if self._process.alive:
            self._queue.put(body)


class Gateway:
    """Where people are told. `told(key, what, job, again)` hears every message that arrives."""

    def __init__(self, dice: random.Random, told: Callable[[str, What, Notify, bool], None]) -> None:
        self.keys: dict[What, set[str]] = {}
        self.arrived: Counter[str] = Counter()
        self.bad = 0.0
        self._dice, self._told = dice, told

    def receive(self, job: Notify) -> JobOutcome:
        """A message comes in, or is lost on its way; so may be the answer."""
        fate = self._dice.random() / self.bad if self.bad else 1.0
        if fate < 0.4:
            return JobOutcome.FAILED
        what = (job.zone, job.person, job.offer, job.about)
        self.keys.setdefault(what, set()).add(job.message)
        self.arrived[job.message] += 1
        self._told(job.message, what, job, self.arrived[job.message] > 1)
        return JobOutcome.FAILED if fate < 1.0 else JobOutcome.SENT


class Sending:
    """Port `Sender` of one process."""

    def __init__(self, gateway: Gateway, process: Process) -> None:
        self._gateway, self._process = gateway, process

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        """See `Sender.send`."""
        self._process.point()
        outcome = self._gateway.receive(job)
        self._process.point()
        return outcome


class Noted:
    """Port `Intents` of one process: the file outlives it."""

    def __init__(self, file: Intents, process: Process) -> None:
        self._file, self._process = file, process

    def of(self, message: str) -> Intent | None:
        """See `Intents.of`."""
        self._process.point()
        return self._file.of(message)

    def note(self, message: str, intent: Intent | None) -> None:
        """See `Intents.note`."""
        self._process.point()
        self._file.note(message, intent)
        self._process.point()


class Everybody:
    """Port `Contacts`: whoever is asked for has a webhook."""

    def get(self, zone: str, person: str) -> Contact:
        """See `Contacts.get`."""
        return Contact(webhook=f"http://127.0.0.1/{zone}/{person}")


class _Unconnected:
    """Stands for kombu's connection; `Worker` asks it nothing while deliveries are handed to it."""

    connection_errors = channel_errors = ()

    def clone(self) -> _Unconnected:
        return self


class Working:
    """One worker's process: takes a job, works it to its end, takes the next."""

    def __init__(
        self, queue: Queue, gateway: Gateway, intents: Intents, line: Line, process: Process, dice: random.Random
    ) -> None:
        self._queue, self._line, self._process, self._dice = queue, line, process, dice
        sending, noted = Sending(gateway, process), Noted(intents, process)
        telling = Telling(Everybody(), sending, None, noted)  # type: ignore[arg-type]
        self._worker = Worker(_Unconnected(), notify_queue("n"), telling, self._report, Silent(), VISIBILITY_S)

    async def run(self) -> None:
        """Work for ever."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.1, 0.8))
            delivery = self._queue.take()
            if delivery is not None:
                delivery.process = self._process
                await asyncio.sleep(self._dice.uniform(0, 0.1))
                try:
                    self._worker.take(delivery)
                except (TimeoutError, Dead):
                    continue

    def _report(self, command: ReportJob) -> None:
        """In the place of `Reporting`, which waits in a thread."""
        for _ in range(REPORT_TRIES):
            try:
                self._appended(command)
                return
            except AppendUncertain:
                continue
        raise TimeoutError

    def _appended(self, command: ReportJob) -> None:
        async def append(partition: int, values: list[bytes]) -> int:
            return self._line.send(COMMANDS, partition, [Message(value) for value in values])

        appending = asked([command], append, self._line.partitions)
        try:
            appending.send(None)
        except StopIteration:
            return
        raise AssertionError("A report to one zone waits for nothing.")

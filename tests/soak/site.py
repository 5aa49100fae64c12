"""Where the service runs while it is soaked: as `paidan up` on SQLite, or as three roles on the brokers."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.adapters.kafka import KafkaLog
from services.adapters.sqlite import SqliteLog
from services.demo.site import Site
from services.names import LOG_FILE
from services.ports import Log
from services.settings import Settings
from tests.processes import Served, ready, until

PARTITIONS = 4
NEEDED = ("PAIDAN_KAFKA", "PAIDAN_REDIS", "PAIDAN_AMQP")
#: What the board keeps, so small that it is full soon: a soak looks for what grows without end.
KEPT = {"PAIDAN_RECEIPTS_MAX": "2000", "PAIDAN_CLOSED_MAX": "200"}


def roles(solve_s: float) -> type[Served]:
    """`paidan …` whose solves take so long."""

    class Slow(Served):
        program = ("-m", "tests.soak.slowly", str(solve_s))

    return Slow


class Place:
    """Processes and, once they have ended, their log."""

    def __init__(self, folder: Path, brokers: bool) -> None:
        self._folder = folder
        self._brokers = brokers
        self._prefix = f"soak-{secrets.token_hex(4)}."
        self.processes: dict[str, Served] = {}

    async def start(self, solve_s: float, beat_s: float, unanswered_max: int) -> str:
        """Start everything; return the API's URL."""
        environment = {
            "PAIDAN_DATA_DIR": str(self._folder / "data"),
            "PAIDAN_PORT": "0",
            "PAIDAN_PARTITIONS": str(PARTITIONS),
            "PAIDAN_BEAT_S": str(beat_s),
            "PAIDAN_UNANSWERED_MAX": str(unanswered_max),
            "PAIDAN_SOLVE_GUARD_S": str(10 * solve_s + 10),
            "PAIDAN_CONSOLE": "false",
            **KEPT,
        }
        if self._brokers:
            environment |= {name: os.environ[name] for name in NEEDED}
            environment |= {"PAIDAN_PREFIX": self._prefix, "PAIDAN_TRIAL": "true"}
            made = Served(self._folder / "topics", "topics", "apply", **environment)
            if await asyncio.to_thread(made.ended) != 0:
                raise RuntimeError(made.said)
        for name in ("stream", "worker", "api") if self._brokers else ("up",):
            arguments = ("up",) if name == "up" else ("serve", name)
            own = {"PAIDAN_DATA_DIR": str(self._folder / "stream")} if name == "stream" else {}
            self.processes[name] = roles(solve_s)(self._folder / name, *arguments, **{**environment, **own})
        for each in self.processes.values():
            await asyncio.to_thread(until, lambda its=each: ready(its.url), lambda its=each: its.said[-2000:])
        return self.processes["api" if self._brokers else "up"].url

    async def stop(self) -> dict[str, int]:
        """SIGTERM; return the exit codes. What asks ends before what answers."""
        return {name: await asyncio.to_thread(each.end) for name, each in reversed(self.processes.items())}

    @asynccontextmanager
    async def log(self) -> AsyncIterator[Log]:
        """The log, to read."""
        if not self._brokers:
            file = SqliteLog(self._folder / "data" / LOG_FILE, read_only=True)
            try:
                yield file
            finally:
                file.close()
            return
        log = KafkaLog(os.environ["PAIDAN_KAFKA"], PARTITIONS, prefix=self._prefix, trial=True)
        await log.start()
        try:
            yield log
        finally:
            await log.stop()

    async def remove(self) -> None:
        """End what still runs by its id, and remove what stands on the brokers."""
        for each in self.processes.values():
            if each.process.poll() is None:
                each.kill()
        if self._brokers:
            kafka, redis, amqp = (os.environ[name] for name in NEEDED)
            settings = Settings(kafka=kafka, redis=redis, amqp=amqp, prefix=self._prefix)
            await asyncio.to_thread(Site(settings).remove)

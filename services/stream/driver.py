"""The driver of a stream process: takes the partitions that the group gives, works on them, and gives them back.

Started by the entry points in their own loop. What Faust brings is a hint (DESIGN 4.4): Writers and followers read the
log for what they were not given, so agents never wait and nothing is lost when Faust skips, repeats or forgets.
Nothing here decides; a part that fails ends everything (`failed`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from services.asking import Asking
from services.clocks import Clocks
from services.core import Core, ZoneState
from services.exits import ExitCode, Stop
from services.following import Follower, Following
from services.meters import Meters
from services.ports import Log, Record, Solver
from services.progress import Progress
from services.stream.cluster import Cluster
from services.stream.holding import Holding, LetGo
from services.ticker import Ticker
from services.writer import LINGER_S, Writer

LOG = logging.getLogger(__name__)

#: Leaving the group may take so long; then the group finds out by itself.
LEAVE_S = 3.0
MATCHING = "matching"


class Stream:
    """Works on the partitions of `log` that the group gives it. `beat_s`: seconds of a live beat; None = no ticker.

    `followers` by agent: "projecting", "announcing", "scoring", or some of them. `gather_s`: see `Following`.
    `make_writer`: the Writer with other limits, for tests.
    """

    def __init__(
        self,
        log: Log,
        core: Core,
        solver: Solver,
        followers: Mapping[str, Follower],
        cluster: Cluster,
        *,
        partitions: int,
        beat_s: float | None,
        linger_s: float = LINGER_S,
        gather_s: float = 0.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        meters: Meters | None = None,
        make_writer: Callable[..., Writer] = Writer,
    ) -> None:
        self.partitions = partitions
        self._make_writer = make_writer
        self._log = log
        self._core = core
        self._solver = solver
        self._followers = dict(followers)
        self._cluster = cluster
        self._beat_s = beat_s
        self._linger_s = linger_s
        self._gather_s = gather_s
        self._now = now
        self._meters = meters or Meters()
        self._holdings: dict[int, Holding] = {}
        self._ending: dict[int, asyncio.Task[None]] = {}
        self._joined = False
        self._stopping = False
        self._app: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[None] | None = None
        self._asking = Asking(log, partitions)
        self._clocks = Clocks(self._asking.append, partitions, now=now, meters=self._meters)
        self._progress = Progress(log, lambda: self._holdings)

    # --- for the entry point ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join the group; there may be nothing to own yet. Raises Stop (exit 4), and what ends a part meanwhile."""
        self._failure = asyncio.get_running_loop().create_future()
        await self._or_failure(self._join())
        self._run(self._progress.run(), "progress")
        if self._beat_s is not None:
            ticker = Ticker(
                self._asking.append, self._answered, self.zones, now=self._now, beat_s=self._beat_s, clocks=self._clocks
            )
            self._run(ticker.run(), "ticker")

    async def stop(self) -> None:
        """Finish what is in hand, save, leave the group; what takes too long is cut off. Raises a part's failure.

        The writers end first: whoever gets the partitions finds them left in order.
        """
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        holdings, self._holdings = self._holdings, {}
        await asyncio.gather(*(holding.end() for holding in holdings.values()), *self._ending.values())
        if self._app is not None:
            await self._leave()
        if self._failure is not None and self._failure.done():
            self._failure.result()

    async def failed(self) -> None:
        """Wait for ever; raises what ended a part. The process must end then."""
        if self._failure is None:
            raise RuntimeError("Not started.")
        await asyncio.shield(self._failure)

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that belong to this process now."""
        return frozenset(self._holdings)

    @property
    def ready(self) -> bool:
        """Whether it has joined the group and every partition that it owns is caught up with."""
        return self._joined and all(holding.ready for holding in self._holdings.values())

    def zones(self) -> Mapping[str, ZoneState]:
        """Return the zones of the owned partitions, to look at only; they may be one group ahead of the journal."""
        zones: dict[str, ZoneState] = {}
        for holding in self._holdings.values():
            if holding.writer.signed_in:
                zones.update(holding.writer.zones)
        return MappingProxyType(zones)

    def writers(self) -> list[Writer]:
        """Return the writers of the owned partitions, to look at only."""
        return [holding.writer for holding in self._holdings.values()]

    def waiting(self, agent: str) -> int:
        """Say how many journal records are known to be there and not taken in by this agent's followers."""
        return sum(holding.followings[agent].backlog for holding in self._holdings.values())

    async def trouble(self) -> str | None:
        """Say in words what is wrong with this process: a partition that does not move, a clock that is off."""
        return self.stuck() or self._clocks.trouble()

    def stuck(self, but: Collection[str] = ()) -> str | None:
        """Say what of this process stands still, or None; `but`: agents that wait for others."""
        return self._agents() or self._progress.trouble(but)

    def _agents(self) -> str | None:
        from services.stream.app import ended_agents

        ended = ended_agents(self._app) if self._joined else []
        return f"agent ({ended[0]}) has ended" if ended else None

    # --- from Faust ------------------------------------------------------------------------------------------------

    def _command(self, partition: int, record: Record) -> None:
        """Take in what `matching` brings."""
        self._clocks.saw(partition, record.offset, record.at_s)
        holding = self._holdings.get(partition)
        if holding is not None:
            holding.writer.deliver(record.offset, record)

    def _record(self, agent: str, partition: int, record: Record) -> None:
        """Take in what an agent of the journal brings."""
        holding = self._holdings.get(partition)
        if holding is not None:
            holding.deliver(agent, record)

    def _assigned(self, mine: frozenset[int]) -> None:
        """Keep, take and give up partitions. Only what is lost is ended: a kept writer writes through a rebalance."""
        if self._stopping:
            return
        for partition in set(self._holdings) - mine:
            self._let_go(partition)
        for partition in mine:
            if partition in self._holdings:
                self._holdings[partition].assigned()
            else:
                self._take(partition)
        self._joined = True
        self._meters.owned(len(mine))
        LOG.info("partitions assigned: %s", sorted(mine))

    def _faust_ended(self) -> None:
        if not self._stopping:
            self._fail(getattr(self._app, "crash_reason", None) or RuntimeError("Faust ended by itself."))

    def _from_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self._replaced)

    def _replaced(self) -> None:
        from services.stream.membership import Replaced

        self._fail(Replaced(self._cluster.member))

    # --- partitions ------------------------------------------------------------------------------------------------

    def _take(self, partition: int) -> None:
        writer = self._make_writer(
            self._log,
            self._core,
            self._solver,
            partition=partition,
            partitions=self.partitions,
            linger_s=self._linger_s,
            session_s=self._cluster.session_s,
            marks_idle=True,
            now=self._now,
            meters=self._meters,
        )
        followings = {
            agent: Following(self._log, partition, follower, agent=agent, gather_s=self._gather_s, meters=self._meters)
            for agent, follower in self._followers.items()
        }
        self._holdings[partition] = Holding(writer, followings, self._fail, after=self._ending.get(partition))
        self._holdings[partition].start()

    def _let_go(self, partition: int) -> None:
        holding = self._holdings.pop(partition)
        self._clocks.forget(partition)
        task = asyncio.create_task(holding.end(), name=f"ending-{partition}")
        self._ending[partition] = task
        task.add_done_callback(lambda done: self._ending.pop(partition) if self._ending[partition] is done else None)

    async def _answered(self, partition: int, offset: int) -> None:
        """Wait for an answer; somebody else's partition is somebody else's to answer."""
        holding = self._holdings.get(partition)
        if holding is not None:
            try:
                await holding.writer.until_answered(offset)
            except LetGo:
                return

    # --- joining, leaving, failing ---------------------------------------------------------------------------------

    async def _join(self) -> None:
        # 0.3 s, and only here.
        from aiokafka.errors import KafkaConnectionError

        from services.stream import app as faust_app

        loop = asyncio.get_running_loop()
        hooks = faust_app.Hooks(
            deliver={
                MATCHING: self._command,
                **{agent: partial(self._record, agent) for agent in self._followers},
            },
            assigned=self._assigned,
            ended=self._faust_ended,
            failed=self._fail,
            replaced=partial(self._from_thread, loop),
        )
        self._app = faust_app.create(self._cluster, hooks, self._meters)
        self._app.loop = loop
        self._app.finalize()
        try:
            await self._app.start()
        except KafkaConnectionError as error:
            words = f"Kafka at ({self._cluster.bootstrap}) cannot be reached: {error}."
            raise Stop(ExitCode.UNREACHABLE, words) from error

    async def _leave(self) -> None:
        leaving = asyncio.create_task(self._app.stop(), name="leave")
        await asyncio.wait([leaving], timeout=LEAVE_S)
        if not leaving.done():
            LOG.warning("the group was not left in time; it finds out by itself")
            leaving.cancel()
            await asyncio.wait([leaving], timeout=LEAVE_S / 3)
        elif leaving.exception() is not None:
            LOG.warning("leaving the group: %r", leaving.exception())

    async def _or_failure(self, work: Any) -> None:
        """Wait for `work`; raises what ends a part before."""
        assert self._failure is not None
        working = asyncio.ensure_future(work)
        await asyncio.wait({working, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            working.cancel()
            await asyncio.wait([working], timeout=LEAVE_S)
            self._failure.result()
        await working

    def _run(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """One failure is everybody's: whoever waits for an answer learns it."""
        assert self._failure is not None
        for holding in list(self._holdings.values()):
            holding.writer.give_up(error)
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # whoever does not ask for it is told by `stop`

"""The whole system as one run: one thread, one loop with its own time, one seed.

Real are the stream's driver, Writer, Cursor, reading rule, followers, board, announcing, API, worker, solving parent,
ticker and clocks. Simulated are processes, network, brokers, group, Redis, the solver's child, the receivers' webhook,
people and time. `played` is the way in.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from matcher.events import Event
from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import RedisBoard
from services.adapters.memory import MemoryLog
from services.announcing import Announcing
from services.board import Kind
from services.core import Core, Matching
from services.folding import Fold
from services.names import COMMANDS, JOURNAL
from services.parking import NO_ZONE, Reason
from services.ports import Message, Record
from services.projecting import BoardFollower
from services.reading import Chain, Void
from services.solving import InlineSolver
from services.stream.cluster import Cluster
from services.wire import decode_events, partition_of
from services.worker.intents import MemoryIntents
from services.writer import Writer
from tests.simulation.virtual import VirtualLoop
from tests.simulation.whole import solver
from tests.simulation.whole.checking import Broken, Checker
from tests.simulation.whole.faults import BACK_S, Faults
from tests.simulation.whole.group import SESSION_S, Group, Member
from tests.simulation.whole.lines import Line, Middle
from tests.simulation.whole.processes import Process, factory
from tests.simulation.whole.redis import Client, Server
from tests.simulation.whole.serving import Api
from tests.simulation.whole.stories import APIS, BEAT_S, PARTITIONS, PROCESSES, STREAMS, ZONES, Say, Story
from tests.simulation.whole.telling import Gateway, Publishing, Queue, What, Working
from tests.simulation.whole.town import REQUEST_S, Town

#: After the last item of the story everything is mended; so long it may take until all has come to rest.
REST_S = 900.0
#: Who has agreed to a visit after that goes there first; so long may the rest of it take.
VISIT_REST_S = 120.0
#: Snapshots and hashes as often as a short story needs them.
LIMITS = {"hash_every": 5, "snapshot_every": 12, "idle_s": 10.0, "group_max": 20}
PREFIX = "paidan:"


def _as_it_is(append: Any) -> Any:
    return append


@dataclass
class Parts:
    """What can be exchanged for something broken, to see whether it is found."""

    core: Callable[[], Core] = Matching
    writer: Callable[..., Writer] = Writer
    board: Callable[..., RedisBoard] = RedisBoard
    announcing: Callable[..., Announcing] = Announcing
    #: what an API appends with, made of what it should append with
    append: Callable[[Any], Any] = _as_it_is
    member: type[Member] = Member


@dataclass
class Life:
    """One process as it is now."""

    process: Process
    line: Any = None
    client: Any = None
    member: Any = None
    api: Any = None


@dataclass
class Outcome:
    """What came of a run. `broken`: what does not hold, or None."""

    broken: str | None = None
    commands: int = 0
    acknowledged: int = 0
    messages: int = 0
    repeats: int = 0
    void: int = 0
    checks: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    crashed: bool = False
    virtual_s: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)


class World:
    """One town and its machines."""

    def __init__(self, story: Story, parts: Parts) -> None:
        self.story, self.parts = story, parts
        self.checker = Checker(PARTITIONS)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.middle = Middle(PARTITIONS, self._appended)
        self.redis = Server(self._written)
        self.group = Group(PARTITIONS, self._dice("group"))
        self.queue = Queue(self._dice("queue"))
        self.gateway = Gateway(self._dice("gateway"), self._told)
        self.intents = MemoryIntents()
        self.moods = solver.Moods()
        self.faults = Faults(self)
        self.happened: Counter[str] = Counter()
        self.lives: dict[str, Life] = {}
        self.first_steps: dict[str, Process] = {}
        self.town = Town(story, self._http, APIS, self.checker, self._put)
        self._chains = [Chain() for _ in range(PARTITIONS)]
        self._entries: list[list[tuple[int, Sequence[Event]]]] = [[] for _ in range(PARTITIONS)]
        self._lives_of: Counter[str] = Counter()
        self._memories: dict[int, tuple[MemoryBoard, int]] = {}

    async def run(self) -> None:
        """Play the story to its end, mend everything, wait for rest. Raises Broken."""
        grouping = asyncio.ensure_future(self.group.run())
        for name in PROCESSES:
            self.spawn(name)
        for item in self.story.items:
            if isinstance(item, Say):
                self.town.begin(item)
            else:
                self.faults.begin(item)
        ending = asyncio.ensure_future(self._ended())
        await asyncio.wait([ending, self.failure, self.town.failed, grouping], return_when=asyncio.FIRST_COMPLETED)
        for future in (self.failure, self.town.failed, grouping, ending):
            if future.done():
                future.result()

    async def _ended(self) -> None:
        last_s = max((item.at_s for item in self.story.items), default=0.0)
        await asyncio.sleep(last_s + 1.0)
        looking = asyncio.ensure_future(self._looks())
        await asyncio.sleep(self._dice("heal").uniform(1.0, 20.0))
        self.faults.heal()
        until_s = asyncio.get_running_loop().time() + REST_S
        while not self._rests():
            if asyncio.get_running_loop().time() > max(until_s, self.town.due_s + VISIT_REST_S):
                raise Broken(f"I-2: no rest after ({REST_S:.0f}) s: {self._restless()}")
            await asyncio.sleep(1.0)
        looking.cancel()
        self.checker.finished()
        await self._shown()
        await self.calm()

    def fail(self, error: BaseException) -> None:
        """Something does not hold."""
        if not self.failure.done():
            self.failure.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _dice(self, what: str) -> random.Random:
        return random.Random(f"{self.story.seed}.{what}")

    # --- processes -------------------------------------------------------------------------------------------------

    def spawn(self, name: str) -> None:
        """Start a process."""
        if name in self.lives and self.lives[name].process.alive:
            return
        self._lives_of[name] += 1
        n = self._lives_of[name]
        crash_at = self.story.crash[1] if self.story.crash and n == 1 and self.story.crash[0] == name else None
        process = Process(name, n, self._died, crash_at)
        self.first_steps.setdefault(name, process)
        dice = self._dice(f"{name}.{n}")
        line = Line(self.middle, process, dice)
        life = self.lives[name] = Life(process, line)
        if name in STREAMS:
            work = self._streaming(life, process, line, dice)
        elif name in APIS:
            life.client = Client(self.redis, process, dice)
            board = self.parts.board(life.client, PARTITIONS)
            life.api = Api(name, line, board, process, dice, self.parts.append)
            work = life.api.run()
        else:
            work = Working(self.queue, self.gateway, self.intents, line, process, dice).run()
        process.start(work).add_done_callback(partial(self._over, process))

    def respawn(self, name: str) -> None:
        """Start it if it is gone."""
        self.spawn(name)

    def end_orderly(self, name: str) -> None:
        """SIGTERM: drain, then it is gone."""
        life = self.lives[name]
        if life.process.alive and life.member is not None:
            life.process.start(self._drained(life))

    async def _drained(self, life: Life) -> None:
        await life.member.stop()
        life.process.kill()

    def _streaming(self, life: Life, process: Process, line: Line, dice: random.Random) -> Any:
        life.client = Client(self.redis, process, dice)
        followers: Any = {
            "projecting": BoardFollower(self.parts.board(life.client, PARTITIONS), pause_s_max=1.0),
            "announcing": self.parts.announcing(Publishing(self.queue, process, dice), line),
        }
        new_id = lambda: f"{process.name}.{process.life}.{dice.getrandbits(48):x}"  # noqa: E731

        async def work() -> None:
            member = self.parts.member(
                line,
                self.parts.core(),
                solver.made(self.moods, dice),
                followers,
                Cluster(bootstrap="", data_dir=Path(), session_s=SESSION_S),
                partitions=PARTITIONS,
                beat_s=BEAT_S,
                now=process.now,
                make_writer=partial(self.parts.writer, new_id=new_id, **LIMITS),
            )
            member.process, member.group, life.member = process, self.group, member
            await member.start()
            await member.failed()

        return work()

    def _over(self, process: Process, task: asyncio.Task[Any]) -> None:
        """A process's own work has ended: by being killed, or it is a bug."""
        if process.alive:
            error = None if task.cancelled() else task.exception()
            self.fail(Broken(f"({process.name}) ended by itself: {error!r}"))

    def _died(self, process: Process) -> None:
        if self.story.crash and process.life == 1 and process.name == self.story.crash[0] and process.crash_at:
            asyncio.get_running_loop().call_later(BACK_S, self.respawn, process.name)

    # --- what happens, as the checker hears it ---------------------------------------------------------------------

    def _appended(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        try:
            for record in records:
                self.checker.appended(topic, partition, record.offset, record.at_s, record.value, record.headers)
                if topic == JOURNAL:
                    self._both_readings(partition, record)
        except Exception as error:
            self.fail(error)
        if self.story.rough:
            self.group.hint(topic, partition, records)
        else:
            for member in self.group.members.values():
                for record in records:
                    member.brought(topic, partition, record)

    def _both_readings(self, partition: int, record: Record) -> None:
        """I-6: the product's reading rule and the checker's own say the same of every record."""
        judged = self._chains[partition].accept(record.offset, record.value)
        holds = self.checker.parts[partition].held[record.offset]
        if holds == isinstance(judged, Void):
            raise Broken(f"I-6: the product says {judged} of ({partition}, {record.offset}); it holds: {holds}")
        if hasattr(judged, "entry"):
            self._entries[partition].append((record.offset, decode_events(judged.entry)))

    def _written(self) -> None:
        try:
            base = f"{PREFIX}board:0"
            answered = self.redis.keys.get(f"{base}:answered", {})
            for partition in range(PARTITIONS):
                place = int(self.redis.keys.get(f"{base}:next:{partition}", 0))
                self.checker.board(partition, place, int(answered.get(str(partition).encode(), 0)))
        except Exception as error:
            self.fail(error)

    def _told(self, key: str, what: What, job: Any, again: bool) -> None:
        try:
            self.checker.told(key, what)
        except Exception as error:
            self.fail(error)
        self.town.told(job, again)

    # --- from outside ----------------------------------------------------------------------------------------------

    def _put(self, zone: str, raw: bytes) -> None:
        self.checker.poison.add(raw)
        self.middle.put(COMMANDS, partition_of(zone, PARTITIONS), [Message(raw)])

    async def _http(self, api: str, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        return await self.lives[api].api.ask(method, path, headers, body, REQUEST_S)  # type: ignore[no-any-return]

    async def _looks(self) -> None:
        """Somebody watches the board all the time: what it shows is the fold of the journal where it says it stands."""
        dice = self._dice("looks")
        while True:
            await asyncio.sleep(dice.uniform(2, 6))
            await self._look(dice.choice(ZONES), dice)

    async def _look(self, zone: str, dice: random.Random) -> bool:
        """Compare one answer. False: the board cannot say."""
        kind = dice.choice(("zone", "requests"))
        path = f"/zones/{zone}" + ("/requests" if kind == "requests" else "")
        status, shown = await self.town._try(dice, "GET", path, b"", "")
        if status not in (200, 404):
            return False
        partition = partition_of(zone, PARTITIONS)
        memory = await self._folded(partition, shown["as_of"]["offset"])
        found = (await (memory.get(zone, "zone", zone) if kind == "zone" else memory.find(zone, "request", 1000))).found
        if (status == 404) != (found is None) or (status == 200 and shown[kind] != _plain(found)):
            raise Broken(f"I-10: the board says {shown}, the journal {_plain(found)} of ({zone})")
        return True

    async def _folded(self, partition: int, before: int) -> MemoryBoard:
        """A board in memory that was told the entries before this offset; made anew only to go back."""
        memory, taken = self._memories.get(partition, (MemoryBoard(PARTITIONS), 0))
        entries = self._entries[partition]
        if taken and entries[taken - 1][0] >= before:
            memory, taken = MemoryBoard(PARTITIONS), 0
        while taken < len(entries) and entries[taken][0] < before:
            await memory.apply(partition, *entries[taken])
            taken += 1
        self._memories[partition] = (memory, taken)
        return memory

    # --- the end ---------------------------------------------------------------------------------------------------

    def _rests(self) -> bool:
        """Whether nobody waits for anything."""
        return not self._restless()

    def _restless(self) -> str:
        checker = self.checker
        if self.town.busy:
            return f"({len(self.town.busy)}) clients wait"
        for partition, part in enumerate(checker.parts):
            if part.answered < len(part.commands):
                return f"partition ({partition}) has answered ({part.answered}) of ({len(part.commands)})"
            if int(self.redis.keys.get(f"{PREFIX}board:0:next:{partition}", 0)) < len(part.held):
                return f"the board lags in partition ({partition})"
        untold = [what for what in checker.owed if what not in checker.keys]
        return f"nobody was told {untold[:3]}" if untold else ""

    async def _shown(self) -> None:
        """Every view of the board in Redis equals that of a board in memory that was told the same."""
        process = Process("looker", 1, lambda process: None)
        board = RedisBoard(Client(self.redis, process, self._dice("looker")), PARTITIONS)
        kinds: tuple[Kind, ...] = ("request", "volunteer", "offer", "assignment")
        for zone in ZONES:
            for kind in kinds:
                shown = await board.find(zone, kind, 10_000)
                memory = await self._folded(shown.partition, shown.as_of)
                expected = (await memory.find(zone, kind, 10_000)).found
                if shown.found != expected:
                    raise Broken(f"I-10: of ({zone}) the board has {kind}s {shown.found}, the journal {expected}")

    async def calm(self) -> None:
        """I-4: one writer to whom nothing happens decides the same commands again; each zone has the same events."""
        parked = [each for partition in range(PARTITIONS) for each in await self._parked(partition)]
        if self.happened["solver"] or any(each.headers["reason"].startswith(Reason.CRASHES) for each in parked):
            return  # a plan that was answered greedily is a fact, not a function of the commands
        again = MemoryLog(PARTITIONS)
        for partition in range(PARTITIONS):
            here = await _events(self.middle, partition)  # time goes on while the calm one works
            records = await self.middle.read(COMMANDS, partition, 0, self.checker.parts[partition].answered)
            await again.append(COMMANDS, partition, [Message(record.value) for record in records])
            writer = Writer(again, Matching(), InlineSolver(), partition=partition, partitions=PARTITIONS, linger_s=0)
            task = asyncio.ensure_future(writer.run())
            await writer.until_answered(len(records) - 1)
            writer.stop()
            await task
            there = await _events(again, partition)
            if here != there:
                differ = next(((a, b) for a, b in zip_longest(here, there) if a != b), None)
                raise Broken(f"I-4: decided again, partition ({partition}) has another event: {differ}")

    async def _parked(self, partition: int) -> list[Record]:
        return await self.middle.read("paidan.parked", partition, 0, 10**6)

    def outcome(self, broken: str | None) -> Outcome:
        """The run in figures."""
        return Outcome(
            broken=broken,
            commands=sum(len(part.commands) for part in self.checker.parts),
            acknowledged=self.town.acknowledged,
            messages=len(self.checker.keys),
            repeats=self.checker.repeats,
            void=self.checker.void,
            checks=self.checker.checks,
            steps={name: process.steps for name, process in self.first_steps.items()},
            happened=self.happened,
            crashed=any(process.crash_at and not process.alive for process in self.first_steps.values()),
            virtual_s=asyncio.get_running_loop().time(),
            kinds=Counter(type(event).__name__ for part in self._entries for _, its in part for event in its),
        )


async def _events(log: MemoryLog, partition: int) -> list[Event]:
    fold = Fold(Matching(), partition)
    events: list[Event] = []
    for record in await log.read(JOURNAL, partition, 0, 10**6):
        events += [event for event in fold.accept(record.offset, record.value)[1] if event.zone != NO_ZONE]
    return events


def _plain(found: object) -> Any:
    import json

    import msgspec

    return None if found is None else json.loads(msgspec.json.encode(found))


def played(story: Story, parts: Parts | None = None) -> Outcome:
    """Play a story; say what came of it. Nothing is raised: what breaks is in the outcome."""

    async def main() -> Outcome:
        asyncio.get_running_loop().set_task_factory(factory)  # type: ignore[arg-type]
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        world = World(story, parts or Parts())
        broken: str | None = None
        try:
            await world.run()
        except Broken as error:
            broken = str(error)
        except Exception as error:
            broken = f"{type(error).__name__}: {error}"
        outcome = world.outcome(broken)
        for life in world.lives.values():
            life.process.kill()
        return outcome

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())

"""What can go wrong, one method a fault; a story names them. Each ends by itself or with `heal`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.names import COMMANDS, JOURNAL, SNAPSHOTS
from services.ports import Message
from services.wire import SignIn, encode
from tests.simulation.whole.lines import FAST_S
from tests.simulation.whole.processes import world_time
from tests.simulation.whole.stories import PARTITIONS, PROCESSES, Fault

if TYPE_CHECKING:
    from tests.simulation.whole.world import World

BACK_S = 1.0


class Faults:
    """The hands of fate on one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._healed = False

    def begin(self, fault: Fault) -> None:
        """Let it happen at its time."""
        asyncio.get_running_loop().call_at(fault.at_s, self._happen, fault)

    def _happen(self, fault: Fault) -> None:
        if not self._healed:
            self._world.happened[fault.what] += 1
            getattr(self, f"_{fault.what}")(fault)

    def heal(self) -> None:
        """Everything that lasts ends; whoever is gone comes back."""
        self._healed = True
        world = self._world
        for name in PROCESSES:
            life = world.lives[name]
            life.process.thaw()
            life.process.skew_s = 0.0
            if life.line is not None:
                life.line.cut, life.line.slow_s = 0.0, FAST_S
            if life.client is not None:
                life.client.slow_s = FAST_S
            if not life.process.alive:
                world.spawn(name)
        world.redis.away = False
        world.moods.now = "well"
        world.gateway.bad = 0.0

    def _after(self, fault: Fault, what: object, *arguments: object) -> None:
        asyncio.get_running_loop().call_later(fault.for_s, what, *arguments)  # type: ignore[arg-type]

    # --- processes -------------------------------------------------------------------------------------------------

    def _kill(self, fault: Fault) -> None:
        self._world.lives[fault.who].process.kill()
        self._after(fault, self._world.respawn, fault.who)

    def _restart(self, fault: Fault) -> None:
        self._world.end_orderly(fault.who)
        self._after(fault, self._world.respawn, fault.who)

    def _freeze(self, fault: Fault) -> None:
        process = self._world.lives[fault.who].process
        process.freeze()
        self._after(fault, process.thaw)

    def _cut(self, fault: Fault) -> None:
        line = self._world.lives[fault.who].line
        line.cut = fault.much
        self._after(fault, setattr, line, "cut", 0.0)

    def _slow(self, fault: Fault) -> None:
        life = self._world.lives[fault.who]
        for each in (life.line, life.client):
            if each is not None:
                each.slow_s = fault.much
                self._after(fault, setattr, each, "slow_s", FAST_S)

    def _skew(self, fault: Fault) -> None:
        process = self._world.lives[fault.who].process
        process.skew_s += fault.much
        self._after(fault, setattr, process, "skew_s", 0.0)

    def _evict(self, fault: Fault) -> None:
        self._world.group.cut_off(fault.who, fault.for_s)

    def _rebalance(self, fault: Fault) -> None:
        self._world.group.rebalance()

    # --- servers ---------------------------------------------------------------------------------------------------

    def _board_away(self, fault: Fault) -> None:
        self._world.redis.away = True
        self._after(fault, setattr, self._world.redis, "away", False)

    def _board_flush(self, fault: Fault) -> None:
        self._world.redis.flush()

    def _board_older(self, fault: Fault) -> None:
        """A Redis from a backup takes the place of this one."""
        backup = self._world.redis.copy()
        self._after(fault, self._world.redis.replace, backup)

    def _jobs_lost(self, fault: Fault) -> None:
        self._world.queue.lose()

    def _jobs_doubled(self, fault: Fault) -> None:
        self._world.queue.double()

    def _jobs_away(self, fault: Fault) -> None:
        self._world.queue.away(fault.for_s)

    def _gateway_bad(self, fault: Fault) -> None:
        self._world.gateway.bad = fault.much
        self._after(fault, setattr, self._world.gateway, "bad", 0.0)

    def _solver(self, fault: Fault) -> None:
        self._world.moods.now = fault.who
        self._after(fault, setattr, self._world.moods, "now", "well")

    # --- the log ---------------------------------------------------------------------------------------------------

    def _forge(self, fault: Fault) -> None:
        """Somebody writes into the topics who must not, or what was written once comes again."""
        middle = self._world.middle
        for partition in range(PARTITIONS):
            there = middle._records[JOURNAL, partition]
            sign_ins = [each.value for each in there if b'"SignIn"' in each.value]
            entries = [each.value for each in there if b'"Entry"' in each.value]
            value = {
                "garbage": b'{"type":"Entry","id":1}',
                "late entry": (entries or [b"?"])[-1].replace(b'"id":"', b'"id":"late.', 1),
                "repeated sign-in": (sign_ins or [encode(SignIn(id="nobody", at=world_time()))])[0],
                "repeated entry": (entries or [b"?"])[0],
            }.get(fault.who)
            if value is not None:
                middle.put(JOURNAL, partition, [Message(value)])
            else:  # commands that were asked before, ticks of long ago among them
                again = [Message(each.value) for each in middle._records[COMMANDS, partition][-3:]]
                middle.put(COMMANDS, partition, again)

    def _spoil_snapshot(self, fault: Fault) -> None:
        """A bit of the newest snapshot's last part turns."""
        middle = self._world.middle
        for partition in range(PARTITIONS):
            parts = [each for each in middle._records[SNAPSHOTS, partition] if "snapshot" in each.headers]
            if parts:
                middle.spoil(SNAPSHOTS, partition, parts[-1].offset)

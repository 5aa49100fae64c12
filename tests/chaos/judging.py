"""The verdict over a town: was anything lost, doubled, double-booked, told twice, shown wrongly?

From the log, the client's receipts, the gateway's count and the board. What the services say of themselves does not
count. `services.verify` judges, and beside it stands this runner's own reading (`history`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import RedisBoard, connect
from services.board import Board, BoardAway, Kind
from services.names import NAME
from services.verify import Verdict, verify
from services.wire import partition_of
from tests.chaos.history import Cut, History, What, issued, reported
from tests.chaos.load import Load
from tests.chaos.town import PARTITIONS, Town, until

LISTED: tuple[Kind, ...] = ("request", "volunteer", "offer", "assignment")
ALL = 10**6
FINDINGS_MAX = 12


class Judged(msgspec.Struct, kw_only=True):
    """What was found. Everything but `void`, `sign_ins`, `repeats` and the sizes should be 0."""

    acknowledged: int = 0
    commands: int = 0
    void: int = 0
    sign_ins: int = 0
    messages: int = 0
    #: deliveries of a key that the gateway had already
    repeats: int = 0
    lost: int = 0
    #: acknowledged commands that are answered at more than one place
    doubled: int = 0
    double_bookings: int = 0
    #: offers or stand-downs that nobody was told, or whose report the journal lacks
    untold: int = 0
    #: the same thing told to the same person under several keys
    told_twice: int = 0
    #: answers of the board that differ from the fold of the journal
    board_differs: int = 0
    #: commands that the client never got rid of, or that were answered unexpectedly
    client_wrong: int = 0
    findings: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether all is well."""
        wrong = self.lost + self.doubled + self.double_bookings + self.untold + self.told_twice
        return wrong + self.board_differs + self.client_wrong == 0 and not self.findings


async def judge(town: Town) -> Judged:
    """Judge everything so far. Waits until all is answered and everybody was told (with a deadline)."""
    await town.all_answered()
    late = await _told(town)
    # Before the last reading: what was told by now stands in the journal, but the town lives on while it is judged.
    told = town.gateway.keys()
    await town.history.read_on()
    verdict = await verify(Cut(town.history), PARTITIONS, town.load.receipts)
    judged = judged_by_the_log(verdict, town.history, town.load, town.nonsense)
    judged.untold, judged.repeats = len(late), town.gateway.repeats()
    judged.findings = [*judged.findings, *(f"Nobody was told: {each}." for each in late[:FINDINGS_MAX])]
    _told_once(judged, town, told)
    await _board(judged, town)
    return judged


def judged_by_the_log(verdict: Verdict, history: History, load: Load, nonsense: int) -> Judged:
    """Return what the two readings of the log and the client's own notes say. `nonsense`: what had to be set aside."""
    judged = Judged(
        acknowledged=len(load.receipts),
        commands=verdict.commands,
        void=verdict.void,
        sign_ins=verdict.sign_ins,
        lost=verdict.lost,
        doubled=verdict.answered_twice,
        double_bookings=verdict.double_bookings,
        findings=verdict.findings[:FINDINGS_MAX],
    )
    _both_readings_agree(judged, verdict, history, nonsense)
    _each_answered_once(judged, history, load)
    _client(judged, load)
    return judged


async def _told(town: Town) -> list[Any]:
    """Wait until everybody was told what was due when the load stopped, and the journal knows; return what was not."""
    await town.history.read_on()
    owed = {what for what, _ in issued(town.history)}

    async def all_told() -> bool:
        await town.history.read_on()
        return owed <= town.gateway.keys().keys() and owed <= reported(town.history).keys()

    try:
        await until(all_told, "everybody is told")
    except TimeoutError:
        return sorted(owed - (town.gateway.keys().keys() & reported(town.history).keys()))
    return []


def _both_readings_agree(judged: Judged, verdict: Verdict, history: History, nonsense: int) -> None:
    seen = (history.void, history.sign_ins, sum(len(line.entries) for line in history.lines))
    if seen != (verdict.void, verdict.sign_ins, verdict.entries):
        judged.findings = [*judged.findings, f"Two readings of the journal differ: {seen}, {verdict}."]
    if verdict.parked_without_bytes or verdict.parked != nonsense:
        words = f"({verdict.parked}) commands were set aside; ({nonsense}) were nonsense."
        judged.findings = [*judged.findings, words]


def _each_answered_once(judged: Judged, history: History, load: Load) -> None:
    places = history.answers()
    for receipt in load.receipts.values():
        found = places.get(receipt.id, [])
        if len(found) > 1:
            judged.doubled += 1
            judged.findings = [*judged.findings, f"Command ({receipt.id}) is answered at {found}."]
        elif not found:
            judged.lost += 1
            judged.findings = [*judged.findings, f"Command ({receipt.id}) has no event of its own."]


def _told_once(judged: Judged, town: Town, keys: Mapping[What, set[str]]) -> None:
    judged.messages = len(keys)
    twice = {what: each for what, each in keys.items() if len(each) > 1}
    judged.told_twice = len(twice)
    strange = keys.keys() - {what for what, _ in issued(town.history)}
    for what, each in list(twice.items())[:FINDINGS_MAX]:
        judged.findings = [*judged.findings, f"{what} was told under {sorted(each)}."]
    if strange:
        judged.findings = [*judged.findings, f"Told, but the journal knows nothing of it: {sorted(strange)[:5]}."]


def _client(judged: Judged, load: Load) -> None:
    wrong = [f"{each.zone} {each.key}: {each.wrong}" for each in load.asked if each.wrong]
    ids = [each.id for each in load.asked]
    judged.client_wrong = len(wrong)
    judged.findings = [*judged.findings, *wrong[:FINDINGS_MAX]]
    if len(set(ids)) != len(ids):
        judged.findings = [*judged.findings, "The client used a key twice: the load is wrong, not the product."]


# --- the board -----------------------------------------------------------------------------------------------------


async def _board(judged: Judged, town: Town) -> None:
    """Compare every view and every receipt with a fold of the journal up to where the board says it stands."""
    client = connect(town.brokers.redis)
    board = RedisBoard(client, PARTITIONS, prefix=f"{town.prefix}{NAME}:")
    try:
        for zone in town.load.zones:
            folded = Folded(town.history, partition_of(zone, PARTITIONS))
            for kind in (None, *LISTED):
                shown, as_of = await _still(board, zone, kind)
                _compare(judged, zone, kind or "zone", shown, await _asked(await folded.up_to(as_of), zone, kind))
            memory = await folded.up_to(as_of)
            for each in town.load.asked:
                if each.zone == zone and each.acknowledged_s is not None:
                    answers = [(await one.get(zone, "command", each.id)).found for one in (board, memory)]
                    _compare(judged, zone, each.id, *answers)
    finally:
        await client.aclose()


def _compare(judged: Judged, zone: str, question: str, shown: Any, expected: Any) -> None:
    if shown != expected or expected is None:
        judged.board_differs += 1
        words = f"Zone ({zone}), ({question}): the board says {shown}, the journal {expected}."
        judged.findings = [*judged.findings, words[:600]][: 4 * FINDINGS_MAX]


async def _asked(board: Board, zone: str, kind: Kind | None) -> Any:
    answer = await (board.get(zone, "zone", zone) if kind is None else board.find(zone, kind, ALL))
    return answer.found


async def _still(board: RedisBoard, zone: str, kind: Kind | None) -> tuple[Any, int]:
    """Ask between two of the board's steps; return the answer and its place. Asks again while it is stale or moves."""

    async def asked() -> tuple[Any, int] | None:
        try:
            before = await board.get(zone, "zone", zone)
            shown = await _asked(board, zone, kind)
            after = await board.get(zone, "zone", zone)
        except BoardAway:
            return None
        still = before.as_of == after.as_of and not (before.stale or after.stale)
        return (shown, before.as_of) if still else None

    found: tuple[Any, int] = await until(asked, f"the board of zone ({zone}) is whole and still", poll_s=0.02)
    return found


class Folded:
    """A board in memory, folded from one partition of the history as far as it is asked for. Never back."""

    def __init__(self, history: History, partition: int) -> None:
        self._history = history
        self._partition = partition
        self._memory = MemoryBoard(PARTITIONS)
        self._taken = 0

    async def up_to(self, before: int) -> MemoryBoard:
        """Fold every entry before a journal offset."""
        line = self._history.lines[self._partition]
        if line.journal_next < before:
            await self._history.read_on()
        while self._taken < len(line.entries) and line.entries[self._taken][0] < before:
            offset, _, _, events = line.entries[self._taken]
            await self._memory.apply(self._partition, offset, events)
            self._taken += 1
        return self._memory


assert set(LISTED) < set(get_args(Kind))

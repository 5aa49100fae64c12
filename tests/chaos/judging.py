"""The verdict over a town: was anything lost, doubled, double-booked, told twice, shown wrongly?

From the log, the client's receipts, the gateway's count and the board. What the services say of themselves does not
count. `services.verify` judges, and beside it stands this runner's own reading (`history`).
"""

from __future__ import annotations

import asyncio
from typing import Any, get_args

import msgspec

from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import RedisBoard, connect
from services.board import BoardAway, Kind
from services.names import NAME
from services.verify import Verdict, verify
from services.wire import partition_of
from tests.chaos.history import Cut, History, issued, reported
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
    await town.history.read_on()
    verdict = await verify(Cut(town.history), PARTITIONS, town.load.receipts)
    judged = Judged(
        acknowledged=len(town.load.receipts),
        commands=verdict.commands,
        void=verdict.void,
        sign_ins=verdict.sign_ins,
        lost=verdict.lost,
        doubled=verdict.answered_twice,
        double_bookings=verdict.double_bookings,
        repeats=town.gateway.repeats(),
        untold=len(late),
        findings=[*verdict.findings[:FINDINGS_MAX], *(f"Nobody was told: {each}." for each in late[:FINDINGS_MAX])],
    )
    _both_readings_agree(judged, verdict, town.history)
    _each_answered_once(judged, town)
    _told_once(judged, town)
    _client(judged, town)
    await _board(judged, town)
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


def _both_readings_agree(judged: Judged, verdict: Verdict, history: History) -> None:
    seen = (history.void, history.sign_ins, sum(len(line.entries) for line in history.lines))
    if seen != (verdict.void, verdict.sign_ins, verdict.entries):
        judged.findings = [*judged.findings, f"Two readings of the journal differ: {seen}, {verdict}."]
    if verdict.parked_without_bytes or verdict.parked:
        judged.findings = [*judged.findings, f"({verdict.parked}) commands were set aside; nobody asked nonsense."]


def _each_answered_once(judged: Judged, town: Town) -> None:
    places = town.history.answers()
    for receipt in town.load.receipts.values():
        found = places.get(receipt.id, [])
        if len(found) > 1:
            judged.doubled += 1
            judged.findings = [*judged.findings, f"Command ({receipt.id}) is answered at {found}."]
        elif not found:
            judged.lost += 1
            judged.findings = [*judged.findings, f"Command ({receipt.id}) has no event of its own."]


def _told_once(judged: Judged, town: Town) -> None:
    keys = town.gateway.keys()
    judged.messages = len(keys)
    twice = {what: each for what, each in keys.items() if len(each) > 1}
    judged.told_twice = len(twice)
    strange = keys.keys() - {what for what, _ in issued(town.history)}
    for what, each in list(twice.items())[:FINDINGS_MAX]:
        judged.findings = [*judged.findings, f"{what} was told under {sorted(each)}."]
    if strange:
        judged.findings = [*judged.findings, f"Told, but the journal knows nothing of it: {sorted(strange)[:5]}."]


def _client(judged: Judged, town: Town) -> None:
    wrong = [f"{each.zone} {each.key}: {each.wrong}" for each in town.load.asked if each.wrong]
    ids = [each.id for each in town.load.asked]
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
            ids = [each.id for each in town.load.asked if each.zone == zone and each.acknowledged_s is not None]
            as_of, shown = await _still(board, zone, ids)
            memory = await _folded(town.history, partition_of(zone, PARTITIONS), as_of)
            _, expected = await _answers(memory, zone, ids)
            for question, answer in expected.items():
                if shown[question] != answer:
                    judged.board_differs += 1
                    words = f"Zone ({zone}), {question}: the board says {shown[question]}, the journal {answer}."
                    judged.findings = [*judged.findings, words[:600]]
    finally:
        await client.aclose()


async def _still(board: RedisBoard, zone: str, ids: list[str]) -> tuple[int, dict[Any, Any]]:
    """Ask the board everything of a zone, between two of its steps. Asks again while it is stale or moves."""

    async def asked() -> tuple[int, dict[Any, Any]] | None:
        try:
            before = await board.get(zone, "zone", zone)
            as_of, shown = await _answers(board, zone, ids)
            after = await board.get(zone, "zone", zone)
        except BoardAway:
            return None
        still = before.as_of == as_of == after.as_of and not (before.stale or after.stale)
        return (as_of, shown) if still else None

    found: tuple[int, dict[Any, Any]] = await until(asked, f"the board of zone ({zone}) is whole and still")
    return found


async def _answers(board: Any, zone: str, ids: list[str]) -> tuple[int, dict[Any, Any]]:
    first = await board.get(zone, "zone", zone)
    shown: dict[Any, Any] = {"zone": first.found}
    for kind in LISTED:
        answer = await board.find(zone, kind, ALL)
        shown[kind] = answer.found
    for answer, each in zip(
        await asyncio.gather(*(board.get(zone, "command", each) for each in ids)), ids, strict=True
    ):
        shown["command", each] = answer.found
    return first.as_of, shown


async def _folded(history: History, partition: int, before: int) -> MemoryBoard:
    """Fold one partition up to a journal offset."""
    memory = MemoryBoard(PARTITIONS)
    line = history.lines[partition]
    if line.journal_next < before:
        await history.read_on()
    for offset, _, _, events in line.entries:
        if offset < before:
            await memory.apply(partition, offset, events)
    return memory


assert set(LISTED) < set(get_args(Kind))

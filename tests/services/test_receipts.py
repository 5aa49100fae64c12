"""What a receipt shows of a command that stands in the log more than once."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from matcher.commands import Command
from matcher.zone import digest
from services.adapters.board_memory import MemoryBoard
from services.board import Receipt
from services.core import Matching
from tests.simulation import toy
from tests.simulation.bench import Bench

YARD = toy.place("z")
ASKED = toy.request("z", "r1")


async def _receipt(group_max: int, asked: list[Command], key: str) -> Receipt:
    """Answer the commands, at most so many in one journal entry; return what a board shows under this id."""
    bench = Bench(core=Matching())
    await bench.ask(*asked)
    await bench.finish(bench.writer(group_max=group_max))
    board = MemoryBoard(1)
    for offset, _, events in bench.told:
        await board.apply(0, offset, events)
    found = (await board.get("z", "command", key)).found
    assert isinstance(found, Receipt)
    return found


@pytest.mark.parametrize("group_max", [1, 9])
def test_a_command_refused_for_want_of_a_zone_and_decided_when_it_came_again_shows_the_decision(group_max: int) -> None:
    shown = asyncio.run(_receipt(group_max, [ASKED, YARD, ASKED], ASKED.id))
    assert (shown.state, shown.reason, shown.message) == ("answered", None, "")
    assert shown.digest == digest(ASKED).hex()


@pytest.mark.parametrize("group_max", [1, 9])
def test_a_command_refused_twice_for_want_of_a_zone_stays_refused(group_max: int) -> None:
    shown = asyncio.run(_receipt(group_max, [ASKED, ASKED], ASKED.id))
    assert (shown.state, type(shown.reason).__name__) == ("refused", "UnknownZone")
    assert shown == asyncio.run(_receipt(group_max, [ASKED], ASKED.id))


def test_what_the_zone_decided_first_stands_whatever_comes_under_the_id_later() -> None:
    another = msgspec.structs.replace(toy.request("z", "r2"), id=ASKED.id)
    first = asyncio.run(_receipt(1, [YARD, ASKED], ASKED.id))
    assert asyncio.run(_receipt(1, [YARD, ASKED, ASKED, another], ASKED.id)) == first

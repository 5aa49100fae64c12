"""The lock-step driver: plays to the end, answers in later beats only, and after any crash comes to the same end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo.agenda import Agenda, Beats
from services.demo.lockstep import tick_id
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.names import COMMANDS
from services.solving import InlineSolver
from services.verify import Receipt, read_receipts, verify
from services.wire import decode_command
from tests.towns import BEAT, MONDAY, story_of, town

PARTITIONS = 4


class PowerCut(Exception):
    """The process is gone: nothing it wanted to do happens any more."""


class CutLog:
    """A log whose power is cut at its n-th append: before it is written, or after it but before the answer."""

    def __init__(self, log: MemoryLog, cut_at: int, *, written: bool) -> None:
        self._log = log
        self._left = cut_at
        self._written = written

    async def append(self, topic, partition, messages):
        self._left -= 1
        if self._left == 0 and self._written:
            await self._log.append(topic, partition, messages)
        if self._left <= 0:
            raise PowerCut
        return await self._log.append(topic, partition, messages)

    async def read(self, topic, partition, offset, limit):
        if self._left <= 0:
            raise PowerCut
        return await self._log.read(topic, partition, offset, limit)

    async def bounds(self, topic, partition):
        return await self._log.bounds(topic, partition)


def run(scenario, log, folder, audience=None):
    """Play to the end; return what was counted."""
    seen = audience or Audience()

    async def whole():
        with Receipts(folder / "receipts.jsonl") as receipts:
            await play(scenario, log, Matching(), InlineSolver(), receipts, seen, partitions=PARTITIONS)

    asyncio.run(whole())
    return seen.tally


def story(log):
    return asyncio.run(story_of(log, PARTITIONS))


def commands_of(log):
    async def read():
        records = []
        for partition in range(PARTITIONS):
            end = (await log.bounds(COMMANDS, partition)).end
            records += await log.read(COMMANDS, partition, 0, end)
        return [decode_command(record.value) for record in records]

    return asyncio.run(read())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_town_is_played_until_nothing_waits_and_every_request_has_its_end(seed, tmp_path):
    tally = run(town(seed), MemoryLog(), tmp_path)
    assert len(tally.requests) == 25
    assert tally.open == 0
    assert tally.closed + tally.expired + tally.cancelled == 25
    assert tally.closed > 0


def test_the_same_seed_plays_the_same_town_and_another_one_does_not(tmp_path):
    first, again, other = MemoryLog(), MemoryLog(), MemoryLog()
    run(town(3), first, tmp_path)
    run(town(3), again, tmp_path)
    run(replace(town(3), seed=4), other, tmp_path)
    assert story(first) == story(again)
    assert story(first) != story(other)


def test_nobody_answers_in_the_beat_in_which_they_were_asked(tmp_path):
    log = MemoryLog()
    scenario = town(5)
    run(scenario, log, tmp_path)
    told = {x.offer: x.at for events in story(log).values() for x in events if isinstance(x, e.OfferSent)}
    answers = [x for x in commands_of(log) if isinstance(x, c.AcceptOffer | c.DeclineOffer)]
    assert answers
    at_or_after = scenario.beats.at_or_after
    assert all(at_or_after(answer.at) > at_or_after(told[answer.offer]) for answer in answers)


@pytest.mark.parametrize("seed", range(12))
def test_after_power_cuts_at_any_append_the_end_is_that_of_an_undisturbed_run(seed, tmp_path, tmp_path_factory):
    draw = random.Random(seed)
    scenario = town(seed, requests=16, zones=5, people=20, hours=4)
    whole = MemoryLog()
    appends = CountingLog(whole)
    run(scenario, appends, tmp_path_factory.mktemp("whole"))
    log = MemoryLog()
    hits = 0
    cuts = [(draw.randrange(1, appends.count), draw.random() < 0.5) for _ in range(4)]
    print("cuts", cuts)
    for cut_at, written in cuts:
        cut = CutLog(log, cut_at // 3, written=written)
        try:
            run(scenario, cut, tmp_path)
        except PowerCut:
            hits += 1
    tally = run(scenario, log, tmp_path)
    assert tally.open == 0
    assert hits > 0
    assert story(log) == story(whole)
    verdict = asyncio.run(verify(log, PARTITIONS, read_receipts(tmp_path / "receipts.jsonl")))
    assert verdict.sound, verdict.findings
    assert (verdict.requests, verdict.open) == (16, 0)


class CountingLog:
    """Counts appends."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.count = 0
        self.read, self.bounds = log.read, log.bounds

    async def append(self, topic, partition, messages):
        self.count += 1
        return await self._log.append(topic, partition, messages)


def test_a_finished_run_that_is_played_again_changes_nothing(tmp_path):
    log = MemoryLog()
    run(town(1), log, tmp_path)
    before = story(log)
    run(town(1), log, tmp_path)
    assert story(log) == before


def test_every_command_but_ticks_leaves_a_receipt_of_where_it_is(tmp_path):
    log = MemoryLog()
    run(town(1), log, tmp_path)
    lines = (tmp_path / "receipts.jsonl").read_bytes().splitlines()
    receipts = [msgspec.json.decode(line, type=Receipt) for line in lines]
    asked = {x.id for x in commands_of(log) if not isinstance(x, c.Tick)}
    assert {receipt.id for receipt in receipts} == asked

    async def read():
        return [await log.read(COMMANDS, receipt.partition, receipt.offset, 1) for receipt in receipts]

    found = [decode_command(records[0].value).id for records in asyncio.run(read())]
    assert found == [receipt.id for receipt in receipts]


def test_half_a_line_that_a_crash_left_in_the_receipts_is_cut_off(tmp_path):
    path = tmp_path / "receipts.jsonl"
    path.write_bytes(b'{"id":"a","partition":0,"offset":0}\n{"id":"b","part')
    command = c.CancelRequest(id="c", zone="z", at=MONDAY, request="r")
    with Receipts(path) as receipts:
        receipts.write([(command, (3, 7))])
    assert read_receipts(path) == {
        "a": Receipt(id="a", partition=0, offset=0),
        "c": Receipt(id="c", partition=3, offset=7),
    }


def test_beats_number_simulated_time_and_a_time_between_two_belongs_to_the_later():
    beats = Beats(start=MONDAY, length=BEAT)
    assert beats.at_or_after(MONDAY) == 0
    assert beats.at_or_after(MONDAY + timedelta(seconds=1)) == 1
    assert beats.at_or_after(beats.time(7)) == 7


def test_inside_a_beat_commands_are_ordered_by_time_then_id_and_the_opening_keeps_its_order():
    def cancel(id_, minutes):
        return c.CancelRequest(id=id_, zone="z", at=MONDAY + timedelta(minutes=minutes), request="r")

    opening = [cancel("z", 0), cancel("a", -5)]
    agenda = Agenda(Beats(start=MONDAY, length=BEAT), 1, opening)
    agenda.add([cancel("b", 3), cancel("c", 1), cancel("a", 3), cancel("later", 11)], earliest_beat=1)
    assert [command.id for command in agenda.take(0)] == ["z", "a"]
    assert [command.id for command in agenda.take(1)] == ["c", "a", "b"]
    assert agenda.next_beat() == 2


def test_what_was_due_before_the_beat_of_a_restart_is_not_asked_again():
    agenda = Agenda(Beats(start=MONDAY, length=BEAT), 1)
    agenda.add([c.CancelRequest(id="x", zone="z", at=MONDAY, request="r")], earliest_beat=1)
    assert agenda.take(5) == []
    assert agenda.next_beat() is None


def test_a_tick_has_one_id_for_its_zone_and_beat():
    assert tick_id("a", 1) == tick_id("a", 1)
    assert len({tick_id("a", 1), tick_id("a", 2), tick_id("b", 1)}) == 3

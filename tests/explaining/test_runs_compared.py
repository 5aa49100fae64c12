"""Two match runs of a live zone: what is kept, new and gone after the later one, each with what happened in between."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from matcher import commands as c
from matcher.events import MatchRunFinished, OfferSent, ReleaseReason
from matcher.explaining.between import _RELEASED, Cause
from matcher.explaining.sentences import LANGUAGES
from matcher.reasons import Unassigned
from matcher.terms import HeldSkill
from matcher.zone import LIVE
from services.adapters.sqlite import SqliteLog
from services.explaining.comparing import Compared, NoRun, compare
from services.names import JOURNAL, LOG_FILE
from services.ports import Message
from tests.explaining.journals import crowded, entries, history
from tests.shell import paidan
from tests.stories.story import ZONE, Story, only


def runs(story: Story) -> list[int]:
    """Return the journal offsets of the story's runs."""
    return [n for n, entry in enumerate(entries(story.events), start=1) if only(entry, MatchRunFinished)]


def compared(story: Story, first: int = 0, second: int = -1, language="en") -> Compared:
    offsets = runs(story)
    return compare(history(story.events), ZONE, offsets[first], offsets[second], language)


def causes(said: Compared, *, ended: bool) -> dict[tuple[str, str], list[Cause]]:
    return {(each.request, each.person): each.causes for each in said.because if each.ended is ended}


def test_a_decline_moves_the_place_to_the_next_person_and_says_why():
    story = Story()
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=400)
    story.request("r1")
    story.tick()
    story.decline(next(iter(story.offers())))
    story.tick()
    said = compared(story)
    [move] = said.difference.moved
    assert (move.before.person, move.after.person) == ("ana", "ben")
    assert said.difference.change == {"travel": 300}
    assert causes(said, ended=True) == {("r1", "ana"): [Cause.DECLINED]}
    assert causes(said, ended=False) == {("r1", "ben"): [Cause.DECLINED]}
    assert said.sentences[-2:] == ["ana no longer at r1: an offer was declined", "ben now at r1: an offer was declined"]


def test_done_new_kept_and_somebody_freed_are_told_apart():
    story = Story()
    story.volunteer("ana")
    story.volunteer("ben", at=5000, skills=(HeldSkill(skill="nursing"), HeldSkill(skill="help")))
    story.request("near", at=1)
    story.request("far", at=5000)
    story.tick()
    first = next(name for name in story.offers() if name.startswith("near"))
    second = next(name for name in story.offers() if name.startswith("far"))
    story.accept(first)
    story.accept(second)
    story.visit(first)
    story.request("later", at=2)
    story.tick()
    said = compared(story)
    assert [(booking.request, booking.person) for booking in said.difference.kept] == [("far", "ben")]
    assert causes(said, ended=True) == {("near", "ana"): [Cause.DONE]}
    assert causes(said, ended=False) == {("later", "ana"): [Cause.SUBMITTED, Cause.PERSON_FREED]}


def test_a_place_that_was_open_says_for_which_reason():
    story = Story()
    story.request("r1")
    story.tick()
    story.volunteer("ana")
    story.tick()
    said = compared(story)
    [because] = said.because
    assert (because.causes, because.was) == ([Cause.PERSON_CHANGED], Unassigned.NO_REGISTERED_VOLUNTEER)


def test_who_left_and_what_was_cancelled_are_gone_for_that():
    story = Story()
    story.volunteer("ana")
    story.volunteer("ben")
    story.request("r1")
    story.request("r2")
    story.tick()
    who = {offer.request: offer.volunteer for offer in only(story.events, OfferSent)}
    story.send(c.RemoveVolunteer, volunteer=who["r1"])
    story.send(c.CancelRequest, request="r2")
    story.volunteer("eve", skills=(HeldSkill(skill="nursing"),))
    story.request("r3")
    story.tick()
    said = causes(compared(story), ended=True)
    assert said[("r1", who["r1"])] == [Cause.PERSON_LEFT]
    assert said[("r2", who["r2"])] == [Cause.CANCELLED]


def test_every_way_in_which_a_booking_is_released_has_its_cause_in_both_languages():
    assert set(_RELEASED) == set(ReleaseReason)
    for words in LANGUAGES.values():
        assert {f"cause.{cause}" for cause in Cause} <= set(words)


def test_a_changed_request_lets_go_of_who_was_to_come():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.tick()
    story.send(c.ChangeRequest, request="r1", duration_minutes=90)
    story.tick()
    said = compared(story)
    assert [(each.ended, each.causes) for each in said.because] == [(True, [Cause.CHANGED]), (False, [Cause.CHANGED])]
    [move] = said.difference.moved
    assert (move.before.person, move.after.person) == ("ana", "ana")
    assert move.before.start_s < move.after.start_s


@pytest.mark.parametrize("seed", range(12))
def test_every_booking_that_ended_has_its_cause_and_the_two_sides_are_those_of_the_log(seed: int):
    story = crowded(seed)
    offsets = runs(story)
    for first, second in pairwise(offsets):
        said = compare(history(story.events), ZONE, first, second)
        assert all(each.causes for each in said.because), seed
        assert (said.before.offset, said.after.offset) == (first, second)
        later = compare(history(story.events), ZONE, second, second).difference
        ours = [*said.difference.kept, *said.difference.new, *(move.after for move in said.difference.moved)]
        assert sorted(map(repr, ours)) == sorted(map(repr, later.kept))
    last = compare(history(story.events), ZONE, offsets[-1], offsets[-1]).difference
    assert (last.new, last.moved, last.dropped) == ([], [], [])
    live = [visit for visit in story.zone.assignments.values() if visit.status in LIVE]
    assert len(last.kept) == len(live)


def test_an_offset_between_runs_means_the_run_before_it_and_before_the_first_there_is_none():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.tick()
    [offset] = runs(story)
    assert compare(history(story.events), ZONE, offset + 5, offset).before.offset == offset
    with pytest.raises(NoRun):
        compare(history(story.events), ZONE, offset - 1, offset)


def test_the_command_compares_two_runs_of_a_data_folder(tmp_path: Path):
    story = Story()
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=400)
    story.request("r1")
    story.tick()
    story.decline(next(iter(story.offers())))
    story.tick()

    async def fill(log: SqliteLog) -> None:
        for _, value in history(story.events).records:
            await log.append(JOURNAL, 0, [Message(value)])

    log = SqliteLog(tmp_path / LOG_FILE, 1)
    asyncio.run(fill(log))
    log.close()
    first, second = runs(story)
    ended = paidan("diff", first, second, "--zone", ZONE, "--data", tmp_path, "--lang", "zh")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[2].startswith("不变 0，调整 1，新增 0，取消 0。")
    assert ended.out.splitlines()[-1] == "ben 改为服务 r1：有人拒单"
    assert paidan("diff", 0, second, "--zone", ZONE, "--data", tmp_path).code == 2
    assert paidan("diff", "x", second, "--zone", ZONE, "--data", tmp_path).code == 2
    assert paidan("diff", first, second, "--zone", ZONE).code == 2

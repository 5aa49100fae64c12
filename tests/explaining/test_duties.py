"""The residual list of a quarter: each cadre with the reason that the journal gives, and no visit invented."""

from __future__ import annotations

from datetime import date

import pytest

from matcher import commands as c
from matcher.duty import DutyList, Owes
from matcher.explaining.sentences import Teller
from matcher.terms import HeldSkill, Hours, NeededSkill, Requirement
from services.explaining.duties import NoQuarter, duty_of, quarter_named
from tests.explaining.journals import history
from tests.stories.story import ZONE, Story

DAY = 1440


def town(*cadres: str, **fields) -> Story:
    """A zone with these cadres of one unit, and one volunteer who owes nothing."""
    story = Story()
    story.send(c.DefineUnit, unit="u1")
    story.volunteer("zhi", at=40_000)
    for cadre in cadres:
        story.volunteer(cadre, unit="u1", **fields)
    return story


def listed(story: Story, quarter: str | None = None) -> DutyList:
    number = None if quarter is None else quarter_named(quarter)
    return duty_of(history(story.events), ZONE, number)[0]


def reason(story: Story, cadre: str = "ana", quarter: str | None = None) -> Owes:
    [found] = [one.reason for one in listed(story, quarter).owing if one.person == cadre]
    return found


def offer(story: Story) -> str:
    return next(name for name, state in story.offers().items() if state == "sent")


def test_who_has_served_is_told_from_who_has_not():
    story = town("ana", "ben", "li")
    for request in ("r1", "r2"):
        story.request(request)
        story.tick()
        story.accept(offer(story))
        story.visit(list(story.offers())[-1])
    said = listed(story)
    assert sum(one.visits for one in said.served) == 2
    assert {one.person for one in (*said.served, *said.owing)} == {"ana", "ben", "li"}
    assert all(one.reason is Owes.NOT_NEEDED and one.could_serve == 2 for one in said.owing)
    assert (said.quarter, said.first, said.over, said.requests) == ("2026Q1", date(2026, 1, 1), False, 2)


def test_requests_that_are_long_over_and_whose_visits_the_zone_has_forgotten_are_still_its_demand():
    story = town("ana", "ben")
    story.request("r1")
    story.tick()
    story.accept(offer(story))
    story.visit(list(story.offers())[-1])
    for _ in range(3):
        story.tick(9 * DAY)
    assert not story.zone.assignments
    said = listed(story)
    assert [(one.reason, one.could_serve) for one in said.owing] == [(Owes.NOT_NEEDED, 1)] * len(said.owing)
    assert len(said.owing) >= 1


def test_without_demand_the_list_says_so_and_asks_for_none():
    story = town("ana")
    before = len(story.events)
    story.tick(5 * DAY)
    assert reason(story) is Owes.NO_DEMAND
    assert [type(event).__name__ for event in story.events[before:]] == ["TimePassed"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"skills": (HeldSkill(skill="nursing"),)}, Owes.MISSING_SKILL),
        ({"at": 9000, "reach_m": 100.0}, Owes.TRAVEL_TOO_FAR),
        ({"hours": Hours()}, Owes.NO_START_POSSIBLE),
    ],
)
def test_the_reason_is_how_near_the_quarters_demand_came(fields, why):
    story = town("ana", **fields)
    story.request("r1")
    story.tick()
    assert reason(story) is why
    assert listed(story).owing[0].could_serve == 0


def test_the_request_that_comes_nearest_counts():
    story = town("ana", at=9000, reach_m=100.0)
    nurse = (Requirement(skills=(NeededSkill(skill="nursing"),)),)
    story.request("r1", requirements=nurse)
    assert reason(story) is Owes.MISSING_SKILL
    story.request("r2")
    assert reason(story) is Owes.TRAVEL_TOO_FAR


def test_who_is_not_wanted_is_told_so():
    story = town("ana")
    story.request("r1", excluded=("ana",))
    assert reason(story) is Owes.OTHERS_WANTED


def test_what_they_answered_goes_before_how_near_demand_came():
    story = town("ana")
    story.request("r1", latest=story.now(10 * DAY))
    story.tick()
    assert reason(story) is Owes.OFFER_OPEN
    story.accept(offer(story))
    assert reason(story) is Owes.VISIT_AHEAD
    story.tick(3 * DAY)
    assert reason(story) is Owes.NO_SHOW
    assert listed(story).owing[0].offers == 1

    said_no = town("ana")
    said_no.request("r1")
    said_no.tick()
    said_no.decline(offer(said_no))
    assert reason(said_no) is Owes.DECLINED

    silent = town("ana")
    silent.request("r1")
    silent.tick()
    silent.tick(40)
    assert reason(silent) is Owes.NO_ANSWER

    let_go = town("ana")
    let_go.request("r1")
    let_go.tick()
    let_go.accept(offer(let_go))
    let_go.send(c.CancelRequest, request="r1")
    assert reason(let_go) is Owes.LET_GO


def test_a_pause_is_a_reason_and_who_has_left_owes_nothing():
    story = town("ana", "ben")
    story.request("r1", latest=story.now(10 * DAY))
    story.send(c.PauseVolunteer, volunteer="ana")
    assert reason(story) is Owes.PAUSED
    story.send(c.RemoveVolunteer, volunteer="ana")
    assert [one.person for one in listed(story).owing] == ["ben"]


def test_a_quarter_that_is_over_is_told_as_it_ended():
    story = town("ana")
    story.request("r1")
    story.tick()
    story.accept(offer(story))
    story.visit(list(story.offers())[-1])
    story.tick(40 * DAY)  # 11 April
    story.volunteer("new", unit="u1")
    story.tick()
    first, second = listed(story, "2026Q1"), listed(story, "2026Q2")
    assert ([one.person for one in first.served], first.owing, first.over) == (["ana"], (), True)
    assert ({one.person for one in second.owing}, second.requests, second.over) == ({"ana", "new"}, 0, False)
    assert listed(story) == second
    for quarter in ("2025Q4", "2027Q1"):
        with pytest.raises(NoQuarter, match=quarter):
            listed(story, quarter)


def test_what_was_still_wanted_when_the_quarter_began_is_its_demand_too():
    story = town("ana", skills=(HeldSkill(skill="nursing"),))
    story.request("r1", latest=story.now(60 * DAY))
    story.tick()
    story.tick(40 * DAY)
    assert reason(story, quarter="2026Q2") is Owes.MISSING_SKILL


@pytest.mark.parametrize("text", ["2026", "2026Q5", "Q4", "26Q1", ""])
def test_a_quarter_is_written_as_year_and_number(text):
    assert quarter_named("2026q4") == 8107
    with pytest.raises(ValueError, match="no quarter"):
        quarter_named(text)


def test_the_list_is_told_in_both_languages():
    story = town("ana", "ben")
    story.request("r1")
    story.tick()
    english, chinese = (Teller(language, "UTC").duty(listed(story)) for language in ("en", "zh"))
    assert english[0] == (
        "Zone town, 2026Q1, as of 2026-03-02 00:01:00: 0 of 2 cadres have served, 2 still owe a visit; "
        "1 requests were asked for."
    )
    assert len(english) == len(chinese) == 5
    assert chinese[0].endswith("2 名干部中 0 名已服务，2 名尚未服务；本季共 1 件需求。")

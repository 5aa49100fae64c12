"""Visits a day and a week, service circles, and answers due sooner for what is urgent, told as stories."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, EMERGENCY, Limits, Policy, UrgencyClass
from matcher.reasons import Unassigned
from matcher.terms import HeldSkill, NeededSkill, Requirement
from matcher.zone import Zone
from tests.stories.story import BEGIN, Story, only

DAY = 1440


def limited(**limits: int) -> Policy:
    return msgspec.structs.replace(DEFAULT, limits=Limits(**limits), offers_per_day=0)


def start_of(story: Story, name: str, latest: int = 14 * DAY, **fields) -> int | None:
    """Ask for a visit, accept it at once; say on which day of the story it starts, None if nobody comes."""
    story.request(name, latest=story.now(latest), **fields)
    offers = only(story.tick(), e.OfferSent)
    for offer in offers:
        story.accept(offer.offer)
    return (offers[0].start - BEGIN).days if offers else None


def reason_of(story: Story, name: str) -> Unassigned | None:
    return story.zone.requests[name].needs["1"].reason


def test_a_person_makes_so_many_visits_a_day_and_then_the_next_day():
    story = Story(limited(visits_per_day=2))
    story.volunteer("ana")
    assert [start_of(story, f"r{n}") for n in range(5)] == [0, 0, 1, 1, 2]


def test_a_request_for_today_says_that_everybody_has_visits_enough():
    story = Story(limited(visits_per_day=1))
    story.volunteer("ana")
    assert start_of(story, "r0") == 0
    assert start_of(story, "r1", latest=600) is None
    assert reason_of(story, "r1") is Unassigned.VISIT_LIMIT_REACHED
    funnel = only(story.events, e.RequirementUnfilled)[-1].funnel
    assert list(funnel)[-2:] == ["budget", "limits"]
    assert (funnel["budget"], funnel["limits"]) == (1, 0)


def test_a_visit_that_is_done_counts_for_its_day_and_one_let_go_does_not():
    story = Story(limited(visits_per_day=1))
    story.volunteer("ana")
    assert start_of(story, "r0") == 0
    story.visit("r0.1.0.ana")
    assert start_of(story, "r1") == 1
    story.send(c.CancelRequest, request="r1")
    assert start_of(story, "r2") == 1


def test_a_week_runs_to_sunday_and_the_person_serves_again_on_monday():
    story = Story(limited(visits_per_week=2))
    story.volunteer("ana")
    assert [start_of(story, f"r{n}") for n in range(3)] == [0, 0, 7]


def test_somebodys_own_limits_hold_without_any_in_the_policy():
    story = Story(msgspec.structs.replace(DEFAULT, offers_per_day=0))
    story.volunteer("ben")
    assert story.zone.history is msgspec.UNSET
    story.volunteer("ana", visits_per_day=1, visits_per_week=2)
    story.send(c.RemoveVolunteer, volunteer="ben")
    assert [start_of(story, f"r{n}") for n in range(3)] == [0, 1, 7]
    again = Zone.decode(story.zone.encode())
    assert again.people.limits == {1: (1, 2)}
    assert again.encode() == story.zone.encode()
    story.volunteer("ana")
    assert start_of(story, "r9") == 0


def test_the_smaller_of_two_limits_holds():
    story = Story(limited(visits_per_day=3))
    story.volunteer("ana", visits_per_day=1)
    assert [start_of(story, f"r{n}") for n in range(2)] == [0, 1]


# --- service circles --------------------------------------------------------------------------------------------


def test_a_skill_with_a_circle_is_served_from_near_by_only_and_its_redefinition_is_looked_at():
    story = Story(DEFAULT)
    story.send(c.DefineSkill, skill="nursing", circle_minutes=10)
    nurse = (HeldSkill(skill="nursing"),)
    story.volunteer("far", at=2000, skills=nurse)
    need = (Requirement(skills=(NeededSkill(skill="nursing"),)),)
    assert start_of(story, "r1", requirements=need) is None
    assert reason_of(story, "r1") is Unassigned.OUTSIDE_SERVICE_CIRCLE
    assert start_of(story, "r2", requirements=(Requirement(requirement="1"),)) == 0
    story.volunteer("near", at=-500, skills=nurse)
    assert only(story.tick(), e.OfferSent)[0].volunteer == "near"
    story.decline("r1.1.0.near")
    assert only(story.tick(), e.OfferSent) == []
    story.send(c.DefineSkill, skill="nursing")
    assert [o.volunteer for o in only(story.tick(), e.OfferSent)] == ["far"]


@pytest.mark.parametrize(("minutes", "comes"), [(11, False), (12, True), (None, True)])
def test_a_request_may_ask_for_a_circle_itself(minutes: int | None, comes: bool):
    story = Story(DEFAULT)
    story.volunteer("ana", at=690)  # on foot: 690 m x 1.3 / 4.5 km/h = 11.96 minutes
    circle = {} if minutes is None else {"circle_minutes": minutes}
    need = (Requirement(skills=(NeededSkill(skill="help"),), **circle),)
    assert (start_of(story, "r1", requirements=need) is not None) == comes


# --- urgency and answers ----------------------------------------------------------------------------------------


def test_an_urgent_offer_is_answered_sooner_and_departs_sooner():
    story = Story(EMERGENCY)
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=200)
    story.request("fire", urgency="urgent")
    story.request("wish", urgency="normal")
    sent = {offer.request: offer for offer in only(story.tick(), e.OfferSent)}
    held = {hold.request: hold for hold in only(story.events, e.AssignmentHeld)}
    for name, minutes in (("fire", 5), ("wish", 15)):
        assert sent[name].expires_at - sent[name].at == timedelta(minutes=minutes)
        assert held[name].departure >= sent[name].expires_at
        assert held[name].departure - sent[name].expires_at < timedelta(seconds=1)
    assert "OfferExpired" not in [type(event).__name__ for event in story.tick(4)]
    assert [event.offer for event in only(story.tick(1), e.OfferExpired)] == [sent["fire"].offer]


def test_a_class_without_a_time_of_its_own_takes_the_policys():
    policy = msgspec.structs.replace(DEFAULT, urgency={"normal": UrgencyClass()})
    assert policy.expiry_minutes("normal") == policy.expiry_minutes("no such class") == 30
    assert EMERGENCY.expiry_minutes("urgent") == 5
    assert b"offer_expiry" not in msgspec.json.encode(UrgencyClass())


def test_in_an_emergency_what_is_urgent_outweighs_many_that_are_not():
    weights = {name: urgency.weight for name, urgency in EMERGENCY.urgency.items()}
    assert weights["urgent"] >= 10 * weights["normal"] > 10 * weights["low"]
    assert not EMERGENCY.counts_quarter
    assert not EMERGENCY.keeps_history

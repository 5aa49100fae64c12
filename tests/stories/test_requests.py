"""The life of a request, told as stories (VOCABULARY 3 and 4)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from matcher import commands as c
from matcher import events as e
from matcher.decisions import decide
from matcher.policy import TRAVEL_ONLY
from matcher.reasons import (
    AlreadyExists,
    IdempotencyConflict,
    ImpossibleWindow,
    Unassigned,
    Unknown,
    UnknownZone,
    WrongState,
)
from matcher.terms import NeededSkill, Requirement
from matcher.zone import Zone
from tests.stories.story import ZONE, Story, names, only

DAY = 1440


def assigned(story: Story, request: str = "r1") -> str:
    """Submit a request, let it be matched and accepted; return the assignment."""
    story.request(request)
    story.tick()
    offer = f"{request}.1.0.ana"
    story.accept(offer)
    return offer


def test_a_request_goes_to_the_nearest_person_and_through_the_whole_chain():
    story = Story()
    story.volunteer("ana", at=1000)
    story.volunteer("ben", at=3000)
    story.request("r1")
    assert story.state("r1") == "matching"
    happened = story.tick()
    assert names(happened) == ["TimePassed", "MatchRunFinished", "AssignmentHeld", "OfferSent"]
    assert only(happened, e.OfferSent)[0].volunteer == "ana"
    assert names(story.accept("r1.1.0.ana")) == ["OfferAccepted", "AssignmentCommitted", "RequirementFilled"]
    assert story.state("r1") == "assigned"
    story.send(c.Depart, assignment="r1.1.0.ana")
    story.send(c.Arrive, assignment="r1.1.0.ana")
    assert story.state("r1") == "in_progress"
    done = story.send(c.Finish, assignment="r1.1.0.ana")
    assert names(done) == ["WorkFinished", "RequestCompleted", "RatingInvited"]
    closed = story.send(c.RateRequest, request="r1", effect=5, conduct=4)
    assert names(closed) == ["RatingSubmitted", "RequestClosed"]
    assert closed[1].outcome == "fulfilled"
    assert story.state("r1") == "closed"
    assert not story.zone.waiting()


def test_a_declined_request_goes_to_the_next_nearest_person_and_never_back():
    story = Story()
    story.volunteer("ana", at=1000)
    story.volunteer("ben", at=3000)
    story.request("r1")
    story.tick()
    story.decline("r1.1.0.ana")
    assert only(story.tick(), e.OfferSent)[0].volunteer == "ben"
    story.decline("r1.1.0.ben")
    unfilled = only(story.tick(), e.RequirementUnfilled)[0]
    assert unfilled.reason is Unassigned.PREVIOUSLY_REFUSED
    assert story.state("r1") == "unassignable"


def test_an_offer_that_nobody_answers_expires_and_the_place_opens_again():
    story = Story()
    story.volunteer("ana", at=1000)
    story.volunteer("ben", at=3000)
    story.request("r1")
    story.tick()
    assert "OfferExpired" not in names(story.tick(29))
    happened = story.tick(1)
    assert names(happened)[:3] == ["TimePassed", "OfferExpired", "AssignmentReleased"]
    assert only(happened, e.OfferSent)[0].volunteer == "ben"
    refused = story.accept("r1.1.0.ana")
    assert refused[0].reason == WrongState(kind="offer", value="r1.1.0.ana", state="expired", needed="sent")


def test_nobody_is_planned_to_depart_before_the_offer_expires():
    story = Story()
    story.volunteer("ana", at=1000)
    story.request("r1")
    happened = story.tick()
    assert only(happened, e.AssignmentHeld)[0].departure >= only(happened, e.OfferSent)[0].expires_at


def test_a_person_who_does_not_come_is_a_no_show_and_somebody_else_is_sent():
    story = Story()
    story.volunteer("ana", at=1000)
    assigned(story)
    story.volunteer("ben", at=9000)
    assert names(story.tick(300))[1] == "NoShowRecorded"
    assert story.offers() == {"r1.1.0.ana": "accepted", "r1.1.0.ben": "sent"}


def test_a_person_has_one_open_offer_at_a_time():
    story = Story()
    story.volunteer("ana", capacity=5)
    for name in ("r1", "r2", "r3"):
        story.request(name)
    story.tick()
    assert list(story.offers().values()) == ["sent"]
    story.accept(next(iter(story.offers())))
    assert len(only(story.tick(), e.OfferSent)) == 1


def test_nobody_is_booked_twice_at_the_same_time():
    story = Story()
    story.volunteer("ana", at=2000)
    for name in ("r1", "r2", "r3"):
        story.request(name)
        story.tick()
        story.accept(f"{name}.1.0.ana")
    spans = sorted((a.departure_s, a.end_s) for a in story.zone.assignments.values())
    assert len(spans) == 3
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_a_request_that_nobody_could_take_expires_with_its_window():
    story = Story()
    story.request("r1")
    story.volunteer("far", at=60_000)
    assert only(story.tick(), e.RequirementUnfilled)[0].reason is Unassigned.TRAVEL_TOO_FAR
    assert only(story.tick(60), e.RequirementUnfilled) == []
    closed = only(story.tick(DAY), e.RequestClosed)[0]
    assert closed.outcome == "expired"


def test_a_zone_without_people_says_so():
    story = Story()
    story.request("r1")
    assert only(story.tick(), e.RequirementUnfilled)[0].reason is Unassigned.NO_REGISTERED_VOLUNTEER
    story.volunteer("ana")
    assert only(story.tick(), e.OfferSent)[0].volunteer == "ana"


def test_a_reason_is_recorded_again_only_when_it_changes():
    story = Story()
    story.request("r1", requirements=(Requirement(skills=(NeededSkill(skill="nursing"),)),))
    story.volunteer("ana")
    assert only(story.tick(), e.RequirementUnfilled)[0].reason is Unassigned.MISSING_SKILL
    story.volunteer("ben")
    assert only(story.tick(), e.RequirementUnfilled) == []


def test_without_a_rating_the_request_closes_after_seven_days():
    story = Story()
    story.volunteer("ana")
    story.visit(assigned(story))
    assert only(story.tick(7 * DAY - 1), e.RequestClosed) == []
    assert only(story.tick(1), e.RequestClosed)[0].outcome == "fulfilled"


def test_a_resident_who_is_not_helped_gets_somebody_again():
    story = Story()
    story.volunteer("ana")
    story.visit(assigned(story))
    happened = story.send(c.RateRequest, request="r1", effect=1, conduct=3, solved=False)
    assert names(happened) == ["RatingSubmitted", "RequestReopened", "RequirementOpened"]
    assert only(story.tick(), e.OfferSent)[0].offer == "r1.1.1.ana"


def test_a_closed_request_is_reopened_within_the_days_of_the_policy_only():
    story = Story()
    story.volunteer("ana")
    story.visit(assigned(story))
    story.send(c.RateRequest, request="r1", effect=5, conduct=5)
    assert names(story.send(c.ReopenRequest, request="r1"))[0] == "RequestReopened"
    story.tick()
    story.accept("r1.1.1.ana")
    story.visit("r1.1.1.ana")
    story.send(c.RateRequest, request="r1", effect=5, conduct=5)
    story.tick(4 * DAY - 120)
    assert names(story.send(c.ReopenRequest, request="r1")) == ["CommandRefused"]


def test_cancelling_stands_everybody_down():
    story = Story()
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=200)
    story.request("r1", people=2)
    story.tick()
    story.accept("r1.1.0.ana")
    happened = story.send(c.CancelRequest, request="r1")
    assert names(happened) == ["RequestCancelled", "AssignmentReleased", "OfferSuperseded", "AssignmentReleased"]
    assert story.state("r1") == "cancelled"
    assert not story.zone.engagements


def test_a_crew_starts_together_and_a_decline_opens_only_that_place():
    story = Story()
    for number, name in enumerate(("ana", "ben", "cai", "dan")):
        story.volunteer(name, at=500 * number)
    story.request("r1", people=3)
    held = only(story.tick(), e.AssignmentHeld)
    assert [a.volunteer for a in held] == ["ana", "ben", "cai"]
    assert len({a.start for a in held}) == 1
    story.accept("r1.1.0.ana")
    story.decline("r1.1.0.ben")
    again = only(story.tick(), e.AssignmentHeld)
    assert [(a.volunteer, a.start) for a in again] == [("dan", held[0].start)]
    story.accept("r1.1.0.cai")
    assert names(story.accept("r1.1.0.dan"))[-1] == "RequirementFilled"


def test_a_crew_that_is_not_complete_at_its_start_is_let_go_and_formed_again():
    story = Story()
    story.volunteer("ana")
    story.volunteer("ben")
    story.request("r1", people=2)
    story.tick()
    story.accept("r1.1.0.ana")
    story.decline("r1.1.0.ben")
    assert story.state("r1") == "partially_assigned"
    happened = story.tick(180)
    released = only(happened, e.AssignmentReleased)[0]
    assert (released.assignment, released.reason) == ("r1.1.0.ana", "crew_incomplete")
    assert only(happened, e.RequirementOpened)[0].wave == 1


def test_a_crew_with_its_minimum_goes_without_the_rest():
    story = Story()
    story.volunteer("ana")
    story.volunteer("ben")
    story.request("r1", people=3, minimum=2)
    story.tick()
    story.accept("r1.1.0.ana")
    story.accept("r1.1.0.ben")
    assert only(story.tick(130), e.RequirementFilled)[0].request == "r1"
    story.visit("r1.1.0.ana")
    assert story.state("r1") == "in_progress"
    story.visit("r1.1.0.ben")
    assert story.send(c.RateRequest, request="r1", effect=4, conduct=4)[1].outcome == "fulfilled"


def test_a_paused_person_gets_no_offer_until_the_pause_ends():
    story = Story()
    story.volunteer("ana")
    story.send(c.PauseVolunteer, volunteer="ana", until=story.now(120))
    story.request("r1")
    assert only(story.tick(), e.RequirementUnfilled)[0].reason is Unassigned.NO_REGISTERED_VOLUNTEER
    assert only(story.tick(120), e.OfferSent)[0].volunteer == "ana"


def test_a_person_who_leaves_releases_what_they_have_not_begun():
    story = Story()
    story.volunteer("ana")
    assigned(story)
    story.volunteer("ben", at=100)
    assert names(story.send(c.RemoveVolunteer, volunteer="ana")) == ["VolunteerLeft", "AssignmentReleased"]
    assert only(story.tick(), e.OfferSent)[0].volunteer == "ben"


def test_the_alert_budget_of_a_day_is_kept_and_comes_back():
    policy = TRAVEL_ONLY.__class__(name="one-a-day", travel_only=True, offers_per_day=1)
    story = Story(policy)
    story.volunteer("ana")
    story.request("r1", latest=story.now(3 * DAY))
    story.request("r2", latest=story.now(3 * DAY))
    story.tick()
    story.decline(next(iter(story.offers())))
    reasons = {event.reason for event in only(story.tick(), e.RequirementUnfilled)}
    assert Unassigned.ALERT_BUDGET_SPENT in reasons
    assert len(only(story.tick(DAY), e.OfferSent)) == 1


def test_an_exact_repeat_is_ignored_and_another_body_under_the_same_id_is_refused():
    story = Story()
    first = story.request("r1", id="k1")
    assert names(first)[0] == "RequestSubmitted"
    story.minute += 5
    assert story.request("r1", id="k1", latest=first[0].latest) == []
    conflict = story.request("r2", id="k1")
    assert conflict[0].reason == IdempotencyConflict(command_id="k1")


def test_a_conflict_does_not_change_what_is_remembered_under_the_id():
    story = Story()
    latest = story.now(DAY)
    story.request("r1", id="k1", latest=latest)
    for _ in range(2):
        assert story.request("r2", id="k1", latest=latest)[0].reason == IdempotencyConflict(command_id="k1")
        assert story.request("r1", id="k1", latest=latest) == []


def test_no_is_an_answer():
    story = Story()
    story.request("r1")
    assert story.request("r1")[0].reason == AlreadyExists(kind="request", value="r1")
    assert isinstance(story.request("r2", latest=story.now(10))[0].reason, ImpossibleWindow)
    assert story.accept("nothing")[0].reason == Unknown(kind="offer", value="nothing")
    assert story.send(c.Tick, zone="nowhere", beat=1)[0].reason == UnknownZone(zone="nowhere")
    unknown_skill = (Requirement(skills=(NeededSkill(skill="flying"),)),)
    assert story.request("r3", requirements=unknown_skill)[0].reason == Unknown(kind="skill", value="flying")
    assert all(event.reason.message() for event in only(story.events, e.CommandRefused))


def test_late_and_repeated_ticks_change_nothing():
    story = Story()
    story.tick(60)
    before = story.zone.encode()
    for minutes in (0, -30):
        assert story.tick(minutes) == []
    assert story.zone.encode() == before


def test_a_zone_is_the_same_after_encoding_and_decoding():
    story = Story()
    story.volunteer("ana", at=1000)
    assigned(story)
    story.request("r2", at=50, excluded=("ana",))
    story.tick()
    again = Zone.decode(story.zone.encode())
    assert again.encode() == story.zone.encode()
    replayed: dict[str, Zone] = {ZONE: again}
    story.zones = replayed
    assert only(story.tick(300), e.NoShowRecorded)


def test_deciding_changes_nothing():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    before = story.zone.encode()
    for kind, fields in ((c.CancelRequest, {"request": "r1"}), (c.RemoveVolunteer, {"volunteer": "ana"})):
        decide(story.zones, kind(id="x", zone=ZONE, at=story.now(), **fields))
    assert story.zone.encode() == before


@pytest.mark.parametrize("name", ["a.b", "a%b", "甲"])
def test_offer_ids_keep_their_four_parts_whatever_the_ids_hold(name):
    story = Story()
    story.volunteer(name)
    story.request(name)
    offer = only(story.tick(), e.OfferSent)[0].offer
    assert offer.count(".") == 3

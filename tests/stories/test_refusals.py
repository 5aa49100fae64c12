"""What cannot be is refused by its name, with the word that is wrong, and changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, TRAVEL_ONLY
from matcher.reasons import ImpossibleValue, Refusal, Unknown, WrongState
from matcher.terms import HeldSkill, Hours, NeededSkill, PlaceLevel, Requirement, Travel, WeeklyWindow
from tests.stories.story import ALWAYS, Story, east, names, only


def refusal(story: Story, kind: type[c.Command], **fields: Any) -> Refusal:
    """Send something that must be refused, and see that the zone is as before, but for the command's id."""
    before = msgspec.structs.replace(story.zone, remembered={}).sha256()
    (refused,) = story.send(kind, **fields)
    assert isinstance(refused, e.CommandRefused)
    assert msgspec.structs.replace(story.zone, remembered={}).sha256() == before
    assert refused.reason.message()
    return refused.reason


PERSON = {"volunteer": "ana", "point": east(0), "hours": ALWAYS, "reach_m": 1000}


@pytest.mark.parametrize(
    ("fields", "kind", "value"),
    [
        ({"skills": (HeldSkill(skill="help"), HeldSkill(skill="flying"))}, "skill", "flying"),
        ({"places": ("town", "moon")}, "place", "moon"),
        ({"unit": "nobody"}, "unit", "nobody"),
    ],
    ids=["skill", "place", "unit"],
)
def test_a_person_can_only_name_what_the_zone_knows(fields: dict[str, Any], kind: str, value: str):
    assert refusal(Story(), c.RegisterVolunteer, **PERSON, **fields) == Unknown(kind=kind, value=value)


@pytest.mark.parametrize(("begins", "ends"), [(600, 600), (601, 600)])
def test_hours_that_end_before_they_begin_are_refused(begins: int, ends: int):
    hours = Hours(weekly=(WeeklyWindow(weekday=0, from_minute=begins, until_minute=ends),))
    reason = refusal(Story(), c.RegisterVolunteer, **{**PERSON, "hours": hours})
    assert isinstance(reason, ImpossibleValue)
    assert (reason.field, reason.value) == ("hours", f"from {begins} until {ends}")
    story = Story()
    story.volunteer("ana")
    assert refusal(story, c.ChangeAvailability, volunteer="ana", hours=hours) == reason


@pytest.mark.parametrize(
    ("fields", "kind", "value"),
    [
        ({"place": "moon"}, "place", "moon"),
        ({"requirements": (Requirement(skills=(NeededSkill(skill="flying"),)),)}, "skill", "flying"),
        ({"requirements": (Requirement(nice=(NeededSkill(skill="flying"),)),)}, "skill", "flying"),
        ({"requirements": (Requirement(should=(NeededSkill(skill="flying"),)),)}, "skill", "flying"),
        ({"requirements": (Requirement(team="none"),)}, "team", "none"),
    ],
    ids=["place", "skill", "nice skill", "wished skill", "team"],
)
def test_a_request_can_only_name_what_the_zone_knows(fields: dict[str, Any], kind: str, value: str):
    story = Story()
    asked = {"request": "r1", "point": east(0), "latest": story.now(1440), "duration_minutes": 60}
    assert refusal(story, c.SubmitRequest, **{"requirements": (Requirement(),), **asked, **fields}) == Unknown(
        kind=kind, value=value
    )


def test_a_class_of_urgency_is_one_of_the_policys_unless_the_policy_asks_for_none():
    asked: dict[str, Any] = {"request": "r1", "point": east(0), "duration_minutes": 60, "urgency": "whenever"}
    asked["requirements"] = (Requirement(),)
    story = Story(DEFAULT)
    unknown = Unknown(kind="urgency class", value="whenever")
    assert refusal(story, c.SubmitRequest, **asked, latest=story.now(1440)) == unknown
    assert names(Story(TRAVEL_ONLY).send(c.SubmitRequest, **asked, latest=story.now(1440)))[0] == "RequestSubmitted"


def test_two_requirements_of_one_name_and_a_minimum_above_the_people_are_refused():
    story = Story()
    asked = {"request": "r1", "point": east(0), "latest": story.now(1440), "duration_minutes": 60}
    twice = (Requirement(requirement="a"), Requirement(requirement="b"), Requirement(requirement="a"))
    reason = refusal(story, c.SubmitRequest, **asked, requirements=twice)
    assert isinstance(reason, ImpossibleValue)
    assert (reason.field, reason.value) == ("requirements", "a, b, a")
    reason = refusal(story, c.SubmitRequest, **asked, requirements=(Requirement(people=2, minimum_people=3),))
    assert isinstance(reason, ImpossibleValue)
    assert (reason.field, reason.value) == ("minimum_people", "3")
    assert "(2)" in reason.remedy
    enough = (Requirement(people=2, minimum_people=2),)
    assert names(story.send(c.SubmitRequest, **asked, requirements=enough))[0] == "RequestSubmitted"


def test_a_place_lies_in_one_that_is_there_and_never_within_itself():
    story = Story()
    for place, parent in (("east", "town"), ("street", "east"), ("house", "street")):
        story.send(c.DefinePlace, place=place, level=PlaceLevel.COMMUNITY, parent=parent)
    level = PlaceLevel.COMMUNITY
    assert refusal(story, c.DefinePlace, place="x", level=level, parent="moon") == Unknown(kind="place", value="moon")
    for parent in ("east", "street", "house"):
        reason = refusal(story, c.DefinePlace, place="east", level=level, parent=parent)
        assert isinstance(reason, ImpossibleValue)
        assert (reason.field, reason.value) == ("parent", parent)
    assert names(story.send(c.DefinePlace, place="house", level=level, parent="east")) == ["PlaceDefined"]
    assert story.zone.places["house"].parent == "east"


def test_the_first_place_of_all_lies_in_none():
    story = Story()
    first = {"zone": "another", "place": "p", "level": PlaceLevel.DISTRICT}
    assert story.send(c.DefinePlace, **first, parent="town")[0].reason == Unknown(kind="place", value="town")
    assert "another" not in story.zones
    assert names(story.send(c.DefinePlace, **first)) == ["PlaceDefined"]


def test_a_policy_needs_a_time_zone_that_there_is_and_every_way_to_travel():
    story = Story()
    policy = msgspec.structs.replace(TRAVEL_ONLY, timezone="Mars/Olympus")
    reason = refusal(story, c.SetPolicy, policy=policy)
    assert isinstance(reason, ImpossibleValue)
    assert (reason.field, reason.value) == ("timezone", "Mars/Olympus")
    modes = {mode: how for mode, how in TRAVEL_ONLY.modes.items() if mode != Travel.WALK}
    reason = refusal(story, c.SetPolicy, policy=msgspec.structs.replace(TRAVEL_ONLY, modes=modes))
    assert isinstance(reason, ImpossibleValue)
    assert (reason.field, reason.value) == ("modes", f"without {Travel.WALK}")


def done(story: Story) -> None:
    """Let the request be matched, accepted and visited."""
    story.tick()
    offer = only(story.events, e.OfferSent)[-1].offer
    story.accept(offer)
    story.visit(offer)


def test_a_request_is_reopened_so_often_and_then_a_word_of_not_solved_closes_it_as_failed():
    story = Story()
    for n in range(4):
        story.volunteer(f"p{n}", at=100.0 * n)
    story.request("r1", latest=story.now(10 * 1440))
    times = story.zone.policy.reopen_times_max
    for n in range(times):
        done(story)
        rated = story.send(c.RateRequest, request="r1", effect=1, conduct=5, solved=False)
        assert names(rated)[:2] == ["RatingSubmitted", "RequestReopened"]
        assert story.zone.requests["r1"].reopened == n + 1
    done(story)
    reason = refusal(story, c.ReopenRequest, request="r1")
    assert isinstance(reason, ImpossibleValue)
    assert (reason.field, reason.value) == ("reopened", str(times))
    rated = story.send(c.RateRequest, request="r1", effect=1, conduct=5, solved=False)
    assert names(rated) == ["RatingSubmitted", "RequestClosed"]
    assert rated[1].outcome is e.Outcome.FAILED
    wrong = refusal(story, c.RateRequest, request="r1", effect=5, conduct=5)
    assert isinstance(wrong, WrongState)


def test_only_what_is_completed_is_rated():
    story = Story()
    story.request("r1")
    assert isinstance(refusal(story, c.RateRequest, request="r1", effect=5, conduct=5), WrongState)


def test_only_what_is_completed_or_closed_is_opened_again():
    story = Story()
    story.request("r1")
    assert isinstance(refusal(story, c.ReopenRequest, request="r1"), WrongState)
    story.send(c.CancelRequest, request="r1")
    assert isinstance(refusal(story, c.ReopenRequest, request="r1"), WrongState)


def test_a_request_moves_only_to_a_place_that_the_zone_knows():
    story = Story()
    story.request("r1")
    moved = {"request": "r1", "point": east(10), "place": "moon"}
    assert refusal(story, c.ChangeRequest, **moved) == Unknown(kind="place", value="moon")

"""改单: a request that changes is another ask. What is still true of what was agreed goes on, the rest is taken back,
and whoever refused it as it was is asked again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.decisions import evolve
from matcher.policy import DEFAULT, Costs
from matcher.reasons import ImpossibleValue, ImpossibleWindow, Unknown, WrongState
from matcher.terms import HeldSkill, Hours, NeededSkill, PlaceLevel, Requirement, WeeklyWindow
from matcher.zone import Zone
from tests.stories.story import BEGIN, Story, east, names, only


def offered(story: Story) -> list[str]:
    return [offer.volunteer for offer in only(story.tick(), e.OfferSent)]


def test_a_refusal_is_remembered_until_the_request_changes():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    assert offered(story) == ["ana"]
    story.decline("r1.1.0.ana")
    assert offered(story) == []
    happened = story.send(c.ChangeRequest, request="r1", latest=story.now(2880))
    assert names(happened) == ["RequestChanged", "RequirementOpened"]
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.offer) == ("ana", "r1.1.1.ana")


@pytest.mark.parametrize("said_yes", [False, True])
def test_whoever_was_asked_or_has_said_yes_stands_down_and_is_asked_anew(said_yes: bool):
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.tick()
    if said_yes:
        story.accept("r1.1.0.ana")
    happened = story.send(c.ChangeRequest, request="r1", duration_minutes=120)
    released = only(happened, e.AssignmentReleased)
    assert [event.reason for event in released] == [e.ReleaseReason.REQUEST_CHANGED]
    assert len(only(happened, e.OfferSuperseded)) == (not said_yes)
    assert not story.zone.engagements.get(0)
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.end - offer.start).total_seconds() == 7200
    story.accept(offer.offer)
    story.visit(offer.offer)
    assert story.state("r1") == "completed"


@pytest.mark.parametrize("said_yes", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"latest": BEGIN + timedelta(days=3)},
        {"place": None},
        {"skills": {"1": ()}},
        {"skills": {"1": (NeededSkill(skill="help"), NeededSkill(skill="nursing", level=2))}},
    ],
    ids=["longer window", "place of the tree", "fewer skills", "skills that she has"],
)
def test_what_is_still_true_goes_on_and_nobody_hears_of_it(said_yes: bool, change: dict[str, Any]):
    story = Story()
    skills = (HeldSkill(skill="help"), HeldSkill(skill="nursing", level=3))
    story.volunteer("ana", skills=skills)
    story.request("r1", place="town")
    story.tick()
    if said_yes:
        story.accept("r1.1.0.ana")
    happened = story.send(c.ChangeRequest, request="r1", **change)
    assert names(happened) == ["RequestChanged", "RequirementOpened", *["RequirementFilled"] * said_yes]
    assert only(happened, e.RequirementOpened)[0].kept == ("r1.1.0.ana",)
    assert only(story.tick(), e.OfferSent) == []
    if not said_yes:
        story.accept("r1.1.0.ana")
    assert story.state("r1") == "assigned"
    story.visit("r1.1.0.ana")
    assert story.state("r1") == "completed"


@pytest.mark.parametrize("said_yes", [False, True])
@pytest.mark.parametrize(
    ("change", "comes"),
    [
        ({"point": east(2000)}, "ana"),
        ({"point": east(60_000)}, None),
        ({"skills": {"1": (NeededSkill(skill="nursing"),)}}, "ben"),
        ({"skills": {"1": (NeededSkill(skill="help", level=2),)}}, "ben"),
        ({"earliest": BEGIN + timedelta(hours=20)}, "ana"),
    ],
    ids=["another place", "out of reach", "another skill", "a higher level", "a later window"],
)
def test_what_is_no_longer_true_is_taken_back_and_whoever_fits_is_asked(
    said_yes: bool, change: dict[str, Any], comes: str | None
):
    story = Story(DEFAULT)
    story.volunteer("ana")
    story.volunteer("ben", at=900.0, skills=(HeldSkill(skill="help", level=2), HeldSkill(skill="nursing")))
    story.request("r1")
    story.tick()
    if said_yes:
        story.accept("r1.1.0.ana")
    happened = story.send(c.ChangeRequest, request="r1", **change)
    assert [event.reason for event in only(happened, e.AssignmentReleased)] == [e.ReleaseReason.REQUEST_CHANGED]
    assert len(only(happened, e.OfferSuperseded)) == (not said_yes)
    assert (only(happened, e.RequestChanged)[0].told == ("ana",)) == said_yes
    found = only(story.tick(), e.OfferSent)
    if said_yes or not comes or "point" not in change:
        assert [offer.volunteer for offer in found] == ([comes] if comes else [])


@pytest.mark.parametrize(("disturbance", "comes"), [(1000, "ana"), (0, "ben")])
def test_who_had_said_yes_is_asked_first_at_the_new_place(disturbance: int, comes: str):
    story = Story(msgspec.structs.replace(DEFAULT, costs=Costs(disturbance_points=disturbance)))
    story.volunteer("ana")
    story.volunteer("ben", at=1500.0)
    story.request("r1")
    story.tick()
    story.accept("r1.1.0.ana")
    story.send(c.ChangeRequest, request="r1", point=east(1000))
    assert offered(story) == [comes]


def test_of_a_crew_those_who_still_fit_stay_and_only_the_others_are_replaced():
    story = Story()
    nurse = (HeldSkill(skill="help"), HeldSkill(skill="nursing"))
    story.volunteer("ana", skills=nurse)
    story.volunteer("ben")
    story.request("r1", people=2)
    story.tick()
    for name in ("ana", "ben"):
        story.accept(f"r1.1.0.{name}")
    assert story.state("r1") == "assigned"
    story.volunteer("cai", at=100, skills=nurse)
    story.send(c.ChangeRequest, request="r1", skills={"1": (NeededSkill(skill="nursing"),)})
    assert story.state("r1") == "partially_assigned"
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.start) == ("cai", at_s(story, "r1.1.0.ana"))
    story.accept(offer.offer)
    assert story.state("r1") == "assigned"


def at_s(story: Story, assignment: str) -> datetime:
    return datetime.fromtimestamp(story.zone.assignments[assignment].start_s, UTC)


def test_another_requirement_of_the_request_is_left_alone():
    story = Story()
    story.volunteer("ana")
    story.volunteer("ben")
    story.request("r1", requirements=tuple(Requirement(requirement=name) for name in ("a", "b")))
    story.tick()
    for name in story.offers():
        story.accept(name)
    happened = story.send(c.ChangeRequest, request="r1", skills={"b": (NeededSkill(skill="nursing"),)})
    [gone] = only(happened, e.AssignmentReleased)
    assert gone.assignment.startswith("r1.b.")
    kept = [event.kept for event in only(happened, e.RequirementOpened) if event.requirement == "a"]
    assert [len(names) for names in kept] == [1]


def test_a_request_that_moves_without_saying_its_place_has_none():
    story = Story()
    story.send(c.DefinePlace, place="yard", level=PlaceLevel.COMPOUND, parent="town")
    story.request("r1", place="town")
    story.send(c.ChangeRequest, request="r1", point=east(500), place="yard")
    assert story.zone.request("r1").command.place == "yard"
    [changed] = only(story.send(c.ChangeRequest, request="r1", point=east(900)), e.RequestChanged)
    assert changed.place is None
    assert story.zone.request("r1").command.place is None


def test_a_longer_window_is_kept_open_and_a_shorter_one_closes_earlier():
    for minutes, closed_at in ((600, 600), (2880, 2880)):
        story = Story()
        story.request("r1", latest=story.now(1440))
        story.send(c.ChangeRequest, request="r1", latest=story.now(minutes))
        story.tick(closed_at - 1)
        assert story.state("r1") != "closed"
        story.tick(1)
        assert story.state("r1") == "closed"


def test_a_change_is_refused_where_it_cannot_be():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    for fields, reason in (
        ({"request": "r2", "latest": story.now(60)}, Unknown),
        ({"request": "r1"}, ImpossibleValue),
        ({"request": "r1", "latest": story.now(1440)}, ImpossibleValue),
        ({"request": "r1", "latest": story.now(59)}, ImpossibleWindow),
        ({"request": "r1", "point": east(0)}, ImpossibleValue),
        ({"request": "r1", "place": "nowhere"}, Unknown),
        ({"request": "r1", "skills": {"1": (NeededSkill(skill="flying"),)}}, Unknown),
        ({"request": "r1", "skills": {"2": ()}}, Unknown),
    ):
        [refused] = story.send(c.ChangeRequest, **fields)
        assert isinstance(refused.reason, reason)
    story.tick()
    story.accept("r1.1.0.ana")
    story.send(c.Depart, assignment="r1.1.0.ana")
    [refused] = story.send(c.ChangeRequest, request="r1", duration_minutes=30)
    assert isinstance(refused.reason, WrongState)
    story.send(c.Arrive, assignment="r1.1.0.ana")
    story.send(c.Finish, assignment="r1.1.0.ana")
    [refused] = story.send(c.ChangeRequest, request="r1", duration_minutes=30)
    assert isinstance(refused.reason, WrongState)


def test_a_changed_request_survives_the_encoding_of_its_zone():
    story = Story(DEFAULT)
    story.request("r1")
    story.volunteer("ana")
    story.tick()
    story.accept("r1.1.0.ana")
    elsewhere = {"point": east(70), "skills": {"1": (NeededSkill(skill="nursing"),)}}
    story.send(c.ChangeRequest, request="r1", earliest=story.now(60), duration_minutes=45, **elsewhere)
    again = Zone.decode(story.zone.encode())
    assert again.sha256() == story.zone.sha256()
    assert (again.request("r1").earliest, again.request("r1").command.duration_minutes) == (story.now(60), 45)


def test_people_who_need_not_meet_are_two_requirements_with_two_people_and_two_starts():
    story = Story()
    help_ = (NeededSkill(skill="help"),)
    for name, hour in (("ana", 9), ("ben", 15)):
        own = Hours(weekly=(WeeklyWindow(weekday=0, from_minute=60 * hour, until_minute=60 * (hour + 1)),))
        story.volunteer(name, hours=own)
    story.request("crew", requirements=(Requirement(people=2, skills=help_),))
    assert offered(story) == []
    each = tuple(Requirement(requirement=name, skills=help_) for name in ("a", "b"))
    story.request("each", requirements=each)
    found = only(story.tick(), e.OfferSent)
    assert sorted((offer.volunteer, offer.start.hour) for offer in found) == [("ana", 9), ("ben", 15)]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_between_changes_nobody_is_in_two_places_and_the_events_give_the_state(seed: int):
    draw, story = random.Random(seed), Story(DEFAULT)
    for n in range(120):
        what = draw.random()
        if what < 0.2:
            story.volunteer(f"p{draw.randrange(6)}", at=float(draw.randrange(3000)))
        elif what < 0.4:
            story.request(f"r{n}", at=float(draw.randrange(3000)), people=draw.choice([1, 1, 2]))
        elif what < 0.6 and story.zone.requests:
            name = draw.choice(sorted(story.zone.requests))
            latest = story.now(draw.choice([90, 600, 1440]))
            fields: list[dict[str, Any]] = [
                {"duration_minutes": draw.choice([30, 60, 90])},
                {"point": east(float(draw.randrange(3000)))},
                {"skills": {"1": draw.choice([(), (NeededSkill(skill="help"),), (NeededSkill(skill="nursing"),)])}},
                {},
            ]
            story.send(c.ChangeRequest, request=name, latest=latest, **draw.choice(fields))
        elif what < 0.85:
            story.tick(draw.choice([1, 20, 200]))
        else:
            for name, state in list(story.offers().items())[:2]:
                if state == "sent":
                    (story.accept if draw.random() < 0.7 else story.decline)(name)
                elif state == "accepted" and draw.random() < 0.5:
                    story.visit(name)
        for own in story.zone.engagements.values():
            spans = sorted((a.departure_s, a.end_s) for a in (story.zone.assignments[name] for name in own))
            assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    again: dict[str, Zone] = {}
    for event in story.events:
        evolve(again, event)
    assert again["town"].sha256() == story.zone.sha256()
    assert len(only(story.events, e.RequestChanged)) > 5

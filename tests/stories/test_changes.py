"""改单: a request whose window or duration changes is another ask, and whoever refused it as it was is asked again."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from matcher import commands as c
from matcher import events as e
from matcher.decisions import evolve
from matcher.policy import DEFAULT
from matcher.reasons import ImpossibleValue, ImpossibleWindow, Unknown, WrongState
from matcher.terms import Hours, NeededSkill, Requirement, WeeklyWindow
from matcher.zone import Zone
from tests.stories.story import Story, names, only


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
    story.send(c.ChangeRequest, request="r1", earliest=story.now(60), duration_minutes=45)
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
            story.send(c.ChangeRequest, request=name, latest=latest, duration_minutes=draw.choice([30, 60, 90]))
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

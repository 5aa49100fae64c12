"""A beat leaves out what nobody freed could fill; that may never cost anybody anything."""

from __future__ import annotations

import dataclasses
import random

import msgspec
import pytest

from matcher import beats
from matcher import commands as c
from matcher import events as e
from matcher.decisions import decide, pose
from matcher.policy import TRAVEL_ONLY
from matcher.solvers import solve
from matcher.terms import HeldSkill, Hours, NeededSkill, Requirement, WeeklyWindow
from tests.stories import story as story_module
from tests.stories.story import ZONE, Story, only

SKILLS = ("help", "nursing", "law")
POLICY = TRAVEL_ONLY.__class__(name="story", travel_only=True, offers_per_day=2, rest_minutes=10)


def disturb(story: Story, chance: random.Random, number: int) -> None:
    """Do one thing that may happen in a town."""
    people, sent = list(story.zone.people.row_of), [o for o, state in story.offers().items() if state == "sent"]
    going = [a.id for a in story.zone.assignments.values() if a.status in {"committed", "en_route", "on_site"}]
    kind = chance.choice(
        ["request", "request", "accept", "accept", "decline", "visit", "pause", "leave", "register", "hours"]
    )
    if kind == "request":
        need = Requirement(people=chance.choice([1, 1, 1, 2, 3]), skills=(NeededSkill(skill=chance.choice(SKILLS)),))
        story.request(
            f"r{number}", at=chance.uniform(0, 9000), requirements=(need,), duration_minutes=chance.choice([30, 240])
        )
    elif kind in {"accept", "decline"} and sent:
        getattr(story, kind)(chance.choice(sent))
    elif kind == "visit" and going:
        story.visit(chance.choice(going))
    elif kind == "pause":
        story.send(c.PauseVolunteer, volunteer=chance.choice(people), until=story.now(chance.choice([0, 60, 600])))
    elif kind == "leave" and len(people) > 3:
        story.send(c.RemoveVolunteer, volunteer=chance.choice(people))
    elif kind == "register":
        register(story, chance, f"v{chance.randrange(12)}")
    elif kind == "hours":
        window = WeeklyWindow(weekday=0, from_minute=chance.randrange(600), until_minute=1440)
        story.send(c.ChangeAvailability, volunteer=chance.choice(people), hours=Hours(weekly=(window,)))


def register(story: Story, chance: random.Random, name: str) -> None:
    skills = tuple(HeldSkill(skill=skill) for skill in chance.sample(SKILLS, chance.choice([1, 2])))
    story.volunteer(name, at=chance.uniform(0, 9000), skills=skills, reach_m=chance.choice([1500, 4000, 9000]))


@pytest.mark.parametrize("seed", range(25))
def test_posing_everything_would_fill_no_more_than_posing_what_could_have_changed(seed):
    chance = random.Random(seed)
    story = Story(POLICY, SKILLS)
    for number in range(8):
        register(story, chance, f"v{number}")
    compared = 0
    for number in range(120):
        disturb(story, chance, number)
        if number % 2:
            continue
        story.minute += chance.choice([1, 10, 45])
        story.beat += 1
        tick = c.Tick(id=f"t{story.beat}", zone=ZONE, at=story.now(), beat=story.beat)

        story._apply(decide(story.zones, tick), tick)
        problem = pose(story.zones, tick)
        everything = pose({ZONE: msgspec.structs.replace(story.zone, stale=True)}, tick)
        plan = solve(problem) if problem else None
        if everything is not None:
            full = solve(everything)
            assert full.objective["filled"] == (plan.objective["filled"] if plan else 0), (
                f"seed {seed}, beat {story.beat}"
            )
            assert full.objective["travel"] == (plan.objective["travel"] if plan else 0)
            compared += 1
        if plan is not None:
            story._apply(decide(story.zones, tick, plan), tick)
    assert compared > 10


def test_a_plan_too_long_for_one_entry_goes_on_with_the_next_beat_and_no_crew_is_cut_apart(monkeypatch):
    monkeypatch.setattr(beats, "PLAN_LINES_MAX", 5)
    story = Story()
    for number in range(12):
        story.volunteer(f"v{number:02}", at=10 * number)
    for number in range(6):
        story.request(f"r{number}", at=20 * number, people=2)
    first = story.tick()
    assert only(first, e.MatchRunFinished)[0].held_back > 0
    rest = [story.tick() for _ in range(5)]
    offers = [offer.request for happened in (first, *rest) for offer in only(happened, e.OfferSent)]
    assert sorted(offers) == sorted([f"r{number}" for number in range(6)] * 2)
    for happened in (first, *rest):
        sent = [offer.request for offer in only(happened, e.OfferSent)]
        assert len(sent) <= 5
        assert all(sent.count(request) == 2 for request in sent)


def test_more_reasons_than_one_entry_holds_are_all_said_and_then_the_zone_rests(monkeypatch):
    monkeypatch.setattr(beats, "PLAN_LINES_MAX", 5)
    story = Story()
    story.volunteer("far", at=60_000)
    for number in range(12):
        story.request(f"r{number}", at=20 * number)
    happened = [event for _ in range(6) for event in story.tick()]
    assert {event.request for event in only(happened, e.RequirementUnfilled)} == set(story.zone.requests)
    assert only(story.tick(), e.MatchRunFinished) == []


def unproven(engine, filled):
    def plan(problem):
        exact = solve(problem)
        placements = exact.placements if filled else []
        return dataclasses.replace(exact, engine=engine, optimal=False, gap=7, placements=placements)

    return plan


@pytest.mark.parametrize(
    ("engine", "filled", "again"),
    [("ortools-flow+cpsat", False, False), ("ortools-flow+cpsat", True, True), ("greedy", False, True)],
)
def test_an_unproven_plan_is_tried_again_only_where_trying_could_bring_another_answer(
    engine, filled, again, monkeypatch
):
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.request("r2", at=60_000)
    monkeypatch.setattr(story_module, "solve", unproven(engine, filled))
    assert len(only(story.tick(), e.MatchRunFinished)) == 1
    assert len(only(story.tick(), e.MatchRunFinished)) == int(again)


def test_an_offer_does_not_expire_before_the_time_that_it_names():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    [sent] = only(story.tick(minutes=1 + 0.6 / 60), e.OfferSent)
    story.tick(minutes=29.98)
    expired: list[e.Event] = []
    while not expired:
        expired = only(story.tick(minutes=0.25 / 60), e.OfferExpired)
    assert expired[0].at >= sent.expires_at


def test_who_is_asked_again_in_the_same_wave_is_asked_by_an_offer_of_its_own():
    """Under one id the second message would be taken for a repeat of the first, and nobody would hear of it."""
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    [first] = only(story.tick(), e.OfferSent)
    assert only(story.send(c.PauseVolunteer, volunteer="ana", until=story.now(10)), e.OfferSuperseded)
    [second] = only(story.tick(minutes=11), e.OfferSent)
    assert (second.volunteer, second.wave) == (first.volunteer, first.wave)
    assert second.offer != first.offer

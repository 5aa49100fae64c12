"""Random days of a zone with every price and limit on: every plan is proven, no limit is ever broken."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.decisions import decide, evolve, pose
from matcher.policy import FAIR, Limits
from matcher.solvers import proof, solve
from matcher.terms import HeldSkill, NeededSkill, Requirement
from matcher.zone import KEPT, LIVE, Status, Zone
from tests.stories.story import ZONE, Story, east, only

STRICT = msgspec.structs.replace(
    FAIR, limits=Limits(visits_per_day=1, visits_per_week=3), offers_per_day=0, no_show_grace_minutes=2 * 1440
)
HELP, NURSING = NeededSkill(skill="help"), NeededSkill(skill="nursing")


def beat(story: Story, minutes: int) -> None:
    """Let time pass; prove the plan before it is used."""
    story.minute += minutes
    story.beat += 1
    tick = c.Tick(id=f"t{story.beat}", zone=ZONE, at=story.now(), beat=story.beat)
    story._apply(decide(story.zones, tick), tick)
    problem = pose(story.zones, tick)
    if problem is not None:
        plan = solve(problem)
        proof.check(problem, plan)
        assert plan.optimal
        story._apply(decide(story.zones, tick, plan), tick)


def played(seed: int) -> Story:
    draw, story = random.Random(seed), Story(STRICT)
    story.send(c.DefineUnit, unit="u1")
    story.send(c.DefineSkill, skill="nursing", circle_minutes=draw.choice([20, 60]))
    for n in range(8):
        skills = (HeldSkill(skill="help"), *((HeldSkill(skill="nursing", level=2),) if n % 2 else ()))
        more = {"visits_per_week": 2} if n == 3 else {}
        story.volunteer(f"p{n}", at=400.0 * n, skills=skills, unit="u1" if n < 4 else None, **more)
    for n in range(60):
        if draw.random() < 0.5:
            wish = {"should": (NURSING,)} if draw.random() < 0.5 else {"nice": (NURSING,)}
            need = Requirement(people=draw.choice([1, 1, 2]), skills=(draw.choice([HELP, HELP, NURSING]),), **wish)
            lists = draw.choice([{}, {"preferred": ("p2",)}, {"restricted": ("p0", "p1")}, {"must_have": ("p5", "p6")}])
            story.send(
                c.SubmitRequest, request=f"r{n}", point=east(draw.randrange(0, 3000, 100)), requirements=(need,),
                latest=story.now(draw.choice([1, 3, 8]) * 1440), requester=draw.choice(["zhao", "qian", None]), **lists,
            )  # fmt: skip
        else:
            beat(story, draw.choice([20, 200, 700]))
        for name, a in list(story.zone.assignments.items()):
            if a.status is Status.TENTATIVE and draw.random() < 0.8:
                story.accept(name)
            elif a.status is Status.COMMITTED and a.start_s <= story.now().timestamp():
                story.visit(name)
    return story


@pytest.mark.parametrize("seed", range(6))
def test_nobody_ever_has_more_visits_in_a_day_or_week_than_allowed(seed: int) -> None:
    story = played(seed)
    days: Counter[tuple[str, object]] = Counter()
    weeks: Counter[tuple[str, object]] = Counter()
    held = {event.assignment: event for event in only(story.events, e.AssignmentHeld)}
    released = {event.assignment for event in only(story.events, e.AssignmentReleased)}
    assert only(story.events, e.NoShowRecorded) == []
    for name, event in held.items():
        if name not in released:
            day = event.start.date()
            days[event.volunteer, day] += 1
            weeks[event.volunteer, day - timedelta(days=day.weekday())] += 1
    assert len(days) > 5
    assert max(days.values()) == 1
    assert all(n <= (2 if person == "p3" else 3) for (person, _), n in weeks.items())


@pytest.mark.parametrize("seed", range(3))
def test_history_says_what_the_events_say(seed: int) -> None:
    story = played(seed)
    zone = story.zone
    rows = zone.people.row_of
    held = {event.assignment: event for event in only(story.events, e.AssignmentHeld)}
    done = [held[event.command.assignment] for event in only(story.events, e.WorkFinished)]
    assert zone.history.visits == Counter(rows[event.volunteer] for event in done)
    minutes: Counter[int] = Counter()
    for event in done:
        minutes[rows[event.volunteer]] += int((event.end - event.start).total_seconds()) // 60
    assert zone.history.minutes == minutes
    engaged = Counter(a.volunteer for a in zone.assignments.values() if a.status in LIVE & (KEPT | {Status.TENTATIVE}))
    assert zone.visits_this_quarter() == zone.history.visits | (engaged + Counter(zone.history.visits))


def test_a_zone_folded_again_from_its_events_is_the_same_to_the_byte() -> None:
    story = played(1)
    again: dict[str, Zone] = {}
    for event in story.events:
        evolve(again, event)
    assert again[ZONE].encode() == story.zone.encode()

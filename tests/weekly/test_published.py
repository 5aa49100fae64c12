"""A zone's week, posed, planned by the real planner, adopted and published: allowed by the journal's events alone."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, Costs, Limits, Places, Policy, Weekly
from matcher.terms import HeldSkill, Hours, NeededSkill, PlaceLevel, PlannedVisit, Requirement, WeeklyWindow
from matcher.weekly import plan as plan_week
from matcher.weekly.posing import WeekPosed, figures, pose_week, visits
from matcher.weekly.reporting import Why, changes, promised
from matcher.weekly.week import Effort
from tests.stories.story import ALWAYS, BEGIN, Story, only
from tests.week_checker import objections, published

SEEDS = range(12)
AS_OF = c.StatePlace(partition=0, offset=1)
QUICK = Effort(iterations=160, seed=2)
POLICY = msgspec.structs.replace(
    DEFAULT,
    rest_minutes=5,
    offer_expiry_minutes=1,
    crew_lead_minutes=0,
    costs=Costs(fairness_points=100, duty_points=500),
    limits=Limits(visits_per_day=3),
    places=Places(visitors_per_hour=2),
    weekly=Weekly(),
)


def town(seed: int, policy: Policy = POLICY) -> Story:
    """Draw a town of a dozen people and as many requests; some work is accepted and some offered before the batch."""
    draw = random.Random(f"town {seed}")
    story = Story(policy)
    story.send(c.DefineUnit, unit="office")
    for n in range(2):
        story.send(c.DefinePlace, place=f"yard{n}", level=PlaceLevel.COMPOUND, parent="town")
    for n in range(12):
        skills = tuple(
            HeldSkill(skill=name, level=draw.randint(1, 3)) for name in ("help", "nursing")[: draw.choice([1, 2, 2])]
        )
        unit = draw.choice(["office", None])
        story.volunteer(
            f"v{n}", at=draw.randint(0, 4000), hours=_hours(draw), skills=skills, unit=unit,
            reach_m=draw.choice([1500, 50_000]),
        )  # fmt: skip
    for n in range(5):
        ask(story, draw, f"old{n}")
    story.tick(30)
    for name in [name for name, state in story.offers().items() if state == "sent"][::2]:
        story.accept(name)
    for n in range(9):
        ask(story, draw, f"new{n}")
    return story


def _hours(draw: random.Random) -> Hours:
    days = draw.sample(range(5), draw.randint(1, 3))
    begin = draw.choice([8, 13]) * 60
    return Hours(weekly=tuple(WeeklyWindow(weekday=day, from_minute=begin, until_minute=begin + 270) for day in days))


def ask(story: Story, draw: random.Random, name: str) -> None:
    people = draw.choice([1, 1, 1, 2])
    skill = NeededSkill(skill=draw.choice(["help", "help", "nursing"]), level=draw.randint(1, 2))
    need = Requirement(people=people, minimum_people=draw.choice([None, 1]), skills=(skill,))
    story.request(
        name,
        at=draw.randint(0, 4000),
        requirements=(need,),
        place=draw.choice(["yard0", "yard1", None]),
        latest=BEGIN + timedelta(days=draw.randint(2, 6)),
        duration_minutes=draw.choice([30, 60, 90]),
    )


def batch(story: Story, name: str, effort: Effort = QUICK) -> tuple[WeekPosed, e.PlanAdopted, tuple[PlannedVisit, ...]]:
    """Run a batch as its worker would, and adopt its plan."""
    [begun] = story.send(c.StartRematch, rematch=name, week=date(2026, 3, 2), iterations=effort.iterations)
    posed = pose_week(story.zone, begun.from_at, begun.until_at)
    plan = plan_week(posed.week, effort)
    assert objections(posed.week, plan) == []
    moves = visits(posed, plan)
    happened = story.send(c.AdoptPlan, rematch=name, as_of=AS_OF, moves=moves, figures=figures(posed, plan))
    return posed, only(happened, e.PlanAdopted)[0], moves


def said(events: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(msgspec.json.encode(event)) for event in events]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_is_adopted_whole_and_what_is_published_is_allowed_by_the_journal_alone(seed: int) -> None:
    story = town(seed)
    _, adopted, moves = batch(story, "w1")
    surprises = {why: rows for why, rows in adopted.dropped.items() if why is not e.NotAdopted.NOT_WORTH_IT}
    assert surprises == {}, f"seed {seed}: {[(why, moves[i]) for why, rows in surprises.items() for i in rows]}"
    assert adopted.visits + len(adopted.pinned) + sum(map(len, adopted.dropped.values())) == len(moves)
    before = {one.id for one in story.zone.assignments.values() if one.status.value == "committed"}
    happened = story.send(c.PublishPlan, plan="w1")
    assert [event.dropped for event in only(happened, e.PlanVisitsDropped)] == [], f"seed {seed}"
    assert published(said(story.events), "w1") == [], f"seed {seed}"
    assert all(story.zone.assignments[name].status.value == "committed" for name in before)
    story.send(c.NotifyPlan, plan="w1")
    for name in sorted(story.zone.plans["w1"].offers)[::2]:
        story.accept(name)
    story.send(c.RollBackPlan, plan="w1")
    assert published(said(story.events), "w1") == [], f"seed {seed}: rolled back"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_run_with_nothing_changed_moves_nobody(seed: int) -> None:
    story = town(seed)
    batch(story, "w1")
    story.send(c.PublishPlan, plan="w1")
    posed, again, moves = batch(story, "w2", Effort(iterations=160, seed=77))
    report = changes(posed, promised(posed), moves)
    assert (report.moved, report.dropped) == ((), ()), f"seed {seed}"
    assert (again.moved, again.replaces) == ({}, ()), f"seed {seed}"
    offered = [one for one in story.zone.assignments.values() if one.status.value == "tentative"]
    assert len(again.kept) == len(offered)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_from_a_state_that_moved_on_keeps_only_what_is_valid(seed: int) -> None:
    story, draw = town(seed), random.Random(f"moved on {seed}")
    [begun] = story.send(c.StartRematch, rematch="w1", week=date(2026, 3, 2), iterations=160)
    posed = pose_week(story.zone, begun.from_at, begun.until_at)
    moves = visits(posed, plan_week(posed.week, QUICK))
    story.send(c.RemoveVolunteer, volunteer=moves[0].volunteer)
    story.send(c.CancelRequest, request=moves[-1].request)
    story.volunteer(f"v{draw.randrange(12)}", at=9000, reach_m=100)
    story.volunteer(f"v{draw.randrange(12)}", hours=_hours(draw))
    story.tick(600)
    for name in [name for name, state in story.offers().items() if state == "sent"][:3]:
        story.accept(name)
    adopted = only(story.send(c.AdoptPlan, rematch="w1", as_of=AS_OF, moves=moves), e.PlanAdopted)[0]
    assert adopted.dropped, f"seed {seed}"
    story.tick(300)
    story.send(c.PublishPlan, plan="w1")
    assert published(said(story.events), "w1") == [], f"seed {seed}"


def test_the_same_state_gives_the_same_week_and_the_week_says_what_its_numbers_mean() -> None:
    story = town(3)
    until = BEGIN + timedelta(days=7)
    one, two = (
        pose_week(story.zone, BEGIN, until),
        pose_week(type(story.zone).decode(story.zone.encode()), BEGIN, until),
    )
    assert one.asked == two.asked
    assert plan_week(one.week, QUICK).start_s.tobytes() == plan_week(two.week, QUICK).start_s.tobytes()
    assert set(one.compounds) <= {"yard0", "yard1"}
    assert len(one.people) == len(one.week.problem.people.ids) == 12
    committed = [a for a in story.zone.assignments.values() if a.status.value == "committed"]
    tentative = [a for a in story.zone.assignments.values() if a.status.value == "tentative"]
    assert len(one.week.pinned[0]) + len(one.week.told[0]) == len(committed) + len(tentative)
    assert len(one.week.pinned[0]) >= len(committed)


def test_an_offer_whose_way_begins_before_the_persons_hours_is_pinned_like_accepted_work() -> None:
    story = Story(POLICY)
    monday = Hours(weekly=(WeeklyWindow(weekday=0, from_minute=600, until_minute=900),))
    story.volunteer("ann", at=1000, hours=monday)
    story.volunteer("bob", at=0, hours=ALWAYS)
    story.request("r1", earliest=BEGIN + timedelta(hours=10), latest=BEGIN + timedelta(hours=11), must_have=("ann",))
    story.request("r2", latest=BEGIN + timedelta(hours=20), must_have=("bob",))
    assert len(only(story.tick(), e.OfferSent)) == 2, "a beat looks at the visit, not at the way"
    week = pose_week(story.zone, BEGIN, BEGIN + timedelta(days=7)).week
    assert (week.pinned[0].tolist(), week.told[0].tolist()) == ([0], [1])


def test_limits_and_visits_of_before_leave_less_of_a_week() -> None:
    story = town(1)
    story.volunteer("v0", visits_per_week=2)
    story.volunteer("v1", visits_per_day=1)
    story.volunteer("v2")
    posed = pose_week(story.zone, BEGIN, BEGIN + timedelta(days=7))
    assert posed.week.problem.people.capacity[:3].tolist() == [2, 1, POLICY.batch.visits_max]


def test_a_report_says_what_was_kept_moved_new_and_dropped_and_why() -> None:
    story = Story(POLICY)
    for name, at in (("ann", 0), ("bob", 100), ("cat", 200)):
        story.volunteer(name, at=at)
    for n in range(5):
        story.request(f"r{n}", at=50 * n, latest=BEGIN + timedelta(days=3))
    posed = pose_week(story.zone, BEGIN, BEGIN + timedelta(days=7))

    def visit(request: str, volunteer: str, hours: float) -> PlannedVisit:
        return PlannedVisit(request, "1", volunteer, BEGIN + timedelta(hours=hours))

    before = [visit("r0", "ann", 10), visit("r1", "bob", 10), visit("r2", "cat", 10), visit("r3", "zoe", 10)]
    before += [visit("gone", "ann", 20)]
    after = [visit("r0", "ann", 10), visit("r1", "ann", 12), visit("r2", "cat", 12), visit("r4", "bob", 10.5)]
    found = changes(posed, before, after)
    assert found.kept == (visit("r0", "ann", 10),)
    assert [(m.before.request, m.after.volunteer, m.why) for m in found.moved] == [
        ("r1", "ann", Why.NEEDED_ELSEWHERE),
        ("r2", "cat", Why.OTHER_TIME),
    ]
    assert found.new == (visit("r4", "bob", 10.5),)
    assert [(d.before.request, d.why) for d in found.dropped] == [("gone", Why.NOT_ASKED), ("r3", Why.NOT_POSSIBLE)]

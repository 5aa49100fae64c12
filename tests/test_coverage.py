"""Who had better be left behind: a price that rises as a square empties, and never leaves a place open."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest

from matcher.commands import RegisterVolunteer
from matcher.coverage import cells, points
from matcher.people import People
from matcher.policy import DEFAULT, EMERGENCY, FAIR, Coverage, canonical, sha256, stated
from matcher.posing import OpenRequirement, Standing, problem_of
from matcher.problem import Problem
from matcher.solvers import proof, solve
from matcher.terms import HeldSkill, NeededSkill
from tests.stories.story import ALWAYS, BEGIN, Story, east

KEEPING = Coverage(points=900, cell_m=2000, people=1, skills={"first_aid": 2})


def counted(reserve: Coverage, spots: list[tuple[float, float]], skilled: list[bool], there: list[bool]) -> list[int]:
    """The definition, person by person."""
    metre = math.pi * 6_371_008.8 / 180

    def square(lat: float, lon: float) -> tuple[int, int]:
        row = math.floor(lat * metre / reserve.cell_m)
        wide = math.cos(math.radians(row * reserve.cell_m / metre))
        return row, math.floor(lon * metre * wide / reserve.cell_m)

    found = []
    for who, spot in enumerate(spots):
        near = [other for other, at in enumerate(spots) if there[other] and square(*at) == square(*spot)]
        prices = [0]
        for members, needed in (
            (near, reserve.people),
            ([o for o in near if skilled[o]], reserve.skills.get("first_aid", 0)),
        ):
            if who in members and needed:
                prices.append(reserve.points if len(members) <= needed else reserve.points * needed // len(members))
        found.append(max(prices))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_price_is_what_the_definition_says_person_by_person(seed: int) -> None:
    draw = random.Random(seed)
    spots = [(draw.uniform(31.40, 31.46), draw.uniform(104.6, 104.66)) for _ in range(40)]
    skilled = [draw.random() < 0.3 for _ in spots]
    there = [draw.random() < 0.8 for _ in spots]
    reserve = Coverage(points=draw.randint(1, 2000), cell_m=draw.choice([500, 2000]), people=draw.randint(0, 3),
                       skills={"first_aid": draw.randint(1, 3), "unheard_of": 1})  # fmt: skip
    lat, lon = (np.array(column) for column in zip(*spots, strict=True))
    levels = np.array([skilled], np.uint8) * 3
    said = points(reserve, lat, lon, levels, {"first_aid": 0}, np.array(there))
    assert said.tolist() == counted(reserve, spots, skilled, there)
    assert said.max() <= reserve.points
    assert said.min() >= 0


def test_nobody_has_no_price() -> None:
    none = np.zeros(0)
    assert points(KEEPING, none, none, np.zeros((1, 0), np.uint8), {"first_aid": 0}, np.zeros(0, np.bool_)).size == 0
    assert cells(none, none, 2000).size == 0


def test_the_price_rises_as_a_square_empties() -> None:
    at = np.full(4, 31.47)
    prices = []
    for left in (4, 3, 2, 1):
        there = np.arange(4) < left
        prices.append(int(points(KEEPING, at, at, np.ones((1, 4), np.uint8), {"first_aid": 0}, there)[0]))
    assert prices == [450, 600, 900, 900]


def posed(people: list[tuple[str, float, tuple[str, ...]]], asked: list[str], **standing) -> Problem:
    """Pose people (id, metres east, skills) and requests for `asked` skills at the centre, "" for none."""
    policy = msgspec.structs.replace(DEFAULT, timezone="UTC", coverage=KEEPING)
    crowd = People()
    for skill in ("first_aid", "other"):
        crowd.add_skill(skill)
    for name, metres, skills in people:
        held = tuple(HeldSkill(skill=skill) for skill in skills)
        crowd.register(
            RegisterVolunteer(
                id="c", zone="z", at=BEGIN, volunteer=name, point=east(metres), skills=held, hours=ALWAYS, reach_m=9000
            )
        )
    begin_s = int(BEGIN.timestamp())
    needs = [
        OpenRequirement(
            request=f"r{n}", requirement="1", point=east(100), earliest_s=begin_s, latest_s=begin_s + 86_400,
            duration_s=3600, people=1, minimum=1, urgency="normal", waiting_since_s=begin_s,
            skills=(NeededSkill(skill=skill),) if skill else (),
        )
        for n, skill in enumerate(asked)
    ]  # fmt: skip
    return problem_of(
        zone="z", beat=0, now=BEGIN, policy=policy, people=crowd, requirements=needs, standing=Standing(**standing)
    )


def served(case: Problem) -> dict[str, str]:
    plan = solve(case)
    proof.check(case, plan)
    assert plan.optimal
    return {case.requirements.ids[p.requirement][0]: case.people.ids[p.person] for p in plan.placements}


def test_a_scarce_skill_stays_where_another_hand_is_as_good() -> None:
    people = [("medic", 100.0, ("first_aid",)), ("hand", 600.0, ()), ("other", 650.0, ())]
    assert served(posed(people, [""])) == {"r0": "hand"}


def test_the_last_person_of_a_square_stays_where_a_fuller_square_can_send_somebody() -> None:
    """The request stands at 100 m; the square ends at 2,000 m, beyond it stand ten people."""
    crowd = [(f"p{n}", 2050.0 + n, ()) for n in range(10)]
    case = posed([("alone", 1500.0, ()), *crowd], [""])
    assert case.people.points["coverage"].tolist() == [900, *[90] * 10]
    assert served(case) == {"r0": "p0"}
    assert served(posed([("alone", 1100.0, ()), *crowd], [""])) == {"r0": "alone"}


def test_a_price_for_what_may_come_never_leaves_open_what_is_asked_for() -> None:
    people = [("medic", 100.0, ("first_aid",)), ("hand", 600.0, ())]
    assert served(posed(people, ["", ""])).keys() == {"r0", "r1"}
    assert served(posed(people, ["first_aid"])) == {"r0": "medic"}


def test_who_is_away_asked_already_or_gone_is_not_counted_as_left_behind() -> None:
    people = [(name, 100.0, ()) for name in ("a", "b", "c", "d")]
    now_s = int(BEGIN.timestamp())
    busy = {1: [(now_s - 60, now_s + 60)]}
    assert posed(people, [""]).people.points["coverage"].tolist() == [225] * 4
    assert posed(people, [""], engaged=[3], spent=[2], busy=busy).people.points["coverage"].tolist() == [900, 0, 0, 0]
    later = {1: [(now_s + 60, now_s + 120)]}
    assert posed(people, [""], busy=later).people.points["coverage"].tolist() == [225] * 4


def test_a_zone_with_a_reserve_says_what_taking_the_last_costs() -> None:
    story = Story(msgspec.structs.replace(DEFAULT, coverage=Coverage(points=900, people=1)))
    story.volunteer("ana", at=100.0)
    story.request("r1")
    story.tick()
    [offer] = [event for event in story.events if type(event).__name__ == "OfferSent"]
    assert offer.cost == {"travel": 100, "coverage": 900}


def test_a_policy_without_a_reserve_keeps_its_bytes() -> None:
    assert b"coverage" not in msgspec.json.encode(DEFAULT)
    for policy in (DEFAULT, FAIR, EMERGENCY):
        assert canonical(stated(policy)) == policy
        assert sha256(stated(policy)) == sha256(policy)
    assert canonical(msgspec.structs.replace(DEFAULT, coverage=Coverage())) == DEFAULT

"""What a week's plan does, told in small weeks; and that the checker of plans can say no."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from matcher.reasons import Unassigned
from matcher.weekly import plan
from matcher.weekly.week import Effort, Idle, Stretches
from tests.problems import HOUR, NOW, Need, Person
from tests.week_checker import objections
from tests.weekly.small import MIDNIGHTS, random_week, triples, week_of

EFFORT = Effort(iterations=64)
HALF_DAY = [(NOW, NOW + 4 * HOUR)]


def planned(week):
    made = plan(week, EFFORT)
    assert objections(week, made) == []
    return made


def rows(made):
    return list(zip(made.requirement.tolist(), made.person.tolist(), made.start_s.tolist(), strict=True))


def test_one_person_goes_from_visit_to_visit_and_home_within_their_hours():
    needs = [Need(id=f"q{i}", at=(i * 200.0, 0.0), duration_s=HOUR) for i in range(3)]
    made = planned(week_of([Person(id="ana", hours=HALF_DAY, capacity=9)], needs))
    assert made.objective["filled"] == 3
    assert made.objective["metres"] == 800
    assert (made.shift_from_s == NOW).all()


def test_a_visit_that_would_bring_the_person_home_too_late_is_not_made_and_is_proven_impossible():
    needs = [Need(id="q", at=(1000.0, 0.0), duration_s=2 * HOUR)]
    late = Person(id="ana", hours=[(NOW, NOW + 2 * HOUR + 1999)])
    in_time = Person(id="ana", hours=[(NOW, NOW + 2 * HOUR + 2001)])
    (open_one,) = planned(week_of([late], needs)).unfilled
    assert (open_one.reason, open_one.proven) == (Unassigned.NO_START_POSSIBLE, True)
    assert planned(week_of([in_time], needs)).unfilled == []


def test_nobody_free_no_skill_and_no_start_are_different_reasons():
    ana = Person(id="ana", hours=[(NOW, NOW + HOUR + 600)], capacity=3)
    free = Need(id="a", duration_s=HOUR)
    skill = Need(id="b", skills={"sing": 1}, duration_s=HOUR)
    start = Need(id="c", earliest_s=NOW + 3 * HOUR, duration_s=HOUR)
    made = planned(week_of([ana], [free, replace(free, id="a2"), skill, start]))
    reasons = {short.requirement: (short.reason, short.proven) for short in made.unfilled}
    assert sorted(reasons) in ([0, 2, 3], [1, 2, 3])
    assert reasons[min(reasons)] == (Unassigned.OUTBID, True)
    assert reasons[2] == (Unassigned.MISSING_SKILL, True)
    assert reasons[3] == (Unassigned.NO_START_POSSIBLE, True)
    assert made.bound == 1


def test_a_crew_comes_together_or_not_at_all():
    near, far = (Person(id=n, at=(m, 0.0), hours=HALF_DAY) for n, m in (("ana", 100.0), ("ben", 3000.0)))
    crew = Need(id="lift", people=2, duration_s=HOUR)
    made = planned(week_of([near, far], [crew]))
    assert len(set(made.start_s.tolist())) == 1
    assert made.start_s[0] == NOW + 3000
    (short,) = planned(week_of([near], [crew])).unfilled
    assert (short.reason, short.places, short.proven) == (Unassigned.CREW_INCOMPLETE, 2, True)


def test_a_crew_whose_people_are_never_free_together_has_no_start():
    morning = Person(id="ana", hours=[(NOW, NOW + 2 * HOUR)])
    evening = Person(id="ben", hours=[(NOW + 5 * HOUR, NOW + 7 * HOUR)])
    (short,) = planned(week_of([morning, evening], [Need(id="lift", people=2)])).unfilled
    assert (short.reason, short.proven) == (Unassigned.NO_START_POSSIBLE, True)


def test_visits_are_made_only_while_residents_are_in():
    presence = Stretches(
        indptr=np.array([0, 1]), from_s=np.array([NOW + 2 * HOUR]), until_s=np.array([NOW + 3 * HOUR + 60])
    )
    made = planned(week_of([Person(id="ana", hours=HALF_DAY)], [Need(id="q")], presence=presence))
    assert NOW + 2 * HOUR <= made.start_s[0] <= NOW + 2 * HOUR + 60


def test_a_compound_sees_no_more_people_in_an_hour_than_its_cap():
    people = [Person(id=f"p{i}", hours=HALF_DAY) for i in range(4)]
    needs = [Need(id=f"q{i}", duration_s=1800) for i in range(4)]
    free = planned(week_of(people, needs))
    capped = planned(week_of(people, needs, compound=np.zeros(4, np.int32), crowd_max=1))
    assert free.objective["filled"] == capped.objective["filled"] == 4
    hours = {(start - MIDNIGHTS[0]) // HOUR for start in capped.start_s.tolist()}
    assert len(hours) == 4


def test_somebody_who_owes_the_quarter_a_visit_goes_before_somebody_nearer():
    near, owing = Person(id="ana", hours=HALF_DAY), Person(id="ben", at=(200.0, 0.0), hours=HALF_DAY)
    owes = np.array([False, True])
    assert rows(planned(week_of([near, owing], [Need(id="q")], owing=owes, duty_points=500)))[0][1] == 1
    assert rows(planned(week_of([near, owing], [Need(id="q")], owing=owes, duty_points=300)))[0][1] == 0


def test_nobody_is_given_an_invented_visit_and_everybody_idle_has_a_reason():
    people = [
        Person(id="comes", hours=HALF_DAY),
        Person(id="too many", at=(50.0, 0.0), hours=HALF_DAY),
        Person(id="cannot", skills={"sing": 1}, hours=HALF_DAY),
        Person(id="no hours", hours=[]),
        Person(id="paused", active=False, hours=HALF_DAY),
    ]
    made = planned(week_of(people, [Need(id="q")], owing=np.ones(5, np.bool_)))
    assert made.idle == {
        1: Idle.SERVED_BY_OTHERS,
        2: Idle.NO_DEMAND,
        3: Idle.NO_HOURS,
        4: Idle.NOT_AVAILABLE,
    }


def test_what_was_told_is_changed_only_for_more_than_it_is_worth():
    near, far = Person(id="ana", hours=HALF_DAY), Person(id="ben", at=(400.0, 0.0), hours=HALF_DAY)
    told = triples([(0, 1, NOW + HOUR)])
    kept = planned(week_of([near, far], [Need(id="q")], told=told, disturbance_points=900))
    assert rows(kept) == [(0, 1, NOW + HOUR)]
    assert kept.objective["disturbed"] == 0
    moved = planned(week_of([near, far], [Need(id="q")], told=told, disturbance_points=700))
    assert rows(moved)[0][1] == 0
    assert moved.objective["disturbed"] == 1


def test_a_second_run_with_nothing_changed_moves_nobody_where_a_change_is_dear():
    week = random_week(31, people=14, requirements=12)
    first = planned(week)
    again = planned(replace(week, told=triples(rows(first)), disturbance_points=100_000))
    assert rows(again) == rows(first)


def test_accepted_work_is_never_moved_and_others_are_planned_around_it():
    people = [Person(id="ana", hours=HALF_DAY, capacity=3), Person(id="ben", at=(5.0, 0.0), hours=HALF_DAY, capacity=3)]
    needs = [Need(id="a", at=(2000.0, 0.0)), Need(id="b", at=(2000.0, 50.0))]
    pin = triples([(0, 0, NOW + 2 * HOUR)])
    made = planned(week_of(people, needs, pinned=pin))
    assert (0, 0, NOW + 2 * HOUR) in rows(made)
    assert made.objective["filled"] == 2


def test_a_days_limit_is_counted_in_local_days():
    hours = [(MIDNIGHTS[0] + 20 * HOUR, MIDNIGHTS[1] + 4 * HOUR)]
    people, needs = [Person(id="ana", hours=hours, capacity=9)], [Need(id=f"q{i}", duration_s=600) for i in range(5)]
    needs = [replace(need, earliest_s=MIDNIGHTS[0], latest_s=MIDNIGHTS[2], depart_s=MIDNIGHTS[0]) for need in needs]
    made = planned(week_of(people, needs, day_max=2, midnights_s=MIDNIGHTS))
    assert made.objective["filled"] == 4
    assert sum(start < MIDNIGHTS[1] for start in made.start_s.tolist()) == 2


@pytest.mark.parametrize("seed", range(500, 540))
def test_no_plan_fills_more_than_the_bound_and_the_bound_is_no_more_than_a_flow_of_visits_allows(seed):
    week = random_week(seed, people=6, requirements=12)
    made = planned(week)
    places = int(week.problem.requirements.people.sum())
    assert made.objective["filled"] <= made.bound <= places
    assert made.bound >= places - sum(short.places for short in made.unfilled)
    if all(short.proven for short in made.unfilled):
        assert made.bound == made.objective["filled"], f"seed {seed}"


def test_the_bound_is_the_largest_flow_where_only_counts_of_visits_matter():
    draw = np.random.default_rng(5)
    for seed in range(12):
        spots = [(float(x) * 1000.0, 0.0) for x in draw.integers(0, 4, 14)]
        people = [
            Person(id=f"p{i}", at=spots[i], hours=[(NOW, NOW + 7 * HOUR)], reach_m=1000.0, capacity=1) for i in range(6)
        ]
        needs = [Need(id=f"q{i}", at=spots[6 + i], duration_s=HOUR) for i in range(8)]
        made = planned(week_of(people, needs))
        assert made.bound == _flow(spots), f"seed {seed}"


def _flow(spots) -> int:
    """Persons 1-6, needs 7-14, between a source and a sink."""
    capacity = np.zeros((16, 16), np.int32)
    capacity[0, 1:7] = capacity[7:15, 15] = 1
    for p in range(6):
        for q in range(8):
            capacity[1 + p, 7 + q] = abs(spots[p][0] - spots[6 + q][0]) <= 1000.5
    return int(maximum_flow(csr_array(capacity), 0, 15).flow_value)


# --- the checker


def test_the_checker_finds_what_is_wrong():
    people = [Person(id=n, hours=HALF_DAY, capacity=2) for n in ("ana", "ben")]
    needs = [Need(id="a", at=(500.0, 0.0)), Need(id="b", people=2)]
    week = week_of(people, needs)
    made = planned(week)

    def broken(**changes):
        return " ".join(objections(week, replace(made, **changes)))

    assert "outside its window" in broken(start_s=made.start_s - 5 * HOUR)
    assert "cannot be at" in broken(start_s=np.full(len(made.start_s), NOW + 2 * HOUR))
    assert "home too late" in broken(start_s=made.start_s + 3 * HOUR)
    assert "no hours" in broken(shift_until_s=made.shift_until_s + 1)
    assert "somebody twice" in broken(person=np.zeros(3, np.int32))
    assert "m, not" in broken(objective={**made.objective, "metres": 1})
    assert "places open" in broken(requirement=np.ones(3, np.int32))
    other = replace(week, pinned=triples([(0, 0, NOW + 3 * HOUR)]))
    assert "pinned" in " ".join(objections(other, made))
    busy = week_of([replace(people[0], busy=[(NOW, NOW + 3 * HOUR)]), people[1]], needs)
    assert "is busy" in " ".join(objections(busy, made))
    capped = replace(week, compound=np.zeros(2, np.int32), crowd_max=1)
    assert "compound and hour" in " ".join(objections(capped, made))
    daily = replace(week, day_max=1, midnights_s=MIDNIGHTS)
    assert "person and day" in " ".join(objections(daily, made))

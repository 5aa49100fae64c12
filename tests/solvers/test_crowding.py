"""No crowds (R28): never more people in a compound in an hour than may be, and of such plans the best."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from matcher.candidates import Candidates
from matcher.problem import Plan, Problem
from matcher.reasons import Unassigned
from matcher.solvers import exact, proof, solve
from tests.problems import DAY, EASY, HOUR, NOW, Need, Person, problem, random_problem

BEGUN = NOW // HOUR


def most_in_an_hour(case: Problem, plan: Plan) -> int:
    """Count it again, person by person and second by second of the hours' edges."""
    assert case.crowding is not None
    there: Counter[tuple[int, int]] = Counter(case.crowding.taken)
    for p in plan.placements:
        compound, end = (
            int(case.crowding.compound[p.requirement]),
            p.start_s + int(case.requirements.duration_s[p.requirement]),
        )
        for hour in range(BEGUN - 48, BEGUN + 24 * 10):
            if compound >= 0 and p.start_s < (hour + 1) * HOUR and hour * HOUR < end:
                there[compound, hour] += 1
    brought = {key for key in there if there[key] > case.crowding.taken.get(key, 0)}
    return max((there[key] for key in brought), default=0)


def kept(case: Problem, plan: Plan) -> bool:
    assert case.crowding is not None
    return most_in_an_hour(case, plan) <= case.crowding.most


CROWDED = replace(EASY, crowds=1.0, hours=0.5, weights=(1, 1, 4))


@pytest.mark.parametrize("seed", range(30))
def test_every_drawn_plan_keeps_the_limit_and_is_proven(seed: int) -> None:
    case = random_problem(seed, people=10, requirements=8, mix=replace(CROWDED, crews=0.3, fixed=0.3, capacity_max=2))
    for plan in (solve(case), exact.nearest_first(case)):
        assert kept(case, plan)
        proof.check(case, plan)


def best_of_all(case: Problem) -> tuple[int, int]:
    """Return (weighted places, - cost) of the best plan, every choice of people and of hours tried."""
    crowding, asked = case.crowding, case.requirements
    assert crowding is not None
    candidates = Candidates(case)
    choices: list[list[tuple[int, int, frozenset[int]]]] = []
    for r in range(len(asked.ids)):
        row, duration = candidates.row(r), int(asked.duration_s[r])
        own = {(-1, 0, frozenset[int]())}
        for person, cost in zip(row.person.tolist(), row.cost.tolist(), strict=True):
            for low, high in candidates.starts(r, person):
                steps = {low, high, *range((low // HOUR + 1) * HOUR, high, HOUR)}
                steps |= {at - duration for at in steps if low <= at - duration <= high}
                own |= {(person, cost, frozenset(range(s // HOUR, (s + duration - 1) // HOUR + 1))) for s in steps}
        choices.append(sorted(own, key=str))
    best = (-1, 0)
    for plan in product(*choices):
        people = [person for person, _, _ in plan if person >= 0]
        if len(set(people)) < len(people):
            continue
        there: Counter[tuple[int, int]] = Counter(crowding.taken)
        for r, (person, _, hours) in enumerate(plan):
            there.update((int(crowding.compound[r]), hour) for hour in hours if person >= 0)
        brought = {(int(crowding.compound[r]), h) for r, (v, _, hours) in enumerate(plan) for h in hours if v >= 0}
        if any(there[key] > crowding.most for key in brought if key[0] >= 0):
            continue
        filled = sum(int(asked.weight[r]) for r, (person, _, _) in enumerate(plan) if person >= 0)
        waiting = sum(int(asked.waiting[r]) for r, (person, _, _) in enumerate(plan) if person < 0)
        best = max(best, (filled, -sum(cost for _, cost, _ in plan) - waiting))
    return best


@pytest.mark.parametrize("seed", range(20))
def test_the_plan_is_the_best_of_all_that_keep_the_limit(seed: int) -> None:
    drawn = random_problem(seed, people=3, requirements=3, mix=replace(CROWDED, capacity_max=1, spread_m=500))
    asked = drawn.requirements
    case = replace(drawn, requirements=replace(asked, latest_s=asked.earliest_s + asked.duration_s + HOUR))
    plan = solve(case)
    assert plan.optimal
    points = sum(sum(p.cost.values()) for p in plan.placements)
    assert (plan.objective["filled"], -points - plan.objective["waiting"]) == best_of_all(case)


def visitors(count: int, **need: int) -> tuple[list[Person], list[Need]]:
    return [Person(id=f"p{n}") for n in range(count)], [Need(id=f"r{n}", compound=0, **need) for n in range(count)]


def test_visits_are_spread_over_the_hours_of_their_window() -> None:
    case = problem(*visitors(6), crowding=(2, {}))
    plan = solve(case)
    assert (len(plan.placements), plan.optimal, plan.engine) == (6, True, "ortools-flow")
    assert most_in_an_hour(case, plan) == 2


def test_where_the_window_has_no_other_hour_the_place_stays_open_and_says_why() -> None:
    case = problem(*visitors(3, latest_s=NOW + 2 * HOUR), crowding=(1, {}))
    plan = solve(case)
    assert plan.optimal
    assert len(plan.placements) == 1
    assert {short.reason for short in plan.shortfalls} == {Unassigned.PLACE_CROWDED}


def test_who_is_bound_to_visit_already_counts_and_another_compound_does_not() -> None:
    taken = {(0, BEGUN + hour): 1 for hour in range(30)}
    case = problem(*visitors(1), crowding=(1, taken))
    [short] = solve(case).shortfalls
    assert short.reason is Unassigned.PLACE_CROWDED
    elsewhere = problem(*visitors(1), crowding=(1, {(1, hour): 1 for _, hour in taken}))
    assert len(solve(elsewhere).placements) == 1


def test_the_people_of_a_crew_are_counted_one_by_one() -> None:
    crowd = [Person(id=f"p{n}") for n in range(3)]
    crew = Need(id="crew", people=3, compound=0)
    assert len(solve(problem(crowd, [crew], crowding=(3, {}))).placements) == 3
    assert solve(problem(crowd, [crew], crowding=(2, {}))).placements == []
    some = replace(crew, minimum=2)
    assert len(solve(problem(crowd, [some], crowding=(2, {}))).placements) == 2


def test_the_helper_goes_where_there_is_room() -> None:
    taken = {(0, BEGUN + hour): 1 for hour in range(30)}
    needs = [Need(id="full", compound=0), Need(id="free", at=(900.0, 0.0), compound=1)]
    plan = solve(problem([Person(id="ana")], needs, crowding=(1, taken)))
    assert plan.optimal
    assert [p.requirement for p in plan.placements] == [1]


def test_a_plan_that_brings_a_crowd_is_not_believed() -> None:
    people, needs = visitors(2, latest_s=NOW + DAY)
    free = problem(people, needs)
    with pytest.raises(proof.Unproven, match="people visit"):
        proof.check(problem(people, needs, crowding=(1, {})), solve(free))

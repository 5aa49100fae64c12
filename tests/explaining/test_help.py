"""Each cause planted on purpose is found, and each change that is said to help does, while one step less does not."""

from __future__ import annotations

import pytest

from matcher.explaining import why_not
from matcher.explaining.answers import Unfilled
from matcher.explaining.changes import (
    AnyChange,
    DropSkill,
    EarlierStart,
    FewerPeople,
    LaterEnd,
    LongerReach,
    LowerLevel,
    ShorterVisit,
    WiderCircle,
    applied,
)
from matcher.explaining.ladders import ladders
from matcher.explaining.trials import served
from matcher.problem import Problem
from matcher.reasons import Unassigned
from matcher.solvers import proof, solve
from tests.problems import HOUR, MINUTE, NOW, Need, Person, problem, random_problem
from tests.solvers.contested import contested


def explained(case: Problem, r: int = 0, **options: int) -> Unfilled:
    return why_not(case, solve(case), r, **options)


def changes(said: Unfilled) -> list[AnyChange]:
    return [suggestion.change for suggestion in said.what_would_help]


def test_a_missing_skill_is_named_and_a_lower_level_helps() -> None:
    said = explained(problem([Person(id="ana", skills={"help": 2})], [Need(id="q", skills={"help": 4})]))
    assert said.reason is Unassigned.MISSING_SKILL
    assert said.funnel == {"registered": 1, "zone": 1, "skills": 0}
    assert changes(said) == [LowerLevel(skill="help", level_from=4, level_to=2)]
    assert said.what_would_help[0].people == ["ana"]


def test_a_skill_that_nobody_has_is_dropped_and_not_lowered() -> None:
    said = explained(problem([Person(id="ana")], [Need(id="q", skills={"help": 1, "rare": 2})]))
    assert changes(said) == [DropSkill(skill="rare")]


def test_an_expired_certificate_is_named_and_dropping_the_skill_helps() -> None:
    said = explained(problem([Person(id="ana", expires={"help": NOW - 1})], [Need(id="q")]))
    assert said.reason is Unassigned.QUALIFICATION_EXPIRED
    assert changes(said) == [DropSkill(skill="help")]


def test_a_circle_is_widened_by_the_minutes_that_lack() -> None:
    said = explained(problem([Person(id="ana", at=(700, 0))], [Need(id="q", circle_s=600)]))
    assert said.reason is Unassigned.OUTSIDE_SERVICE_CIRCLE
    assert said.funnel == {"registered": 1, "zone": 1, "skills": 1, "certificate": 1, "reach": 1, "circle": 0}
    assert WiderCircle(minutes=2) in changes(said)


def test_the_nearest_person_beyond_reach_is_asked_for_exactly_the_metres_that_lack() -> None:
    crowd = [Person(id="near", at=(1000, 0), reach_m=900), Person(id="far", at=(4000, 0), reach_m=900)]
    said = explained(problem(crowd, [Need(id="q")]))
    assert said.reason is Unassigned.TRAVEL_TOO_FAR
    near, far = changes(said)
    assert isinstance(near, LongerReach)
    assert isinstance(far, LongerReach)
    assert (near.person, far.person) == ("near", "far")
    assert near.metres in (100, 101)
    assert far.metres in (3100, 3101)


def test_a_window_that_ends_too_early_may_end_later_or_the_visit_be_shorter() -> None:
    crowd = [Person(id="ana", hours=[(NOW + HOUR, NOW + 9 * HOUR)])]
    said = explained(problem(crowd, [Need(id="q", latest_s=NOW + HOUR + 43 * MINUTE)]))
    assert said.reason is Unassigned.NO_START_POSSIBLE
    assert changes(said) == [LaterEnd(minutes=20), ShorterVisit(minutes=20)]


def test_a_window_that_opens_too_late_may_open_earlier() -> None:
    crowd = [Person(id="ana", hours=[(NOW, NOW + 2 * HOUR)])]
    said = explained(problem(crowd, [Need(id="q", earliest_s=NOW + 2 * HOUR, latest_s=NOW + 4 * HOUR)]))
    assert said.reason is Unassigned.NO_START_POSSIBLE
    assert changes(said) == [EarlierStart(minutes=60)]


def test_the_window_never_opens_before_the_beat() -> None:
    crowd = [Person(id="ana", hours=[(NOW - HOUR, NOW + HOUR)])]
    said = explained(problem(crowd, [Need(id="q", earliest_s=NOW + 7 * MINUTE, latest_s=NOW + 4 * HOUR)]))
    assert changes(said) == [EarlierStart(minutes=10), ShorterVisit(minutes=10)]


def test_a_committed_person_is_named_as_the_reason_and_a_later_end_helps() -> None:
    crowd = [Person(id="ana", busy=[(NOW, NOW + HOUR)])]
    said = explained(problem(crowd, [Need(id="q", latest_s=NOW + HOUR + 30 * MINUTE)]))
    assert said.reason is Unassigned.ALREADY_COMMITTED
    assert changes(said) == [LaterEnd(minutes=30), ShorterVisit(minutes=30)]


def test_a_request_that_was_outbid_names_person_and_rival_and_the_price_of_the_swap() -> None:
    needs = [Need(id="far", at=(500, 0)), Need(id="near", at=(100, 0))]
    said = explained(problem([Person(id="ana")], needs))
    assert said.reason is Unassigned.OUTBID
    [lost] = said.lost
    assert (lost.person, lost.rival_request) == ("ana", "near")
    assert lost.swap is not None
    assert (lost.swap.filled_lost, lost.swap.points, lost.swap.exact) == (0, 400, True)
    assert said.what_would_help == []
    assert said.solves == 1  # the swap: no change brings anybody new, so none is worth a solve


def test_a_heavier_rival_costs_the_weight_that_the_swap_would_lose() -> None:
    said = explained(problem([Person(id="ana")], [Need(id="light"), Need(id="heavy", at=(900, 0), weight=4)]))
    [lost] = said.lost
    assert lost.swap is not None
    assert (lost.swap.filled_lost, lost.swap.points) == (3, -900)


def test_help_never_takes_the_person_from_a_request_of_the_same_weight() -> None:
    """A later end would make the first request feasible, but only by taking the second one's person."""
    crowd = [Person(id="ana", hours=[(NOW + HOUR, NOW + 9 * HOUR)])]
    needs = [Need(id="early", latest_s=NOW + HOUR), Need(id="late", at=(300, 0))]
    assert explained(problem(crowd, needs)).what_would_help == []


def test_an_incomplete_crew_may_come_smaller() -> None:
    said = explained(problem([Person(id="ana"), Person(id="ben")], [Need(id="q", people=3)]))
    assert said.reason is Unassigned.CREW_INCOMPLETE
    assert (said.places, said.places_open) == (3, 3)
    assert changes(said) == [FewerPeople(minimum_from=3, minimum_to=2)]
    assert sorted(said.what_would_help[0].people) == ["ana", "ben"]


def test_a_budget_of_solves_that_ends_is_said_and_nothing_unchecked_is_suggested() -> None:
    case = problem([Person(id="ana", hours=[(NOW + HOUR, NOW + 9 * HOUR)])], [Need(id="q", latest_s=NOW + HOUR)])
    said = explained(case, solves_max=1)
    assert (said.solves, said.ran_out, said.what_would_help) == (1, True, [])
    assert not explained(case).ran_out


def test_a_filled_requirement_has_nothing_to_explain() -> None:
    case = problem([Person(id="ana")], [Need(id="q")])
    with pytest.raises(ValueError, match="is filled"):
        why_not(case, solve(case), 0)


# --- the property -----------------------------------------------------------------------------------------------


def _helps(case: Problem, r: int, change: AnyChange) -> bool:
    """Apply, solve, check and compare with the plan without the change."""
    before = served(case, solve(case))
    changed = applied(case, r, change)
    plan = solve(changed)
    proof.check(changed, plan)
    after = served(changed, plan)
    weight = case.requirements.weight
    others = [q for q in range(len(weight)) if q != r and weight[q] >= weight[r]]
    return bool(after[r] > before[r] and all(after[q] >= before[q] for q in others))


def _hold_every_suggestion(case: Problem) -> int:
    plan, checked = solve(case), 0
    for short in plan.shortfalls:
        for change in changes(why_not(case, plan, short.requirement)):
            assert _helps(case, short.requirement, change), change
            below = [
                ladder.rung(k - 1) if k > 1 else None
                for ladder in ladders(case, short.requirement)
                for k in range(1, ladder.rungs + 1)
                if ladder.rung(k) == change
            ]
            assert len(below) == 1
            assert below[0] is None or not _helps(case, short.requirement, below[0]), change
            checked += 1
    return checked


@pytest.mark.parametrize("seed", range(12))
def test_every_suggestion_fills_and_one_step_less_does_not(seed: int) -> None:
    _hold_every_suggestion(random_problem(seed, people=8, requirements=4))


@pytest.mark.parametrize("seed", range(6))
def test_suggestions_hold_among_crews_and_people_with_several_visits(seed: int) -> None:
    _hold_every_suggestion(contested(seed, people=3, requirements=4, crew=0.4, capacity=2))


def test_the_random_problems_do_get_suggestions() -> None:
    assert sum(_hold_every_suggestion(random_problem(seed, people=8, requirements=4)) for seed in range(6)) >= 5

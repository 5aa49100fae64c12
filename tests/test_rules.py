"""Each rule's array form says the same as its scalar form, and each rule fails whom it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher import reasons
from matcher.problem import Problem
from matcher.rules import (
    STAGES,
    area,
    budget,
    certificate,
    circle,
    excluded,
    free,
    limits,
    must_have,
    objections,
    reach,
    refused,
    registered,
    restricted,
    skills,
    start,
    team,
    zone,
)
from matcher.rules.facts import Facts
from tests.problems import DAY, HOUR, NOW, Need, Person, problem, random_problem

PLAIN = {
    "registered": registered,
    "zone": zone,
    "skills": skills,
    "certificate": certificate,
    "area": area,
    "excluded": excluded,
    "restricted": restricted,
    "must_have": must_have,
    "team": team,
    "refused": refused,
    "budget": budget,
}
TIMED = {"circle": circle, "start": start, "limits": limits, "free": free}
RULES: dict[str, Any] = {**PLAIN, "reach": reach, **TIMED}


def passes(name: str, facts: Facts, r: int, who: np.ndarray) -> list[bool]:
    distance = facts.distance_m(r, who)
    more = {"reach": (distance,), **dict.fromkeys(TIMED, (facts.travel_s(who, distance),))}
    return RULES[name].mask(facts, r, who, *more.get(name, ())).tolist()


def test_every_stage_of_the_funnel_has_a_rule():
    assert set(STAGES) == set(RULES)


@pytest.mark.parametrize("name", list(STAGES))
@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_array_form_and_the_scalar_form_agree(name: str, seed: int):
    drawn = random_problem(seed, people=8, requirements=4)
    facts = Facts(drawn)
    who = np.arange(8, dtype=np.int32)[seed % 3 :]
    for r in range(4):
        said = [RULES[name].objection(drawn, r, int(person)) is None for person in who]
        assert passes(name, facts, r, who) == said


@pytest.mark.parametrize("name", list(STAGES))
def test_the_drawn_problems_let_each_rule_say_yes_and_no(name: str):
    said = set()
    for seed in range(30):
        drawn = random_problem(seed)
        said |= {RULES[name].objection(drawn, r, p) is None for r in range(6) for p in range(12)}
    assert said == {True, False}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_rule_that_does_not_apply_fails_nobody(seed: int):
    drawn = random_problem(seed, people=6, requirements=3)
    facts = Facts(drawn)
    who = np.arange(6, dtype=np.int32)
    for name, rule in RULES.items():
        if hasattr(rule, "applies"):
            for r in range(3):
                assert rule.applies(facts, r) or all(passes(name, facts, r, who))


# --- one pair, by hand: what passes, and what one step more makes of it -----------------------------------------


def one(person: Person, need: Need) -> Problem:
    return problem([person], [need])


def said(person: Person, need: Need) -> list[reasons.PairReason]:
    return objections(one(person, need), 0, 0)


def test_a_plain_pair_meets_no_objection():
    assert said(Person(id="ana"), Need(id="r")) == []


def test_a_paused_person_is_not_asked():
    assert said(Person(id="ana", active=False), Need(id="r")) == [reasons.NotRegistered()]


def test_zones_must_match_only_where_both_are_given():
    assert said(Person(id="ana", zone=1), Need(id="r", zone=2)) == [reasons.OtherZone()]
    assert said(Person(id="ana", zone=1), Need(id="r")) == []
    assert said(Person(id="ana"), Need(id="r", zone=2)) == []


def test_a_level_below_the_one_asked_is_missing():
    need = Need(id="r", skills={"help": 3})
    assert said(Person(id="ana", skills={"help": 3}), need) == []
    assert said(Person(id="ana", skills={"help": 2}), need) == [
        reasons.MissingSkill(skill="help", level_needed=3, level_held=2)
    ]


def test_every_skill_is_needed_not_one_of_them():
    need = Need(id="r", skills={"help": 1, "drive": 1})
    assert said(Person(id="ana"), need) == [reasons.MissingSkill(skill="drive", level_needed=1, level_held=0)]


def test_a_certificate_that_lasts_to_the_end_of_the_visit_is_enough():
    need = Need(id="r", duration_s=HOUR)
    assert said(Person(id="ana", expires={"help": NOW + HOUR}), need) == []
    short = said(Person(id="ana", expires={"help": NOW + HOUR - 1}), need)
    assert reasons.QualificationExpired(skill="help", expired_s=NOW + HOUR - 1) in short


def test_a_certificate_must_still_hold_after_the_journey():
    far = Person(id="ana", at=(1000.0, 0.0), expires={"help": NOW + HOUR + 60})
    assert [type(reason) for reason in said(far, Need(id="r"))] == [reasons.NoStartPossible]


def test_a_certificate_for_a_skill_not_asked_does_not_matter():
    person = Person(id="ana", skills={"help": 1, "drive": 1}, expires={"drive": NOW - DAY})
    assert said(person, Need(id="r")) == []


def test_reach_includes_its_border():
    need = Need(id="r", at=(0.0, 700.0))
    metres = reach.pair_distance_m(one(Person(id="ana"), need), 0, 0)
    assert metres == pytest.approx(700, abs=0.01)
    assert said(Person(id="ana", reach_m=metres), need) == []
    below = float(np.nextafter(metres, 0))
    assert said(Person(id="ana", reach_m=below), need) == [reasons.TooFar(distance_m=metres, reach_m=below)]


def test_travel_is_rounded_up_to_whole_seconds_and_decides_the_window():
    person = Person(id="ana", at=(0.0, 700.0), speed_mps=1.5)
    travel_s = 467
    assert said(person, Need(id="r", latest_s=NOW + travel_s + HOUR)) == []
    assert said(person, Need(id="r", latest_s=NOW + travel_s + HOUR - 1)) == [
        reasons.NoStartPossible(from_s=NOW + travel_s, until_s=NOW + travel_s + HOUR - 1, duration_s=HOUR)
    ]


def test_two_windows_do_not_add_up_to_one_visit():
    apart = Person(id="ana", hours=[(NOW, NOW + 1800), (NOW + 1801, NOW + 3601)])
    assert [type(reason) for reason in said(apart, Need(id="r"))] == [reasons.NoStartPossible]
    assert said(Person(id="ana", hours=[(NOW, NOW + HOUR)]), Need(id="r")) == []


def test_a_fixed_start_is_the_only_one():
    need = Need(id="r", fixed_start_s=NOW + HOUR)
    assert start.starts(one(Person(id="ana"), need), 0, 0) == [(NOW + HOUR, NOW + HOUR)]
    too_late = Person(id="ana", at=(0.0, 3700.0))
    assert [type(reason) for reason in said(too_late, need)] == [reasons.NoStartPossible]


def test_a_visit_may_end_when_the_next_departure_begins_and_begin_a_journey_after_the_last():
    need = Need(id="r", latest_s=NOW + 2 * HOUR)
    assert said(Person(id="ana", busy=[(NOW + HOUR, NOW + 2 * HOUR)]), need) == []
    assert said(Person(id="ana", busy=[(NOW - HOUR, NOW + HOUR)]), need) == []
    both = Person(id="ana", busy=[(NOW - HOUR, NOW + 1800), (NOW + 5399, NOW + 2 * HOUR)])
    assert said(both, need) == [reasons.Committed()]


def test_the_journey_too_must_be_free():
    person = Person(id="ana", at=(0.0, 600.5), busy=[(NOW, NOW + HOUR)])
    assert free.starts(one(person, Need(id="r")), 0, 0) == [(NOW + HOUR + 601, NOW + DAY - HOUR)]


@pytest.mark.parametrize("change", [{"engaged": True}, {"capacity": 0}])
def test_an_open_offer_or_no_capacity_is_a_commitment(change: dict[str, Any]):
    assert said(Person(id="ana", **change), Need(id="r")) == [reasons.Committed()]


def test_who_serves_the_request_already_is_not_a_second_person():
    assert said(Person(id="ana"), Need(id="r", serving=["ana"])) == [reasons.Committed()]


def test_refused_excluded_and_spent_each_say_so():
    assert said(Person(id="ana", spent=True), Need(id="r", refused=["ana"], excluded=["ana"])) == [
        reasons.ExcludedByRequester(),
        reasons.PreviouslyRefused(),
        reasons.AlertBudgetSpent(),
    ]

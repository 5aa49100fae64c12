"""The checkers of the public sets: an allowed plan passes, each rule broken once is found."""

from __future__ import annotations

import copy

import pytest

from tests import hhcrsp_checker, roadef_checker
from tests.linked.small import CARE, CREWS_PLAN, care_plan, write_roadef


def test_an_allowed_day_of_home_care_passes_and_costs_a_third_of_ways_and_lateness():
    plan = care_plan()
    assert hhcrsp_checker.objections(CARE, plan) == []
    assert hhcrsp_checker.cost(CARE, plan) == {"distance": 16, "late": 0, "latest": 0, "cost": 16 / 3}


def test_who_is_late_twice_pays_for_both_and_once_more_for_the_worst():
    plan = care_plan()
    for route in plan["routes"]:
        for stop in route["locations"]:
            if stop["patient"] == "two":
                stop["arrival_time"] += 20
                stop["departure_time"] += 20
    assert hhcrsp_checker.objections(CARE, plan) == []
    assert hhcrsp_checker.cost(CARE, plan)["cost"] == (16 + (5 + 15) + 15) / 3


def _ana(plan, at):
    return plan["routes"][0]["locations"][at]


CARE_BROKEN = {
    "times, not": lambda plan: plan["routes"][1]["locations"].pop(),
    "is given (2) times": lambda plan: plan["routes"][0]["locations"].append(
        {"patient": "three", "service": "wash", "arrival_time": 50, "departure_time": 52}
    ),
    "cannot give": lambda plan: (
        plan["routes"][0].update(caregiver_id="ben") or plan["routes"][1].update(caregiver_id="ana")
    ),
    "does not last": lambda plan: _ana(plan, 0).update(departure_time=2.5),
    "before its window": lambda plan: [
        stop.update(arrival_time=9, departure_time=stop["departure_time"] - 1)
        for route in plan["routes"]
        for stop in route["locations"]
        if stop["patient"] == "one"
    ],
    "in time": lambda plan: _ana(plan, 0).update(arrival_time=0.5, departure_time=2.5),
    "apart, not (0)": lambda plan: _ana(plan, 1).update(arrival_time=11, departure_time=16),
    "apart, not (10)": lambda plan: _ana(plan, 2).update(arrival_time=26, departure_time=31),
    "nobody is called": lambda plan: plan["routes"].append({"caregiver_id": "cho", "locations": []}),
    "has (2) routes": lambda plan: plan["routes"].append({"caregiver_id": "ana", "locations": []}),
    "nobody asks": lambda plan: _ana(plan, 0).update(patient="nine"),
    "gives both": lambda plan: plan["routes"][1]["locations"].insert(1, plan["routes"][0]["locations"].pop()),
}


@pytest.mark.parametrize("words", CARE_BROKEN)
def test_a_day_of_home_care_that_breaks_a_rule_is_found_out(words):
    plan = care_plan()
    CARE_BROKEN[words](plan)
    assert any(words in wrong for wrong in hhcrsp_checker.objections(CARE, plan))


def test_an_allowed_plan_of_technicians_passes_and_costs_what_the_challenge_says(tmp_path):
    instance = roadef_checker.read(write_roadef(tmp_path))
    assert roadef_checker.objections(instance, CREWS_PLAN) == []
    assert roadef_checker.cost(instance, CREWS_PLAN) == 28 * 60 + 14 * 180 + 4 * 210 + 210


CREWS_BROKEN = {
    "there is no technician": lambda plan: plan["teams"][1].append([9]),
    "is in (2) teams": lambda plan: plan["teams"][2].append([1]),
    "is off": lambda plan: plan["teams"][1].append([2]),
    "there is no intervention": lambda plan: plan["visits"].update({9: (1, 0, 0)}),
    "does not lie within a day": lambda plan: plan["visits"].update({3: (2, 40, 1)}),
    "has no team": lambda plan: plan["visits"].update({3: (2, 0, 5)}),
    "lacks level (2) of domain (2)": lambda plan: plan["visits"].update({3: (2, 30, 0)}),
    "overlap": lambda plan: plan["visits"].update({1: (2, 0, 0)}),
    "is not over": lambda plan: plan["visits"].update({3: (1, 30, 1)}),
    "is spent": lambda plan: plan["visits"].pop(2),
    "which follows it": lambda plan: plan["visits"].pop(1),
}


@pytest.mark.parametrize("words", CREWS_BROKEN)
def test_a_plan_of_technicians_that_breaks_a_rule_is_found_out(words, tmp_path):
    plan = copy.deepcopy(CREWS_PLAN)
    CREWS_BROKEN[words](plan)
    assert any(words in wrong for wrong in roadef_checker.objections(roadef_checker.read(write_roadef(tmp_path)), plan))

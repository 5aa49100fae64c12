"""Routes whose visits hang together, and the public sets mapped onto them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matcher import linked
from matcher.linked import Work
from tests import hhcrsp_checker, roadef_checker
from tests.benchmarks.routes import hhcrsp, peers, roadef
from tests.benchmarks.routes.__main__ import best_of_home_care, best_of_technicians
from tests.linked.small import CARE, write_roadef

FEW = Work(iterations=3_000)
needs_data = pytest.mark.skipif("PAIDAN_DATA" not in os.environ, reason="$PAIDAN_DATA does not say where files are")


def drawn(seed, patients=4, carers=3):
    """Draw a day in the set's format; everybody has at least one skill, `ben` and `ana` are among them."""
    draw = np.random.default_rng(seed)
    spots = draw.integers(0, 50, (patients + 1, 2))
    kinds = draw.integers(0, 3, patients).tolist()
    links = [None, {"type": "simultaneous"}, {"type": "sequential", "distance": [5, 9]}]
    day = {
        "patients": [],
        "caregivers": [{"id": f"c{n}", "abilities": [["a"], ["b"], ["a", "b"]][n % 3]} for n in range(carers)],
        "central_offices": [{"id": "d", "location": spots[0].tolist()}],
        "distances": np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1)).round(3).tolist(),
    }
    for n, kind in enumerate(kinds):
        begin = int(draw.integers(0, 120))
        services = [{"service": s, "duration": int(draw.integers(5, 20))} for s in ("ab" if kind else "a")]
        patient = {"id": f"p{n}", "time_window": [begin, begin + 30], "required_caregivers": services}
        day["patients"].append(patient | ({"synchronization": links[kind]} if kind else {}))
    return day


def test_a_day_that_can_be_kept_is_kept_on_the_shortest_ways():
    routes = linked.improve(hhcrsp.linked(CARE), FEW)
    plan = hhcrsp.plan(CARE, routes)
    assert hhcrsp_checker.objections(CARE, plan) == []
    assert (routes.way, routes.late, routes.cost) == (16.0, 0.0, pytest.approx(16 / 3))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_found_on_a_small_day_is_what_an_exact_model_finds_and_costs_what_the_checker_says(seed):
    day = drawn(seed)
    posed = hhcrsp.linked(day)
    ours, exact = linked.improve(posed, Work(iterations=20_000, seed=seed + 1)), peers.cpsat(posed, 20.0)
    plan = hhcrsp.plan(day, ours)
    assert hhcrsp_checker.objections(day, plan) == []
    assert hhcrsp_checker.cost(day, plan)["cost"] == pytest.approx(ours.cost)
    assert ours.cost == pytest.approx(exact.cost, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_the_search_never_ends_worse_than_it_began_and_nearest_first_is_allowed(seed):
    day = drawn(seed, patients=12, carers=4)
    posed = hhcrsp.linked(day)
    first = linked.nearest_first(posed)
    assert hhcrsp_checker.objections(day, hhcrsp.plan(day, first)) == []
    assert linked.improve(posed, Work(iterations=200)).cost <= first.cost


def test_the_same_day_and_work_give_the_same_routes():
    posed = hhcrsp.linked(drawn(3, patients=10))
    one, other = linked.improve(posed, FEW), linked.improve(posed, FEW)
    assert (one.who == other.who).all()
    assert (one.start == other.start).all()


def test_a_later_visit_of_three_holds_back_the_ones_before_it():
    """Ways of nothing, three people; the third can begin at 100 only, each at most 10 after the one before."""
    day = linked.Linked(
        ways=np.zeros((1, 1)),
        first=np.array([0, 3]),
        place=np.zeros(3, np.int64),
        earliest=np.array([0.0, 0.0, 100.0]),
        due=np.full(3, 1000.0),
        duration=np.ones(3),
        gap_min=np.array([0.0, 5.0, 5.0]),
        gap_max=np.array([0.0, 10.0, 10.0]),
        able=np.ones((3, 3), np.bool_),
        home=np.zeros(3, np.int64),
        since=np.zeros(3),
        until=np.full(3, 1000.0),
    )
    assert linked.nearest_first(day).start.tolist() == [80.0, 90.0, 100.0]
    with pytest.raises(ValueError, match="hang together"):
        replace(day, able=np.array([[True, False, False]] * 3))
    with pytest.raises(ValueError, match="Gaps"):
        replace(day, gap_min=np.array([0.0, 11.0, 5.0]))


def test_work_that_is_none_is_refused():
    with pytest.raises(ValueError, match="cold"):
        Work(warm=1.0, cold=2.0)


def test_technicians_are_teamed_as_the_challenge_allows_and_what_is_given_away_is_paid_for(tmp_path):
    instance = roadef_checker.read(write_roadef(tmp_path))
    posed = roadef.case(instance)
    first = roadef.greedy(posed)
    best = roadef.searched(posed, 300, 1)
    for cost, plan, teams in (first, best):
        told = roadef.told(instance, plan, teams)
        assert roadef_checker.objections(instance, told) == []
        assert roadef_checker.cost(instance, told) == cost
    assert best[0] <= first[0]
    assert 4 not in roadef.told(instance, *best[1:])["visits"]


@pytest.mark.data
@needs_data
def test_the_published_plans_of_home_care_are_allowed_and_cost_what_their_table_says():
    folder = Path(os.environ["PAIDAN_DATA"]) / "bench" / "hhcrsp"
    for name, best in best_of_home_care(folder).items():
        file = folder / "instances" / "mankowska" / name
        if file.exists():
            instance = json.loads(file.read_text(encoding="utf-8"))
            (plan_file,) = (folder / "solutions" / "mankowska").glob(f"sol-{file.stem}-*.json")
            plan = json.loads(plan_file.read_text(encoding="utf-8"))
            assert hhcrsp_checker.objections(instance, plan) == [], name
            assert hhcrsp_checker.cost(instance, plan)["cost"] == pytest.approx(best, rel=1e-4)


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("name", ["A1", "A3"])
def test_small_instances_of_technicians_reach_their_best_known_value(name):
    folder = Path(os.environ["PAIDAN_DATA"]) / "bench" / "roadef2007"
    instance = roadef_checker.read(folder / "datas" / f"dataset{name[0]}" / f"data{name[1:]}")
    cost, plan, teams = roadef.searched(roadef.case(instance), 3_000, 1)
    assert roadef_checker.objections(instance, roadef.told(instance, plan, teams)) == []
    assert cost <= best_of_technicians(folder)[name]


@pytest.mark.data
@needs_data
def test_a_small_public_day_of_home_care_reaches_its_best_known_value():
    folder = Path(os.environ["PAIDAN_DATA"]) / "bench" / "hhcrsp"
    name = "InstanzCPLEX_HCSRP_10_1.json"
    instance = json.loads((folder / "instances" / "mankowska" / name).read_text(encoding="utf-8"))
    routes = linked.improve(hhcrsp.linked(instance), Work(iterations=100_000))
    assert routes.cost == pytest.approx(best_of_home_care(folder)[name], rel=1e-4)

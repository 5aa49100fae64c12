"""A zone kept from beat to beat: after every beat the optimum of a whole solve, proven, whatever came or went."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from matcher.policy import Budget
from matcher.problem import Plan, Problem
from matcher.solvers import exact, paths, proof
from matcher.solvers.paths import batch, keeping, kept, road
from matcher.solvers.paths.keeping import ENGINE, Keeper
from matcher.solvers.paths.kept import Full, Kept
from services import solving
from services.solving import InlineSolver
from tests.benchmarks import cities
from tests.benchmarks.cities import City
from tests.benchmarks.matching_goals import prove
from tests.problems import EASY, HOUR, NOW, Mix, Need, Person, drawn_need, drawn_person, problem, random_problem

KERNEL = Budget(engine="paths")
SINGLE = replace(EASY, capacity_max=1)
MIXES = {
    "spare and scarce": replace(SINGLE, skills=3),
    "one skill, as many people as places": replace(SINGLE, skills=1, weights=(1,)),
    "hours, commitments, certificates, zones, circles": replace(
        SINGLE, hours=0.7, busy=0.4, certificates=0.3, idle=0.1, zones=0.2, full=0.3, leads=0.3, circles=0.3, fixed=0.2,
        points_max=300,
    ),
    "named people and every cost term": Mix(
        crews=0, capacity_max=1, shared_requests=0, lists=0.05, skills=2, points_max=3000, wishes=0.6, posts=0.6
    ),
    "several visits a person, several places": replace(EASY, capacity_max=3, crews=0.3, partial=0),
}  # fmt: skip


def beats(seed: int, mix: Mix, *, people: int = 60, needs: int = 55, count: int = 7) -> Iterator[Problem]:
    """Draw a zone's beats: people change, pause and register, requests close, change, wait and come, time passes."""
    draw = random.Random(seed)
    share = (0.02, 0.1, 0.3)[seed % 3]
    crowd = [drawn_person(draw, mix, f"p{i}") for i in range(people)]
    ids = [person.id for person in crowd]
    asked = [drawn_need(draw, mix, f"r{i}", ids) for i in range(needs)]
    now, number = NOW, needs
    for beat in range(count):
        yield problem(crowd, asked, now_s=now, beat=beat, budget=KERNEL)
        now += draw.choice([0, 60, 600, HOUR])
        crowd = [_turned(draw, mix, person, share) for person in crowd]
        if draw.random() < 0.5:
            crowd.append(drawn_person(draw, mix, f"p{len(crowd)}"))
            ids.append(crowd[-1].id)
        asked = [_waited(draw, mix, need, ids, share) for need in asked if draw.random() > 2 * share]
        for _ in range(draw.randint(0, 1 + int(3 * share * needs))):
            asked.append(drawn_need(draw, mix, f"r{number}", ids))
            number += 1


def _turned(draw: random.Random, mix: Mix, person: Person, share: float) -> Person:
    if draw.random() < share:
        return drawn_person(draw, mix, person.id)
    return replace(person, active=not person.active) if draw.random() < share else person


def _waited(draw: random.Random, mix: Mix, need: Need, ids: list[str], share: float) -> Need:
    if draw.random() < share:
        return drawn_need(draw, mix, need.id, ids)
    return replace(need, waiting=need.waiting + draw.choice([0, 5, 50]))


def _value(plan: Plan) -> tuple[int, int]:
    return plan.objective["filled"], sum(points for name, points in plan.objective.items() if name != "filled")


def _whole(case: Problem) -> Plan | None:
    try:
        return road.solve(case)
    except road.Unfit:
        return None


def _follow(keeper: Keeper, case: Problem) -> Plan | None:
    """Solve one beat from the last one, and hold it against a whole solve."""
    whole = _whole(case)
    try:
        plan = keeper.solve(case)
    except road.Unfit:
        return None
    proof.check(case, plan)
    assert plan.optimal
    if whole is not None:
        assert _value(plan) == _value(whole)
    return plan


# --- the optimum ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", MIXES)
def test_after_every_beat_the_plan_is_that_of_a_whole_solve(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SHARE", 1.0)
    keeper = Keeper()
    plans = [_follow(keeper, case) for case in beats(seed, MIXES[name])]
    engines = [plan.engine for plan in plans if plan is not None]
    assert engines[:1] in ([], ["paths"], [ENGINE])
    assert name.startswith("several") or engines.count(ENGINE) >= 4


@pytest.mark.parametrize("seed", range(4))
def test_numbers_of_those_who_left_are_given_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is hardly any room, so that lists are written anew and numbers taken again in nearly every beat."""
    monkeypatch.setattr(keeping, "SHARE", 1.0)
    monkeypatch.setattr(kept, "room_for_people", lambda count: count + 25)
    tidied = []
    plain = Kept.tidy
    monkeypatch.setattr(Kept, "tidy", lambda self, more=0: (tidied.append(more), plain(self, more))[1])
    keeper = Keeper()
    for case in beats(3 * seed + 2, SINGLE, count=9):
        assert _follow(keeper, case) is not None
    assert tidied


@pytest.mark.parametrize("seed", range(3))
def test_a_low_first_price_rises_and_stays(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "SHARE", 1.0)
    monkeypatch.setattr(batch, "FIRST_PRICE", 0)
    keeper = Keeper()
    for case in beats(seed, replace(SINGLE, skills=2), people=50, needs=70):
        assert _follow(keeper, case) is not None


def _town(whole: City, people: np.ndarray, needs: np.ndarray) -> City:
    return City(
        whole.people[people], whole.needs[needs], whole.skill[people], whole.asked[needs], whole.reach_m, whole.skills
    )


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("share", [0.01, 0.3])
@pytest.mark.parametrize(
    "draw", [cities.spare, cities.scarce, cities.one_to_one, cities.hot], ids=lambda draw: draw.__name__
)
def test_cities_of_every_kind_stay_optimal(draw, share: float, seed: int) -> None:  # type: ignore[no-untyped-def]
    whole, rng = draw(0.002), np.random.default_rng(seed)
    person, need = (np.where(rng.random(n) < 0.7, 0, -1) for n in (len(whole.people), len(whole.needs)))
    city = Kept(cities.floor_of(_town(whole, np.flatnonzero(person == 0), np.flatnonzero(need == 0))))
    for column in (person, need):
        column[column == 0] = np.arange(np.count_nonzero(column == 0))
    for _ in range(4):
        gone, left = (np.flatnonzero((at >= 0) & (rng.random(len(at)) < share)) for at in (need, person))
        come, opened = (np.flatnonzero((at < 0) & (rng.random(len(at)) < 2 * share)) for at in (person, need))
        city.close(need[gone])
        city.leave(person[left])
        need[gone] = person[left] = -1
        if len(opened) > 1:
            new = cities.floor_of(_town(whole, come, opened))
            person[come], need[opened] = city.vacant_people(len(come)), city.vacant_needs(len(opened))
            city.come(person[come], new.people, new.capacity)
            city.ask(city.vacant_asks(len(new.asks.place)), need[opened], new.asks, new.ask, new.supply)
        today = cities.floor_of(_town(whole, np.flatnonzero(person >= 0), np.flatnonzero(need >= 0)))
        city.price(city.live.astype(np.int64), np.zeros(len(city.live), np.int64), today.fill_price)
        city.settle()
        floor, found = city.answer()
        prove(floor, found)
        expected = batch.solve(today)
        assert (len(found.person), found.cost.sum()) == (len(expected.person), expected.cost.sum())


def test_a_request_withdrawn_frees_its_person_for_the_one_left_out() -> None:
    crowd = [Person(id="ana", at=(0.0, 0.0)), Person(id="bo", at=(0.0, 4000.0))]
    needs = [Need(id=f"r{i}", at=(0.0, 100.0 * i)) for i in range(3)]
    keeper = Keeper()
    before = _follow(keeper, problem(crowd, needs, budget=KERNEL))
    after = _follow(keeper, problem(crowd, needs[1:], budget=KERNEL))
    assert before is not None
    assert after is not None
    assert (before.engine, after.engine) == ("paths", ENGINE)
    assert (before.objective["filled"], after.objective["filled"]) == (2, 2)


def test_a_pair_that_time_has_taken_is_given_up_and_the_next_person_comes() -> None:
    """Ana, ten minutes away, can make it only if she leaves now; bo is further but free in the evening as well."""
    crowd = [
        Person(id="ana", at=(0.0, 600.0), hours=[(NOW, NOW + 2 * HOUR)]),
        Person(id="bo", at=(0.0, 900.0)),
    ]
    need = Need(id="r", duration_s=HOUR, latest_s=NOW + 10 * HOUR)
    keeper = Keeper()
    first = _follow(keeper, problem(crowd, [need], budget=KERNEL))
    second = _follow(keeper, problem(crowd, [need], budget=KERNEL, now_s=NOW + HOUR))
    assert first is not None
    assert second is not None
    assert second.engine == ENGINE
    assert [plan.placements[0].person for plan in (first, second)] == [0, 1]


# --- when a zone is begun anew -------------------------------------------------------------------------------------


def _crowd(count: int, step: float = 50.0) -> list[Person]:
    return [Person(id=f"p{i}", at=(step * i, 0.0)) for i in range(count)]


def _engines(*cases: Problem) -> list[str]:
    keeper = Keeper()
    plans = [_follow(keeper, case) for case in cases]
    return [plan.engine for plan in plans if plan is not None]


def test_a_zone_is_begun_anew_where_too_much_changed() -> None:
    needs = [Need(id=f"r{i}", at=(0.0, 70.0 * i)) for i in range(5)]
    case = problem(_crowd(200), needs, budget=KERNEL)
    moved = problem(_crowd(200, 51.0), needs, budget=KERNEL)
    other_rows = problem(_crowd(200)[1:], needs, budget=KERNEL)
    skilled = problem([*_crowd(199), Person(id="p199", skills={"help": 1, "more": 1})], needs, budget=KERNEL)
    elsewhere = replace(case, zone="elsewhere")
    assert _engines(case, case, moved, moved) == ["paths", ENGINE, "paths", ENGINE]
    assert _engines(case, other_rows, skilled) == ["paths", "paths", "paths"]
    assert _engines(case, elsewhere, case, elsewhere) == ["paths", "paths", ENGINE, ENGINE]


def test_more_requests_than_there_is_room_for_begin_the_zone_anew() -> None:
    cases = [
        problem(_crowd(20), [Need(id=f"r{i}", at=(0.0, 10.0 * i)) for i in range(n)], budget=KERNEL)
        for n in (5, 60, 300)
    ]
    assert _engines(*cases) == ["paths", ENGINE, "paths"]


def test_a_process_keeps_a_few_zones_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "ZONES", 1)
    case = problem(_crowd(10), [Need(id="r")], budget=KERNEL)
    assert _engines(case, replace(case, zone="b"), case) == ["paths", "paths", "paths"]


# --- where it is used ----------------------------------------------------------------------------------------------


async def _twice(case: Problem) -> list[str]:
    return [(await InlineSolver().solve(case)).engine for _ in range(2)]


def test_only_the_live_stream_keeps_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """`match`, tests and simulations call `solve`; a lock-step child is told that it is not live."""
    import asyncio
    import pickle

    assert paths.warm()
    case = replace(random_problem(3, people=20, requirements=20, mix=SINGLE), budget=KERNEL)
    assert asyncio.run(_twice(case)) == ["paths", "paths"]
    monkeypatch.setattr(solving, "_keeper", lambda: pytest.fail("asked for what is kept"))
    answers = [solving._answer(pickle.dumps(case), live=False) for _ in range(2)]
    assert [answer.engine for answer in answers if isinstance(answer, Plan)] == ["paths", "paths"]


def test_what_was_kept_is_given_up_after_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.warm()
    keeper = Keeper()
    monkeypatch.setattr(solving, "_keeper", lambda: keeper)
    case = replace(random_problem(3, people=20, requirements=20, mix=SINGLE), budget=KERNEL)
    assert [solving._kept(case).engine for _ in range(2)] == ["paths", ENGINE]
    with monkeypatch.context() as broken:
        broken.setattr(Kept, "settle", lambda self: self.nothing_of_that_name)
        assert solving._kept(case).engine == "paths"
    assert [solving._kept(case).engine for _ in range(2)] == ["paths", ENGINE]


def test_crews_that_find_no_start_go_to_the_other_engine_and_the_zone_stays() -> None:
    keeper = Keeper()
    crowd = [Person(id="a", hours=[(NOW, NOW + HOUR)]), Person(id="b", hours=[(NOW + HOUR, NOW + 2 * HOUR)])]
    crew = Need(id="r", people=2, duration_s=HOUR)
    case = problem(crowd, [crew], budget=KERNEL)
    assert exact.solve(case, keeper=keeper).engine != "paths"
    assert exact.solve(case, keeper=keeper).objective["filled"] == 0


def test_a_kept_plan_with_another_price_is_refused() -> None:
    keeper = Keeper()
    case = replace(random_problem(2, people=30, requirements=40, mix=SINGLE), budget=KERNEL)
    keeper.solve(case)
    plan = keeper.solve(case)
    assert plan.engine == ENGINE
    assert plan.certificate is not None
    price = plan.certificate.person_price.copy()
    price[plan.certificate.flow_person[0]] += 1
    with pytest.raises(proof.Unproven):
        proof.check(case, replace(plan, certificate=replace(plan.certificate, person_price=price)))


def test_no_room_about_a_newcomer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cities.spare(0.001)
    everybody = np.arange(len(whole.people))
    city = Kept(cities.floor_of(_town(whole, everybody[:600], np.arange(100))))
    with pytest.raises(Full):
        city.vacant_people(10_000)

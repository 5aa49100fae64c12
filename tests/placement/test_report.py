"""What is told of a placement: each suggestion's gain is what undoing it loses, shortfalls can be counted by hand."""

from __future__ import annotations

import msgspec
import pytest

from matcher.placement import table
from matcher.placement.coverage import Coverage
from matcher.placement.problem import Asked, Member, Placement, Prices, Site
from matcher.placement.proof import may_be
from matcher.placement.report import Report, report
from matcher.placement.witness import TooMany
from tests.placement.problems import drawn, most_filled, point, told

SEEDS = range(200)


def after(problem: Placement, said: Report, without: str | None = None) -> tuple[int, ...]:
    """Return where everybody is when the suggestions are followed, but for one."""
    number = {site.site: at for at, site in enumerate(problem.sites)}
    chosen = {one.member: number.get(one.at or "", -1) for one in problem.members}
    chosen |= {move.member: number[move.target] for move in said.moves if move.member != without}
    return tuple(chosen[one.member] for one in problem.members)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_suggestion_gains_is_what_undoing_it_alone_would_lose(seed):
    problem = drawn(seed)
    if problem.prices.need_points == 0:
        problem = msgspec.structs.replace(problem, prices=Prices(need_points=1, move_points=200))
    said = report(problem)
    best = told(problem, after(problem, said))
    for move in said.moves:
        if move.source is not None:
            out, points = told(problem, after(problem, said, without=move.member))
            assert (out - best[0], points - best[1]) == (move.balance_gained, move.gain_points)
            assert (move.balance_gained, move.gain_points) >= (0, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_sent_farther_unless_balance_or_a_need_gains(seed):
    for move in report(drawn(seed)).moves:
        if move.source is not None and move.metres_saved <= 0:
            # a move may be free of charge, and then may pay exactly nothing
            assert move.balance_gained > 0 or move.needs_gained > 0 or move.gain_points == move.metres_saved == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_who_followed_the_suggestions_gets_no_other(seed):
    problem = drawn(seed)
    said = report(problem)
    went = {move.member: move.target for move in said.moves}
    members = tuple(msgspec.structs.replace(one, at=went.get(one.member, one.at)) for one in problem.members)
    followed = msgspec.structs.replace(problem, members=members)
    again = report(followed)
    assert again.moves == ()
    assert again.before == again.after == said.after


@pytest.mark.parametrize("seed", SEEDS)
def test_every_shortfall_has_a_witness_that_can_be_counted(seed):
    problem = drawn(seed)
    said = report(problem)
    site = {one.site: one for one in problem.sites}
    for few in said.too_few:
        who = [one for one in problem.members if any(may_be(one, site[name]) for name in few.sites)]
        assert len(who) == few.members < few.wanted == sum(site[name].lower for name in few.sites)
    for many in said.too_many:
        who = [one for one in problem.members if _only_at(one, problem, many)]
        assert len(who) == many.members > many.room == sum(site[name].upper for name in many.sites)
        assert sum(one.stays for one in who) == many.stay
    count = {one.site: one for one in said.counts}
    few_in_all = sum(max(0, one.lower - count[one.site].after) for one in problem.sites)
    many_in_all = sum(max(0, count[one.site].after - one.upper) for one in problem.sites) + len(said.left_out)
    assert sum(few.wanted - few.members for few in said.too_few) == few_in_all
    assert sum(many.members - many.room for many in said.too_many) == many_in_all


def _only_at(one: Member, problem: Placement, many: TooMany) -> bool:
    own = [site.site for site in problem.sites if may_be(one, site)]
    return bool(own) and set(own) <= set(many.sites)


@pytest.mark.parametrize("seed", SEEDS)
def test_needs_are_filled_as_far_as_they_can_be_and_one_more_or_less_is_known(seed):
    problem = drawn(seed)
    for site in problem.sites:
        *here, last = problem.members
        coverage = Coverage(site, here)
        assert coverage.filled == most_filled(site, here)
        assert coverage.gained_with(last) == most_filled(site, [*here, last]) - most_filled(site, here)
        for one in here:
            others = [other for other in here if other is not one]
            assert coverage.lost_without(one.member) == most_filled(site, here) - most_filled(site, others)


def test_three_who_stay_where_two_are_wanted_are_named_as_the_reason():
    stay = [Member(member=f"m{n}", point=point(0), at="a", stays=True) for n in range(3)]
    sites = (Site(site="a", point=point(0), lower=2, upper=2), Site(site="b", point=point(0), lower=1, upper=1))
    said = report(Placement(members=tuple(stay), sites=sites))
    assert said.optimal
    assert said.moves == ()
    assert said.too_many == (TooMany(sites=("a",), room=2, members=3, stay=3),)
    assert [(few.sites, few.wanted, few.members) for few in said.too_few] == [(("b",), 1, 0)]


def test_nobody_within_reach_is_told_and_hides_nothing():
    far = Member(member="far", point=point(9000), reach_m=100.0)
    near = Member(member="near", point=point(0), reach_m=100.0)
    said = report(Placement(members=(far, near), sites=(Site(site="a", point=point(0), lower=1, upper=1),)))
    assert said.nowhere == ("far",)
    assert [move.member for move in said.moves] == ["near"]
    assert said.optimal


def test_people_in_excess_are_moved_the_nearest_way_and_the_figures_say_it():
    people = [Member(member=f"m{n}", point=point(100 * n), reach_m=5000.0, at="a") for n in range(4)]
    sites = (
        Site(site="a", point=point(0), residents=1000, lower=2, upper=2),
        Site(site="b", point=point(300), residents=1000, lower=2, upper=2, needs=(Asked(ability="x"),)),
    )
    said = report(Placement(members=tuple(people), sites=sites))
    assert [(move.member, move.target, move.metres_saved, move.balance_gained) for move in said.moves] == [
        ("m3", "b", 300, 2),
        ("m2", "b", 100, 2),
    ]
    assert (said.before.mean_m, said.after.mean_m) == (150.0, 50.0)
    assert (said.before.per_1000_least, said.before.per_1000_most) == (0.0, 4.0)
    assert (said.after.per_1000_least, said.after.per_1000_most) == (2.0, 2.0)
    assert (said.before.out_of_balance, said.after.out_of_balance) == (4, 0)
    assert (said.needs, said.after.needs_filled) == (1, 0)


def test_numbers_too_large_for_balance_first_say_so_and_the_plan_is_still_the_cheapest(monkeypatch):
    people = [Member(member=f"m{n}", point=point(0), at="a") for n in range(2)]
    sites = (Site(site="a", point=point(0), upper=1), Site(site="b", point=point(5000), lower=1, upper=1))
    problem = Placement(members=tuple(people), sites=sites)
    assert (report(problem).balance_first, len(report(problem).moves)) == (True, 1)
    monkeypatch.setattr(table, "INT64_END", 2 * 5 * 5 * 1000)
    said = report(problem)
    assert (said.balance_first, said.optimal, said.moves) == (False, True, ())

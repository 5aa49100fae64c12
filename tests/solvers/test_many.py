"""Problems with so many places that prices leave 32 bits."""

from __future__ import annotations

from matcher.solvers import proof, solve
from tests.problems import Need, Person, problem


def test_the_proof_holds_where_weight_times_price_leaves_32_bits():
    places = range(2200)
    people = [Person(id=f"v{n}", at=(300.0 * n, 0.0), reach_m=100) for n in places]
    needs = [Need(id=f"r{n}", at=(300.0 * n, 50.0), weight=1 + 3 * (n % 2)) for n in places]
    posed = problem(people, needs)
    plan = solve(posed)
    proof.check(posed, plan)
    assert plan.objective["filled"] == sum(need.weight for need in needs)

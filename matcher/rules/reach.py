"""Rule: people are not sent further than they agreed to travel (great circle, DESIGN 7)."""

from __future__ import annotations

from matcher import geo
from matcher.problem import F64, I32, Bool, Problem
from matcher.reasons import TooFar
from matcher.rules.facts import Facts


def mask(facts: Facts, r: int, who: I32, distance_m: F64) -> Bool:
    """Say for each person whether the requirement is within reach."""
    return distance_m <= facts.problem.people.reach_m[who]


def objection(problem: Problem, r: int, person: int) -> TooFar | None:
    """Return how far it is, where that is too far."""
    metres, reach_m = pair_distance_m(problem, r, person), float(problem.people.reach_m[person])
    return TooFar(distance_m=metres, reach_m=reach_m) if metres > reach_m else None


def pair_distance_m(problem: Problem, r: int, person: int) -> float:
    """Return metres between one requirement and one person. Scalar form, the same bits as the array form."""
    needs, people = problem.requirements, problem.people
    return geo.distance_m(
        float(needs.lat[r]), float(needs.lon[r]), float(people.lat[person]), float(people.lon[person])
    )

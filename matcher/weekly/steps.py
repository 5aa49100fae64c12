"""Kernel: one place filled or opened, the hours of the crowd counted, and what a step did undone.

Costs are what changes in: metres + points of pairs + price of open places - duty met - promises kept.
"""

from __future__ import annotations

from typing import Any

from matcher.weekly.clockwork import points_of, schedule, way_m
from matcher.weekly.compiling import compiled
from matcher.weekly.pairs import duty_saved, pair_points, told_start
from matcher.weekly.tables import (
    ASK,
    COMPOUND,
    DISTURBANCE,
    DUTY,
    HOME_ASK,
    LENGTH_S,
    MOVED,
    NEVER,
    ORIGIN_S,
    PERSON,
    PRICE,
    STAMP,
    TOUCHED,
)

HOUR_S = 3600


@compiled
def ask_at(work: Any, s: int, i: int) -> int:
    """Return the ask at a place of a route; home before its first and after its last."""
    if i < 0 or i >= work.routes.size[s]:
        return HOME_ASK
    return work.units.rows[work.units.unit_of[work.routes.task[s, i]], ASK]


@compiled
def detour(work: Any, v: int, a: int, b: int, c: int) -> int:
    """Return the metres that going from a to c by way of b costs more."""
    direct = 0 if a == HOME_ASK and c == HOME_ASK else points_of(way_m(work, v, a, c))
    return points_of(way_m(work, v, a, b)) + points_of(way_m(work, v, b, c)) - direct


@compiled
def begin_step(work: Any) -> None:
    """From here on, everything can be undone."""
    counts = work.scratch.counts
    counts[STAMP] += 1
    counts[TOUCHED] = counts[MOVED] = 0


@compiled
def touch(work: Any, s: int) -> None:
    """Keep a route as it was before the step."""
    routes, scratch = work.routes, work.scratch
    if scratch.stamp[s] == scratch.counts[STAMP]:
        return
    scratch.stamp[s] = scratch.counts[STAMP]
    n = scratch.counts[TOUCHED]
    scratch.touched[n], scratch.saved_size[n] = s, routes.size[s]
    for i in range(routes.size[s]):
        scratch.saved[n, i] = routes.task[s, i]
    scratch.counts[TOUCHED] += 1


@compiled
def note(work: Any, t: int) -> None:
    """Keep where a task was."""
    scratch, n = work.scratch, work.scratch.counts[MOVED]
    scratch.moved[n, 0], scratch.moved[n, 1], scratch.moved[n, 2] = t, work.routes.where[t], work.routes.fixed[t]
    scratch.counts[MOVED] += 1


@compiled
def count(work: Any, t: int, by: int) -> None:
    """Count a placed task, or count it no more: the person's visits, the compound's hours."""
    routes, units = work.routes, work.units
    if routes.where[t] < 0:
        return
    routes.visits[work.shifts.rows[routes.where[t], PERSON]] += by
    crowd(work, units.unit_of[t], routes.fixed[t], by)


@compiled
def crowd(work: Any, u: int, start: int, by: int) -> None:
    """Add to the visits of a compound in each hour that this one touches."""
    compound = work.units.rows[u, COMPOUND]
    if compound < 0:
        return
    begin, hours = start - work.terms[ORIGIN_S], work.routes.crowd.shape[1]
    for hour in range(begin // HOUR_S, (begin + work.units.rows[u, LENGTH_S] - 1) // HOUR_S + 1):
        if 0 <= hour < hours:  # pinned work may lie outside the week
            work.routes.crowd[compound, hour] += by


@compiled
def put_in(work: Any, t: int, s: int, at: int, fixed: int) -> int:
    """Put an open task into a route before place `at`; return the change of cost."""
    routes, u, v = work.routes, work.units.unit_of[t], work.shifts.rows[s, PERSON]
    touch(work, s)
    note(work, t)
    a = work.units.rows[u, ASK]
    change = detour(work, v, ask_at(work, s, at - 1), a, ask_at(work, s, at))
    change += pair_points(work, u, v) - work.units.rows[u, PRICE] - duty_saved(work, v)
    if fixed != NEVER and told_start(work, u, v) == fixed:
        change -= work.terms[DISTURBANCE]
    for i in range(routes.size[s], at, -1):
        routes.task[s, i] = routes.task[s, i - 1]
    routes.task[s, at] = t
    routes.size[s] += 1
    routes.where[t], routes.fixed[t] = s, fixed
    count(work, t, 1)
    schedule(work, s)
    return change


@compiled
def take_out(work: Any, t: int) -> int:
    """Open a filled task; return the change of cost."""
    routes, u, s = work.routes, work.units.unit_of[t], work.routes.where[t]
    v = work.shifts.rows[s, PERSON]
    touch(work, s)
    note(work, t)
    at = 0
    while routes.task[s, at] != t:
        at += 1
    a = work.units.rows[u, ASK]
    change = work.units.rows[u, PRICE] - pair_points(work, u, v)
    change -= detour(work, v, ask_at(work, s, at - 1), a, ask_at(work, s, at + 1))
    if routes.fixed[t] != NEVER and told_start(work, u, v) == routes.fixed[t]:
        change += work.terms[DISTURBANCE]
    count(work, t, -1)
    for i in range(at, routes.size[s] - 1):
        routes.task[s, i] = routes.task[s, i + 1]
    routes.size[s] -= 1
    routes.where[t], routes.fixed[t] = NEVER, NEVER
    schedule(work, s)
    return change + duty_saved(work, v)


@compiled
def undo(work: Any) -> None:
    """Put everything back to where it was before the step."""
    routes, scratch = work.routes, work.scratch
    for n in range(scratch.counts[MOVED] - 1, -1, -1):
        t = scratch.moved[n, 0]
        count(work, t, -1)
        routes.where[t], routes.fixed[t] = scratch.moved[n, 1], scratch.moved[n, 2]
        count(work, t, 1)
    for n in range(scratch.counts[TOUCHED]):
        s = scratch.touched[n]
        routes.size[s] = scratch.saved_size[n]
        for i in range(routes.size[s]):
            routes.task[s, i] = scratch.saved[n, i]
        schedule(work, s)


@compiled
def route_metres(work: Any) -> int:
    """Return the metres of all routes, the ways home included."""
    metres = 0
    for s in range(len(work.routes.size)):
        v, size = work.shifts.rows[s, PERSON], work.routes.size[s]
        if size > 0:
            for i in range(size + 1):
                metres += points_of(way_m(work, v, ask_at(work, s, i - 1), ask_at(work, s, i)))
    return metres


@compiled
def route_points(work: Any) -> int:
    """Return the points of all pairs beyond their ways."""
    points = 0
    for s in range(len(work.routes.size)):
        for i in range(work.routes.size[s]):
            points += pair_points(work, work.units.unit_of[work.routes.task[s, i]], work.shifts.rows[s, PERSON])
    return points


@compiled
def total(work: Any) -> int:
    """Return the cost of the plan as it stands, worked out from the routes alone."""
    routes, units, cost = work.routes, work.units, route_metres(work) + route_points(work)
    for t in range(len(routes.where)):
        if routes.where[t] == NEVER:
            cost += units.rows[units.unit_of[t], PRICE]
        elif routes.where[t] >= 0 and routes.fixed[t] != NEVER:
            v = work.shifts.rows[routes.where[t], PERSON]
            if told_start(work, units.unit_of[t], v) == routes.fixed[t]:
                cost -= work.terms[DISTURBANCE]
    for v in range(len(routes.visits)):
        if work.owing[v] > 0 and routes.visits[v] > 0:
            cost -= work.terms[DUTY]
    return cost

"""Linked routes as one CP-SAT model: what somebody would write who has OR-Tools and no search of their own.

Called by the benchmark. A circuit for each person, a start for each visit, whole thousandths.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.linked import Linked, Routes, searching

SCALE = 1000


def cpsat(linked: Linked, seconds: float) -> Routes | None:
    """Return the best routes found in so many seconds of one worker, None where there were none."""
    from ortools.sat.python import cp_model

    model: Any = cp_model.CpModel()
    visits, people = len(linked.place), len(linked.home)
    ways = np.rint(linked.ways * SCALE).astype(np.int64)
    horizon = int(SCALE * (linked.due.max() + linked.duration.sum() + 4 * linked.ways.max()))
    start = [model.new_int_var(int(SCALE * linked.earliest[v]), horizon, "") for v in range(visits)]
    late = [model.new_int_var(0, horizon, "") for _ in range(visits)]
    latest = model.new_int_var(0, horizon, "")
    serves: list[dict[int, Any]] = [{} for _ in range(visits)]
    metres = []
    for p in range(people):
        arcs, own, home = [], np.flatnonzero(linked.able[:, p]).tolist(), int(linked.home[p])
        arcs.append((0, 0, model.new_bool_var("")))
        for v in own:
            serves[v][p] = model.new_bool_var("")
            arcs.append((v + 1, v + 1, serves[v][p].negated()))
            out, back = model.new_bool_var(""), model.new_bool_var("")
            arcs += [(0, v + 1, out), (v + 1, 0, back)]
            there, home_again = int(ways[home, linked.place[v]]), int(ways[linked.place[v], home])
            metres += [there * out, home_again * back]
            model.add(start[v] >= there).only_enforce_if(out)
            for w in own:
                if w != v:
                    goes = model.new_bool_var("")
                    way = int(ways[linked.place[v], linked.place[w]])
                    arcs.append((v + 1, w + 1, goes))
                    metres.append(way * goes)
                    model.add(start[w] >= start[v] + int(SCALE * linked.duration[v]) + way).only_enforce_if(goes)
        model.add_circuit(arcs)
    for v in range(visits):
        model.add_exactly_one(serves[v].values())
        model.add(late[v] >= start[v] - int(SCALE * linked.due[v]))
        model.add(latest >= late[v])
    _link(model, linked, start, serves)
    model.minimize(sum(metres) + sum(late) + latest)
    solver: Any = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    begin = np.array([solver.value(one) for one in start])
    who = np.array([next(p for p, on in some.items() if solver.boolean_value(on)) for some in serves], np.int64)
    order = np.argsort(np.minimum.reduceat(begin, linked.first[:-1]), kind="stable").astype(np.int64)
    return searching.told(linked, order, who)


def _link(model: Any, linked: Linked, start: list[Any], serves: list[dict[int, Any]]) -> None:
    for a, b in zip(linked.first[:-1].tolist(), linked.first[1:].tolist(), strict=True):
        for v in range(a + 1, b):
            model.add(start[v] >= start[v - 1] + int(SCALE * linked.gap_min[v]))
            model.add(start[v] <= start[v - 1] + int(SCALE * linked.gap_max[v]))
        for p in {p for v in range(a, b) for p in serves[v]} if b - a > 1 else ():
            model.add_at_most_one(serves[v][p] for v in range(a, b) if p in serves[v])

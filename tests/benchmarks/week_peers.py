"""A day of the report week cut down to what routing libraries can express, given to PyVRP, VROOM and OR-Tools routing.

Called by `report_week --peers`. Each gets whole metres and whole seconds, visits that may stay out at a high price, and
the same number of seconds where it takes a limit; its plan goes through the same checker. PyVRP and pyvroom are no
dependencies: who wants this comparison installs them (`uv pip install pyvrp pyvroom`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from matcher.reasons import Unassigned
from matcher.weekly import planning
from matcher.weekly.week import Effort, Unfilled, Week, WeekPlan
from tests.benchmarks import weeks
from tests.week_checker import metres, objections

#: The price of a visit that nobody makes, in metres.
LEFT_OUT = 1_000_000
#: By person the visits in order.
Routes = dict[int, list[int]]


def compare(people: int, visits: int, seconds: int, seed: int, iterations: int, without: str) -> None:
    """Print filled, metres and CPU of each on one day; `without`: the name of one to leave out."""
    week = weeks.day(people, visits, seed)
    distance, duration = _matrices(week)
    began = time.process_time()
    ours = planning.run(week, Effort(iterations=iterations))
    _say(f"paidan, {iterations} steps", week, ours, time.process_time() - began)
    for name, solve in (("VROOM", _vroom), ("PyVRP", _pyvrp), ("OR-Tools", _ortools)):
        if name == without:
            continue
        began = time.process_time()
        try:
            routes = solve(week, distance, duration, seconds)
        except ImportError as missing:
            print(f"{name}: not installed ({missing.name})")
            continue
        _say(name, week, _plan_of(week, distance, duration, routes), time.process_time() - began)


def _say(name: str, week: Week, plan: WeekPlan, cpu: float) -> None:
    wrong = objections(week, plan)
    verdict = "allowed" if not wrong else f"NOT ALLOWED: {wrong[:2]}"
    print(
        f"{name}: {plan.objective['filled']} visits, {plan.objective['metres'] / 1000:.2f} km, {cpu:.2f} s; {verdict}"
    )


def _matrices(week: Week) -> tuple[np.ndarray, np.ndarray]:
    """Whole metres (half up) and seconds (up) between all spots: first the people's homes, then the visits."""
    crowd, asked = week.problem.people, week.problem.requirements
    spots = list(
        zip([*crowd.lat.tolist(), *asked.lat.tolist()], [*crowd.lon.tolist(), *asked.lon.tolist()], strict=True)
    )
    away = np.array([[metres(*a, *b) for b in spots] for a in spots])
    return np.floor(away + 0.5).astype(np.int64), np.ceil(away / weeks.SPEED_MPS).astype(np.int64)


def _frame(week: Week) -> tuple[int, int, int]:
    """People, and the shift that all of them have."""
    crowd = week.problem.people
    return len(crowd.ids), int(crowd.hours_from_s[0]), int(crowd.hours_until_s[0])


def _windows(week: Week) -> list[tuple[int, int, int]]:
    """First and last start, and duration, of each visit."""
    asked = week.problem.requirements
    rows = zip(asked.earliest_s.tolist(), asked.latest_s.tolist(), asked.duration_s.tolist(), strict=True)
    return [(a, b - d, d) for a, b, d in rows]


def _plan_of(week: Week, distance: np.ndarray, duration: np.ndarray, routes: Routes) -> WeekPlan:
    """Return the plan of these routes, each visit as early as it can be."""
    people, begin, end = _frame(week)
    windows, rows, walked = _windows(week), [], 0
    for p, route in sorted(routes.items()):
        at, free = p, begin
        for r in route:
            start = max(windows[r][0], free + int(duration[at, people + r]))
            walked += int(distance[at, people + r])
            rows.append((r, p, start))
            at, free = people + r, start + windows[r][2]
        walked += int(distance[at, p])
    table = np.array(rows, np.int64).reshape(-1, 3)
    missing = sorted(set(range(len(windows))) - set(table[:, 0].tolist()))
    return WeekPlan(
        requirement=table[:, 0].astype(np.int32),
        person=table[:, 1].astype(np.int32),
        start_s=table[:, 2],
        shift_from_s=np.full(len(rows), begin),
        shift_until_s=np.full(len(rows), end),
        unfilled=[Unfilled(requirement=r, places=1, reason=Unassigned.NOT_YET_SOLVED, proven=False) for r in missing],
        bound=len(windows),
        idle={},
        objective={"filled": len(rows), "metres": walked},
        first_cost=0,
        cost=0,
        iterations=0,
    )


def _vroom(week: Week, distance: np.ndarray, duration: np.ndarray, seconds: int) -> Routes:
    import vroom

    people, begin, end = _frame(week)
    problem = vroom.Input()
    problem.set_durations_matrix("car", duration.astype(np.uint32))
    problem.set_distances_matrix("car", distance.astype(np.uint32))
    problem.set_costs_matrix("car", distance.astype(np.uint32))
    for p in range(people):
        problem.add_vehicle(vroom.Vehicle(p, start=p, end=p, time_window=vroom.TimeWindow(0, end - begin)))
    for r, (first, last, length) in enumerate(_windows(week)):
        window = vroom.TimeWindow(first - begin, last - begin)
        problem.add_job(vroom.Job(r, location=people + r, default_service=length, time_windows=[window]))
    steps = problem.solve(exploration_level=5, nb_threads=1).routes
    jobs = steps[steps["type"] == "job"]
    routes: Routes = {}
    for p, r in zip(jobs["vehicle_id"].tolist(), jobs["id"].tolist(), strict=True):
        routes.setdefault(int(p), []).append(int(r))
    return routes


def _pyvrp(week: Week, distance: np.ndarray, duration: np.ndarray, seconds: int) -> Routes:
    import pyvrp
    from pyvrp.stop import MaxRuntime

    people, begin, end = _frame(week)
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(len(distance))],
        [
            pyvrp.Client(
                people + r, service_duration=length, tw_early=first - begin, tw_late=last - begin,
                prize=LEFT_OUT, required=False,
            )
            for r, (first, last, length) in enumerate(_windows(week))
        ],
        [pyvrp.Depot(p) for p in range(people)],
        [pyvrp.VehicleType(1, start_depot=p, end_depot=p, tw_late=end - begin) for p in range(people)],
        [distance],
        [duration],
    )  # fmt: skip
    best = pyvrp.solve(data, MaxRuntime(seconds), seed=1, display=False).best
    return {route.vehicle_type(): _clients(route) for route in best.routes()}


def _clients(route: object) -> list[int]:
    """Return the visits of a PyVRP route."""
    visits = [stop for stop in route.schedule() if stop.is_client()]  # type: ignore[attr-defined]
    return [int(stop.idx) for stop in visits]


def _ortools(week: Week, distance: np.ndarray, duration: np.ndarray, seconds: int) -> Routes:
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    people, begin, end = _frame(week)
    homes = list(range(people))
    manager = pywrapcp.RoutingIndexManager(len(distance), people, homes, homes)
    model = pywrapcp.RoutingModel(manager)
    windows = _windows(week)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(distance.tolist()))
    service = np.array([0] * people + [length for _, _, length in windows])
    transit = model.RegisterTransitMatrix((duration + service[:, None]).tolist())
    model.AddDimension(transit, end - begin, end - begin, False, "time")
    clock = model.GetDimensionOrDie("time")
    for r, (first, last, _) in enumerate(windows):
        index = manager.NodeToIndex(people + r)
        clock.CumulVar(index).SetRange(first - begin, last - begin)
        model.AddDisjunction([index], LEFT_OUT)
    how = pywrapcp.DefaultRoutingSearchParameters()
    how.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    how.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    how.time_limit.FromSeconds(seconds)
    answer = model.SolveWithParameters(how)
    return {p: _walk(model, manager, answer, p, people) for p in range(people)} if answer else {}


def _walk(model: object, manager: object, answer: object, vehicle: int, people: int) -> list[int]:
    """Return the visits of an OR-Tools route."""
    step: Callable[[int], int] = lambda index: answer.Value(model.NextVar(index))  # type: ignore[attr-defined]  # noqa: E731
    index, visits = step(model.Start(vehicle)), []  # type: ignore[attr-defined]
    while not model.IsEnd(index):  # type: ignore[attr-defined]
        visits.append(manager.IndexToNode(index) - people)  # type: ignore[attr-defined]
        index = step(index)
    return visits

"""Is a plan of home care allowed, and what does it cost? The rules of the HHCRSP set, written from its definition.

It imports nothing of the product. An instance and a plan are the set's own JSON (`instances/`, `solutions/`). A
thousandth of a time unit is allowed for rounding, as the set's plans are written with three decimals.
"""

from __future__ import annotations

from collections import Counter, defaultdict

HAIR = 2e-3


def objections(instance, plan) -> list[str]:
    """Return everything that is wrong with a plan, in words; nothing: the plan is allowed."""
    return [
        *_people(instance, plan),
        *_served(instance, plan),
        *(wrong for route in plan["routes"] for wrong in _route(instance, route)),
        *_links(instance, plan),
    ]


def cost(instance, plan) -> dict[str, float]:
    """Distance, tardiness in all, the greatest tardiness, and their third: what the set minimises."""
    places, away = _places(instance), instance["distances"]
    patients = {patient["id"]: patient for patient in instance["patients"]}
    closes = instance["central_offices"][0].get("time_window", (0, float("inf")))[1]
    distance, late = 0.0, [0.0]
    for route in plan["routes"]:
        at, free = 0, 0.0
        for stop in route.get("locations", []):
            distance += away[at][places[_patient(stop)]]
            late.append(max(0.0, stop["arrival_time"] - patients[_patient(stop)]["time_window"][1]))
            at, free = places[_patient(stop)], stop["departure_time"]
        distance += away[at][0]
        late.append(max(0.0, free + away[at][0] - closes))
    total, most = sum(late), max(late)
    return {"distance": distance, "late": total, "latest": most, "cost": (distance + total + most) / 3}


def _places(instance):
    return {patient["id"]: row for row, patient in enumerate(instance["patients"], 1)}


def _patient(stop):
    return stop.get("patient") or stop["patient_id"]


def _service(stop):
    return stop.get("service") or stop["service_id"]


def _people(instance, plan):
    known = {caregiver["id"] for caregiver in instance["caregivers"]}
    seen = Counter(route["caregiver_id"] for route in plan["routes"])
    for caregiver, times in seen.items():
        if caregiver not in known:
            yield f"nobody is called ({caregiver})"
        if times > 1:
            yield f"({caregiver}) has ({times}) routes"


def _served(instance, plan):
    asked = Counter(
        (patient["id"], service["service"])
        for patient in instance["patients"]
        for service in patient["required_caregivers"]
    )
    given = Counter((_patient(stop), _service(stop)) for route in plan["routes"] for stop in route.get("locations", []))
    for key in sorted(asked | given):
        if asked[key] != given[key]:
            yield f"service {key} is given ({given[key]}) times, not ({asked[key]})"


def _route(instance, route):
    """Skills, durations, windows that have opened, and ways that can be gone in time."""
    patients = {patient["id"]: patient for patient in instance["patients"]}
    skills = {caregiver["id"]: caregiver["abilities"] for caregiver in instance["caregivers"]}
    places, away = _places(instance), instance["distances"]
    at, free = 0, 0.0
    for stop in route.get("locations", []):
        who, name = route["caregiver_id"], f"({_service(stop)}) at ({_patient(stop)})"
        if _patient(stop) not in patients:
            yield f"nobody asks for {name}"
            continue
        patient = patients[_patient(stop)]
        if _service(stop) not in skills.get(who, ()):
            yield f"({who}) cannot give {name}"
        lasts = [s["duration"] for s in patient["required_caregivers"] if s["service"] == _service(stop)]
        if lasts and abs(stop["departure_time"] - stop["arrival_time"] - lasts[0]) > HAIR:
            yield f"{name} does not last ({lasts[0]})"
        if stop["arrival_time"] < patient["time_window"][0] - HAIR:
            yield f"{name} begins before its window"
        if stop["arrival_time"] < free + away[at][places[patient["id"]]] - HAIR:
            yield f"({who}) cannot be at {name} in time"
        at, free = places[patient["id"]], stop["departure_time"]


def _links(instance, plan):
    """Double services: two people, both at once or the second so long after the first."""
    found = defaultdict(dict)
    for route in plan["routes"]:
        for stop in route.get("locations", []):
            found[_patient(stop)][_service(stop)] = (stop["arrival_time"], route["caregiver_id"])
    for patient in instance["patients"]:
        wanted = [service["service"] for service in patient["required_caregivers"]]
        if len(wanted) < 2 or any(service not in found[patient["id"]] for service in wanted):
            continue
        (one, by), (other, also_by) = (found[patient["id"]][service] for service in wanted)
        link = patient["synchronization"]
        low, high = (0, 0) if link["type"] == "simultaneous" else link["distance"]
        if by == also_by:
            yield f"({by}) gives both services of ({patient['id']})"
        if not low - HAIR <= other - one <= high + HAIR:
            yield f"the services of ({patient['id']}) are ({other - one}) apart, not ({low}) to ({high})"

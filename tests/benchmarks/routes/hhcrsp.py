"""HHCRSP as linked routes, and back into the set's own JSON. Called by the benchmark and its tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.linked import Linked, Routes

#: Nobody's day ends in this set.
NEVER = 1e9


def linked(instance: dict[str, Any]) -> Linked:
    """Return an instance as it is: nothing of it is left out, nothing rounded."""
    patients, people = instance["patients"], instance["caregivers"]
    sizes = [len(patient["required_caregivers"]) for patient in patients]
    rows = [(i, patient, n) for i, patient in enumerate(patients, 1) for n in range(sizes[i - 1])]
    services = [patient["required_caregivers"][n] for _, patient, n in rows]
    gaps = np.array([_gap(patient, n) for _, patient, n in rows], np.float64).reshape(-1, 2)
    closes = instance["central_offices"][0].get("time_window", (0.0, NEVER))[1]
    third = 1.0 / 3.0
    return Linked(
        ways=np.array(instance["distances"], np.float64),
        first=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        place=np.array([i for i, _, _ in rows], np.int64),
        earliest=np.array([patient["time_window"][0] for _, patient, _ in rows], np.float64),
        due=np.array([patient["time_window"][1] for _, patient, _ in rows], np.float64),
        duration=np.array([service["duration"] for service in services], np.float64),
        gap_min=gaps[:, 0].copy(),
        gap_max=gaps[:, 1].copy(),
        able=np.array([[s["service"] in person["abilities"] for person in people] for s in services], np.bool_),
        home=np.zeros(len(people), np.int64),
        since=np.zeros(len(people)),
        until=np.full(len(people), float(closes)),
        prices=(third, third, third),
    )


def _gap(patient: dict[str, Any], n: int) -> tuple[float, float]:
    if n == 0 or patient["synchronization"]["type"] == "simultaneous":
        return 0.0, 0.0
    low, high = patient["synchronization"]["distance"]
    return float(low), float(high)


def plan(instance: dict[str, Any], routes: Routes) -> dict[str, Any]:
    """Return routes as the set writes them."""
    order = routes.order.tolist()
    first = np.concatenate(([0], np.cumsum([len(p["required_caregivers"]) for p in instance["patients"]])))
    own: list[list[dict[str, Any]]] = [[] for _ in instance["caregivers"]]
    for g in order:
        patient = instance["patients"][g]
        for n, service in enumerate(patient["required_caregivers"]):
            v = int(first[g]) + n
            begin = float(routes.start[v])
            own[int(routes.who[v])].append({
                "patient": patient["id"],
                "service": service["service"],
                "arrival_time": begin,
                "departure_time": begin + service["duration"],
            })  # fmt: skip
    named = zip(instance["caregivers"], own, strict=True)
    return {"routes": [{"caregiver_id": person["id"], "locations": stops} for person, stops in named]}

"""A hand-made day of home care and a hand-made ROADEF instance, in the formats of the public sets."""

from __future__ import annotations

import copy

#: Two carers from one office; `one` wants both at once, `two` one after the other, `three` a single visit.
CARE = {
    "patients": [
        {
            "id": "one",
            "location": [0, 3],
            "time_window": [10, 20],
            "required_caregivers": [{"service": "wash", "duration": 5}, {"service": "heal", "duration": 8}],
            "synchronization": {"type": "simultaneous"},
        },
        {
            "id": "two",
            "location": [0, 4],
            "time_window": [25, 40],
            "required_caregivers": [{"service": "wash", "duration": 5}, {"service": "heal", "duration": 5}],
            "synchronization": {"type": "sequential", "distance": [10, 15]},
        },
        {
            "id": "three",
            "location": [0, 1],
            "time_window": [0, 4],
            "required_caregivers": [{"service": "wash", "duration": 2}],
        },
    ],
    "services": [{"id": "wash"}, {"id": "heal"}],
    "caregivers": [{"id": "ana", "abilities": ["wash"]}, {"id": "ben", "abilities": ["wash", "heal"]}],
    "central_offices": [{"id": "office", "location": [0, 0]}],
    "distances": [[0, 3, 4, 1], [3, 0, 1, 2], [4, 1, 0, 3], [1, 2, 3, 0]],
}

#: An allowed plan of it: 8 away each, nobody late.
CARE_PLAN = {
    "routes": [
        {
            "caregiver_id": "ana",
            "locations": [
                {"patient": "three", "service": "wash", "arrival_time": 1, "departure_time": 3},
                {"patient": "one", "service": "wash", "arrival_time": 10, "departure_time": 15},
                {"patient": "two", "service": "wash", "arrival_time": 25, "departure_time": 30},
            ],
        },
        {
            "caregiver_id": "ben",
            "locations": [
                {"patient": "one", "service": "heal", "arrival_time": 10, "departure_time": 18},
                {"patient": "two", "service": "heal", "arrival_time": 35, "departure_time": 40},
            ],
        },
    ]
}

#: ROADEF: two domains, two levels. Intervention 3 follows 1; 4 may be outsourced (20 of 30).
INSTANCE = "name domains level techs interv abandon\nsmall 2 2 3 4 30\n"
INTERVENTIONS = (
    "number time preds prio cost d1_1 d1_2 d2_1 d2_2\n"
    "1 60 [ ] 1 100 1 1 0 0\n"
    "2 60 [ ] 2 100 2 0 1 0\n"
    "3 90 [ 1 ] 3 100 0 0 1 1\n"
    "4 120 [ ] 4 20 1 0 0 0\n"
)
TECHNICIANS = "tech d1 d2 dispo\n1 2 0 [ ]\n2 1 1 [ 1 ]\n3 0 2 [ ]\n"
#: An allowed plan of it, intervention 4 given away; ends 60, 180 (day 2), 210.
CREWS_PLAN = {
    "teams": {1: [[1], [3]], 2: [[1, 2], [3]]},
    "visits": {1: (1, 0, 0), 2: (2, 0, 0), 3: (2, 0, 1)},
}


def care_plan():
    """Return the plan, to be broken."""
    return copy.deepcopy(CARE_PLAN)


def write_roadef(folder):
    """Write the instance as the set does; return the folder."""
    (folder / "instance").write_text(INSTANCE, encoding="ascii")
    (folder / "interv_list").write_text(INTERVENTIONS, encoding="ascii")
    (folder / "tech_list").write_text(TECHNICIANS, encoding="ascii")
    return folder

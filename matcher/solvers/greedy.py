"""Nearest first: the incumbent that exact engines improve on, and the answer when they cannot answer.

Each requirement in turn takes the cheapest people who are still free; crews and clashes are respected. Called by
`crews` (to complete what a broken relaxation leaves) and by the services when a solver process fails.
"""

from __future__ import annotations

from matcher.solvers.calendar import Calendar
from matcher.solvers.case import Case


def complete(case: Case, calendar: Calendar) -> None:
    """Fill every requirement that the calendar does not hold yet: heavy ones first, then crews, then the nearest."""
    asked = case.problem.requirements

    def hardest(requirement: int) -> tuple[int, bool, int, int]:
        row = case.rows[requirement]
        nearest = int(row.cost[0]) if len(row.cost) else 0
        return -int(asked.weight[requirement]), not case.is_crew(requirement), nearest, case.place[requirement]

    for requirement in sorted(range(len(case.rows)), key=hardest):
        if requirement not in calendar.start:
            if case.is_crew(requirement):
                _place_crew(case, calendar, requirement)
            else:
                _place_singles(case, calendar, requirement)


def _place_singles(case: Case, calendar: Calendar, requirement: int) -> None:
    """Take the nearest free people; their start is fixed or there is one of them."""
    row, places = case.rows[requirement], int(case.problem.requirements.people[requirement])
    people: list[int] = []
    start = -1
    for person, earliest in zip(row.person.tolist(), row.start_s.tolist(), strict=True):
        if calendar.is_full(person):
            continue
        if calendar.visits.get(person) or case.problem.crowding is not None:
            room = calendar.room(requirement, person)
            if not room:
                continue
            start = room[0][0]
        else:
            start = earliest
        people.append(person)
        if len(people) == min(places, calendar.crowd.room(requirement, start)):
            break
    if people:
        calendar.place(requirement, people, start)


def _place_crew(case: Case, calendar: Calendar, requirement: int) -> None:
    """Take the start, and the team where it must be one, at which most places fill, then the cheapest, the earliest."""
    row, asked = case.rows[requirement], case.problem.requirements
    free = [(v, c) for v, c in zip(row.person.tolist(), row.cost.tolist(), strict=True) if not calendar.is_full(v)]
    rooms = [(v, c, room) for v, c in free if (room := calendar.room(requirement, v))]
    best: tuple[int, int, int] | None = None
    crew: list[int] = []
    for group in case.groups(requirement, [v for v, _, _ in rooms]):
        team = set(group)
        theirs = [(v, c, room) for v, c, room in rooms if v in team]
        for start in sorted({low for _, _, room in theirs for low, _ in room}):
            able = [(v, c) for v, c, room in theirs if any(low <= start <= high for low, high in room)]
            able = able[: min(int(asked.people[requirement]), calendar.crowd.room(requirement, start))]
            key = (-len(able), sum(c for _, c in able), start)
            if len(able) >= asked.minimum[requirement] and (best is None or key < best):
                best, crew = key, [v for v, _ in able]
    if best is not None:
        calendar.place(requirement, crew, best[2])

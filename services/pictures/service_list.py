"""The service list of one day: who comes to which compound when, for printing the day before (R104).

Called by `writing`, and by whoever needs another day. Says nothing of people and requests but their ids.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from matcher.weekly.week import WeekPlan
from services.pictures.picture import as_csv
from services.pictures.subject import Subject

HEADER = ("compound", "begin", "end", "request", "requirement", "people")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One visit of the day with all who come to it. `compound`: "" where the request names none."""

    compound: str
    begin: datetime
    end: datetime
    request: str
    requirement: str
    people: tuple[str, ...]


def service_list(subject: Subject, plan: WeekPlan, day: date) -> list[Visit]:
    """Return the visits that begin on a local day, by compound, then by time."""
    problem = subject.week.problem
    found: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for r, p, start in zip(plan.requirement.tolist(), plan.person.tolist(), plan.start_s.tolist(), strict=True):
        if subject.day_of(start) == day:
            found[r, start].append(problem.people.ids[p])
    visits = [
        Visit(
            compound=subject.compound_of(r),
            begin=subject.local(start),
            end=subject.local(start + int(problem.requirements.duration_s[r])),
            request=problem.requirements.ids[r][0],
            requirement=problem.requirements.ids[r][1],
            people=tuple(sorted(people)),
        )
        for (r, start), people in found.items()
    ]
    return sorted(visits, key=lambda one: (one.compound == "", one.compound, one.begin, one.request, one.requirement))


def by_compound(visits: list[Visit]) -> list[tuple[str, list[Visit]]]:
    """Return each compound's visits, those without a compound last."""
    return [(compound, list(rows)) for compound, rows in groupby(visits, key=lambda visit: visit.compound)]


def list_csv(visits: list[Visit]) -> str:
    """Return the list as CSV; times carry their offset, people stand beside each other between spaces."""
    return as_csv(
        HEADER,
        [
            (
                one.compound,
                one.begin.isoformat(),
                one.end.isoformat(),
                one.request,
                one.requirement,
                " ".join(one.people),
            )
            for one in visits
        ],
    )

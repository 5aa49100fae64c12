"""What a live zone adds to an explanation: who could come but for what they are bound to, and what a resident may see.

Called by `services/explaining/`. Reads a zone and a problem posed from it (`beats.posed`, `beats.posed_whole`);
decides nothing and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher import areas
from matcher.candidates import Candidates
from matcher.explaining.answers import Bound, ForPerson, Idle, LookedIn, OpenPlaces, Unfilled
from matcher.explaining.changes import LongerReach
from matcher.explaining.unfilled import LOST_MAX
from matcher.problem import Problem
from matcher.zone import LIVE, Assignment, Zone

NOTHING_TO_FIT = ForPerson(
    person="", serving=[], nothing_because=Idle.NOTHING_OPEN, fits=[], feasible=0, barred={}, place_points=0
)


def bound_elsewhere(zone: Zone, problem: Problem, r: int) -> list[Bound]:
    """Return who could serve requirement `r` if only they were not bound to other visits, cheapest first, with those.

    `problem` must be posed from `zone` as it is. The plan's own rivals are not among them (`Unfilled.lost` names them).
    """
    people = problem.people
    loose = replace(
        people,
        engaged=np.zeros_like(people.engaged),
        busy_indptr=people.full_indptr,
        busy_from_s=people.full_from_s,
        busy_until_s=people.full_until_s,
    )
    could = Candidates(replace(problem, people=loose)).row(r).person
    kept = could[~np.isin(could, Candidates(problem).row(r).person)]
    return [bound(zone, visit) for row in kept.tolist() if (visit := _other_visit(zone, problem, r, row))][:LOST_MAX]


def visits_of(zone: Zone, person: str) -> list[Bound]:
    """Return what a person is bound to: open offers and visits before them, by start."""
    names = zone.engagements.get(zone.people.row_of[person], [])
    return sorted((bound(zone, zone.assignments[name]) for name in names), key=lambda visit: visit.start_s)


def visits_to(zone: Zone, request: str) -> list[Bound]:
    """Return who is asked for a request or is to come, and who has been there in this wave, by start."""
    needs = zone.request(request).needs.values()
    found = [zone.assignments[name] for need in needs for name in need.assignments]
    return sorted((bound(zone, visit) for visit in found if visit.status in LIVE), key=lambda visit: visit.start_s)


def bound(zone: Zone, visit: Assignment) -> Bound:
    """Return one assignment with ids."""
    return Bound(
        person=zone.people.ids[visit.volunteer],
        request=visit.request,
        requirement=visit.requirement,
        status=visit.status.value,
        start_s=visit.start_s,
        end_s=visit.end_s,
    )


def looked_in(zone: Zone, request: str) -> list[LookedIn]:
    """Return in which area each requirement is matched; none where that is the whole zone from the start."""
    asked, found = zone.request(request), []
    for name, need in asked.needs.items():
        area = areas.looked_in(zone, asked, need)
        because = need.area.because if need.area else None
        if area is not None or because is not None:
            level, place = (None, None) if area is None else (area.level, area.place)
            found.append(LookedIn(request=request, requirement=name, level=level, area=place, because=because))
    return found


def for_resident(said: Unfilled) -> OpenPlaces:
    """Return what whoever asked may see: the reason and what they could change; no person, no other request."""
    return OpenPlaces(
        request=said.request,
        requirement=said.requirement,
        reason=said.reason,
        places=said.places,
        places_open=said.places_open,
        would_help=[found.change for found in said.what_would_help if not isinstance(found.change, LongerReach)],
    )


def _other_visit(zone: Zone, problem: Problem, r: int, row: int) -> Assignment | None:
    """Return the first visit of another request that the person is bound to; an open offer before all others."""
    request = problem.requirements.ids[r][0]
    own = [zone.assignments[name] for name in zone.engagements.get(row, [])]
    others = [visit for visit in own if visit.request != request]
    return min(others, key=lambda visit: (visit.status.value != "tentative", visit.start_s, visit.id), default=None)

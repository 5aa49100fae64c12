"""A part of a week as a week of its own: some requirements, some people, everything that is said of them.

Called by `cutting`. Numbers of the part are places in the two lists that were asked for. Judges nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher.problem import (
    I32,
    I64,
    Areas,
    AskedTeams,
    Crowding,
    Favour,
    PeopleArrays,
    Problem,
    RequirementArrays,
    Wishes,
)
from matcher.weekly.week import Stretches, Week

Visits = tuple[I32, I32, I64]


def of(week: Week, rows: I64, who: I64) -> Week:
    """Return the week of these requirements and these people only, in the order given."""
    row, person = _places(rows, len(week.problem.requirements.ids)), _places(who, len(week.problem.people.ids))
    presence = week.presence
    if presence is not None:
        indptr, at = _cut(presence.indptr, rows)
        presence = Stretches(indptr=indptr, from_s=presence.from_s[at], until_s=presence.until_s[at])
    return replace(
        week,
        problem=_problem(week.problem, rows, who, row, person),
        presence=presence,
        compound=None if week.compound is None else week.compound[rows],
        owing=None if week.owing is None else week.owing[who],
        pinned=_visits(week.pinned, row, person),
        told=_visits(week.told, row, person),
    )


def _problem(whole: Problem, rows: I64, who: I64, row: I64, person: I64) -> Problem:
    areas, crowding = whole.areas, whole.crowding
    if areas is not None:
        indptr, at = _cut(areas.indptr, who)
        areas = Areas(
            name=[areas.name[r] for r in rows.tolist()],
            first=areas.first[rows],
            end=areas.end[rows],
            indptr=indptr,
            at=areas.at[at],
        )
    if crowding is not None:
        crowding = Crowding(most=crowding.most, compound=crowding.compound[rows], taken=crowding.taken)
    return replace(
        whole,
        people=_people(whole.people, who, person),
        requirements=_requirements(whole.requirements, rows, row, person),
        areas=areas,
        crowding=crowding,
    )


def _people(people: PeopleArrays, who: I64, person: I64) -> PeopleArrays:
    certified = person[people.cert_person] >= 0
    busy_indptr, busy = _cut(people.busy_indptr, who)
    full_indptr, full = _cut(people.full_indptr, who)
    columns = ("lat", "lon", "reach_m", "speed_mps", "capacity", "zone", "hours", "active", "engaged", "spent")
    return replace(
        people,
        ids=[people.ids[p] for p in who.tolist()],
        **{name: getattr(people, name)[who] for name in columns},
        levels=people.levels[:, who],
        cert_person=person[people.cert_person[certified]].astype(np.int32),
        cert_skill=people.cert_skill[certified],
        cert_expires_s=people.cert_expires_s[certified],
        busy_indptr=busy_indptr,
        busy_from_s=people.busy_from_s[busy],
        busy_until_s=people.busy_until_s[busy],
        full_indptr=full_indptr,
        full_from_s=people.full_from_s[full],
        full_until_s=people.full_until_s[full],
        points={name: points[who] for name, points in people.points.items()},
    )


def _requirements(asked: RequirementArrays, rows: I64, row: I64, person: I64) -> RequirementArrays:
    needs_indptr, needs = _cut(asked.need_indptr, rows)
    wished_indptr, wished = _cut(asked.wishes.indptr, rows)
    columns = (
        "lat", "lon", "earliest_s", "latest_s", "duration_s", "depart_s", "fixed_start_s", "people", "minimum",
        "weight", "waiting", "zone", "circle_s", "choosy",
    )  # fmt: skip
    return replace(
        asked,
        ids=[asked.ids[r] for r in rows.tolist()],
        **{name: getattr(asked, name)[rows] for name in columns},
        need_indptr=needs_indptr,
        need_skill=asked.need_skill[needs],
        need_level=asked.need_level[needs],
        refused=_pairs(asked.refused, row, person),
        excluded=_pairs(asked.excluded, row, person),
        restricted=_pairs(asked.restricted, row, person),
        must_have=_pairs(asked.must_have, row, person),
        serving=_pairs(asked.serving, row, person),
        wishes=Wishes(
            indptr=wished_indptr,
            skill=asked.wishes.skill[wished],
            level=asked.wishes.level[wished],
            points=asked.wishes.points[wished],
            nice=asked.wishes.nice[wished],
        ),
        favours={name: _favour(favour, rows, row, person) for name, favour in asked.favours.items()},
        teams={int(row[r]): _teams(teams, person) for r, teams in asked.teams.items() if row[r] >= 0},
    )


def _favour(favour: Favour, rows: I64, row: I64, person: I64) -> Favour:
    requirement, who = _pairs((favour.requirement, favour.person), row, person)
    return Favour(points=favour.points[rows], requirement=requirement, person=who)


def _teams(teams: AskedTeams, person: I64) -> AskedTeams:
    members = tuple(_known(person[some]).astype(np.int32) for some in teams.members)
    return AskedTeams(names=teams.names, members=members, together=teams.together)


def _known(numbers: I64) -> I64:
    return np.sort(numbers[numbers >= 0])


def _pairs(pairs: tuple[I32, I32], row: I64, person: I64) -> tuple[I32, I32]:
    """Return those pairs of which both are in the part."""
    requirement, who = row[pairs[0]], person[pairs[1]]
    kept = (requirement >= 0) & (who >= 0)
    return requirement[kept].astype(np.int32), who[kept].astype(np.int32)


def _visits(visits: Visits, row: I64, person: I64) -> Visits:
    requirement, who = row[visits[0]], person[visits[1]]
    kept = (requirement >= 0) & (who >= 0)
    return requirement[kept].astype(np.int32), who[kept].astype(np.int32), visits[2][kept]


def _places(chosen: I64, count: int) -> I64:
    """Return the place of each number in the list, -1 where it is not in it."""
    places = np.full(count, -1, np.int64)
    places[chosen] = np.arange(len(chosen))
    return places


def _cut(indptr: I64, rows: I64) -> tuple[I64, I64]:
    """Return the row pointers of some rows of a CSR table, and where their entries stand in it."""
    length = indptr[rows + 1] - indptr[rows]
    made = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    at = np.arange(made[-1]) - np.repeat(made[:-1], length) + np.repeat(indptr[rows], length)
    return made, at.astype(np.int64)

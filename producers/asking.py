"""Rows become commands, and commands rows again. Called by `paidan import`, `match` and the demo.

Ids of commands are hashes of what they say, so that the same file sent twice is a repeat, not a conflict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET

from matcher.commands import (
    Command,
    DefinePlace,
    DefineSkill,
    DefineTeam,
    DefineUnit,
    RegisterVolunteer,
    SubmitRequest,
)
from matcher.matching_point import minimised
from matcher.terms import HeldSkill, NeededSkill, PlaceLevel, Requirement, TeamKind
from producers.rows import RequestRow, VolunteerRow

#: The sender's clock where a file tells no time; a fixed one keeps a repeat a repeat.
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)

C = TypeVar("C", bound=Command)


def identified(command: C) -> C:
    """Give a command the id that its own content hashes to."""
    blank = msgspec.structs.replace(command, id="-")
    digest = hashlib.sha256(msgspec.json.encode(blank, order="deterministic")).hexdigest()
    return msgspec.structs.replace(command, id=digest[:32])


def submit(row: RequestRow, zone: str, *, at: datetime | None = None, channel: str = "file") -> SubmitRequest:
    """Ask for what the row asks for. `at`: the sender's clock where the row has no `submitted_at`."""
    requirement = Requirement(
        people=row.people,
        minimum_people=row.minimum_people,
        skills=row.skills,
        should=row.should or UNSET,
        nice=row.nice or UNSET,
        circle_minutes=row.circle_minutes or UNSET,
        team=row.team or UNSET,
        team_kind=row.team_kind or UNSET,
        one_team=row.one_team or UNSET,
        preferred_team=row.preferred_team or UNSET,
    )
    return identified(
        minimised(
            SubmitRequest(
                id="-",
                zone=zone,
                at=row.submitted_at or at or UNDATED,
                request=row.request_id,
                point=row.point,
                place=row.compound,
                requirements=(requirement,),
                earliest=row.earliest,
                latest=row.latest,
                duration_minutes=row.duration_minutes,
                urgency=row.urgency,
                channel=channel,
                requester=row.requester,
                excluded=row.excluded,
                preferred=row.preferred or UNSET,
                restricted=row.restricted or UNSET,
                must_have=row.must_have or UNSET,
                post=row.post or UNSET,
            )
        )
    )


def register(row: VolunteerRow, zone: str, *, at: datetime | None = None) -> RegisterVolunteer:
    """Register the person of the row, at a point that is coarse enough for the log."""
    return identified(minimised(registration(row, zone, at=at)))


def registration(row: VolunteerRow, zone: str, *, at: datetime | None = None) -> RegisterVolunteer:
    """Say the row as a command with its exact point and no id of its own: for `paidan match`, never for a log."""
    return RegisterVolunteer(
        id="-",
        zone=zone,
        at=at or UNDATED,
        volunteer=row.volunteer_id,
        point=row.point,
        skills=_held(row),
        hours=row.hours,
        reach_m=row.reach_m,
        capacity=row.capacity,
        travel=row.travel,
        unit=row.unit,
        places=() if row.compound is None else (row.compound,),
        visits_per_day=row.visits_per_day or UNSET,
        visits_per_week=row.visits_per_week or UNSET,
        posts=row.posts or UNSET,
        teams=tuple(team for team, _ in row.teams) or UNSET,
    )


def definitions(
    zone: str, requests: Sequence[RequestRow], volunteers: Sequence[VolunteerRow], *, at: datetime | None = None
) -> Iterator[Command]:
    """Define all that these rows of one zone name: the zone first, then compounds, units, skills and teams."""
    when = at or UNDATED
    level = PlaceLevel.DISTRICT
    yield identified(DefinePlace(id="-", zone=zone, at=when, place=zone, level=level, name=zone))
    for place in _named([*(row.compound for row in requests), *(row.compound for row in volunteers)]):
        if place != zone:
            compound = PlaceLevel.COMPOUND
            yield identified(DefinePlace(id="-", zone=zone, at=when, place=place, level=compound, parent=zone))
    for unit in _named([row.unit for row in volunteers]):
        yield identified(DefineUnit(id="-", zone=zone, at=when, unit=unit))
    needed = [skill.skill for row in requests for skill in (*row.skills, *row.should, *row.nice)]
    held = [skill.skill for row in volunteers for skill in _held(row)]
    for skill in _named([*needed, *held]):
        yield identified(DefineSkill(id="-", zone=zone, at=when, skill=skill))
    for team, kind in sorted(team_kinds(requests, volunteers).items()):
        yield identified(DefineTeam(id="-", zone=zone, at=when, team=team, kind=kind))


def team_kinds(requests: Sequence[RequestRow], volunteers: Sequence[VolunteerRow]) -> dict[str, TeamKind | None]:
    """Return every team that these rows name, and its kind where one of them says it."""
    named: list[tuple[str | None, TeamKind | None]] = [team for row in volunteers for team in row.teams]
    named += [(team, None) for row in requests for team in (row.team, row.preferred_team)]
    kinds: dict[str, TeamKind | None] = {}
    for team, kind in named:
        if team is not None:
            kinds[team] = kinds.get(team) or kind
    return kinds


def request_row(command: SubmitRequest) -> RequestRow:
    """Write a request with one requirement as the row that asks for it."""
    requirement = command.requirements[0]
    return RequestRow(
        line=0,
        request_id=command.request,
        point=command.point,
        skills=requirement.skills,
        people=requirement.people,
        minimum_people=requirement.minimum_people,
        earliest=command.earliest,
        latest=command.latest,
        duration_minutes=command.duration_minutes,
        urgency=command.urgency,
        submitted_at=command.at,
        zone=command.zone,
        compound=command.place,
        should=requirement.should or (),
        nice=requirement.nice or (),
        excluded=command.excluded,
        preferred=command.preferred or (),
        restricted=command.restricted or (),
        must_have=command.must_have or (),
        requester=command.requester,
        circle_minutes=requirement.circle_minutes or None,
        team=requirement.team or None,
        team_kind=requirement.team_kind or None,
        one_team=bool(requirement.one_team),
        preferred_team=requirement.preferred_team or None,
        post=command.post or None,
    )


def volunteer_row(command: RegisterVolunteer) -> VolunteerRow:
    """Write a person as the row that registers them; of their places the first is the compound."""
    return VolunteerRow(
        line=0,
        volunteer_id=command.volunteer,
        point=command.point,
        skills=tuple(NeededSkill(skill=held.skill, level=held.level) for held in command.skills),
        hours=command.hours,
        reach_m=command.reach_m,
        capacity=command.capacity,
        travel=command.travel,
        unit=command.unit,
        compound=command.places[0] if command.places else None,
        visits_per_day=command.visits_per_day or None,
        visits_per_week=command.visits_per_week or None,
        posts=command.posts or (),
        teams=tuple((team, None) for team in command.teams or ()),
        certificates=tuple((held.skill, held.expires) for held in command.skills if held.expires is not None),
        zone=command.zone,
    )


def _held(row: VolunteerRow) -> tuple[HeldSkill, ...]:
    """Give each skill its certificate's end; one that only a certificate names is held at level 1."""
    ends = dict(row.certificates)
    known = {held.skill for held in row.skills}
    held = [*row.skills, *(NeededSkill(skill=skill) for skill in ends if skill not in known)]
    return tuple(HeldSkill(skill=one.skill, level=one.level, expires=ends.get(one.skill)) for one in held)


def _named(words: list[str | None]) -> list[str]:
    return sorted({word for word in words if word is not None})

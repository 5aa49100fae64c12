"""The ordinary commands that would put a placement's suggestions into effect; nothing sends them by itself.

Called by `paidan placement --commands`. Ids are blank ("-"): the sender gives them. A person's command says again all
that they said before, with the one place or post changed; posts and teams stay as they were claimed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from matcher.commands import Command, LinkUnit, RegisterVolunteer
from matcher.people import MODES
from matcher.placement.report import Move
from matcher.terms import HeldSkill, Id, Point
from matcher.zone import Zone


def registrations(zone: Zone, moves: Iterable[Move]) -> list[Command]:
    """Register each person of a suggestion in the place suggested, instead of the one that they leave."""
    found: list[Command] = []
    for move in moves:
        said = registration(zone, move.member)
        kept = [move.target if place == move.source else place for place in said.places]
        places = kept if move.source is not None else [*kept, move.target]
        found.append(replace(said, places=tuple(dict.fromkeys(places))))
    return found


def post_claims(zone: Zone, moves: Iterable[Move]) -> list[Command]:
    """Let each person of a suggestion claim the post too."""
    return [
        replace(said := registration(zone, move.member), posts=(*(said.posts or ()), move.target)) for move in moves
    ]


def links(zone: Zone, moves: Iterable[Move]) -> list[Command]:
    """End each unit's link that a suggestion gives up, and begin the other one, on the zone's day."""
    today = zone.now.astimezone(ZoneInfo(zone.policy.timezone)).date()
    found: list[Command] = []
    for move in moves:
        if move.source is not None:
            since = (zone.links or {})[move.member][move.source].since
            found.append(
                LinkUnit(
                    id="-", zone=zone.id, at=zone.now, unit=move.member, place=move.source,
                    since=UNSET if since is None else since, until=today,
                )
            )  # fmt: skip
        found.append(LinkUnit(id="-", zone=zone.id, at=zone.now, unit=move.member, place=move.target, since=today))
    return found


def registration(zone: Zone, person: Id) -> RegisterVolunteer:
    """Return the command that says of a person what the zone knows of them. Raises KeyError."""
    table, row = zone.people, zone.people.row_of[person]
    per_day, per_week = table.limits.get(row, (0, 0))
    skills = tuple(
        HeldSkill(skill=table.skills[skill], level=int(table.levels[skill, row]), expires=_expires(zone, skill, row))
        for skill in np.flatnonzero(table.levels[:, row]).tolist()
    )
    return RegisterVolunteer(
        id="-",
        zone=zone.id,
        at=zone.now,
        volunteer=person,
        point=Point(lat=float(table.column("lat")[row]), lon=float(table.column("lon")[row])),
        skills=skills,
        hours=table.hours_table[int(table.column("hours")[row])],
        reach_m=float(table.column("reach_m")[row]),
        capacity=int(table.column("capacity")[row]),
        travel=MODES[int(table.column("travel")[row])],
        unit=table.units[row],
        places=table.places[row],
        visits_per_day=per_day or UNSET,
        visits_per_week=per_week or UNSET,
        posts=table.posts.of(row) or UNSET,
        teams=table.teams.of(row) or UNSET,
    )


def _expires(zone: Zone, skill: int, row: int) -> datetime | None:
    until = zone.people.expires_s.get((skill, row))
    return None if until is None else datetime.fromtimestamp(until, UTC)

"""志愿服务队: whether somebody may belong to a team, and which teams a requirement asks for (R106).

Called by `volunteers` and `beats`; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from matcher.commands import RegisterVolunteer
from matcher.reasons import Unknown
from matcher.terms import Requirement
from matcher.zone import Zone


def objection(zone: Zone, command: RegisterVolunteer) -> Unknown | None:
    """Return which of the person's teams nobody has defined."""
    unknown = [team for team in command.teams or () if team not in zone.known_teams]
    return Unknown(kind="team", value=unknown[0]) if unknown else None


def teams_asked(zone: Zone, asked: Requirement, serving: Iterable[int]) -> list[tuple[str, list[int]]] | None:
    """Return the teams whose people may come, with their rows; None where anybody may.

    `serving`: who has said yes already. A crew of one team then goes on with the first, by id, of the teams that have
    them all.
    """
    if asked.team is not UNSET:
        names = [asked.team]
    elif asked.team_kind is not UNSET:
        names = [team for team, known in sorted(zone.known_teams.items()) if known.kind is asked.team_kind]
    elif asked.one_team:
        names = sorted(zone.known_teams)
    else:
        return None
    teams = [(name, zone.people.teams.rows(name)) for name in names]
    came = set(serving)
    if asked.one_team and came:
        teams = [(name, rows) for name, rows in teams if came <= set(rows)][:1]
    return teams

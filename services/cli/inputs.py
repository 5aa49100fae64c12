"""Two files read as one problem: what `paidan match` and `paidan explain` share, their options included.

Solves nothing and writes nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from services.cli.files import time_option

if TYPE_CHECKING:
    from matcher.city_days import CityDays
    from matcher.people import People
    from matcher.policy import Policy
    from matcher.posing import OpenRequirement, Standing
    from matcher.problem import Problem
    from matcher.terms import TeamKind
    from producers.mapping import Mapping
    from producers.rows import RequestRow, Requests, Volunteers

RequestsFile = Annotated[Path, typer.Option(help="Requests: CSV (.gz), JSON Lines or Excel.")]
VolunteersFile = Annotated[Path, typer.Option(help="Volunteers: CSV (.gz), JSON Lines or Excel.")]
MappingOption = Annotated[str | None, typer.Option(help="Mapping of the requests file: TOML file or shipped name.")]
VolunteersMapping = Annotated[str | None, typer.Option(help="Mapping of the volunteers file.")]
PolicyOption = Annotated[
    str, typer.Option(help="Policy: TOML file, or default, travel-only, fair, emergency, neighbours.")
]
AtOption = Annotated[str | None, typer.Option(help="Beat time; else the earliest submitted_at.")]
TimezoneOption = Annotated[str | None, typer.Option(help="Zone of times without an offset, and of availability.")]
ZoneByOption = Annotated[str | None, typer.Option(help="Column of the requests to take as the zone.")]


@dataclass(frozen=True)
class Files:
    """What was read, and under which words."""

    requests: Requests
    volunteers: Volunteers
    policy: Policy
    at: datetime
    inputs_sha256: str


def read(
    requests: Path,
    volunteers: Path,
    mapped: tuple[str | None, str | None, str | None],
    policy_name: str,
    at: str | None,
    timezone: str | None,
) -> Files:
    """Read both files; `mapped`: mapping of each, and the column to take as zone. Unusable where a file is none."""
    from producers import mapping as mappings
    from producers import rows, tables
    from producers.asking import UNDATED
    from services.cli import policy as policies

    ours, theirs, zone_by = mapped
    how, how_people = mappings.load(ours), mappings.load(theirs)
    how = how if zone_by is None else mappings.zoned_by(how, zone_by)
    policy = policies.load(policy_name)
    policy = msgspec.structs.replace(policy, timezone=timezone or how.timezone or policy.timezone)
    mappings.zone_info(policy.timezone)
    moment = time_option("at", at, timezone or how.timezone)
    asked_table, people_table = tables.read(requests), tables.read(volunteers)
    asked = rows.read_requests(
        asked_table,
        how,
        timezone=timezone,
        at=moment,
        window_days=policy.window_days,
        urgencies=policy.urgency,
        near=rows.city_of(people_table, how_people),
    )
    city = rows.city_of(asked_table, how)
    people = rows.read_volunteers(people_table, how_people, timezone=policy.timezone, bounds=how.bounds, near=city)
    if asked.at is None and asked.rows:
        raise typer.BadParameter("is needed: no row says when it was submitted.", param_hint="--at")
    sha256 = _sha256([requests, volunteers], [how, how_people, str(asked.at), policy.timezone])
    return Files(asked, people, policy, asked.at or UNDATED, sha256)


def _sha256(files: Sequence[Path], words: Sequence[Mapping | str]) -> str:
    """Hash what the plan depends on beside the policy: both files, the mappings, the beat time, the time zone."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    whole.update(msgspec.json.encode(words, order="deterministic"))
    return whole.hexdigest()


def pose(files: Files, beyond_s: int = 0) -> Problem:
    """Build one problem over all rows, in the order of the files; zones are codes, -1 where none is given.

    `beyond_s`: people's hours are known this much before and after all windows.
    """
    from matcher.people import People
    from matcher.posing import problem_of
    from producers.asking import registration, team_kinds

    requests, volunteers = files.requests.rows, files.volunteers.rows
    zones = {row.zone for row in requests} | {row.zone for row in volunteers}
    codes = {zone: code for code, zone in enumerate(sorted(zone for zone in zones if zone))}
    people = People()
    named = {held.skill for row in volunteers for held in registration(row, "file").skills}
    named |= {need.skill for row in requests for need in (*row.skills, *row.should, *row.nice)}
    for skill in sorted(named):
        people.add_skill(skill)
    for row in volunteers:
        people.register(registration(row, "file"))
    kinds = team_kinds(requests, volunteers)
    return problem_of(
        zone="file",
        beat=0,
        now=files.at,
        policy=files.policy,
        people=people,
        requirements=[_open(row, codes, files.at, people, kinds) for row in requests],
        standing=_standing(files),
        zone_codes=[codes.get(row.zone or "", -1) for row in volunteers],
        beyond_s=beyond_s,
        city=_city(files),
    )


def _city(files: Files) -> CityDays | None:
    """Return the national calendar where hours or the duty's last week read it; years beyond it are estimates."""
    from matcher.city_days import CityDays
    from matcher.weeks import Shift
    from producers import calendars

    moves = files.policy.points.prices_duty and files.policy.report_weeks.shift is not Shift.KEEP
    if not moves and not any(row.hours.reads_calendar for row in files.volunteers.rows):
        return None
    years = {moment.year for row in files.requests.rows for moment in (row.earliest, row.latest) if moment}
    years |= {files.at.year}
    reading = calendars.read(range(min(years, default=1) - 1, max(years, default=0) + 2))
    return CityDays(reading.years, weeks=files.policy.report_weeks)


def _standing(files: Files) -> Standing:
    """Return what people have done this quarter, as their rows say; it matters only where the policy prices it."""
    from matcher.history import quarter_of
    from matcher.posing import Standing

    visits = {row: person.visits_this_quarter for row, person in enumerate(files.volunteers.rows)}
    quarter = quarter_of(files.at, files.policy.timezone) if files.policy.counts_quarter else None
    return Standing(visits=visits, quarter=quarter)


def _open(
    row: RequestRow, codes: dict[str, int], at: datetime, people: People, kinds: dict[str, TeamKind | None]
) -> OpenRequirement:
    from matcher.posing import OpenRequirement

    def rows(named: tuple[str, ...]) -> list[int]:
        return [people.row_of[person] for person in named if person in people.row_of]

    assert row.earliest is not None
    assert row.latest is not None
    return OpenRequirement(
        request=row.request_id,
        requirement="1",
        point=row.point,
        earliest_s=math.ceil(row.earliest.timestamp()),
        latest_s=math.floor(row.latest.timestamp()),
        duration_s=60 * row.duration_minutes,
        people=row.people,
        minimum=row.people if row.minimum_people is None else row.minimum_people,
        skills=row.skills,
        urgency=row.urgency,
        waiting_since_s=math.ceil((row.submitted_at or at).timestamp()),
        zone=codes.get(row.zone or "", -1),
        should=row.should,
        nice=row.nice,
        excluded=rows(row.excluded),
        restricted=rows(row.restricted),
        must_have=rows(row.must_have) if row.must_have else None,
        preferred=list(dict.fromkeys([*rows(row.preferred), *people.teams.rows(row.preferred_team or "")])),
        claimed_by=[] if row.post is None else people.claimed_by(row.post),
        helpers=rows(row.helpers),
        told=rows(row.told),
        circle_s=-1 if row.circle_minutes is None else 60 * row.circle_minutes,
        teams=_teams(row, people, kinds),
        one_team=row.one_team,
    )


def _teams(row: RequestRow, people: People, kinds: dict[str, TeamKind | None]) -> list[tuple[str, list[int]]] | None:
    """Return the teams whose people may come; None where anybody may."""
    if row.team is not None:
        names = [row.team]
    elif row.team_kind is not None:
        names = [team for team, kind in sorted(kinds.items()) if kind is row.team_kind]
    elif row.one_team:
        names = sorted(kinds)
    else:
        return None
    return [(name, people.teams.rows(name)) for name in names]

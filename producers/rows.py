"""Rows of text become requests and volunteers; a row that cannot is listed with line, field, value and remedy.

Called by `paidan match`, `import`, `generate roster` and the demo, after `tables` and `mapping`. Opens no file and
knows no zone's state: whether a skill is defined or a place known is decided later, by the core.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TypeVar

import msgspec

from matcher.terms import (
    PEOPLE_LISTED_MAX,
    POSTS_MAX,
    TEAMS_MAX,
    WISHES_MAX,
    Hours,
    NeededSkill,
    Point,
    TeamKind,
    Travel,
)
from producers import availability
from producers.mapping import (
    REQUEST_FIELDS,
    REQUEST_NEEDS,
    VOLUNTEER_FIELDS,
    VOLUNTEER_NEEDS,
    Bounds,
    Mapping,
    field_columns,
    zone_info,
)
from producers.points import Cells, Fault, locate, number, whereabouts
from producers.tables import Row, Table

ID_CHARACTERS_MAX = 200
SKILLS_MAX = 200
#: Years in which a request can be.
YEARS = (1970, 2199)

_KINDS = {kind.value: kind for kind in TeamKind} | {
    "义工型": TeamKind.LABOUR, "帮扶型": TeamKind.ASSISTANCE, "咨询型": TeamKind.ADVICE, "应急型": TeamKind.EMERGENCY,
}  # fmt: skip
_YES, _NO = frozenset({"yes", "true", "1", "是"}), frozenset({"", "no", "false", "0", "否"})

T = TypeVar("T", bound="RequestRow | VolunteerRow")


class RequestRow(msgspec.Struct, frozen=True, kw_only=True):
    """One good row of a requests file. `earliest` None: from the beat's time on; `latest` None: see `windowed`."""

    line: int
    request_id: str
    point: Point
    skills: tuple[NeededSkill, ...] = ()
    people: int = 1
    minimum_people: int | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    duration_minutes: int = 60
    urgency: str = "normal"
    submitted_at: datetime | None = None
    zone: str | None = None
    compound: str | None = None
    should: tuple[NeededSkill, ...] = ()
    nice: tuple[NeededSkill, ...] = ()
    excluded: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    #: the only people who may come; empty: anybody
    must_have: tuple[str, ...] = ()
    requester: str | None = None
    #: who served the same requester last time
    helpers: tuple[str, ...] = ()
    #: the way there takes no longer
    circle_minutes: int | None = None
    #: the standing post that it belongs to
    post: str | None = None
    #: who has been told that they would come, and could still be replaced
    told: tuple[str, ...] = ()
    #: nobody but this team's people, or people of teams of this kind; all from one team; whose people had better come
    team: str | None = None
    team_kind: TeamKind | None = None
    one_team: bool = False
    preferred_team: str | None = None


class VolunteerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One good row of a volunteers file."""

    line: int
    volunteer_id: str
    point: Point
    skills: tuple[NeededSkill, ...] = ()
    hours: Hours = Hours()
    reach_m: float = 3000.0
    capacity: int = 1
    travel: Travel = Travel.WALK
    unit: str | None = None
    compound: str | None = None
    zone: str | None = None
    #: visits done this quarter, or still to come, beside those of the plan
    visits_this_quarter: int = 0
    visits_per_day: int | None = None
    visits_per_week: int | None = None
    #: standing posts that the person has claimed
    posts: tuple[str, ...] = ()
    #: skills held by a certificate, and when it runs out
    certificates: tuple[tuple[str, datetime], ...] = ()
    #: teams that the person belongs to, each with its kind where the file says it
    teams: tuple[tuple[str, TeamKind | None], ...] = ()


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One row that was left out, and how to mend it."""

    file: str
    line: int
    field: str
    value: str
    reason: str
    remedy: str

    def sentence(self) -> str:
        """Say it in one line."""
        shown = self.value if len(self.value) <= 80 else self.value[:77] + "..."
        return f"{self.file}, line {self.line}: {self.field} ({shown}) {self.reason}. {self.remedy}."


@dataclass(frozen=True, slots=True)
class Requests:
    """What a requests file holds. `at`: the earliest `submitted_at`, None when no row has one."""

    rows: list[RequestRow]
    rejections: list[Rejection] = field(default_factory=list)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Volunteers:
    """What a volunteers file holds."""

    rows: list[VolunteerRow]
    rejections: list[Rejection] = field(default_factory=list)


def read_requests(
    table: Table,
    mapping: Mapping,
    *,
    timezone: str | None = None,
    at: datetime | None = None,
    window_days: int | None = 7,
    urgencies: Collection[str] | None = None,
    near: Bounds | None = None,
) -> Requests:
    """Read every row; windows are completed with T = `at`, else the earliest `submitted_at`. Raises Unusable.

    `timezone` goes before the mapping's, the mapping's window before `window_days`; `urgencies`: the classes that the
    policy knows (None: any); `near` shows swapped coordinates in a file of one or two rows.
    """
    clock = _clock(timezone or mapping.timezone)

    def build(row: Row, cells: dict[str, str], point: Point) -> RequestRow:
        return _request(row.line, cells, point, mapping, clock, urgencies)

    needs = (REQUEST_FIELDS, REQUEST_NEEDS)
    rows, rejections = _read(table, mapping, needs, (mapping.bounds, near), build, strict=True)
    times = [row.submitted_at for row in rows if row.submitted_at is not None]
    first = at or min(times, default=None)
    kept = []
    for row in rows:
        try:
            kept.append(windowed(row, first, mapping.window_days or window_days))
        except Fault as fault:
            rejections.append(_rejection(table.path, row.line, fault, {}))
    rejections.sort(key=lambda rejection: rejection.line)
    return Requests(kept, rejections, first)


def city_of(table: Table, mapping: Mapping) -> Bounds | None:
    """Return a wide box round the middle of a file's points, to compare another file with. Raises Unusable."""
    found = field_columns(mapping, table, ("lat", "lon", "datum"), ("lat", "lon"))
    return whereabouts([_where(_cells(row, found, mapping), mapping) for row in table.rows])


def windowed(row: RequestRow, at: datetime | None, window_days: int | None) -> RequestRow:
    """Complete the window (DESIGN 7): no `earliest` -> `submitted_at`, else T; no `latest` -> `window_days` later.

    Without any time, or without `window_days`, the window stays open: the zone's policy closes it. Raises Fault when
    there is no room in it.
    """
    earliest = row.earliest or row.submitted_at or at
    if earliest is None:
        return row
    latest = row.latest
    if latest is None and window_days is not None:
        latest = earliest + timedelta(days=window_days)
    if latest is not None and latest - earliest < timedelta(minutes=row.duration_minutes):
        raise Fault(
            "latest",
            latest.isoformat(),
            f"leaves no room for {row.duration_minutes} minutes after the earliest time ({earliest.isoformat()})",
            "Give a later `latest`, an earlier `earliest` or a shorter duration",
        )
    return msgspec.structs.replace(row, earliest=earliest, latest=latest)


def read_volunteers(
    table: Table,
    mapping: Mapping,
    *,
    timezone: str | None = None,
    bounds: Bounds | None = None,
    near: Bounds | None = None,
) -> Volunteers:
    """Read every row; `bounds` (of the requests) and `near` only show swapped coordinates. Raises Unusable.

    Hours are kept as written: local times of whichever zone the reader states later. `timezone`: in which the last day
    of a certificate ends; else the mapping's.
    """

    def build(row: Row, cells: dict[str, str], point: Point) -> VolunteerRow:
        return _volunteer(row.line, cells, point, mapping, clock)

    clock = _clock(timezone or mapping.timezone)
    needs = (VOLUNTEER_FIELDS, VOLUNTEER_NEEDS)
    boxes = (mapping.bounds or bounds, near)
    rows, rejections = _read(table, mapping, needs, boxes, build, strict=mapping.bounds is not None)
    rejections.sort(key=lambda rejection: rejection.line)
    return Volunteers(rows, rejections)


def read_time(name: str, text: str, clock: tzinfo | None) -> datetime:
    """Read an ISO 8601 time as UTC; `clock` is the zone of times without an offset. Raises Fault."""
    try:
        moment = datetime.fromisoformat(unicodedata.normalize("NFKC", text).replace("/", "-"))
    except ValueError:
        raise Fault(name, text, "is not a time", "Write it as 2015-06-01T18:00:00+08:00") from None
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise Fault(name, text, f"is not between the years {YEARS[0]} and {YEARS[1]}", "Correct the year")
    if moment.tzinfo is None:
        if clock is None:
            raise Fault(name, text, "is a time without zone", "Add an offset such as +08:00, or give --timezone")
        moment = moment.replace(tzinfo=clock)
    return moment.astimezone(UTC)


# --- one file ---------------------------------------------------------------------------------------------------


def _read(
    table: Table,
    mapping: Mapping,
    fields: tuple[Collection[str], Collection[str]],
    boxes: tuple[Bounds | None, Bounds | None],
    build: Callable[[Row, dict[str, str], Point], T],
    *,
    strict: bool,
) -> tuple[list[T], list[Rejection]]:
    found = field_columns(mapping, table, *fields)
    everything = [_cells(row, found, mapping) for row in table.rows]
    bounds, near = boxes
    points = locate([_where(cells, mapping) for cells in everything], bounds, near=near, strict=strict)
    kept: dict[str, T] = {}
    rejections: list[Rejection] = []
    for row, cells, point in zip(table.rows, everything, points, strict=True):
        try:
            if row.fault:
                raise Fault("row", "", row.fault, "Mend the line")
            thing = build(row, cells, _point(point))
            _first_of_its_id(kept, thing)
        except Fault as fault:
            rejections.append(_rejection(table.path, row.line, fault, found))
    return list(kept.values()), rejections


def _cells(row: Row, found: dict[str, str], mapping: Mapping) -> dict[str, str]:
    """Return the row's text by our fields; a filled cell goes before the mapping's constant."""
    cells = {name: str(value) for name, value in mapping.constants.items()}
    return cells | {name: row.values.get(column, "") or cells.get(name, "") for name, column in found.items()}


def _where(cells: dict[str, str], mapping: Mapping) -> Cells:
    return Cells(cells["lat"], cells["lon"], cells.get("datum", "").lower() or mapping.datum)


def _point(found: tuple[float, float] | Fault) -> Point:
    if isinstance(found, Fault):
        raise found
    return Point(lat=found[0], lon=found[1])


def _first_of_its_id(kept: dict[str, T], thing: T) -> None:
    name = "request_id" if isinstance(thing, RequestRow) else "volunteer_id"
    key: str = getattr(thing, name)
    earlier = kept.setdefault(key, thing)
    if earlier is not thing:
        raise Fault(name, key, f"is a duplicate of line {earlier.line}", "Keep one of the rows, or give another id")


def _rejection(path: Path, line: int, fault: Fault, found: dict[str, str]) -> Rejection:
    column = found.get(fault.field, fault.field)
    return Rejection(
        file=path.name,
        line=line,
        field=fault.field if column == fault.field else f"{fault.field} [{column}]",
        value=fault.value,
        reason=fault.reason,
        remedy=fault.remedy,
    )


def _clock(name: str | None) -> tzinfo | None:
    return None if name is None else zone_info(name)


# --- one row ----------------------------------------------------------------------------------------------------


def _request(
    line: int,
    cells: dict[str, str],
    point: Point,
    mapping: Mapping,
    clock: tzinfo | None,
    urgencies: Collection[str] | None,
) -> RequestRow:
    people = _whole(cells, "people", 1, (1, 100))
    urgency = cells.get("urgency") or "normal"
    if urgencies is not None and urgency not in urgencies:
        known = ", ".join(sorted(urgencies))
        raise Fault("urgency", urgency, "is not a class of the policy", f"Use one of: {known}")
    return RequestRow(
        line=line,
        request_id=_id(cells, "request_id"),
        point=point,
        skills=_skills(cells.get("skills", ""), mapping),
        people=people,
        minimum_people=_minimum(cells, people),
        earliest=_time(cells, "earliest", clock),
        latest=_time(cells, "latest", clock),
        duration_minutes=_whole(cells, "duration_minutes", 60, (1, 1440)),
        urgency=urgency,
        submitted_at=_time(cells, "submitted_at", clock),
        zone=_zone(cells, mapping),
        compound=_optional_id(cells, "compound"),
        should=_wished(cells, "should", mapping),
        nice=_wished(cells, "nice", mapping),
        excluded=_people(cells, "excluded"),
        preferred=_people(cells, "preferred"),
        restricted=_people(cells, "restricted"),
        must_have=_people(cells, "must_have"),
        requester=_optional_id(cells, "requester"),
        helpers=_people(cells, "helpers"),
        circle_minutes=_whole(cells, "circle_minutes", 0, (1, 240)) or None,
        post=_optional_id(cells, "post"),
        told=_people(cells, "told"),
        team=_optional_id(cells, "team"),
        team_kind=_kind(cells, "team_kind", cells.get("team_kind", "")),
        one_team=_yes(cells, "one_team"),
        preferred_team=_optional_id(cells, "preferred_team"),
    )


def _wished(cells: dict[str, str], name: str, mapping: Mapping) -> tuple[NeededSkill, ...]:
    wished = _skills(cells.get(name, ""), mapping, name)
    if len(wished) > WISHES_MAX:
        raise Fault(name, cells[name], f"names more than {WISHES_MAX} skills", "Shorten the list")
    return wished


def _people(cells: dict[str, str], name: str) -> tuple[str, ...]:
    return _ids(cells, name, "people", PEOPLE_LISTED_MAX)


def _ids(cells: dict[str, str], name: str, kind: str, most: int) -> tuple[str, ...]:
    """Read `v1;v2`: ids, each once."""
    text = cells.get(name, "")
    ids = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.replace("；", ";").split(";")))))
    if len(ids) > most:
        raise Fault(name, text, f"names more than {most} {kind}", "Shorten the list")
    if any(len(one) > ID_CHARACTERS_MAX for one in ids):
        raise Fault(name, text, f"has an id longer than {ID_CHARACTERS_MAX} characters", "Shorten it")
    return ids


def _volunteer(line: int, cells: dict[str, str], point: Point, mapping: Mapping, clock: tzinfo | None) -> VolunteerRow:
    reach = cells.get("reach_m", "")
    reach_m = number("reach_m", reach) if reach else 3000.0
    if not 0 < reach_m <= 1_000_000:
        raise Fault("reach_m", reach, "is not between 0 and 1,000,000 metres", "Give metres")
    return VolunteerRow(
        line=line,
        volunteer_id=_id(cells, "volunteer_id"),
        point=point,
        skills=_skills(cells.get("skills", ""), mapping),
        hours=_hours(cells.get("availability", "")),
        reach_m=reach_m,
        capacity=_whole(cells, "capacity", 1, (1, 100)),
        travel=_travel(cells.get("travel", "")),
        unit=_optional_id(cells, "unit"),
        compound=_optional_id(cells, "compound"),
        zone=_zone(cells, mapping),
        visits_this_quarter=_whole(cells, "visits_this_quarter", 0, (0, 10_000)),
        visits_per_day=_whole(cells, "visits_per_day", 0, (1, 100)) or None,
        visits_per_week=_whole(cells, "visits_per_week", 0, (1, 100)) or None,
        posts=_ids(cells, "posts", "posts", POSTS_MAX),
        certificates=_certificates(cells, mapping, clock),
        teams=_teams(cells),
    )


def _teams(cells: dict[str, str]) -> tuple[tuple[str, TeamKind | None], ...]:
    """Read `清风队;east:emergency`: the teams of a person, a kind after the colon where the file says it."""
    found: dict[str, TeamKind | None] = {}
    for part in _ids(cells, "teams", "teams", TEAMS_MAX):
        team, colon, kind = part.replace("：", ":").rpartition(":")
        if colon and not team.strip():
            raise Fault("teams", part, "names no team before the colon", "Write it as name or name:emergency")
        found[team.strip() if colon else part] = _kind(cells, "teams", kind.strip()) if colon else None
    return tuple(found.items())


def _kind(cells: dict[str, str], name: str, text: str) -> TeamKind | None:
    if not text:
        return None
    found = _KINDS.get(unicodedata.normalize("NFKC", text).lower())
    if found is None:
        raise Fault(name, cells[name], "names no kind of team", f"Use one of: {', '.join(TeamKind)}")
    return found


def _yes(cells: dict[str, str], name: str) -> bool:
    text = unicodedata.normalize("NFKC", cells.get(name, "")).lower()
    if text not in _YES | _NO:
        raise Fault(name, cells[name], "is neither yes nor no", "Write yes, or leave it empty")
    return text in _YES


def _certificates(cells: dict[str, str], mapping: Mapping, clock: tzinfo | None) -> tuple[tuple[str, datetime], ...]:
    """Read `nursing@2026-12-31`: valid through that day, or until the time given."""
    found = []
    for part in _ids(cells, "certificates", "certificates", SKILLS_MAX):
        skill, _, until = part.rpartition("@")
        if not skill:
            raise Fault("certificates", part, "does not say until when", "Write it as nursing@2026-12-31")
        ends = read_time("certificates", until, clock)
        if ":" not in unicodedata.normalize("NFKC", until):
            ends = (ends.astimezone(clock) + timedelta(days=1)).astimezone(UTC)
        found += [(named.skill, ends) for named in _skills(skill, mapping, "certificates")]
    return tuple(found)


def _minimum(cells: dict[str, str], people: int) -> int | None:
    if not cells.get("minimum_people"):
        return None
    return _whole(cells, "minimum_people", people, (1, people))


def _whole(cells: dict[str, str], name: str, default: int, limits: tuple[int, int]) -> int:
    text = cells.get(name, "")
    if not text:
        return default
    value = number(name, text)
    if value != int(value) or not limits[0] <= value <= limits[1]:
        raise Fault(name, text, f"is not a whole number from {limits[0]} to {limits[1]}", "Correct the number")
    return int(value)


def _id(cells: dict[str, str], name: str) -> str:
    found = _optional_id(cells, name)
    if found is None:
        raise Fault(name, "", "is missing", "Give every row an id of its own")
    return found


def _optional_id(cells: dict[str, str], name: str) -> str | None:
    text = cells.get(name, "")
    if len(text) > ID_CHARACTERS_MAX:
        raise Fault(name, text, f"is longer than {ID_CHARACTERS_MAX} characters", "Shorten it")
    return text or None


def _zone(cells: dict[str, str], mapping: Mapping) -> str | None:
    return _optional_id(cells, "zone") or (mapping.blank_zone if "zone" in cells else None)


def _time(cells: dict[str, str], name: str, clock: tzinfo | None) -> datetime | None:
    text = cells.get(name, "")
    return read_time(name, text, clock) if text else None


def _skills(text: str, mapping: Mapping, name: str = "skills") -> tuple[NeededSkill, ...]:
    """Read `a;b:2`: all of them, each with its level (1 when not said). Raises Fault."""
    written = mapping.skills.get(text, text)
    if mapping.one_skill and text not in mapping.skills:
        return (NeededSkill(skill=written),) if written else ()
    levels: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in written.replace("；", ";").split(";"))):
        skill, level = _skill(part.replace("：", ":"), name)
        levels[skill] = max(level, levels.get(skill, 0))
    if len(levels) > SKILLS_MAX:
        raise Fault(name, text, f"names more than {SKILLS_MAX} skills", "Shorten the list")
    return tuple(NeededSkill(skill=skill, level=level) for skill, level in levels.items())


def _skill(part: str, name: str) -> tuple[str, int]:
    skill, colon, level = part.rpartition(":")
    if not colon:
        return part, 1
    if level.strip() not in ("1", "2", "3", "4", "5") or not skill.strip():
        raise Fault(name, part, "has no level from 1 to 5 after the colon", "Write it as skill or skill:2")
    return skill.strip(), int(level)


def _hours(text: str) -> Hours:
    try:
        return availability.parse(text)
    except availability.NotWeekly as error:
        remedy = "Write it as Mon-Fri 18:00-21:00; Sat,Sun 09:00-17:00"
        raise Fault("availability", text, f"cannot be used: {error}", remedy) from None


def _travel(text: str) -> Travel:
    if not text:
        return Travel.WALK
    try:
        return Travel(text.lower())
    except ValueError:
        modes = ", ".join(Travel)
        raise Fault("travel", text, "is not a known way to travel", f"Use one of: {modes}") from None

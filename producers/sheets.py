"""Files out: requests and volunteers as CSV with the standard columns, commands as JSON Lines.

Called by `paidan generate`. What is written here `producers.rows` reads back unchanged.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from matcher.commands import Command
from matcher.terms import NeededSkill
from producers import availability
from producers.mapping import RARE_FIELDS, REQUEST_FIELDS, VOLUNTEER_FIELDS
from producers.rows import RequestRow, VolunteerRow


def write_requests(path: Path, rows: Iterable[RequestRow]) -> int:
    """Write a requests file; return how many rows."""
    return _write(path, REQUEST_FIELDS, (_request(row) for row in rows))


def write_volunteers(path: Path, rows: Iterable[VolunteerRow]) -> int:
    """Write a volunteers file; return how many rows."""
    return _write(path, VOLUNTEER_FIELDS, (_volunteer(row) for row in rows))


def write_commands(path: Path, commands: Iterable[Command]) -> int:
    """Write commands, one JSON object a line, in the order in which they are to be sent; return how many."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for command in commands:
            file.write(msgspec.json.encode(command, order="deterministic") + b"\n")
            count += 1
    return count


def _write(path: Path, fields: tuple[str, ...], rows: Iterable[dict[str, object]]) -> int:
    """Write the rows; a column that few files have is there only where a row fills it."""
    whole = list(rows)
    used = [name for name in fields if name not in RARE_FIELDS or any(row[name] for row in whole)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, used, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(whole)
    return len(whole)


def _request(row: RequestRow) -> dict[str, object]:
    return {
        "request_id": row.request_id,
        "lat": row.point.lat,
        "lon": row.point.lon,
        "datum": "wgs84",
        "skills": _skills(row.skills),
        "people": row.people,
        "minimum_people": row.minimum_people,
        "earliest": _time(row.earliest),
        "latest": _time(row.latest),
        "duration_minutes": row.duration_minutes,
        "urgency": row.urgency,
        "submitted_at": _time(row.submitted_at),
        "zone": row.zone,
        "compound": row.compound,
        "should": _skills(row.should),
        "nice": _skills(row.nice),
        "excluded": ";".join(row.excluded),
        "preferred": ";".join(row.preferred),
        "restricted": ";".join(row.restricted),
        "must_have": ";".join(row.must_have),
        "requester": row.requester,
        "helpers": ";".join(row.helpers),
        "circle_minutes": row.circle_minutes,
        "post": row.post,
        "told": ";".join(row.told),
        "team": row.team,
        "team_kind": row.team_kind and row.team_kind.value,
        "one_team": "yes" if row.one_team else None,
        "preferred_team": row.preferred_team,
    }


def _volunteer(row: VolunteerRow) -> dict[str, object]:
    return {
        "volunteer_id": row.volunteer_id,
        "lat": row.point.lat,
        "lon": row.point.lon,
        "datum": "wgs84",
        "skills": _skills(row.skills),
        "availability": availability.to_text(row.hours),
        "reach_m": _plain(row.reach_m),
        "capacity": row.capacity,
        "travel": str(row.travel),
        "unit": row.unit,
        "compound": row.compound,
        "zone": row.zone,
        "visits_this_quarter": row.visits_this_quarter,
        "visits_per_day": row.visits_per_day,
        "visits_per_week": row.visits_per_week,
        "posts": ";".join(row.posts),
        "certificates": ";".join(f"{skill}@{until.isoformat()}" for skill, until in row.certificates),
        "teams": ";".join(team if kind is None else f"{team}:{kind.value}" for team, kind in row.teams),
    }


def _skills(skills: tuple[NeededSkill, ...]) -> str:
    return ";".join(skill.skill if skill.level == 1 else f"{skill.skill}:{skill.level}" for skill in skills)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value

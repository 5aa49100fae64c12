"""The people of a zone as columns: one row a person, no Python object per person.

Owned by `zone.Zone` (and by `paidan match` for a file); read by `posing`. Changes only through `register`,
`change_hours`, `pause` and `remove`. Arrays grow by doubling; rows are never moved, a person keeps their row for ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcher.commands import RegisterVolunteer
from matcher.groups import Groups
from matcher.terms import Hours, Travel

#: `paused_until_s` of somebody who is not paused / is paused until they say otherwise.
NOT_PAUSED, UNTIL_FURTHER_NOTICE = -(2**62), 2**62

MODES = tuple(Travel)
_COLUMNS: dict[str, Any] = {
    "lat": np.float64,
    "lon": np.float64,
    "reach_m": np.float64,
    "capacity": np.int32,
    "travel": np.uint8,  # index into MODES
    "hours": np.int32,  # row of `hours_table`
    "left": np.bool_,
    "paused_until_s": np.int64,
}


class People:
    """P rows. `levels` is [skills, P]: the level held, 0 = none."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self.units: list[str | None] = []
        self.places: list[tuple[str, ...]] = []
        self.hours_table: list[Hours] = []
        self.skills: list[str] = []
        self.skill_row: dict[str, int] = {}
        #: (skill row, person row) -> when the certificate expires, seconds
        self.expires_s: dict[tuple[int, int], int] = {}
        #: row -> visits a day and a week by the person's own word, 0 = no limit; only of those who gave one
        self.limits: dict[int, tuple[int, int]] = {}
        #: posts that people have claimed, teams that they belong to
        self.posts, self.teams = Groups(), Groups()
        self._hours_row: dict[Hours, int] = {}
        self._columns = {name: np.zeros(0, kind) for name, kind in _COLUMNS.items()}
        self._levels = np.zeros((0, 0), np.uint8)

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Any:
        """Return a view of one column, [P]."""
        return self._columns[name][: len(self.ids)]

    @property
    def levels(self) -> Any:
        """A view of the levels, [skills, P]."""
        return self._levels[: len(self.skills), : len(self.ids)]

    def cadres(self) -> Any:
        """Say for each person whether a unit sent them: who owes a visit a quarter (R100), [P]."""
        return np.array([unit is not None for unit in self.units], np.bool_)

    def add_skill(self, skill: str) -> int:
        """Give a skill its row; a known one keeps it."""
        if skill not in self.skill_row:
            self.skill_row[skill] = len(self.skills)
            self.skills.append(skill)
            self._make_room()
        return self.skill_row[skill]

    def register(self, command: RegisterVolunteer) -> int:
        """Write one person's row, new or again; return the row. Skills must have rows already."""
        row = self.row_of.get(command.volunteer, -1)
        if row < 0:
            row = len(self.ids)
            self.ids.append(command.volunteer)
            self.row_of[command.volunteer] = row
            self.units.append(None)
            self.places.append(())
            self._make_room()
        self.units[row], self.places[row] = command.unit, command.places
        values: dict[str, Any] = {
            "lat": command.point.lat,
            "lon": command.point.lon,
            "reach_m": command.reach_m,
            "capacity": command.capacity,
            "travel": MODES.index(command.travel),
            "hours": self._row_of_hours(command.hours),
            "left": False,
            "paused_until_s": NOT_PAUSED,
        }
        for name, value in values.items():
            self._columns[name][row] = value
        self._write_skills(row, command)
        self.posts.put(row, command.posts or ())
        self.teams.put(row, command.teams or ())
        own = command.visits_per_day or 0, command.visits_per_week or 0
        if any(own):
            self.limits[row] = own
        else:
            self.limits.pop(row, None)
        return row

    def claimed_by(self, post: str) -> list[int]:
        """Return the rows of those who have claimed a post."""
        return self.posts.rows(post)

    def change_hours(self, row: int, hours: Hours) -> None:
        """Give one person other hours."""
        self._columns["hours"][row] = self._row_of_hours(hours)

    def pause(self, row: int, until_s: int) -> None:
        """No offers before `until_s`."""
        self._columns["paused_until_s"][row] = until_s

    def remove(self, row: int) -> None:
        """Mark one person as gone; the row stays theirs."""
        self._columns["left"][row] = True

    def has_left(self, row: int) -> bool:
        """Say whether the person is gone."""
        return bool(self._columns["left"][row])

    def _row_of_hours(self, hours: Hours) -> int:
        row = self._hours_row.setdefault(hours, len(self.hours_table))
        if row == len(self.hours_table):
            self.hours_table.append(hours)
        return row

    def _write_skills(self, row: int, command: RegisterVolunteer) -> None:
        self._levels[:, row] = 0
        for skill in range(len(self.skills)):
            self.expires_s.pop((skill, row), None)
        for held in command.skills:
            skill = self.skill_row[held.skill]
            self._levels[skill, row] = max(held.level, int(self._levels[skill, row]))
            if held.expires is not None:
                self.expires_s[skill, row] = int(held.expires.timestamp())

    def _make_room(self) -> None:
        size = _room(len(self.ids), self._columns["lat"].size)
        if size > self._columns["lat"].size:
            self._columns = {name: np.resize(column, size) for name, column in self._columns.items()}
        skills = _room(len(self.skills), self._levels.shape[0])
        if (skills, size) != self._levels.shape:
            levels = np.zeros((skills, size), np.uint8)
            levels[: self._levels.shape[0], : self._levels.shape[1]] = self._levels
            self._levels = levels

    def packed(self) -> dict[str, Any]:
        """Return the whole table as plain values, for the canonical encoding of a zone."""
        certificates = [(skill, row, until) for (skill, row), until in sorted(self.expires_s.items())]
        return {
            "ids": self.ids,
            "units": self.units,
            "places": self.places,
            "skills": self.skills,
            "hours_table": self.hours_table,
            "certificates": certificates,
            "columns": {name: self.column(name).tobytes() for name in sorted(_COLUMNS)},
            "levels": np.ascontiguousarray(self.levels).tobytes(),
            # only where somebody has a limit: older logs hold hashes of people without
            **({"limits": sorted((row, *own) for row, own in self.limits.items())} if self.limits else {}),
            # likewise
            **({"posts": self.posts.packed()} if self.posts else {}),
            **({"teams": self.teams.packed()} if self.teams else {}),
        }

    @staticmethod
    def unpacked(packed: dict[str, Any], hours_table: list[Hours]) -> People:
        """Build the table again from `packed`."""
        people = People()
        people.ids, people.units = list(packed["ids"]), list(packed["units"])
        people.places = [tuple(places) for places in packed["places"]]
        people.row_of = {volunteer: row for row, volunteer in enumerate(people.ids)}
        people.skills = list(packed["skills"])
        people.skill_row = {skill: row for row, skill in enumerate(people.skills)}
        people.hours_table = hours_table
        people._hours_row = {hours: row for row, hours in enumerate(hours_table)}
        people.expires_s = {(skill, row): until for skill, row, until in packed["certificates"]}
        for name, kind in _COLUMNS.items():
            people._columns[name] = np.frombuffer(packed["columns"][name], kind).copy()
        people.limits = {row: (day, week) for row, day, week in packed.get("limits", [])}
        for row, posts in packed.get("posts", []):
            people.posts.put(row, tuple(posts))
        for row, teams in packed.get("teams", []):
            people.teams.put(row, tuple(teams))
        levels = np.frombuffer(packed["levels"], np.uint8)
        people._levels = levels.reshape(len(people.skills), len(people.ids)).copy()
        return people


def _room(needed: int, had: int) -> int:
    return had if needed <= had else max(8, 2 * had, needed)

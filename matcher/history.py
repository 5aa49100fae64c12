"""What a zone remembers of visits beyond its requests: each person's share of the quarter, and who helped whom.

Kept only once the policy (`Policy.keeps_history`) or somebody's own limit asks for it, from then on. Written by
`evolving`, read by `beats`. A visit counts when it is finished, in the local quarter of that moment, with its planned
minutes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

DAY_S = 86_400
#: A helper is remembered this long after the visit.
HELPERS_DAYS = 365
#: A week, and the hours by which a day can be longer than another.
LATELY_DAYS = 8


class Quarter(NamedTuple):
    """Where a moment lies in its calendar quarter: `day` of `days`, the first is 1. `number` grows by 1 a quarter."""

    number: int
    day: int
    days: int

    @property
    def first(self) -> date:
        """The quarter's first day."""
        year, place = divmod(self.number, 4)
        return date(year, 3 * place + 1, 1)

    @property
    def today(self) -> date:
        """The local day of the moment."""
        return self.first + timedelta(days=self.day - 1)

    @property
    def last_month(self) -> tuple[int, int]:
        """Year and month in which the quarter ends."""
        return self.first.year, self.first.month + 2

    def __str__(self) -> str:
        """Write it as 2026Q4."""
        return f"{self.number // 4}Q{self.number % 4 + 1}"


class Helped(msgspec.Struct):
    """Who served a requester's last request that anybody served."""

    request: str
    people: list[int]
    at_s: int


class History(msgspec.Struct):
    """`visits` and `minutes` of people (by row) in the quarter `quarter`; `helpers` by requester; `lately`: when visits
    of the last days began, by person, for limits by day and week."""

    quarter: int
    visits: dict[int, int] = {}
    minutes: dict[int, int] = {}
    helpers: dict[str, Helped] = {}
    lately: dict[int, list[int]] = {}

    def served(self, person: int, start_s: int, minutes: int, at: datetime, timezone: str) -> None:
        """Count one finished visit."""
        self.lately.setdefault(person, []).append(start_s)
        quarter = quarter_of(at, timezone).number
        if quarter != self.quarter:
            self.quarter, self.visits, self.minutes = quarter, {}, {}
        self.visits[person] = self.visits.get(person, 0) + 1
        self.minutes[person] = self.minutes.get(person, 0) + minutes

    def helped(self, requester: str, request: str, person: int, at_s: int) -> None:
        """Remember who came, in place of whoever came for an earlier request."""
        known = self.helpers.get(requester)
        people = [*known.people, person] if known is not None and known.request == request else [person]
        self.helpers[requester] = Helped(request, people, at_s)

    def visits_in(self, quarter: Quarter) -> dict[int, int]:
        """Return finished visits by person in this quarter."""
        return self.visits if quarter.number == self.quarter else {}

    def people_who_helped(self, requester: str | None) -> list[int]:
        """Return who served the requester last time."""
        known = None if requester is None else self.helpers.get(requester)
        return [] if known is None else known.people

    def forget(self, now_s: int) -> None:
        """Drop helpers of long ago and visits that belong to no day or week that can still come."""
        lately = {row: [at_s for at_s in own if at_s > now_s - LATELY_DAYS * DAY_S] for row, own in self.lately.items()}
        self.lately = {row: own for row, own in lately.items() if own}
        kept_s = now_s - HELPERS_DAYS * DAY_S
        self.helpers = {name: helped for name, helped in self.helpers.items() if helped.at_s > kept_s}


def quarter_of(at: datetime, timezone: str) -> Quarter:
    """Return the local calendar quarter of a moment."""
    day = at.astimezone(UTC).astimezone(ZoneInfo(timezone)).date()
    first_month = 3 * ((day.month - 1) // 3) + 1
    first = date(day.year, first_month, 1)
    after = date(day.year + 1, 1, 1) if first_month == 10 else date(day.year, first_month + 3, 1)
    return Quarter(4 * day.year + (day.month - 1) // 3, (day - first).days + 1, (after - first).days)

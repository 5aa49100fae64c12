"""What is played: the commands that open the zones, the requests at their times, and the beats.

Built from the generated county or from files, before the log is opened. The same arguments give the same commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from matcher.commands import Command, SetPolicy, SubmitRequest
from matcher.policy import Policy
from producers import asking, city
from producers.roster import roster_like
from producers.rows import RequestRow, VolunteerRow
from services.demo.agenda import Beats

#: The generated day: a Monday, so that evenings and the weekend both come within a request's days.
DAY = date(2026, 6, 1)
#: A fifth of a report week's 2,879 services (R156).
DAY_REQUESTS = 576


@dataclass(frozen=True)
class Scenario:
    """One run's input. `opening` keeps its order; `requests` have their own times."""

    opening: list[Command]
    requests: list[SubmitRequest]
    beats: Beats
    seed: int
    timezone: ZoneInfo


def of_county(seed: int, beat: timedelta, policy: Policy, *, count: int = DAY_REQUESTS, day: date = DAY) -> Scenario:
    """Take the generated county and one day of requests."""
    zone, *rest = city.county(seed)
    return _scenario(
        [zone, *_policies([zone.zone], policy), *rest], city.requests(seed, day, count), seed, beat, policy
    )


def of_rows(
    requests: Sequence[RequestRow],
    volunteers: Sequence[VolunteerRow],
    seed: int,
    beat: timedelta,
    policy: Policy,
    *,
    zone: str,
) -> Scenario:
    """Take rows of files; `zone` is for those that name none. Raises ValueError without any dated request."""
    opening: list[Command] = []
    for name, asked, people in _by_zone(requests, volunteers, zone):
        first, *definitions = asking.definitions(name, asked, people)
        opening += [first, *_policies([name], policy), *definitions]
        opening += [asking.register(person, name) for person in people]
    times = [row.submitted_at or row.earliest for row in requests]
    first_at = min((at for at in times if at is not None), default=None)
    if first_at is None:
        raise ValueError("No request says when it was made. Give `submitted_at` or `earliest`.")
    submits = [asking.submit(row, row.zone or zone, at=row.earliest or first_at, channel="replay") for row in requests]
    return _scenario(opening, submits, seed, beat, policy)


def invented_people(requests: Sequence[RequestRow], people: int, seed: int) -> list[VolunteerRow]:
    """Invent a roster that suits the requests."""
    return roster_like(requests, people, seed)


def _by_zone(
    requests: Sequence[RequestRow], volunteers: Sequence[VolunteerRow], zone: str
) -> Iterable[tuple[str, list[RequestRow], list[VolunteerRow]]]:
    asked: dict[str, list[RequestRow]] = {}
    people: dict[str, list[VolunteerRow]] = {}
    for request in requests:
        asked.setdefault(request.zone or zone, []).append(request)
    for volunteer in volunteers:
        people.setdefault(volunteer.zone or zone, []).append(volunteer)
    for name in sorted({*asked, *people}):
        yield name, asked.get(name, []), people.get(name, [])


def _policies(zones: Iterable[str], policy: Policy) -> list[Command]:
    quiet = msgspec.structs.replace(policy, notify=False)
    return [
        asking.identified(SetPolicy(id="-", zone=zone, at=datetime(1970, 1, 1, tzinfo=UTC), policy=quiet))
        for zone in zones
    ]


def _scenario(
    opening: Sequence[Command], requests: list[SubmitRequest], seed: int, beat: timedelta, policy: Policy
) -> Scenario:
    """Let the first beat be at or before the first request; the zones open one beat earlier still.

    Without that the first Tick would bring a zone from some other year to today, and the ids that it remembers for a
    week would be forgotten at once.
    """
    first = min(request.at for request in requests)
    start = first - (first - datetime(1970, 1, 1, tzinfo=UTC)) % beat
    opened = [msgspec.structs.replace(command, at=start - beat) for command in opening]
    return Scenario(opened, requests, Beats(start=start, length=beat), seed, ZoneInfo(policy.timezone))

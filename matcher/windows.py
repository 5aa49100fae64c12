"""Until when a request without a word of its own is open: days of the clock, or working days of the city's calendar.

Called by `requests` and, where the calendar changes, by `definitions`. A window that counts a day which is only
estimated is provisional, and is moved when that day is known.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from matcher import events as e
from matcher.city_days import CityDays
from matcher.events import Event
from matcher.facts import Facts
from matcher.zone import Request, RequestState, Zone

#: Until when, and whether that is only estimated (UNSET: no working day was counted).
Until = tuple[datetime, bool | UnsetType]


def of(zone: Zone, earliest: datetime) -> Until:
    """Return the window of a request that names no `latest`."""
    policy = zone.policy
    if policy.window_working_days:
        return zone.days().window(earliest, policy.window_working_days, policy.timezone)
    return earliest + timedelta(days=policy.window_days), UNSET


def again(zone: Zone, request: Request, now: datetime) -> Until:
    """Return the window of a request that is opened again: as long as before, or as many working days."""
    if request.provisional is UNSET or not zone.policy.window_working_days:
        return now + (request.latest - request.earliest), UNSET
    return of(zone, now)


def moved(zone: Zone, days: CityDays, facts: Facts) -> list[Event]:
    """Return which open windows end elsewhere by these days, or are certain now; one that would be over stays."""
    working_days = zone.policy.window_working_days
    if not working_days:
        return []
    found: list[Event] = []
    for name, request in zone.requests.items():
        if request.provisional is UNSET or request.state is RequestState.COMPLETED:
            continue
        end, provisional = days.window(request.earliest, working_days, zone.policy.timezone)
        if end > facts.at and (end, provisional) != (request.latest, request.provisional):
            found.append(facts(e.WindowMoved, request=name, latest=end, provisional=provisional))
    return found

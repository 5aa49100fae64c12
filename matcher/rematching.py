"""A week's batch as commands: start it, report of its jobs, end it (DESIGN 5, re-matching).

Called by `decisions`; changes nothing. A job names a state and a part; whoever works on it folds that state itself, so
nothing heavy is decided here. The plan that comes of it is judged in `adopting`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import UNSET

from matcher import events as e
from matcher.commands import RematchStage, ReportRematch, StartRematch
from matcher.events import Event
from matcher.facts import Facts
from matcher.hours import midnight_s
from matcher.plans import Rematch
from matcher.reasons import (
    AlreadyExists,
    AlreadyReported,
    CalendarRunsOut,
    ImpossibleValue,
    NobodyRegistered,
    NothingOpen,
    Refusal,
    RematchRuns,
    Unknown,
    WeekOver,
    WrongState,
)
from matcher.weeks import ReportWeek
from matcher.zone import Zone

_DAY = timedelta(days=1)
#: Months looked at for the report week that a day lies in.
_MONTHS = (-1, 0, 1)


def start(zone: Zone, command: StartRematch, facts: Facts) -> list[Event]:
    """Start a batch for the week that a day lies in; refused where there would be nothing to plan."""
    if (command.iterations is UNSET) == (command.budget_s is UNSET):
        both = "neither" if command.iterations is UNSET else "both"
        remedy = "Give exactly one of `iterations` and `budget_s`."
        return facts.refused(ImpossibleValue(field="iterations", value=both, remedy=remedy))
    first, last = week_of(zone, command.week)
    from_at, until_at = span(zone, first, last)
    if until_at <= facts.at:
        return facts.refused(WeekOver(week=command.week, ended=until_at))
    from_at = max(from_at, facts.at)
    objection = objection_to(zone, command.rematch, first, last) or _nothing(zone, from_at, until_at)
    if objection is not None:
        return facts.refused(objection)
    started = facts(
        e.RematchStarted,
        rematch=command.rematch,
        from_at=from_at,
        until_at=until_at,
        seed=command.seed,
        iterations=command.iterations,
        budget_s=command.budget_s,
        provisional=_uncertain(zone, first, last) is not None or UNSET,
        command=command,
    )
    return [started]


def week_of(zone: Zone, day: date) -> tuple[date, date]:
    """Return the first and last day of the report week that a day lies in, else of its Monday to Sunday."""
    for week in report_weeks_around(zone, day):
        if week.start <= day <= week.end:
            return week.start, week.end
    monday = day - timedelta(days=day.weekday())
    return monday, monday + 6 * _DAY


def span(zone: Zone, first: date, last: date) -> tuple[datetime, datetime]:
    """Return from when until when these local days last."""
    timezone = zone.policy.timezone
    begin, end = midnight_s(timezone, first), midnight_s(timezone, last + _DAY)
    return datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)


def objection_to(zone: Zone, rematch: str, first: date, last: date) -> Refusal | None:
    """Return why this batch cannot begin now, whatever there is to plan."""
    if zone.rematch is not UNSET:
        return RematchRuns(rematch=rematch, running=zone.rematch.id)
    if rematch in zone.known_plans:
        return AlreadyExists(kind="plan", value=rematch)
    day = _uncertain(zone, first, last)
    if zone.policy.batch.certain_calendar and day is not None:
        return CalendarRunsOut(day=day)
    return None


def _uncertain(zone: Zone, first: date, last: date) -> date | None:
    """Return the first day of the week that is only estimated, where anybody's hours read the calendar."""
    if not any(hours.reads_calendar for hours in zone.people.hours_table):
        return None
    calendar = zone.days().calendar
    days = (first + n * _DAY for n in range((last - first).days + 1))
    return next((day for day in days if not calendar.is_certain(day)), None)


def _nothing(zone: Zone, from_at: datetime, until_at: datetime) -> Refusal | None:
    here = ~zone.people.column("left") & (zone.people.column("paused_until_s") < until_at.timestamp())
    if not np.any(here):
        return NobodyRegistered(zone=zone.id)
    waiting = (request for request in zone.requests.values() if not all(need.filled for need in request.needs.values()))
    if not any(request.earliest < until_at and request.latest > from_at for request in waiting):
        return NothingOpen(zone=zone.id, from_at=from_at, until_at=until_at)
    return None


def by_itself(zone: Zone, facts: Facts) -> list[Event]:
    """Start the batch of the next report week when the policy says that it is time; else nothing.

    Not where a week waits for somebody's choice, has a plan already, or where there is nothing to plan.
    """
    hours = zone.policy.batch.start_hours
    if not hours or zone.rematch is not UNSET:
        return []
    soon = (facts.at + timedelta(hours=hours)).astimezone(ZoneInfo(zone.policy.timezone)).date()
    first, last = week_of(zone, soon)
    from_at, until_at = span(zone, first, last)
    if not from_at - timedelta(hours=hours) <= facts.at < from_at or not _waits_for_batch(zone, first, from_at):
        return []
    name = f"week-{first}"
    if objection_to(zone, name, first, last) is not None or _nothing(zone, from_at, until_at) is not None:
        return []
    started = facts(
        e.RematchStarted,
        rematch=name,
        from_at=from_at,
        until_at=until_at,
        seed=1,
        iterations=zone.policy.batch.iterations,
        provisional=_uncertain(zone, first, last) is not None or UNSET,
    )
    return [started]


def _waits_for_batch(zone: Zone, first: date, from_at: datetime) -> bool:
    """Say whether these days are a report week that nobody has to choose and that no batch has planned."""
    week = next((week for week in report_weeks_around(zone, first) if week.start == first), None)
    begin_s = int(from_at.timestamp())
    planned = begin_s in (zone.begun_weeks or ()) or any(plan.from_s == begin_s for plan in zone.known_plans.values())
    return week is not None and not week.undecided and not planned


def report_weeks_around(zone: Zone, day: date) -> list[ReportWeek]:
    """Return the report weeks of the month of a day and of those beside it."""
    days = zone.days()
    months = [day.replace(day=15) + timedelta(days=30 * n) for n in _MONTHS]
    return [days.report_week(at.year, at.month) for at in months]


def report(zone: Zone, command: ReportRematch, facts: Facts) -> list[Event]:
    """Take in what a worker says of one job; the first report of a job done wins."""
    rematch = batch(zone, command.rematch)
    objection = rematch if not isinstance(rematch, Rematch) else _objection(rematch, command)
    if objection is not None:
        return facts.refused(objection)
    if not command.done:
        return [facts(e.RematchPartBegun, command=command)]
    if command.stage is RematchStage.CUT:
        return [facts(e.RematchCut, command=command, parts=command.parts, repairs=command.repairs or 0)]
    return [facts(e.RematchPartDone, command=command)]


def batch(zone: Zone, name: str) -> Rematch | Refusal:
    """Return the batch of this name, or why it cannot be spoken to."""
    if zone.rematch is not UNSET and zone.rematch.id == name:
        return zone.rematch
    if name in zone.known_plans:
        return WrongState(kind="batch", value=name, state="adopted", needed="running")
    return Unknown(kind="batch", value=name)


def _objection(rematch: Rematch, said: ReportRematch) -> Refusal | None:
    if said.stage is not RematchStage.CUT:
        if not rematch.parts:
            return WrongState(kind="batch", value=rematch.id, state="not cut", needed="cut")
        if said.part >= (rematch.parts if said.stage is RematchStage.PART else rematch.repairs):
            return ImpossibleValue(field="part", value=str(said.part), remedy="Give a part that the batch has.")
    if _has_come(rematch, said):
        return AlreadyReported(rematch=rematch.id, stage=said.stage.value, part=said.part)
    return _incomplete(rematch, said) if said.done else None


def _has_come(rematch: Rematch, said: ReportRematch) -> bool:
    if rematch.is_done(said.stage, said.part):
        return True
    reported = rematch.done.get(f"{said.stage.value}:{said.part}")
    return said.done and reported is not None and said.piece in reported.visits


def _incomplete(rematch: Rematch, said: ReportRematch) -> Refusal | None:
    if said.stage is RematchStage.CUT:
        if said.parts is UNSET or said.as_of is UNSET:
            remedy = "A cut that is done says how many parts there are, and of which state."
            return ImpossibleValue(field="parts", value="", remedy=remedy)
        return None
    if said.visits is UNSET:
        return ImpossibleValue(field="visits", value="", remedy="A part that is done says its visits.")
    reported = rematch.done.get(f"{said.stage.value}:{said.part}")
    pieces = said.pieces if reported is None else reported.pieces
    if said.piece > pieces or said.pieces != pieces:
        return ImpossibleValue(field="piece", value=str(said.piece), remedy="Give a piece that the part has.")
    return None

"""The one pure function that decides: `decide(zones, command) -> [event]`. It changes nothing and may be called twice.

Called by the writer (live), the simulator and backtests. A `Tick` is decided in three steps, with `evolve` after each
list of events: `decide(zones, tick)` (time passes, things lapse), `pose(zones, tick)` (the beat's problem, or None),
`decide(zones, tick, plan)` (offers). The rules of each family of commands are in the file of that family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from matcher import (
    adopting,
    beats,
    changing,
    commands,
    definitions,
    lapses,
    publishing,
    rematching,
    requests,
    visits,
    volunteers,
)
from matcher.beats import pose
from matcher.commands import Command, DefinePlace, Tick
from matcher.events import Event
from matcher.evolving import evolve
from matcher.facts import Facts
from matcher.problem import Plan
from matcher.reasons import IdempotencyConflict, UnknownZone
from matcher.zone import Zone, digest

__all__ = ["decide", "evolve", "pose"]


def decide(zones: Mapping[str, Zone], command: Command, plan: Plan | None = None) -> list[Event]:
    """Return what follows from a command: events, a refusal, or nothing for an exact repeat or a late Tick."""
    zone = zones.get(command.zone)
    if zone is None:
        facts = Facts(command.zone, command.at, command)
        if isinstance(command, DefinePlace):
            return definitions.place(None, command, facts)
        return facts.refused(UnknownZone(zone=command.zone))
    if isinstance(command, Tick):
        return _tick(zone, command, plan)
    facts = Facts(zone.id, zone.now, command)
    known = zone.remembered.get(command.id)
    if known is not None:
        return [] if known[0] == digest(command) else facts.refused(IdempotencyConflict(command_id=command.id))
    return _DECIDERS[type(command)](zone, command, facts)


def _tick(zone: Zone, tick: Tick, plan: Plan | None) -> list[Event]:
    if plan is not None:
        return beats.settle(zone, tick, plan, Facts(zone.id, tick.at, tick))
    if tick.at <= zone.now:
        return []
    return lapses.time_passes(zone, tick, Facts(zone.id, tick.at, tick))


_DECIDERS: dict[type[Command], Callable[[Zone, Any, Facts], list[Event]]] = {
    commands.DefinePlace: definitions.place,
    commands.DefineUnit: definitions.unit,
    commands.LinkUnit: definitions.link,
    commands.DefineSkill: definitions.skill,
    commands.DefineTeam: definitions.team,
    commands.DefinePost: definitions.post,
    commands.SetPolicy: definitions.policy,
    commands.SetCalendarDay: definitions.calendar_day,
    commands.SetCalendarYear: definitions.calendar_year,
    commands.SubmitRequest: requests.submit,
    commands.CancelRequest: requests.cancel,
    commands.ChangeRequest: changing.change,
    commands.ReopenRequest: requests.reopen,
    commands.RateRequest: requests.rate,
    commands.RegisterVolunteer: volunteers.register,
    commands.ChangeAvailability: volunteers.change_availability,
    commands.PauseVolunteer: volunteers.pause,
    commands.RemoveVolunteer: volunteers.remove,
    commands.AcceptOffer: visits.accept,
    commands.DeclineOffer: visits.decline,
    commands.Depart: visits.depart,
    commands.Arrive: visits.arrive,
    commands.Finish: visits.finish,
    commands.ReportJob: lapses.report_job,
    commands.StartRematch: rematching.start,
    commands.ReportRematch: rematching.report,
    commands.AdoptPlan: adopting.take,
    commands.EndRematch: adopting.end,
    commands.PublishPlan: publishing.publish,
    commands.NotifyPlan: publishing.notify,
    commands.RollBackPlan: publishing.roll_back,
}

"""A batch's plan becomes a draft: what of it is still valid, and still worth what it disturbs.

Called by `decisions` (`AdoptPlan`, `EndRematch`) and by `lapses` (a batch that ran too long); changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, UnsetType

from matcher import events as e
from matcher.commands import AdoptPlan, EndRematch, Figures, StatePlace
from matcher.events import Event, MovedBecause, NotAdopted, RematchEnding
from matcher.facts import Facts
from matcher.judging import Candidate, Judge, Stop
from matcher.plans import Rematch
from matcher.reasons import AlreadyReported, ImpossibleValue, Refusal
from matcher.rematching import batch
from matcher.terms import PlannedVisit
from matcher.zone import Assignment, Status, Zone


def take(zone: Zone, command: AdoptPlan, facts: Facts) -> list[Event]:
    """Take in one part of a plan; with the last of them to come the plan is adopted."""
    rematch = batch(zone, command.rematch)
    objection = rematch if not isinstance(rematch, Rematch) else _objection(rematch, command)
    if objection is not None or not isinstance(rematch, Rematch):
        return facts.refused(objection or _never())
    taken = facts(e.PlanPartTaken, command=command)
    if len(rematch.taken) + 1 < command.parts:
        return [taken]
    parts = {**rematch.taken, command.part: command.moves}
    visits = [visit for _, part in sorted(parts.items()) for visit in part]
    figures = rematch.figures if command.figures is UNSET else command.figures
    return [taken, adopted(zone, rematch, visits, facts, command.as_of, figures)]


def _never() -> Refusal:
    raise AssertionError("a batch without an objection is there")


def _objection(rematch: Rematch, command: AdoptPlan) -> Refusal | None:
    if rematch.plan_parts and (rematch.plan_parts, rematch.as_of) != (command.parts, command.as_of):
        remedy = "All parts of a plan say the same number of parts and the same state."
        return ImpossibleValue(field="parts", value=str(command.parts), remedy=remedy)
    if command.part > command.parts:
        return ImpossibleValue(field="part", value=str(command.part), remedy="Give a part that the batch has.")
    if command.part in rematch.taken:
        return AlreadyReported(rematch=rematch.id, stage="plan", part=command.part)
    return None


def end(zone: Zone, command: EndRematch, facts: Facts) -> list[Event]:
    """End a running batch; what has been reported becomes its plan."""
    rematch = batch(zone, command.rematch)
    if not isinstance(rematch, Rematch):
        return facts.refused(rematch)
    return ended(zone, rematch, RematchEnding.COMMAND, command, facts)


def ended(zone: Zone, rematch: Rematch, how: RematchEnding, command: EndRematch | None, facts: Facts) -> list[Event]:
    """Return what follows when a batch ends before its plan has come."""
    visits = rematch.reported()
    over = facts(e.RematchEnded, rematch=rematch.id, how=how, adopted=bool(visits), command=command)
    return [over, adopted(zone, rematch, visits, facts, rematch.cut_of, UNSET)] if visits else [over]


def adopted(
    zone: Zone,
    rematch: Rematch,
    visits: Sequence[PlannedVisit],
    facts: Facts,
    as_of: StatePlace | UnsetType,
    figures: Figures | UnsetType,
) -> Event:
    """Return the draft that these visits make, as the zone is now."""
    judge = Judge(zone, facts.at, visits, replaced=_offers_on(zone, visits)).judge()
    moved = _worth(judge)
    replaced = _replaced(judge)
    hold_hours = zone.policy.batch.hold_hours
    return facts(
        e.PlanAdopted,
        plan=rematch.id,
        from_at=_time(rematch.from_s, facts.at),
        until_at=_time(rematch.until_s, facts.at),
        visits=len(judge.alive) + len(judge.kept),
        kept=tuple(sorted(judge.kept)),
        moved=_by_reason(moved),
        new=len(judge.alive) - len(moved),
        dropped=_by_reason(judge.dropped),
        pinned=tuple(sorted(judge.pinned)),
        replaces=tuple(one.id for offers in replaced.values() for one in offers),
        hold_until=facts.at.replace(microsecond=0) + timedelta(hours=hold_hours) if hold_hours else UNSET,
        as_of=as_of,
        figures=figures,
    )


def _time(at_s: int, like: datetime) -> datetime:
    return datetime.fromtimestamp(at_s, like.tzinfo)


def _by_reason(indices: dict[int, Any]) -> dict[Any, tuple[int, ...]]:
    found: dict[Any, list[int]] = defaultdict(list)
    for index, why in sorted(indices.items()):
        found[why].append(index)
    return {why: tuple(found[why]) for why in sorted(found)}


def _offers_on(zone: Zone, visits: Sequence[PlannedVisit]) -> dict[str, bool]:
    """Return the open offers on requirements that the plan serves."""
    found: dict[str, bool] = {}
    for request, requirement in {(visit.request, visit.requirement): None for visit in visits}:
        need = zone.requests[request].needs.get(requirement) if request in zone.requests else None
        for name in () if need is None else need.assignments:
            if zone.assignments[name].status is Status.TENTATIVE:
                found[name] = True
    return found


def _replaced(judge: Judge) -> dict[tuple[str, str], list[Assignment]]:
    """Return the open offers that the visits left replace, by requirement."""
    found: dict[tuple[str, str], list[Assignment]] = {}
    for c in judge.alive.values() if judge.replaced else ():
        if c.need.assignments and c.key not in found:
            found[c.key] = [one for one in judge.bound(c.need) if not judge.stands(one)]
    return found


# --- what the plan moves, and whether that is worth it ------------------------------------------------------------


def _worth(judge: Judge) -> dict[int, MovedBecause]:
    """Return which visits move a promise, and why; those that save less than they disturb are dropped.

    In one round nobody's day is changed twice: whether a promise can stand is judged beside the rest of the plan.
    """
    while True:
        moved: dict[int, MovedBecause] = {}
        looked: set[int] = set()
        for crew, offers in _moves(judge):
            why = _because(judge, crew, offers[0])
            people = {crew[0].row, offers[0].volunteer}
            if why is MovedBecause.CHEAPER and not looked & people and not _worth_it(judge, crew, offers):
                looked |= people
                judge.drop(crew[0], NotAdopted.NOT_WORTH_IT)
                judge.let_stand(offers[0])
            else:
                moved.update(dict.fromkeys((c.index for c in crew), why))
        if not looked:
            return moved
        judge.settle()


def _moves(judge: Judge) -> list[tuple[list[Candidate], list[Assignment]]]:
    replaced = {key: offers for key, offers in _replaced(judge).items() if offers}
    crews: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for c in judge.alive.values() if replaced else ():
        crews[c.key].append(c)
    return [(crews[key], offers) for key, offers in replaced.items()]


def _worth_it(judge: Judge, crew: list[Candidate], offers: list[Assignment]) -> bool:
    """Say whether a move saves what it disturbs. Crews are taken as they come; so is a move that a promise's own
    compound has no room for."""
    c, told = crew[0], offers[0]
    if len(crew) > 1 or len(offers) > 1:
        return True
    there, here = (judge.slots(told.request, one.start_s, one.end_s) for one in (told, c))
    if not judge.has_room(there, but=here):
        return True
    return _saved(judge, c, told) >= judge.zone.policy.points.disturbance


def _because(judge: Judge, crew: list[Candidate], told: Assignment) -> MovedBecause:
    c = crew[0]
    home = judge.home(told.volunteer, c)
    if judge.objection(c.request, c.need, told.volunteer, told.end_s, home, but=told.id) is not None:
        return MovedBecause.NOT_POSSIBLE
    if not any(a <= told.start_s and told.end_s <= b for a, b in judge.free(told.volunteer)):
        return MovedBecause.NOT_POSSIBLE
    if c.need.requirement.people > 1 and told.start_s != c.start_s:
        return MovedBecause.CREW_MOVED
    return MovedBecause.CHEAPER if _could_stay(judge, c, told) else MovedBecause.NEEDED_ELSEWHERE


def _beside(judge: Judge, c: Candidate, told: Assignment) -> tuple[Stop | None, Stop | None]:
    """Return the stops before and after the promised visit in the day that the plan gives the person told."""
    stops = [stop for stop in judge.stops(told.volunteer) if stop.candidate is not c]
    before = [stop for stop in stops if stop.start_s < told.start_s]
    after = [stop for stop in stops if stop.start_s >= told.start_s]
    return (before[-1] if before else None), (after[0] if after else None)


def _could_stay(judge: Judge, c: Candidate, told: Assignment) -> bool:
    own = Stop(told.start_s, told.end_s, c.lat, c.lon, None)
    before, after = _beside(judge, c, told)
    row, rest_s = told.volunteer, judge.rest_s
    if before is not None and before.end_s + rest_s + judge.between_s(row, before, own) > told.start_s:
        return False
    return after is None or told.end_s + rest_s + judge.between_s(row, own, after) <= after.start_s


def _saved(judge: Judge, c: Candidate, told: Assignment) -> float:
    """Return the points that the move saves: ways, and a duty that is done by it."""
    there = judge.detour_m(told.volunteer, (c.lat, c.lon), *_beside(judge, c, told))
    stops = judge.stops(c.row)
    at = next(n for n, stop in enumerate(stops) if stop.candidate is c)
    around = (stops[at - 1] if at else None, stops[at + 1] if at + 1 < len(stops) else None)
    here = judge.detour_m(c.row, (c.lat, c.lon), *around)
    duty = judge.zone.policy.batch.duty_points if len(stops) == 1 and _owes(judge.zone, c.row) else 0
    return there - here + duty


def _owes(zone: Zone, row: int) -> bool:
    """Say whether somebody owes the quarter a visit."""
    if not zone.policy.points.prices_duty or zone.people.units[row] is None:
        return False
    return zone.visits_this_quarter().get(row, 0) == 0

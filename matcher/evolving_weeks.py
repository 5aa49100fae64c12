"""How the events of a week's batch change a zone: one small function each. Called by `evolving` only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from matcher import events as e
from matcher.commands import RematchStage
from matcher.plans import AdoptedPlan, PartDone, PlanState, Rematch, job_of
from matcher.terms import PlannedVisit
from matcher.zone import Due, Status, Zone, issue, push

#: So many report weeks whose batch has begun by itself are remembered.
WEEKS_REMEMBERED = 4


def _rematch_started(zone: Zone, event: e.RematchStarted) -> None:
    started_s = int(event.at.timestamp())
    zone.rematch = Rematch(
        id=event.rematch,
        from_s=int(event.from_at.timestamp()),
        until_s=int(event.until_at.timestamp()),
        seed=event.seed,
        started_s=started_s,
        iterations=event.iterations,
        budget_s=event.budget_s,
        provisional=bool(event.provisional),
    )
    if event.command is None:
        zone.begun_weeks = [*(zone.begun_weeks or ()), zone.rematch.from_s][-WEEKS_REMEMBERED:]
    push(zone, started_s + 3600 * zone.policy.batch.run_hours_max, Due.REMATCH, event.rematch)


def _part_begun(zone: Zone, event: e.RematchPartBegun) -> None:
    running(zone).begun[job_of(event.command.stage, event.command.part)] = int(event.at.timestamp())


def _cut(zone: Zone, event: e.RematchCut) -> None:
    rematch = running(zone)
    rematch.parts, rematch.repairs, rematch.cut_of = event.parts, event.repairs, event.command.as_of
    rematch.begun.pop(job_of(RematchStage.CUT, 0), None)


def _part_done(zone: Zone, event: e.RematchPartDone) -> None:
    rematch, said = running(zone), event.command
    job = job_of(said.stage, said.part)
    done = rematch.done.setdefault(job, PartDone(pieces=said.pieces))
    done.visits[said.piece] = said.visits or ()
    done.gone += said.gone or ()
    if said.figures is not UNSET:
        done.figures = said.figures
    if done.whole:
        rematch.begun.pop(job, None)


def _plan_part_taken(zone: Zone, event: e.PlanPartTaken) -> None:
    rematch, said = running(zone), event.command
    rematch.taken[said.part], rematch.plan_parts, rematch.as_of = said.moves, said.parts, said.as_of
    if said.figures is not UNSET:
        rematch.figures = said.figures


def _rematch_ended(zone: Zone, event: e.RematchEnded) -> None:
    if event.adopted:
        running(zone).taken = {}
    else:
        zone.rematch = UNSET


def _plan_adopted(zone: Zone, event: e.PlanAdopted) -> None:
    rematch = running(zone)
    visits = rematch.proposed() if rematch.taken else rematch.reported()
    through = {*event.kept, *event.pinned, *(index for some in event.dropped.values() for index in some)}
    drafted = sorted((visit for index, visit in enumerate(visits) if index not in through), key=_by_requirement)
    plan = AdoptedPlan(
        id=event.plan,
        from_s=rematch.from_s,
        until_s=rematch.until_s,
        visits=drafted,
        replaces=dict.fromkeys(event.replaces, True),
        counts={
            "kept": len(event.kept),
            "moved": sum(map(len, event.moved.values())),
            "new": event.new,
            "dropped": sum(map(len, event.dropped.values())),
        },
        figures=event.figures,
    )
    zone.plans = {**zone.known_plans, event.plan: plan}
    zone.rematch = UNSET
    if event.hold_until is not UNSET:
        plan.hold_until_s = int(event.hold_until.timestamp())
        _hold(zone, plan)


def _by_requirement(visit: PlannedVisit) -> tuple[str, str, str]:
    return visit.request, visit.requirement, visit.volunteer


def _hold(zone: Zone, plan: AdoptedPlan) -> None:
    """Beats leave the requests of a draft alone, those of some classes excepted."""
    never = zone.policy.batch.never_held
    names = dict.fromkeys(visit.request for visit in plan.visits)
    held = {name: plan.id for name in names if zone.requests[name].command.urgency not in never}
    if held:
        zone.held = {**(zone.held or {}), **held}
        push(zone, plan.hold_until_s, Due.HOLD, plan.id)


def let_go(zone: Zone, name: str) -> None:
    """Beats look at the requests of a draft again."""
    held = zone.held or {}
    again = (request for request, plan in held.items() if plan == name and request in zone.seeking)
    zone.fresh.update(dict.fromkeys(again, True))
    zone.held = {request: plan for request, plan in held.items() if plan != name} or UNSET


def _plan_published(zone: Zone, event: e.PlanPublished) -> None:
    plan = zone.known_plans[event.command.plan]
    plan.state = PlanState.PUBLISHING
    _through(zone, plan, 0)


def _through(zone: Zone, plan: AdoptedPlan, visits: int) -> None:
    """So many visits more have become offers, or cannot; with the last the plan is published."""
    plan.next += visits
    if plan.next >= len(plan.visits):
        plan.state, plan.visits, plan.next, plan.replaces = PlanState.PUBLISHED, [], 0, {}
        let_go(zone, plan.id)


def offered(zone: Zone, event: e.OfferSent) -> None:
    """An offer of a plan: nobody is told yet, it waits until its person would have to depart."""
    assert event.plan is not UNSET
    plan = zone.known_plans[event.plan]
    zone.assignments[event.offer].plan = plan.id
    plan.offers.append(event.offer)
    push(zone, int(event.expires_at.timestamp()), Due.OFFER, event.offer)
    _through(zone, plan, 1)


def _plan_visits_dropped(zone: Zone, event: e.PlanVisitsDropped) -> None:
    _through(zone, zone.known_plans[event.plan], sum(map(len, event.dropped.values())))


def _plan_notified(zone: Zone, event: e.PlanNotified) -> None:
    plan = zone.known_plans[event.command.plan]
    plan.state, plan.told = PlanState.NOTIFIED, True
    expires_s = int(event.expires_at.timestamp())
    for name in plan.offers:
        one = zone.assignments.get(name)
        if one is None or one.status is not Status.TENTATIVE:
            continue
        if expires_s < one.departure_s:
            push(zone, expires_s, Due.OFFER, name)
        if zone.policy.notify:
            issue(zone, f"notify:{name}", 1, event.at)


def _plan_rolled_back(zone: Zone, event: e.PlanRolledBack) -> None:
    plan = zone.known_plans[event.command.plan]
    let_go(zone, plan.id)
    plan.state = PlanState.WITHDRAWING if plan.offers else PlanState.ROLLED_BACK
    plan.visits, plan.next, plan.replaces = [], 0, {}


def _plan_withdrawn(zone: Zone, event: e.PlanWithdrawn) -> None:
    plan = zone.known_plans[event.plan]
    plan.state, plan.offers = PlanState.ROLLED_BACK, []


def forget(zone: Zone, now_s: int) -> None:
    """Drop plans whose week is over for longer than a request of theirs can be reopened."""
    kept_s = (zone.policy.reopen_days + 1) * 86_400
    plans = {name: plan for name, plan in zone.known_plans.items() if plan.until_s + kept_s > now_s}
    if len(plans) < len(zone.known_plans):
        for name in zone.known_plans.keys() - plans.keys():
            let_go(zone, name)
        zone.plans = plans


def running(zone: Zone) -> Rematch:
    """Return the batch that runs. Raises LookupError where none does: its events would make no sense."""
    if zone.rematch is UNSET:
        raise LookupError(f"No batch runs in zone ({zone.id}).")
    return zone.rematch


CHANGES: dict[type[e.Event], Callable[[Zone, Any], None]] = {
    e.RematchStarted: _rematch_started,
    e.RematchPartBegun: _part_begun,
    e.RematchCut: _cut,
    e.RematchPartDone: _part_done,
    e.RematchEnded: _rematch_ended,
    e.PlanPartTaken: _plan_part_taken,
    e.PlanAdopted: _plan_adopted,
    e.PlanPublished: _plan_published,
    e.PlanVisitsDropped: _plan_visits_dropped,
    e.PlanNotified: _plan_notified,
    e.PlanRolledBack: _plan_rolled_back,
    e.PlanWithdrawn: _plan_withdrawn,
}

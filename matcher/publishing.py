"""What staff do with a plan: 发布 publish, 通知 notify, 撤回 roll back; and its offers, some with each beat.

Called by `decisions`, and by `lapses` with each Tick; changes nothing. A city's plan is more than one entry holds, so
its visits become offers, and its offers are taken back, in portions: the first with the command, the rest by Ticks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from matcher import events as e
from matcher.beats import offer_name
from matcher.commands import NotifyPlan, PublishPlan, RollBackPlan
from matcher.events import Event, NotAdopted, ReleaseReason
from matcher.facts import Facts
from matcher.judging import Candidate, Judge
from matcher.plans import AdoptedPlan, PlanState
from matcher.progress import consequences
from matcher.reasons import Refusal, Unknown, WrongState
from matcher.requests import dismissed
from matcher.terms import PlannedVisit
from matcher.zone import Assignment, Status, Zone

#: Visits of a plan that one beat turns into offers, or back: some 1 KB each, beside the beat's own plan.
VISITS_A_BEAT = 500
_STANDS = {PlanState.DRAFT, PlanState.PUBLISHING, PlanState.PUBLISHED, PlanState.NOTIFIED}


def publish(zone: Zone, command: PublishPlan, facts: Facts) -> list[Event]:
    """Make offers of a draft's visits; nobody is told yet."""
    plan = _plan(zone, command.plan, {PlanState.DRAFT}, "draft")
    if not isinstance(plan, AdoptedPlan):
        return facts.refused(plan)
    return [facts(e.PlanPublished, command=command), *_offers(zone, plan, facts, ())]


def notify(zone: Zone, command: NotifyPlan, facts: Facts) -> list[Event]:
    """Tell everybody with an offer of a published plan, and wait for their answers from now on."""
    plan = _plan(zone, command.plan, {PlanState.PUBLISHED}, "published")
    if not isinstance(plan, AdoptedPlan):
        return facts.refused(plan)
    expires_at = (facts.at + timedelta(hours=zone.policy.batch.answer_hours)).replace(microsecond=0)
    return [facts(e.PlanNotified, command=command, expires_at=expires_at)]


def roll_back(zone: Zone, command: RollBackPlan, facts: Facts) -> list[Event]:
    """Throw a plan away; accepted work stays."""
    plan = _plan(zone, command.plan, _STANDS, "draft, published or notified")
    if not isinstance(plan, AdoptedPlan):
        return facts.refused(plan)
    back = [facts(e.PlanRolledBack, command=command)]
    return [*back, *_taken_back(zone, plan, facts, ())] if plan.offers else list(back)


def _plan(zone: Zone, name: str, states: Collection[PlanState], needed: str) -> AdoptedPlan | Refusal:
    plan = zone.known_plans.get(name)
    if plan is None:
        return Unknown(kind="plan", value=name)
    if plan.state not in states:
        return WrongState(kind="plan", value=name, state=plan.state.value, needed=needed)
    return plan


def goes_on(zone: Zone, facts: Facts, touched: Collection[str]) -> list[Event]:
    """Return the next portion of plans that are being published or withdrawn.

    `touched`: requests that this Tick changes otherwise; they wait for the next one.
    """
    follow: list[Event] = []
    for plan in zone.known_plans.values():
        if plan.state is PlanState.PUBLISHING:
            follow += _offers(zone, plan, facts, touched)
        elif plan.state is PlanState.WITHDRAWING:
            follow += _taken_back(zone, plan, facts, touched)
    return follow


# --- visits become offers ------------------------------------------------------------------------------------------


def _offers(zone: Zone, plan: AdoptedPlan, facts: Facts, touched: Collection[str]) -> list[Event]:
    portion = _portion(plan, touched)
    if not portion:
        return []
    companions = _companions(plan, portion)
    crews = {(visit.request, visit.requirement) for visit in portion}
    judge = Judge(zone, facts.at, [*portion, *companions], replaced=plan.replaces, crews=crews).judge()
    follow: list[Event] = []
    released: dict[str, bool] = {}
    for index in range(len(portion)):
        if index in judge.alive:
            candidate = judge.alive[index]
            for offer in _in_the_way(zone, plan, candidate):
                if offer.id not in released:
                    released[offer.id] = True
                    follow += dismissed([offer], facts, ReleaseReason.OFFER_SUPERSEDED)
            follow += _offer(zone, plan, candidate, facts)
    return [*follow, *_dropped(plan, portion, judge, facts)]


def _portion(plan: AdoptedPlan, touched: Collection[str]) -> list[PlannedVisit]:
    """Return the next visits, a crew never cut apart."""
    portion: list[PlannedVisit] = []
    for visit in plan.waiting():
        if visit.request in touched:
            break
        if len(portion) >= VISITS_A_BEAT and visit.request != portion[-1].request:
            break
        portion.append(visit)
    return portion


def _companions(plan: AdoptedPlan, portion: list[PlannedVisit]) -> list[PlannedVisit]:
    """Return the later visits of the same people: a way begins where the visit before it ends."""
    people = {visit.volunteer for visit in portion}
    later = enumerate(plan.waiting())
    return [visit for n, visit in later if n >= len(portion) and visit.volunteer in people]


def _in_the_way(zone: Zone, plan: AdoptedPlan, c: Candidate) -> Iterator[Assignment]:
    """Yield the open offers that the plan replaces by this visit, or that would hold its person's time."""
    for name in (*c.need.assignments, *zone.engagements.get(c.row, [])):
        if name in plan.replaces and zone.assignments[name].status is Status.TENTATIVE:
            yield zone.assignments[name]


def _offer(zone: Zone, plan: AdoptedPlan, c: Candidate, facts: Facts) -> list[Event]:
    visit = c.visit
    offer = offer_name(zone, visit.request, visit.requirement, visit.volunteer)
    departure = datetime.fromtimestamp(c.start_s - c.way_s, UTC)
    whole: dict[str, Any] = {
        "request": visit.request,
        "requirement": visit.requirement,
        "volunteer": visit.volunteer,
        "start": datetime.fromtimestamp(c.start_s, UTC),
        "end": datetime.fromtimestamp(c.end_s, UTC),
    }
    held = facts(e.AssignmentHeld, assignment=offer, departure=departure, **whole)
    sent = facts(
        e.OfferSent,
        offer=offer,
        wave=c.need.wave,
        distance_m=round(c.way_m, 1),
        travel_s=c.way_s,
        cost={"travel": round(c.way_m)},
        expires_at=departure,
        plan=plan.id,
        **whole,
    )
    return [held, sent]


def _dropped(plan: AdoptedPlan, portion: list[PlannedVisit], judge: Judge, facts: Facts) -> list[Event]:
    """Name the visits of the portion that did not become offers; those that stand already are taken."""
    why: dict[NotAdopted, list[PlannedVisit]] = defaultdict(list)
    for index, visit in enumerate(portion):
        if index not in judge.alive:
            why[judge.dropped.get(index, NotAdopted.PLACE_TAKEN)].append(visit)
    dropped = {reason: tuple(why[reason]) for reason in sorted(why)}
    return [facts(e.PlanVisitsDropped, plan=plan.id, dropped=dropped)] if dropped else []


# --- offers are taken back -----------------------------------------------------------------------------------------


def _taken_back(zone: Zone, plan: AdoptedPlan, facts: Facts, touched: Collection[str]) -> list[Event]:
    still = [one for name in plan.offers if (one := zone.assignments.get(name)) and one.status is Status.TENTATIVE]
    portion = [one for one in still if one.request not in touched][:VISITS_A_BEAT]
    follow = dismissed(portion, facts, ReleaseReason.PLAN_ROLLED_BACK)
    changed = {one.id: Status.RELEASED for one in portion}
    for request in dict.fromkeys(one.request for one in portion):
        follow += consequences(zone, zone.requests[request], changed, facts)
    if len(portion) == len(still):
        follow.append(facts(e.PlanWithdrawn, plan=plan.id))
    return follow

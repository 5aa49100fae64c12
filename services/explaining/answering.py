"""Answers one question about a live zone: folds the zone, poses the run that decided (or a beat of now), explains it.

Called in a process of its own (`process`), or in line by `paidan explain` and tests. A run is posed from the zone as it
was just before it, which is what its writer posed; solving that again gives its plan, and that is checked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import replace as copied
from typing import Literal

from msgspec.structs import replace

from matcher import beats
from matcher.events import MatchRunFinished, OfferSent
from matcher.explaining import for_person, live, why, why_not
from matcher.explaining.answers import Bound, ForPerson, Pair, Unfilled
from matcher.explaining.ladders import WINDOW_MINUTES_MAX
from matcher.explaining.sentences import Teller
from matcher.problem import Plan, Problem
from matcher.solvers import proof, solve
from matcher.zone import Zone
from services.explaining.questions import (
    AboutPair,
    AboutPerson,
    AboutRefusal,
    AboutRequest,
    AnyAnswer,
    AsOf,
    Audience,
    Decided,
    ForResident,
    Further,
    Question,
    TooLarge,
    Unknown,
)
from services.explaining.story import Story

#: People's hours are known so far around all windows, so that changed windows can be tried.
BEYOND_S = 60 * WINDOW_MINUTES_MAX
ASKED = "tentative"
#: What solves wherever the log does not say otherwise: it needs no compiled kernel, which takes seconds to load.
OTHER_ENGINE: Literal["ortools"] = "ortools"


class Refused(Exception):
    """Instead of an answer."""

    def __init__(self, answer: Unknown | Further | TooLarge) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True)
class Scene:
    """A problem with its plan, and the zone that it was posed from. `decided` None: nobody has decided it."""

    zone: Zone
    problem: Problem | None
    plan: Plan | None
    decided: Decided | None

    def rows_of(self, request: str) -> list[int]:
        """Return which requirements of the problem are the request's."""
        ids = [] if self.problem is None else self.problem.requirements.ids
        return [row for row, (name, _) in enumerate(ids) if name == request]


def answer(question: Question) -> AnyAnswer:
    """Return the answer, or why there is none."""
    try:
        story = Story(question.history, question.zone)
        if question.request is None:
            return _person(question, story)
        return _request(question, story)
    except Refused as refused:
        return refused.answer


# --- the three questions


def _request(question: Question, story: Story) -> AnyAnswer:
    request = question.request
    assert request is not None
    place, zone = story.last_look(request)
    zone = _known(question, zone)
    if request not in zone.requests and request not in zone.ended:
        return _never_taken_in(question, story, zone)
    _ask_further(question, zone, place)
    scene = _present(question, zone) if place is None else _past(question, story, place)
    if question.person is not None:
        return _pair(question, zone, scene)
    problem, plan = scene.problem, scene.plan
    rows = scene.rows_of(request)
    pairs: list[Pair] = []
    unfilled: list[Unfilled] = []
    bound: dict[str, list[Bound]] = {}
    if problem is not None and plan is not None:
        pairs = [why(problem, plan, p.requirement, p.person) for p in plan.placements if p.requirement in rows]
        short = [s.requirement for s in plan.shortfalls if s.requirement in rows]
        unfilled = [why_not(problem, plan, r, solves_max=question.solves_max) for r in short]
        bound = {problem.requirements.ids[r][1]: live.bound_elsewhere(scene.zone, problem, r) for r in short}
    if question.audience is Audience.RESIDENT:
        return _for_resident(question, zone, scene, unfilled)
    visits = live.visits_to(zone, request)
    teller = _teller(question, zone)
    state = zone.request(request).state.value
    looked = live.looked_in(scene.zone, request) if request in scene.zone.requests else []
    sentences = [teller.state(request, state), *_when(teller, scene, question)]
    sentences += [teller.area(within) for within in looked]
    sentences += [teller.visit(visit) for visit in visits]
    sentences += [sentence for pair in pairs for sentence in teller.pair(pair)]
    for each in unfilled:
        sentences += teller.unfilled(each)
        sentences += [teller.bound(visit) for visit in bound[each.requirement]]
    return AboutRequest(
        as_of=_as_of(question), zone=zone.id, sentences=sentences, request=request, state=state,
        decided=scene.decided, visits=visits, pairs=pairs, unfilled=unfilled, bound_elsewhere=bound,
        looked_in=looked,
    )  # fmt: skip


def _never_taken_in(question: Question, story: Story, zone: Zone) -> AboutRefusal:
    """Return the refusal of a request that the zone does not hold. Refused where there is none either."""
    request = question.request
    assert request is not None
    found = story.refusal_of(request)
    if found is None:
        raise Refused(Unknown(thing="request", value=request) if question.last else Further())
    offset, event = found
    at_s, partition = int(event.at.timestamp()), question.history.partition
    return AboutRefusal(
        as_of=_as_of(question), zone=zone.id, request=request, offset=offset, at=event.at, reason=event.reason,
        sentences=_teller(question, zone).refused(request, at_s, partition, offset, event.reason),
    )  # fmt: skip


def _for_resident(question: Question, zone: Zone, scene: Scene, unfilled: list[Unfilled]) -> ForResident:
    """Return the same for whoever asked for the visit: how many come, why places stay open, what they could change."""
    request = question.request
    assert request is not None
    visits = live.visits_to(zone, request)
    open_places = [live.for_resident(each) for each in unfilled]
    coming = [visit.start_s for visit in visits if visit.status != ASKED]
    asked = [visit.start_s for visit in visits if visit.status == ASKED]
    teller = _teller(question, zone)
    state = zone.request(request).state.value
    sentences = [teller.state(request, state), *(teller.coming(start_s) for start_s in coming)]
    sentences += [teller.asked(start_s) for start_s in asked]
    sentences += [sentence for each in open_places for sentence in teller.open_places(each)]
    return ForResident(
        as_of=_as_of(question), zone=zone.id, sentences=sentences, request=request, state=state,
        decided=scene.decided, coming=len(coming), asked=len(asked), open_places=open_places,
    )  # fmt: skip


def _pair(question: Question, zone: Zone, scene: Scene) -> AboutPair:
    request, person = question.request, question.person
    assert request is not None
    assert person is not None
    if person not in zone.people.row_of:
        raise Refused(Unknown(thing="person", value=person))
    if person not in scene.zone.people.row_of:  # registered after that run
        scene = _present(question, zone)
    teller = _teller(question, zone)
    pairs: list[Pair] = []
    if scene.problem is not None and scene.plan is not None:
        row = scene.zone.people.row_of[person]
        pairs = [why(scene.problem, scene.plan, r, row) for r in scene.rows_of(request)]
    sentences = _when(teller, scene, question) if pairs else []
    sentences += [sentence for pair in pairs for sentence in teller.pair(pair)]
    if not pairs:
        sentences.append(teller.state(request, zone.request(request).state.value))
    return AboutPair(
        as_of=_as_of(question), zone=zone.id, sentences=sentences,
        request=request, person=person, decided=scene.decided, pairs=pairs,
    )  # fmt: skip


def _person(question: Question, story: Story) -> AnyAnswer:
    person = question.person
    assert person is not None
    zone = _known(question, story.zone_at())
    row = zone.people.row_of.get(person)
    if row is None:
        raise Refused(Unknown(thing="person", value=person))
    visits = live.visits_of(zone, person)
    scene = _present(question, zone, free=[row])
    fitting: ForPerson = replace(live.NOTHING_TO_FIT, person=person)
    if scene.problem is not None and scene.plan is not None:
        fitting = for_person(scene.problem, scene.plan, row, question.limit)
    if visits:
        fitting = replace(fitting, nothing_because=None)
    teller = _teller(question, zone)
    sentences = [teller.now(zone_s(zone), question.history.partition, _as_of(question).offset)]
    sentences += [teller.visit(visit) for visit in visits] + teller.person(fitting)
    return AboutPerson(
        as_of=_as_of(question), zone=zone.id, sentences=sentences, person=person, visits=visits, fitting=fitting
    )


# --- scenes


def _present(question: Question, zone: Zone, free: list[int] | None = None) -> Scene:
    """Return what a beat would find now that looked at everything open."""
    problem = _by(OTHER_ENGINE, beats.posed_whole(zone, BEYOND_S, free or []))
    return Scene(zone, problem, None if problem is None else _solved(question, problem), None)


def _past(question: Question, story: Story, place: tuple[int, int]) -> Scene:
    """Return the run at `place`, posed and solved again."""
    zone, run = story.zone_at(place), story.run_at(place)
    assert zone is not None
    problem = _by("paths" if run.engine.startswith("paths") else OTHER_ENGINE, beats.posed(zone, BEYOND_S))
    assert problem is not None
    plan = _solved(question, problem)
    decided = Decided(
        offset=place[0],
        beat=run.beat,
        at=run.at,
        engine=run.engine,
        optimal=run.optimal,
        gap=run.gap,
        same_plan=_same(problem, plan, run, story.offers_of(place)),
    )
    return Scene(zone, problem, plan, decided)


def _by(engine: Literal["paths", "ortools"], problem: Problem | None) -> Problem | None:
    """Return the problem for one engine: two of them give plans of the same worth, not always the same plan."""
    return problem and copied(problem, budget=replace(problem.budget, engine=engine))


def _solved(question: Question, problem: Problem) -> Plan:
    pairs = len(problem.requirements.ids) * len(problem.people.ids)
    if question.pairs_max is not None and pairs > question.pairs_max:
        raise Refused(TooLarge(pairs=pairs, pairs_max=question.pairs_max))
    plan = solve(problem)
    proof.check(problem, plan)
    return plan


def _same(problem: Problem, plan: Plan, run: MatchRunFinished, offers: list[OfferSent]) -> bool:
    """Say whether the plan holds what the run sent out: all of it, or where an entry was too small, no other."""
    ids, people = problem.requirements.ids, problem.people.ids
    ours = Counter((*ids[p.requirement], people[p.person], p.start_s) for p in plan.placements)
    theirs = Counter((o.request, o.requirement, o.volunteer, int(o.start.timestamp())) for o in offers)
    return theirs <= ours if run.held_back else theirs == ours


# --- small parts


def _known(question: Question, zone: Zone | None) -> Zone:
    if zone is None:
        raise Refused(Unknown(thing="zone", value=question.zone))
    return zone


def _ask_further(question: Question, zone: Zone, place: tuple[int, int] | None) -> None:
    """End here where the state says that a run looked at the request, and none of the runs read did."""
    assert question.request is not None
    needs = zone.request(question.request).needs.values()
    if place is None and not question.last and any(need.reason is not None or need.assignments for need in needs):
        raise Refused(Further())


def _when(teller: Teller, scene: Scene, question: Question) -> list[str]:
    """Return the sentence that says since when, or as of when, the answer is true."""
    decided, partition = scene.decided, question.history.partition
    if decided is not None:
        at_s = int(decided.at.timestamp())
        first = teller.decided(decided.beat, at_s, partition, decided.offset, optimal=decided.optimal)
        return [first] if decided.same_plan else [first, teller.other_plan(decided.engine)]
    if scene.problem is None:
        return []
    return [teller.now(zone_s(scene.zone), partition, _as_of(question).offset)]


def zone_s(zone: Zone) -> int:
    """Return the zone's time, seconds since 1970."""
    return int(zone.now.timestamp())


def _as_of(question: Question) -> AsOf:
    history = question.history
    return AsOf(partition=history.partition, offset=history.chain.next_offset + len(history.records))


def _teller(question: Question, zone: Zone) -> Teller:
    return Teller(question.language, zone.policy.timezone)

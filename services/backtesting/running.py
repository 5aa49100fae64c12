"""Decides a zone's recorded commands again, one after the other, cold and in lock-step.

Without another policy every command is asked as it was, and every event must come out as it was. With one, the world
stays as recorded (requests, people, hours, calendar, withdrawals, beats); the policy's own settings do not, and what
people did in answer to an offer is taken from `answers`. Until the first event differs nothing is added or left out, so
a policy that changes nothing reproduces the journal.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as copied
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

from msgspec.structs import replace

from matcher import events as e
from matcher.commands import (
    AcceptOffer,
    Arrive,
    Command,
    DeclineOffer,
    Depart,
    Finish,
    RateRequest,
    ReopenRequest,
    ReportJob,
    SetPolicy,
    Tick,
)
from matcher.decisions import decide, evolve, pose
from matcher.events import Event
from matcher.policy import Policy, sha256
from matcher.problem import Plan, Problem
from matcher.solvers import proof, solve
from matcher.solvers.exact import nearest_first
from matcher.zone import Zone
from producers.people import command_id
from services.backtesting.answers import Answering, Past
from services.backtesting.recorded import Asked

#: Depend on when a job was worked off, not on what was decided.
JOBS = (e.JobReported, e.JobReissued, e.JobAbandoned)


@dataclass(frozen=True)
class Difference:
    """The first command that led to something else. `place`: journal offset, index in the entry."""

    place: tuple[int, int]
    command: str
    recorded: list[str]
    decided: list[str]


@dataclass
class Ran:
    """What a run came to. `first`: where it left the journal, None where it never did."""

    events: list[Event] = field(default_factory=list)
    #: Under another policy runs differ by its name alone; there it says nothing.
    first: Difference | None = None
    zone: Zone | None = None
    solves: int = 0
    #: Answers that stand in the journal, to the same offers.
    recorded_answers: int = 0
    repeated: int = 0
    drawn: int = 0
    #: Recorded answers to offers that were not made (or not then) and Ticks that history did not need.
    left_out: int = 0
    ticks_added: int = 0


def again(zones: dict[str, Zone], asked: Sequence[Asked]) -> Ran:
    """Decide every command as it was asked, from this state on; the engine that the journal names solves."""
    ran = Ran()
    for step in asked:
        if step.too_large:
            for event in step.events:
                evolve(zones, event)
            events = step.events
        else:
            events = _decided(zones, step.command, step.engine, ran)
        ran.events += events
        if ran.first is None and events != step.events:
            ran.first = _difference(step, events)
    ran.zone = zones.get(asked[0].command.zone) if asked else None
    return ran


def under(zones: dict[str, Zone], asked: Sequence[Asked], past: Past, policy: Policy, seed: int) -> Ran:
    """Decide what was asked under another policy. `zones` is changed."""
    return _Other(zones, asked, past, policy, seed).run()


class _Other:
    """One run under another policy."""

    def __init__(self, zones: dict[str, Zone], asked: Sequence[Asked], past: Past, policy: Policy, seed: int) -> None:
        self._zones = zones
        self._asked = asked
        self._past = past
        self._answering = Answering(past, seed)
        self._seed = seed
        self._policy = policy
        self._ran = Ran()
        self._name = asked[0].command.zone
        #: The journal's own settings already say so: nothing is set, nothing left out.
        self._same = _already(zones.get(self._name), asked, policy)
        self._set = self._same
        self._other = False
        #: Offers that were made as the journal has them, completions that came when they came.
        zone = zones.get(self._name)
        self._as_recorded: set[str] = set() if zone is None else set(zone.assignments)
        self._completed: set[tuple[str, datetime]] = set()
        self._completions = _completions(asked)
        self._ratings = _ratings(asked)
        self._offers: dict[str, e.OfferSent] = {}
        self._due: list[tuple[datetime, str, int, Command]] = []
        self._number = count()

    def run(self) -> Ran:
        ticks = [step.command for step in self._asked if isinstance(step.command, Tick)]
        following = iter(ticks[1:])
        for step in self._asked:
            self._set_policy()
            tick = step.command if isinstance(step.command, Tick) else None
            if tick is not None:
                self._deliver(tick.at)
            self._step(step)
            if tick is not None:
                self._fill(tick, next(following, None))
        self._ran.zone = self._zones.get(self._name)
        self._ran.repeated, self._ran.drawn = self._answering.repeated, self._answering.drawn
        return self._ran

    # --- one recorded command

    def _step(self, step: Asked) -> None:
        if self._differs and self._left_out(step):
            return
        if step.too_large:
            return
        self._answered(step.command)
        events = self._ask(step.command, None if self._differs else step.engine)
        if not self._differs and _of_note(events) != _of_note(step.events):
            self._ran.first = _difference(step, events)

    @property
    def _differs(self) -> bool:
        return self._other or self._ran.first is not None

    def _left_out(self, step: Asked) -> bool:
        """Say whether a recorded command has no place here: a policy, a job, an answer to what was not asked so."""
        command = step.command
        if isinstance(command, SetPolicy | ReportJob):
            return True
        offer = _offer_of(command)
        if offer is not None:
            gone = offer in self._past.offers and offer not in self._as_recorded
        elif isinstance(command, RateRequest | ReopenRequest):
            before = [at for at in self._completions.get(command.request, []) if at <= step.at]
            gone = bool(before) and (command.request, before[-1]) not in self._completed
        else:
            return False
        self._ran.left_out += gone
        return gone

    def _answered(self, command: Command) -> None:
        if isinstance(command, AcceptOffer | DeclineOffer) and command.offer in self._as_recorded:
            self._ran.recorded_answers += 1

    def _set_policy(self) -> None:
        """Set the policy as soon as there is a zone."""
        zone = self._zones.get(self._name)
        if self._set or zone is None:
            return
        self._set = True
        policy = replace(self._policy, timezone=zone.policy.timezone, notify=False)
        command = SetPolicy(id="backtest.policy", zone=self._name, at=zone.now, policy=policy)
        self._other = True
        self._ask(command, None)

    # --- what comes in between

    def _deliver(self, until: datetime) -> None:
        """Ask what people here would have asked by then, in order."""
        while self._due and self._due[0][0] <= until:
            self._ask(heapq.heappop(self._due)[3], None)

    def _fill(self, tick: Tick, following: Tick | None) -> None:
        """Add the beats that this past needs between two recorded ones."""
        beats = 0 if following is None else following.beat - tick.beat
        if following is None or beats < 2:
            return
        length = (following.at - tick.at) / beats
        beat = tick.beat
        while self._differs and (needed := self._next_beat(beat, tick, length)) is not None and needed < following.beat:
            beat = needed
            at = tick.at + (beat - tick.beat) * length
            self._deliver(at)
            self._ran.ticks_added += 1
            self._ask(Tick(id=f"backtest.{beat}", zone=self._name, at=at, beat=beat), None)

    def _next_beat(self, beat: int, tick: Tick, length: timedelta) -> int | None:
        """Return the next beat at which anything happens: as the lock-step driver has it."""
        zone = self._zones[self._name]
        times = [self._due[0][0]] if self._due else []
        if zone.would_solve():
            return beat + 1
        due_s = zone.next_due_s()
        if due_s is not None and zone.waiting():
            times.append(datetime.fromtimestamp(due_s, UTC))
        return max(beat + 1, tick.beat + math.ceil((min(times) - tick.at) / length)) if times else None

    # --- what happens

    def _ask(self, command: Command, engine: str | None) -> list[Event]:
        events = _decided(self._zones, command, engine, self._ran)
        self._ran.events += events
        for event in events:
            self._heard(event)
        return events

    def _heard(self, event: Event) -> None:
        """Let the people whom an event concerns answer in their time."""
        match event:
            case e.OfferSent():
                self._offers[event.offer] = event
                recorded = self._past.offers.get(event.offer)
                if recorded is not None and (recorded.sent.at, recorded.sent.start) == (event.at, event.start):
                    self._as_recorded.add(event.offer)
                else:
                    self._as_recorded.discard(event.offer)
                    self._later(self._answering.answer(event))
            case e.AssignmentCommitted() if event.assignment not in self._as_recorded:
                offer = self._offers.get(event.assignment)
                if offer is not None:
                    self._later(self._answering.visit(offer, event.at))
            case e.RequestCompleted():
                if event.at in self._completions.get(event.request, []):
                    self._completed.add((event.request, event.at))
                else:
                    self._later(self._rating(event))
            case _:
                pass

    def _rating(self, event: e.RequestCompleted) -> list[Command]:
        """The resident says of the visit what they said of the recorded one, after the same time."""
        rated = self._ratings.get(event.request)
        if rated is None:
            return []
        rating, after = rated
        at = event.at + after
        name = command_id(self._seed, at, event.request, "rate")
        return [replace(rating, id=name, at=at)]

    def _later(self, commands: Sequence[Command]) -> None:
        for command in commands:
            heapq.heappush(self._due, (command.at, command.id, next(self._number), command))


# --- deciding


def _decided(zones: dict[str, Zone], command: Command, engine: str | None, ran: Ran) -> list[Event]:
    """Decide one command as a writer does, the solve included, and let it happen."""
    events = decide(zones, command)
    for event in events:
        evolve(zones, event)
    if not isinstance(command, Tick) or not events or not isinstance(events[0], e.TimePassed):
        return events
    problem = pose(zones, command)
    if problem is None:
        return events
    ran.solves += 1
    follow = decide(zones, command, _plan(problem, engine))
    for event in follow:
        evolve(zones, event)
    return [*events, *follow]


def _plan(problem: Problem, engine: str | None) -> Plan:
    """Solve, cold. `engine`: as the journal names it; None: as the policy says."""
    if engine == "greedy":
        return nearest_first(problem)
    if engine is not None:
        chosen: Literal["paths", "ortools"] = "paths" if engine == "paths" else "ortools"
        problem = copied(problem, budget=replace(problem.budget, engine=chosen))
    plan = solve(problem)
    proof.check(problem, plan)
    return plan


def _difference(step: Asked, events: list[Event]) -> Difference:
    names = [type(event).__name__ for event in step.events], [type(event).__name__ for event in events]
    return Difference(step.place, type(step.command).__name__, *names)


def _of_note(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, JOBS)]


# --- what the journal says


def _already(zone: Zone | None, asked: Sequence[Asked], policy: Policy) -> bool:
    """Say whether these rules are in force all the time anyway (zone and time zone, and telling people, aside)."""
    policies = [event.command.policy for step in asked for event in step.events if isinstance(event, e.PolicySet)]
    if zone is not None:
        policies.append(zone.policy)
    return bool(policies) and all(
        sha256(replace(policy, timezone=each.timezone, notify=each.notify)) == sha256(each) for each in policies
    )


def _completions(asked: Sequence[Asked]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for step in asked:
        for event in step.events:
            if isinstance(event, e.RequestCompleted):
                found.setdefault(event.request, []).append(event.at)
    return found


def _ratings(asked: Sequence[Asked]) -> dict[str, tuple[RateRequest, timedelta]]:
    """Return each request's first rating and how long after the completion it came."""
    completed: dict[str, datetime] = {}
    found: dict[str, tuple[RateRequest, timedelta]] = {}
    for step in asked:
        for event in step.events:
            if isinstance(event, e.RequestCompleted):
                completed[event.request] = event.at
            elif isinstance(event, e.RatingSubmitted):
                name = event.command.request
                since = completed.get(name, event.at)
                found.setdefault(name, (event.command, max(event.at - since, timedelta(seconds=1))))
    return found


def _offer_of(command: Command) -> str | None:
    if isinstance(command, AcceptOffer | DeclineOffer):
        return command.offer
    return command.assignment if isinstance(command, Depart | Arrive | Finish) else None

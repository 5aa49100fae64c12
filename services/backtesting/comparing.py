"""The whole question: does today's code decide a zone's story as recorded, and what would another policy have changed?

Called by `paidan backtest`, in line: it may take as long as the zone's solves took.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from matcher.decisions import evolve
from matcher.policy import Policy, sha256
from matcher.zone import Zone
from services.backtesting import running
from services.backtesting.answers import past
from services.backtesting.figures import Counted, Figures, count
from services.backtesting.recorded import Asked, asked
from services.explaining.questions import History
from services.explaining.story import Story


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The recorded commands decided again under the recorded policy. `identical`: every event came out the same."""

    identical: bool
    commands: int
    events: int
    solves: int
    #: Journal offset of the first command that led to something else, and what it led to.
    offset: int | None = None
    command: str = ""
    recorded: list[str] = []
    decided: list[str] = []


class People(msgspec.Struct, frozen=True, kw_only=True):
    """How many would serve more, less, as often; `changes`: person -> visits recorded and under the policy."""

    more: int
    less: int
    same: int
    changes: dict[str, tuple[int, int]] | None = None


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the answers under the other policy rest on, in offers."""

    #: the same offer: the journal's answer
    recorded: int
    #: the person was asked for the same request: that answer again
    repeated: int
    #: a draw from the person's and the zone's record
    drawn: int


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `other`, `people`, `answers` are absent where only the check was asked for."""

    zone: str
    begins: datetime
    ends: datetime
    commands: int
    policies: list[str]
    check: Check | None
    recorded: Figures
    policy: str = ""
    policy_sha256: str = ""
    seed: int = 0
    other: Figures | None = None
    newly_filled: int = 0
    no_longer_filled: int = 0
    people: People | None = None
    answers: Answers | None = None
    #: recorded answers to offers that were not made, and Ticks that history did not need
    left_out: int = 0
    ticks_added: int = 0
    seconds: float = 0.0


class NothingThere(Exception):
    """The zone has no commands in this range."""


def backtest(
    history: History,
    zone: str,
    policy: Policy | None,
    *,
    begins: datetime | None = None,
    ends: datetime | None = None,
    seed: int = 0,
    check: bool = True,
    people: bool = False,
) -> Backtest:
    """Decide the zone's commands from `begins` to `ends` (zone time) again. Raises NothingThere, LogUntrusted.

    `policy` None: only the check. `people`: name those whose visits change.
    """
    began = time.perf_counter()
    steps = asked(Story(history, zone).happened)
    chosen = [step for step in steps if (begins is None or step.at >= begins) and (ends is None or step.at <= ends)]
    if not chosen:
        raise NothingThere
    events = [event for step in chosen for event in step.events]
    before, after = _state(steps, chosen[0]), _state(steps, chosen[0])
    for event in events:
        evolve(after, event)
    was = count(before.get(zone), events, after.get(zone))
    found = Backtest(
        zone=zone,
        begins=chosen[0].at.astimezone(UTC),
        ends=chosen[-1].at.astimezone(UTC),
        commands=len(chosen),
        policies=_policies(before.get(zone), events),
        check=_checked(_state(steps, chosen[0]), chosen) if check else None,
        recorded=was.figures,
    )
    if policy is not None:
        whole = past(event for step in steps for event in step.events)
        ran = running.under(_state(steps, chosen[0]), chosen, whole, policy, seed)
        would = count(before.get(zone), ran.events, ran.zone)
        found = _compared(found, policy, seed, ran, was, would, people)
    return msgspec.structs.replace(found, seconds=round(time.perf_counter() - began, 3))


def _state(steps: Sequence[Asked], until: Asked) -> dict[str, Zone]:
    """Return the zone just before a command, a fresh copy."""
    zones: dict[str, Zone] = {}
    for step in steps:
        if step is until:
            break
        for event in step.events:
            evolve(zones, event)
    return zones


def _checked(zones: dict[str, Zone], chosen: Sequence[Asked]) -> Check:
    ran = running.again(zones, chosen)
    first = ran.first
    said = Check(identical=first is None, commands=len(chosen), events=len(ran.events), solves=ran.solves)
    if first is None:
        return said
    return msgspec.structs.replace(
        said, offset=first.place[0], command=first.command, recorded=first.recorded, decided=first.decided
    )


def _policies(zone: Zone | None, events: Sequence[object]) -> list[str]:
    """Return the names of the policies in force in the range."""
    from matcher.events import PolicySet

    names = [] if zone is None else [zone.policy.name]
    names += [event.command.policy.name for event in events if isinstance(event, PolicySet)]
    return list(dict.fromkeys(names))


def _compared(
    found: Backtest, policy: Policy, seed: int, ran: running.Ran, was: Counted, would: Counted, people: bool
) -> Backtest:
    changes = {
        person: (was.kept.get(person, 0), would.kept.get(person, 0)) for person in sorted({*was.kept, *would.kept})
    }
    more = sum(then < now for then, now in changes.values())
    less = sum(then > now for then, now in changes.values())
    moved = {person: pair for person, pair in changes.items() if pair[0] != pair[1]}
    return msgspec.structs.replace(
        found,
        policy=policy.name,
        policy_sha256=sha256(policy),
        seed=seed,
        other=would.figures,
        newly_filled=len(would.filled - was.filled),
        no_longer_filled=len(was.filled - would.filled),
        people=People(more=more, less=less, same=len(changes) - more - less, changes=moved if people else None),
        answers=Answers(recorded=ran.recorded_answers, repeated=ran.repeated, drawn=ran.drawn),
        left_out=ran.left_out,
        ticks_added=ran.ticks_added,
    )

"""Simulated people: what a volunteer or resident does after an event, and when. Pure; no memory, no global chance.

Called by the lock-step driver (services/demo) and the simulator in tests. They know what an offer told them and
nothing else of the zone, answer with the API's own commands, and never in the beat in which they were asked.
Every draw hashes (seed, event identity), so that a run started again asks the same things under the same ids.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from matcher.commands import (
    AcceptOffer,
    Arrive,
    CancelRequest,
    Command,
    DeclineOffer,
    DeclineReason,
    Depart,
    Finish,
    RateRequest,
)
from matcher.events import AssignmentCommitted, Event, OfferSent, RatingInvited, RequestSubmitted, VolunteerArrived

Choice = TypeVar("Choice")

#: Why simulated people say no, and how often relative to each other.
DECLINES: tuple[tuple[DeclineReason, int], ...] = (
    (DeclineReason.BUSY, 45),
    (DeclineReason.WRONG_TIME, 20),
    (DeclineReason.TOO_FAR, 15),
    (DeclineReason.UNWELL, 12),
    (DeclineReason.KNOWS_REQUESTER, 5),
    (DeclineReason.OTHER, 3),
)


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How often people do what: shares of 1. What is left of an offer after accept and decline is forgotten."""

    accept: float = 0.72
    decline: float = 0.16
    no_show: float = 0.02
    late: float = 0.10
    forget_to_depart: float = 0.10
    forget_to_finish: float = 0.01
    overrun: float = 0.15
    rate: float = 0.75
    not_solved: float = 0.04
    cancel: float = 0.02
    #: An offer is read after 1 minute to this long.
    answer_minutes_max: int = 28
    #: Late people come this many minutes after the agreed start, at most.
    late_minutes_max: int = 25
    overrun_minutes_max: int = 60
    #: A rating comes after half an hour to this long.
    rate_hours_max: int = 48
    cancel_hours_max: int = 24


HABITS = Habits()


def responses(
    event: Event,
    seed: int,
    *,
    beat: timedelta,
    offer: OfferSent | None = None,
    habits: Habits = HABITS,
) -> list[Command]:
    """Return what the people whom `event` concerns will ask, each with the simulated time at which they do.

    `offer`: the offer behind an assignment's event, as the person was told it; without it they do nothing.
    A command's event carries the zone's time of one beat ago, hence the added `beat`; an offer is made by a tick.
    """
    match event:
        case OfferSent():
            return _answer(event, seed, habits)
        case AssignmentCommitted() if offer is not None:
            return _go(event, offer, seed, beat, habits)
        case VolunteerArrived() if offer is not None:
            return _finish(event, offer, seed, beat, habits)
        case RatingInvited():
            return _rate(event, seed, beat, habits)
        case RequestSubmitted():
            return _cancel(event, seed, beat, habits)
        case _:
            return []


def command_id(seed: int, at: datetime, actor: str, n: str) -> str:
    """Derive a command's id: a hash of seed, simulated time, actor and what of theirs it is (`n`)."""
    return _digest(seed, "id", at.isoformat(), actor, n).hex()


def _id(seed: int, at: datetime, actor: str, *n: str) -> str:
    return command_id(seed, at, actor, " ".join(n))


def draw(seed: int, *identity: str) -> float:
    """Return a number in [0, 1) that depends on the seed and the identity alone."""
    return int.from_bytes(_digest(seed, *identity)[:7], "big") / (1 << 56)


def _answer(event: OfferSent, seed: int, habits: Habits) -> list[Command]:
    """Accept, decline with a reason, or forget."""
    key = (event.zone, event.offer)
    at = event.at + _between(draw(seed, "answer after", *key), 60, habits.answer_minutes_max * 60)
    mood = draw(seed, "answer", *key)
    if mood < habits.accept:
        return [
            AcceptOffer(
                id=_id(seed, at, event.volunteer, "accept", event.zone, event.offer),
                zone=event.zone,
                at=at,
                actor=event.volunteer,
                offer=event.offer,
            )
        ]
    if mood < habits.accept + habits.decline:
        reason = _weighted(draw(seed, "decline reason", *key), DECLINES)
        return [
            DeclineOffer(
                id=_id(seed, at, event.volunteer, "decline", event.zone, event.offer),
                zone=event.zone,
                at=at,
                actor=event.volunteer,
                offer=event.offer,
                reason=reason,
            )
        ]
    return []


def _go(event: AssignmentCommitted, offer: OfferSent, seed: int, beat: timedelta, habits: Habits) -> list[Command]:
    """Set off for the agreed start and arrive, on time or late; a few never do."""
    key = (event.zone, event.assignment)
    if draw(seed, "no show", *key) < habits.no_show:
        return []
    soonest = event.at + beat + timedelta(seconds=1)
    departs = max(offer.start - timedelta(seconds=offer.travel_s), soonest)
    arrives = max(offer.start, departs + timedelta(seconds=1))
    if draw(seed, "late", *key) < habits.late:
        late = offer.start + _between(draw(seed, "late by", *key), 60, habits.late_minutes_max * 60)
        arrives = max(arrives, late)
    who = offer.volunteer
    arrive = Arrive(
        id=_id(seed, arrives, who, "arrive", event.zone, event.assignment),
        zone=event.zone,
        at=arrives,
        actor=who,
        assignment=event.assignment,
    )
    if draw(seed, "forget to depart", *key) < habits.forget_to_depart:
        return [arrive]
    depart = Depart(
        id=_id(seed, departs, who, "depart", event.zone, event.assignment),
        zone=event.zone,
        at=departs,
        actor=who,
        assignment=event.assignment,
    )
    return [depart, arrive]


def _finish(event: VolunteerArrived, offer: OfferSent, seed: int, beat: timedelta, habits: Habits) -> list[Command]:
    """Work for the time agreed, sometimes longer; a few forget to say that they are done."""
    key = (event.zone, event.command.assignment)
    if draw(seed, "forget to finish", *key) < habits.forget_to_finish:
        return []
    ends = max(event.command.at + (offer.end - offer.start), event.at + beat + timedelta(seconds=1))
    if draw(seed, "overrun", *key) < habits.overrun:
        ends += _between(draw(seed, "overrun by", *key), 60, habits.overrun_minutes_max * 60)
    return [
        Finish(
            id=_id(seed, ends, offer.volunteer, "finish", event.zone, event.command.assignment),
            zone=event.zone,
            at=ends,
            actor=offer.volunteer,
            assignment=event.command.assignment,
        )
    ]


def _rate(event: RatingInvited, seed: int, beat: timedelta, habits: Habits) -> list[Command]:
    """Rate effect and conduct, say now and then that it was not solved, or forget to rate."""
    key = (event.zone, event.request, event.at.isoformat())
    if draw(seed, "rate", *key) >= habits.rate:
        return []
    at = event.at + beat + _between(draw(seed, "rate after", *key), 1800, habits.rate_hours_max * 3600)
    solved = draw(seed, "solved", *key) >= habits.not_solved
    effect = 3 + int(3 * draw(seed, "effect", *key)) if solved else 1 + int(2 * draw(seed, "effect", *key))
    conduct = 3 + int(3 * draw(seed, "conduct", *key))
    actor = _resident(event.request)
    return [
        RateRequest(
            id=_id(seed, at, actor, "rate", event.zone, event.request),
            zone=event.zone,
            at=at,
            actor=actor,
            request=event.request,
            effect=effect,
            conduct=conduct,
            solved=solved,
        )
    ]


def _cancel(event: RequestSubmitted, seed: int, beat: timedelta, habits: Habits) -> list[Command]:
    """Withdraw the request now and then; the resident does not look how far it has come."""
    request = event.command.request
    key = (event.zone, request)
    if draw(seed, "cancel", *key) >= habits.cancel:
        return []
    at = event.at + beat + _between(draw(seed, "cancel after", *key), 600, habits.cancel_hours_max * 3600)
    actor = _resident(request)
    return [
        CancelRequest(
            id=_id(seed, at, actor, "cancel", event.zone, request), zone=event.zone, at=at, actor=actor, request=request
        )
    ]


def _resident(request: str) -> str:
    """Name the asker of a request without knowing who they are."""
    return f"resident of {request}"


def _between(share: float, low_s: int, high_s: int) -> timedelta:
    return timedelta(seconds=low_s + int(share * (high_s - low_s + 1)))


def _weighted(share: float, choices: tuple[tuple[Choice, int], ...]) -> Choice:
    left = share * sum(weight for _, weight in choices)
    for choice, weight in choices:
        left -= weight
        if left < 0:
            return choice
    return choices[-1][0]


def _digest(seed: int, *identity: str) -> bytes:
    """Hash the parts; their lengths go in, so that no two lists of parts read the same."""
    text = "".join(f"{len(part)}:{part}" for part in (str(seed), *identity))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()

"""What people would have said to offers that history did not make: from what they did say. Honest, not clever.

- To the same offer (same id, same beat, same start) they say what the journal says, when it says it.
- To an offer for a request that they were once asked for: the same answer after the same time.
- To any other: a draw by seed. Their own share of yes, among the offers of the whole journal that ran their course,
  pulled towards the zone's by `PRIOR` offers' worth; how soon, as somebody of the zone once took.
- A visit that follows is the recorded one of that pair, moved to the new start; else they come and finish on time, but
  for the zone's share of no-shows, drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from matcher import events as e
from matcher.commands import AcceptOffer, Arrive, Command, DeclineOffer, DeclineReason, Depart, Finish
from matcher.events import Event
from producers.people import command_id, draw

#: A person's own record weighs as much as this many offers of the zone.
PRIOR = 4.0
SOON = timedelta(minutes=5)
#: A command is decided before the next Tick: a sender's clock further ahead of the zone's time is wrong.
CLOCK_AHEAD_MAX = timedelta(hours=1)


class Said(StrEnum):
    """How an offer ended by the person's own doing; no word for those that were taken back or are open."""

    YES = "accepted"
    NO = "declined"
    NOTHING = "expired"


@dataclass
class Recorded:
    """One offer of history and what became of it."""

    sent: e.OfferSent
    said: Said | None = None
    after: timedelta = SOON
    reason: DeclineReason = DeclineReason.OTHER
    no_show: bool = False
    departed: datetime | None = None
    arrived: datetime | None = None
    finished: datetime | None = None


Pair = tuple[str, str, str]


@dataclass
class Past:
    """What the whole journal says of offers and answers."""

    offers: dict[str, Recorded] = field(default_factory=dict)
    #: The last offer of a pair that ran its course, by (request, requirement, person).
    pairs: dict[Pair, Recorded] = field(default_factory=dict)
    said: dict[str, Counter[Said]] = field(default_factory=dict)
    zone: Counter[Said] = field(default_factory=Counter)
    delays: dict[Said, list[timedelta]] = field(default_factory=dict)
    reasons: list[DeclineReason] = field(default_factory=list)
    kept: int = 0
    no_shows: int = 0


def past(events: Iterable[Event]) -> Past:
    """Read what people did."""
    found = Past()
    for event in events:
        _see(found, event)
    for recorded in found.offers.values():
        if recorded.said is not None:
            sent = recorded.sent
            found.pairs[sent.request, sent.requirement, sent.volunteer] = recorded
            found.said.setdefault(sent.volunteer, Counter())[recorded.said] += 1
            found.zone[recorded.said] += 1
            found.delays.setdefault(recorded.said, []).append(recorded.after)
    found.reasons = sorted(each.reason for each in found.offers.values() if each.said is Said.NO)
    for delays in found.delays.values():
        delays.sort()
    found.no_shows = sum(recorded.no_show for recorded in found.offers.values())
    found.kept = sum(recorded.arrived is not None for recorded in found.offers.values())
    return found


def _see(found: Past, event: Event) -> None:
    match event:
        case e.OfferSent():
            found.offers[event.offer] = Recorded(event)
        case e.OfferAccepted() | e.OfferDeclined():
            recorded = found.offers[event.command.offer]
            recorded.said = Said.YES if isinstance(event, e.OfferAccepted) else Said.NO
            recorded.after = _when(event, event.command) - recorded.sent.at
            if isinstance(event.command, DeclineOffer):
                recorded.reason = event.command.reason
        case e.OfferExpired():
            found.offers[event.offer].said = Said.NOTHING
        case e.VolunteerDeparted():
            found.offers[event.command.assignment].departed = _when(event, event.command)
        case e.VolunteerArrived():
            found.offers[event.command.assignment].arrived = _when(event, event.command)
        case e.WorkFinished():
            found.offers[event.command.assignment].finished = _when(event, event.command)
        case e.NoShowRecorded():
            found.offers[event.assignment].no_show = True
        case _:
            pass


def _when(event: Event, command: Command) -> datetime:
    """Return when somebody did something: by their own clock where it can be right, else by the zone's."""
    ahead = command.at - event.at
    return command.at if timedelta(0) <= ahead <= CLOCK_AHEAD_MAX else event.at


class Answering:
    """Answers offers of a past that was not, by seed. Counts what its answers rest on."""

    def __init__(self, past: Past, seed: int) -> None:
        self._past = past
        self._seed = seed
        #: Offers answered as the person answered for the same request; offers answered by a draw.
        self.repeated = 0
        self.drawn = 0

    def answer(self, offer: e.OfferSent) -> list[Command]:
        """Return what the person says; nothing where they let it run out, or would be too late."""
        recorded = self._past.pairs.get((offer.request, offer.requirement, offer.volunteer))
        if recorded is not None:
            self.repeated += 1
            said, after, reason = recorded.said, recorded.after, recorded.reason
        else:
            self.drawn += 1
            said = self._drawn(offer)
            after, reason = self._delay(offer, said), self._reason(offer)
        at = offer.at + max(after, timedelta(seconds=1))
        if said is Said.NOTHING or at >= offer.expires_at:
            return []
        name, zone, who = self._id(offer, str(said), at), offer.zone, offer.volunteer
        if said is Said.YES:
            return [AcceptOffer(id=name, zone=zone, at=at, actor=who, offer=offer.offer)]
        return [DeclineOffer(id=name, zone=zone, at=at, actor=who, offer=offer.offer, reason=reason)]

    def visit(self, offer: e.OfferSent, now: datetime) -> list[Command]:
        """Return how the visit goes that was just agreed to."""
        recorded = self._past.pairs.get((offer.request, offer.requirement, offer.volunteer))
        if recorded is None or recorded.said is not Said.YES:
            recorded = None
        if recorded.no_show if recorded else self._stays_away(offer):
            return []
        soonest = now + timedelta(seconds=1)
        departs = max(offer.start - timedelta(seconds=offer.travel_s), soonest)
        arrives = max(offer.start + _late(recorded), departs + timedelta(seconds=1))
        finishes = max(offer.end, arrives + (offer.end - offer.start)) + _longer(recorded)
        steps = ((Depart, "depart", departs), (Arrive, "arrive", arrives), (Finish, "finish", finishes))
        return [
            kind(
                id=self._id(offer, word, at), zone=offer.zone, at=at, actor=offer.volunteer, assignment=offer.offer
            )
            for kind, word, at in steps
        ]  # fmt: skip

    def _drawn(self, offer: e.OfferSent) -> Said:
        own, zone = self._past.said.get(offer.volunteer, Counter()), self._past.zone
        everybody = zone.total() or 1
        yes = (own[Said.YES] + PRIOR * zone[Said.YES] / everybody) / (own.total() + PRIOR)
        if self._draw(offer, "says") < yes:
            return Said.YES
        others = zone[Said.NO] + zone[Said.NOTHING]
        return Said.NO if others and self._draw(offer, "no") < zone[Said.NO] / others else Said.NOTHING

    def _delay(self, offer: e.OfferSent, said: Said) -> timedelta:
        delays = self._past.delays.get(said) or [SOON]
        return delays[int(self._draw(offer, "delay") * len(delays))]

    def _reason(self, offer: e.OfferSent) -> DeclineReason:
        reasons = self._past.reasons or [DeclineReason.OTHER]
        return reasons[int(self._draw(offer, "reason") * len(reasons))]

    def _stays_away(self, offer: e.OfferSent) -> bool:
        ended = self._past.kept + self._past.no_shows
        return bool(ended) and self._draw(offer, "stays away") < self._past.no_shows / ended

    def _draw(self, offer: e.OfferSent, what: str) -> float:
        return draw(self._seed, what, offer.zone, offer.offer, offer.at.isoformat())

    def _id(self, offer: e.OfferSent, what: str, at: datetime) -> str:
        return command_id(self._seed, at, offer.volunteer, f"{what} {offer.zone} {offer.offer}")


def _late(recorded: Recorded | None) -> timedelta:
    if recorded is None or recorded.arrived is None:
        return timedelta(0)
    return recorded.arrived - recorded.sent.start


def _longer(recorded: Recorded | None) -> timedelta:
    if recorded is None or recorded.arrived is None or recorded.finished is None:
        return timedelta(0)
    planned = recorded.sent.end - recorded.sent.start
    return max(timedelta(0), (recorded.finished - recorded.arrived) - planned)

"""What became of requests and people in a run: filled, waiting, distance, fairness. Counts events, decides nothing."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import numpy as np

from matcher import events as e
from matcher.events import Event, Outcome
from matcher.fairness import shares
from matcher.zone import KEPT, Zone


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Requests: those of the range, and those open when it began."""

    requests: int
    requirements: int
    #: requirements that once had enough people
    filled: int
    completed: int
    expired: int
    cancelled: int
    open: int
    refused: int
    offers: int
    accepted: int
    declined: int
    unanswered: int
    visits: int
    no_shows: int
    #: from the request to enough people, of filled requirements, in minutes
    waiting_median_minutes: float | None
    waiting_p90_minutes: float | None
    #: great-circle distance of accepted offers
    distance_median_m: float | None
    distance_p90_m: float | None
    distance_total_km: float
    #: of visits kept, over everybody who is registered at the end
    gini: float
    most: int
    least: int
    runs: int


@dataclass
class Counted:
    """A run's figures and who is behind them."""

    figures: Figures
    filled: frozenset[tuple[str, str]]
    #: visits kept by person
    kept: Mapping[str, int]


@dataclass
class _Seen:
    submitted: dict[str, datetime] = field(default_factory=dict)
    requirements: set[tuple[str, str]] = field(default_factory=set)
    filled: dict[tuple[str, str], datetime] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    offers: dict[str, e.OfferSent] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)  # assignment -> person
    distances: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def count(before: Zone | None, events: Iterable[Event], after: Zone | None) -> Counted:
    """Count a run. `before`: the zone when it began; `after`: at its end."""
    seen = _Seen()
    if before is not None:
        _open(seen, before)
    for event in events:
        seen.kinds[type(event).__name__] += 1
        _see(seen, event)
    kept = Counter(seen.kept.values())
    return Counted(_figures(seen, kept, after), frozenset(seen.filled), kept)


def _open(seen: _Seen, zone: Zone) -> None:
    """Take in what was open when the range began; people who had agreed before are not counted again."""
    for name, request in zone.requests.items():
        seen.submitted[name] = request.submitted_at
        seen.requirements |= {(name, need) for need, state in request.needs.items() if not state.filled}
    people = zone.people.ids
    seen.kept = {each.id: people[each.volunteer] for each in zone.assignments.values() if each.status in KEPT}


def _see(seen: _Seen, event: Event) -> None:
    match event:
        case e.RequestSubmitted():
            seen.submitted[event.command.request] = event.at
        case e.RequirementOpened():
            seen.requirements.add((event.request, event.requirement))
        case e.RequirementFilled():
            seen.filled.setdefault((event.request, event.requirement), event.at)
        case e.RequestClosed():
            seen.ended[event.request] = "expired" if event.outcome is Outcome.EXPIRED else "closed"
        case e.RequestCancelled():
            seen.ended[event.command.request] = "cancelled"
        case e.RequestReopened():
            seen.submitted.setdefault(event.request, event.at)
            seen.ended.pop(event.request, None)
        case e.OfferSent():
            seen.offers[event.offer] = event
        case e.OfferAccepted() if event.command.offer in seen.offers:
            offer = seen.offers[event.command.offer]
            seen.kept[offer.offer] = offer.volunteer
            seen.distances.append(offer.distance_m)
        case e.AssignmentReleased() | e.NoShowRecorded():
            seen.kept.pop(event.assignment, None)
        case _:
            pass


def _figures(seen: _Seen, kept: Mapping[str, int], zone: Zone | None) -> Figures:
    waited = [(at - seen.submitted[request]).total_seconds() / 60 for (request, _), at in seen.filled.items()]
    ended, kinds = Counter(seen.ended.values()), seen.kinds
    requests = len(seen.submitted)
    shared = _shared(kept, zone)
    return Figures(
        requests=requests,
        requirements=len(seen.requirements),
        filled=len(seen.filled),
        completed=kinds["RequestCompleted"],
        expired=ended["expired"],
        cancelled=ended["cancelled"],
        open=requests - len(seen.ended),
        refused=kinds["CommandRefused"],
        offers=kinds["OfferSent"],
        accepted=kinds["OfferAccepted"],
        declined=kinds["OfferDeclined"],
        unanswered=kinds["OfferExpired"],
        visits=kinds["WorkFinished"],
        no_shows=kinds["NoShowRecorded"],
        waiting_median_minutes=_quantile(waited, 0.5),
        waiting_p90_minutes=_quantile(waited, 0.9),
        distance_median_m=_quantile(seen.distances, 0.5),
        distance_p90_m=_quantile(seen.distances, 0.9),
        distance_total_km=round(math.fsum(seen.distances) / 1000, 1),
        gini=round(shared[0], 4),
        most=shared[1],
        least=shared[2],
        runs=kinds["MatchRunFinished"],
    )


def _shared(kept: Mapping[str, int], zone: Zone | None) -> tuple[float, int, int]:
    """Return Gini, most and least of the visits of all people that the zone has."""
    here = [] if zone is None else [name for name, row in zone.people.row_of.items() if not zone.people.has_left(row)]
    visits = np.array([kept.get(person, 0) for person in here], np.int64)
    found = shares(visits, np.zeros(len(visits), bool))
    return found.gini, found.most, found.least


def _quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value that this share does not exceed (nearest rank), the median as the middle of two."""
    if not values:
        return None
    if share == 0.5:
        return round(statistics.median(values), 1)
    return round(sorted(values)[math.ceil(share * len(values)) - 1], 1)

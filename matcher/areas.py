"""小区优先 (R24): in which part of the place tree a requirement is matched, and into which it widens.

Called by `beats` and explanations. A requirement begins in the narrowest area of the policy that its request's place
has (its compound), and widens by one only when a solve has proven a shortfall there: `settle` says so in `AreaWidened`.
Within the areas open at one beat the plan stays the optimum over all feasible pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from matcher.commands import DefinePlace
from matcher.problem import Areas
from matcher.terms import PlaceLevel
from matcher.zone import Need, Request, Zone

_WIDTH = {level: width for width, level in enumerate(PlaceLevel)}


def looked_in(zone: Zone, request: Request, need: Need) -> DefinePlace | None:
    """Return the place in which people are looked for; None for the whole zone."""
    reached = need.area.level if need.area else PlaceLevel.ENTRANCE
    if reached is None:
        return None
    return next((area for area in _areas(zone, request) if _WIDTH[area.level] <= _WIDTH[reached]), None)


def wider(zone: Zone, request: Request, within: DefinePlace) -> DefinePlace | None:
    """Return the next wider area; None for the whole zone."""
    return next((area for area in _areas(zone, request) if _WIDTH[area.level] < _WIDTH[within.level]), None)


def compound_of(zone: Zone, request: Request) -> str | None:
    """Return the compound in which the request's place lies."""
    return next((at.place for at in _above(zone, request) if at.level is PlaceLevel.COMPOUND), None)


def _areas(zone: Zone, request: Request) -> list[DefinePlace]:
    """Return the areas of a request, the narrowest first, those left out that its place does not have."""
    found = {place.level: place for place in reversed(_above(zone, request))}
    return [found[level] for level in zone.policy.tree.areas if level in found]


def _above(zone: Zone, request: Request) -> list[DefinePlace]:
    """Return the request's place and those in which it lies, from the narrowest."""
    found: list[DefinePlace] = []
    at = request.command.place
    while at is not None and at in zone.places:
        found.append(zone.places[at])
        at = zone.places[at].parent
    return found


def laid_out(zone: Zone, within: Sequence[str | None]) -> Areas | None:
    """Return the areas of a beat's requirements as columns; None where nobody is left out anywhere."""
    if not any(within):
        return None
    spans = _numbered(zone.places)
    rows = [[spans[place][0] for place in own if place in spans] for own in zone.people.places]
    everywhere = (-1, -1)
    looked = np.array([spans[name] if name else everywhere for name in within], np.int64).reshape(-1, 2)
    return Areas(
        name=[name or "" for name in within],
        first=looked[:, 0].copy(),
        end=looked[:, 1].copy(),
        indptr=np.cumsum([0, *map(len, rows)], dtype=np.int64),
        at=np.fromiter(chain.from_iterable(rows), np.int64),
    )


def _numbered(places: Mapping[str, DefinePlace]) -> dict[str, tuple[int, int]]:
    """Number the places depth first: each with its own number, and where the numbers of those at or below it end."""
    below: dict[str | None, list[str]] = {}
    for name, place in places.items():
        below.setdefault(place.parent, []).append(name)
    spans: dict[str, tuple[int, int]] = {}
    number = 0
    stack = [(name, False) for name in reversed(below.get(None, []))]
    while stack:
        name, done = stack.pop()
        if done:
            spans[name] = (spans[name][0], number)
            continue
        spans[name] = (number, number)
        number += 1
        stack.append((name, True))
        stack += [(child, False) for child in reversed(below.get(name, []))]
    return spans

"""Small placements by seed, and every answer to them tried out: the arithmetic here is nobody else's."""

from __future__ import annotations

import itertools
import math
from random import Random

from matcher.placement.problem import Asked, Member, Placement, Prices, Site
from matcher.terms import Point

#: As good as any: enough to put balance before everything that five members can differ by.
OUT = 10**9


def point(metres: float) -> Point:
    """Return a point so many metres east on the equator."""
    return Point(lat=0.0, lon=math.degrees(metres / 6_371_008.8))


def drawn(seed: int) -> Placement:
    """Draw a placement of up to three sites and five members: of people, or of those who may be left out."""
    chance = Random(seed)
    optional = chance.random() < 0.3
    sites = [_site(chance, number, optional) for number in range(chance.randint(1, 3))]
    members = [_member(chance, number, sites, optional) for number in range(chance.randint(1, 5))]
    prices = Prices(need_points=chance.choice((0, 500, 3000)), move_points=chance.choice((0, 200)))
    return Placement(members=tuple(members), sites=tuple(sites), prices=prices, optional=optional)


def _site(chance: Random, number: int, optional: bool) -> Site:
    lower = 0 if optional else chance.randint(0, 3)
    needs = [
        Asked(ability=ability, level=chance.randint(1, 2), people=chance.randint(1, 2))
        for ability in "ab"
        if chance.random() < 0.5
    ]
    return Site(
        site=f"s{number}",
        point=point(chance.randint(0, 40) * 100) if chance.random() < 0.9 else None,
        lower=lower,
        upper=lower + chance.randint(0, 2),
        hard=optional,
        needs=tuple(needs),
        requires=(Asked(ability="a"),) if optional and chance.random() < 0.3 else (),
        within=chance.choice((None, "x")),
    )


def _member(chance: Random, number: int, sites: list[Site], optional: bool) -> Member:
    at = None if optional else chance.choice([None, *(site.site for site in sites)])
    return Member(
        member=f"m{number}",
        point=point(chance.randint(0, 40) * 100) if chance.random() < 0.9 else None,
        reach_m=chance.choice((None, 550.0, 2050.0)),
        abilities={ability: chance.randint(1, 2) for ability in "ab" if chance.random() < 0.5},
        at=at,
        stays=at is not None and chance.random() < 0.2,
        within="x" if chance.random() < 0.1 else None,
    )


def cheapest(problem: Placement) -> tuple[int, int]:
    """Return (out of balance and left out, the rest in points) of the best of all placements."""
    choices = []
    for one in problem.members:
        own = [at for at in range(len(problem.sites)) if _may(one, problem.sites[at])]
        choices.append([*own, -1] if problem.optional or not own else own)
    return min(told(problem, chosen) for chosen in itertools.product(*choices))


def told(problem: Placement, chosen: tuple[int, ...]) -> tuple[int, int]:
    """Return the cost of one placement, with as many needs filled as can be."""
    out, points = sum(at < 0 for at in chosen), 0
    for number, site in enumerate(problem.sites):
        here = [one for one, at in zip(problem.members, chosen, strict=True) if at == number]
        if site.hard and len(here) > site.upper:
            return OUT, 0
        out += max(0, site.lower - len(here)) + max(0, len(here) - site.upper)
        points += sum(math.floor(_metres(one, site) + 0.5) for one in here)
        points += problem.prices.move_points * sum(one.at not in (None, site.site) for one in here)
        points -= problem.prices.need_points * most_filled(site, here)
    return out, points


def most_filled(site: Site, here: list[Member]) -> int:
    """Return how many places of needs these members fill at most: every way tried."""
    ways = [[-1, *(k for k, asked in enumerate(site.needs) if _can(one, asked))] for one in here]
    best = 0
    for way in itertools.product(*ways):
        if all(way.count(k) <= asked.people for k, asked in enumerate(site.needs)):
            best = max(best, sum(k >= 0 for k in way))
    return best


def _may(one: Member, site: Site) -> bool:
    if one.at == site.site:
        return True
    if one.stays or (one.within is not None and one.within != site.within):
        return False
    near = one.reach_m is None or _metres(one, site) <= one.reach_m
    return near and all(_can(one, asked) for asked in site.requires)


def _can(one: Member, asked: Asked) -> bool:
    return one.abilities.get(asked.ability, 0) >= asked.level


def _metres(one: Member, site: Site) -> float:
    """On the equator the way is an angle."""
    if one.point is None or site.point is None:
        return 0.0
    return 6_371_008.8 * math.radians(abs(one.point.lon - site.point.lon))

"""The values of one placement: who is placed, where, under which bounds, at which prices. Built by `posing`.

Knows no zone and no solver. All prices are points; 1 point = 1 metre between a member and its site.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from matcher.terms import Id, Point, Term

#: Prices of a need's place and of a move, and how far from its share a site may be, unless told otherwise.
NEED_POINTS, MOVE_POINTS, TOLERANCE_PERCENT = 1000, 200, 20

Points = Annotated[int, Meta(ge=0, le=100_000)]
Count = Annotated[int, Meta(ge=0)]


class Asked(Term, frozen=True, kw_only=True):
    """A need of a site: so many of its members with this ability at this level or better. `people` 1 or more."""

    ability: str
    level: int = 1
    people: int = 1


class Member(Term, frozen=True, kw_only=True):
    """Who is placed: a person, or a unit. `at`: the site where it is now; `stays`: it may be nowhere else.

    `reach_m`: it may be farther from its site only where it is now; None: any distance. `abilities`: ability -> level.
    """

    member: Id
    point: Point | None
    reach_m: float | None = None
    abilities: dict[str, int] = msgspec.field(default_factory=dict)
    at: Id | None = None
    stays: bool = False
    #: Only sites within the same place; None: any.
    within: Id | None = None


class Site(Term, frozen=True, kw_only=True):
    """Where members are placed: `lower` to `upper` of them; `hard`: never more. `requires`: whoever comes has these.

    `residents` None: nobody has said, and the site is not balanced.
    """

    site: Id
    name: str = ""
    point: Point | None = None
    residents: int | None = None
    lower: Count = 0
    upper: Count
    hard: bool = False
    needs: tuple[Asked, ...] = ()
    requires: tuple[Asked, ...] = ()
    within: Id | None = None


class Prices(Term, frozen=True, kw_only=True):
    """What a filled place of a need and a move are worth, in points. Balance comes before both."""

    need_points: Points = NEED_POINTS
    move_points: Points = MOVE_POINTS


class Placement(Term, frozen=True, kw_only=True):
    """One problem. Members and sites are in the order of their ids, each id once; `at` is one of the sites.

    `optional`: members may be left out, at the price of one out of balance; else every one is somewhere.
    """

    members: tuple[Member, ...]
    sites: tuple[Site, ...]
    prices: Prices = Prices()
    optional: bool = False


def suits_for(one: Member, site: Site) -> bool:
    """Say whether a site would take a member, however far: within the same place, with all that it requires."""
    if one.within is not None and one.within != site.within:
        return False
    return all(able(one.abilities, asked) for asked in site.requires)


def able(abilities: dict[str, int], asked: Asked) -> bool:
    """Say whether these abilities answer a need."""
    return abilities.get(asked.ability, 0) >= asked.level

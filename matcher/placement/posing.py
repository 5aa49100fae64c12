"""What a zone asks of placement, three ways: people to compounds or cells, units to communities, cadres to posts.

Called by `paidan placement`. Changes nothing. A `CannotPlace` says what the zone has not told yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import UNSET

from matcher import posts
from matcher.commands import DefinePlace, DefinePost
from matcher.people import NOT_PAUSED
from matcher.placement.problem import TOLERANCE_PERCENT, Asked, Member, Placement, Prices, Site
from matcher.placement.shares import bounds
from matcher.terms import NeededSkill, PlaceLevel, Point, StatedNeed, Term
from matcher.zone import Zone

_WIDTH = {level: width for width, level in enumerate(PlaceLevel)}
_COMPOUND = _WIDTH[PlaceLevel.COMPOUND]


class Missing(StrEnum):
    """What is not there to place anybody by."""

    PEOPLE = "people"
    UNITS = "units"
    PLACES = "places"
    RESIDENTS = "residents"
    POINTS = "points"
    POSTS = "posts"


class CannotPlace(Exception):
    """The zone lacks what a placement needs; `level`: of which places."""

    def __init__(self, missing: Missing, zone: str, level: str = "") -> None:
        super().__init__(f"{missing}: zone ({zone}), level ({level})")
        self.missing, self.zone, self.level = missing, zone, level


class Wanted(Term, frozen=True, kw_only=True):
    """How to place. `keep_claims`: who holds a post in their place stays there, and is counted there."""

    level: PlaceLevel = PlaceLevel.COMPOUND
    tolerance_percent: int = TOLERANCE_PERCENT
    prices: Prices = Prices()
    keep_claims: bool = True


def people(zone: Zone, wanted: Wanted) -> Placement:
    """Put people into the places of a level, balanced by residents. Paused people stay. Raises CannotPlace.

    Cells (网格) are those of the compound in which a person is registered, and balanced within it; whose compound has
    none is left out.
    """
    rows = [row for row in range(len(zone.people)) if not zone.people.has_left(row)]
    if not rows:
        raise CannotPlace(Missing.PEOPLE, zone.id)
    places = _places(zone, wanted.level)
    above = {place.place: _compound_above(zone, place) for place in places}
    members = [_person(zone, row, above, wanted) for row in rows]
    cells = {name for name in above.values() if name is not None}
    members = [one for one in members if one.within is None or one.within in cells]
    if not members:
        raise CannotPlace(Missing.PEOPLE, zone.id, wanted.level)
    needs = [tuple(_skill(need) for need in place.needs or ()) for place in places]
    sites = _balanced(places, needs, [one.within for one in members], above, wanted)
    return Placement(members=tuple(sorted(members, key=_member_id)), sites=sites, prices=wanted.prices)


def units(zone: Zone, wanted: Wanted) -> Placement:
    """Pair units with communities: as many units each as their residents ask for, at least one. Raises CannotPlace.

    A unit that has several communities already keeps them all, and counts in each.
    """
    if not zone.units:
        raise CannotPlace(Missing.UNITS, zone.id)
    places = _places(zone, PlaceLevel.COMMUNITY)
    names = {place.place for place in places}
    members = [one for unit in sorted(zone.units) for one in _unit(zone, unit, names)]
    if all(one.point is None for one in members):
        raise CannotPlace(Missing.POINTS, zone.id)
    needs = [
        (
            *(_skill(need) for need in place.needs or ()),
            *(Asked(ability=f"function:{f}") for f in place.functions or ()),
        )
        for place in places
    ]
    sites = _balanced(places, needs, [None] * len(members), {}, wanted)
    return Placement(members=tuple(sorted(members, key=_member_id)), sites=sites, prices=wanted.prices)


def claims(zone: Zone, wanted: Wanted) -> Placement:
    """Offer every cadre without a post one with room that their skills suffice for (R94). Raises CannotPlace."""
    if not zone.known_posts:
        raise CannotPlace(Missing.POSTS, zone.id)
    table = zone.people
    rows = [
        row
        for row in range(len(table))
        if table.units[row] is not None
        and not table.has_left(row)
        and not table.posts.of(row)
        and not _paused(zone, row)
    ]
    if not rows:
        raise CannotPlace(Missing.PEOPLE, zone.id)
    members = [
        Member(member=table.ids[row], point=_home(zone, row), reach_m=_reach(zone, row), abilities=_skills(zone, row))
        for row in rows
    ]
    sites = [_post(zone, post, len(members)) for _, post in sorted(zone.known_posts.items())]
    return Placement(
        members=tuple(sorted(members, key=_member_id)), sites=tuple(sites), prices=wanted.prices, optional=True
    )


# --- places -----------------------------------------------------------------------------------------------------


def _places(zone: Zone, level: PlaceLevel) -> list[DefinePlace]:
    """Return the places of a level by id; those that lie nowhere are left out."""
    found = [place for _, place in sorted(zone.places.items()) if place.level is level]
    if not found:
        raise CannotPlace(Missing.PLACES, zone.id, level)
    found = [place for place in found if place.point is not None]
    if not found:
        raise CannotPlace(Missing.POINTS, zone.id, level)
    if not any(place.residents for place in found):
        raise CannotPlace(Missing.RESIDENTS, zone.id, level)
    return found


def _balanced(
    places: Sequence[DefinePlace],
    needs: Sequence[tuple[Asked, ...]],
    members: Sequence[str | None],
    above: Mapping[str, str | None],
    wanted: Wanted,
) -> tuple[Site, ...]:
    """Give each place its bounds: its share of the members that are within the same compound, by residents."""
    residents = {place.place: place.residents if place.residents is not UNSET else None for place in places}
    limits: dict[str, tuple[int, int]] = {}
    for group in dict.fromkeys(above.get(place) for place in residents):
        own = [place for place in residents if above.get(place) == group]
        many = sum(within == group for within in members)
        found = bounds(many, [residents[place] for place in own], wanted.tolerance_percent)
        limits |= dict(zip(own, found, strict=True))
    return tuple(
        Site(
            site=place.place, name=place.name, point=place.point, residents=residents[place.place],
            lower=limits[place.place][0], upper=limits[place.place][1], needs=asked, within=above.get(place.place),
        )
        for place, asked in zip(places, needs, strict=True)
    )  # fmt: skip


def _compound_above(zone: Zone, place: DefinePlace) -> str | None:
    """Return the compound that a narrower place lies in; None for a compound and wider ones."""
    at = None if place.parent is None else zone.places[place.parent]
    while at is not None and at.level is not PlaceLevel.COMPOUND:
        at = None if at.parent is None else zone.places[at.parent]
    return None if at is None else at.place


def _skill(need: StatedNeed) -> Asked:
    return Asked(ability=f"skill:{need.skill}", level=need.level, people=need.people)


def _post(zone: Zone, post: DefinePost, members: int) -> Site:
    """Return a post as a site: the room that is left; a skill that it asks for counts as put to use."""
    held = len(posts.holders(zone, post.post))
    room = members if post.capacity is UNSET else max(0, post.capacity - held)
    requires = tuple(_required(need) for need in post.skills)
    uses = tuple(Asked(ability=one.ability, level=one.level, people=room) for one in requires[:1]) if room else ()
    place = zone.places.get(post.place or "")
    return Site(
        site=post.post, name=post.name, point=None if place is None else place.point,
        upper=room, hard=True, needs=uses, requires=requires,
    )  # fmt: skip


def _required(need: NeededSkill) -> Asked:
    return Asked(ability=f"skill:{need.skill}", level=need.level)


# --- members ----------------------------------------------------------------------------------------------------


def _person(zone: Zone, row: int, above: Mapping[str, str | None], wanted: Wanted) -> Member:
    table = zone.people
    at = next((place for place in table.places[row] if place in above), None)
    holds = {zone.known_posts[post].place for post in table.posts.of(row) if post in zone.known_posts}
    stays = at is not None and (_paused(zone, row) or (wanted.keep_claims and at in holds))
    return Member(
        member=table.ids[row], point=_home(zone, row), reach_m=_reach(zone, row), abilities=_skills(zone, row),
        at=at, stays=stays, within=_compound_of(zone, row) if _WIDTH[wanted.level] > _COMPOUND else None,
    )  # fmt: skip


def _compound_of(zone: Zone, row: int) -> str:
    """Return the compound in which a person is registered, or lies what they are registered in; "" for none."""
    for name in zone.people.places[row]:
        place = zone.places.get(name)
        compound = None if place is None else place.place if _is_compound(place) else _compound_above(zone, place)
        if compound is not None:
            return compound
    return ""


def _is_compound(place: DefinePlace) -> bool:
    return place.level is PlaceLevel.COMPOUND


def _unit(zone: Zone, unit: str, names: Iterable[str]) -> list[Member]:
    day = zone.now.astimezone(ZoneInfo(zone.policy.timezone)).date()
    linked = [place for place in zone.linked(unit, day) if place in names]
    told = (zone.profiles or {}).get(unit)
    point = None if told is None else told.point or None
    abilities: dict[str, int] = {}
    if told is not None:
        abilities = {f"skill:{held.skill}": held.level for held in told.skills or ()}
        abilities |= {f"function:{function}": 1 for function in told.functions or ()}
    if len(linked) > 1:
        return [
            Member(member=f"{unit}@{place}", point=point, abilities=abilities, at=place, stays=True) for place in linked
        ]
    return [Member(member=unit, point=point, abilities=abilities, at=linked[0] if linked else None)]


def _home(zone: Zone, row: int) -> Point:
    table = zone.people
    return Point(lat=float(table.column("lat")[row]), lon=float(table.column("lon")[row]))


def _reach(zone: Zone, row: int) -> float:
    return float(zone.people.column("reach_m")[row])


def _skills(zone: Zone, row: int) -> dict[str, int]:
    """Return the levels that a person holds; a certificate that has expired counts for nothing."""
    table, now_s = zone.people, int(zone.now.timestamp())
    levels = table.levels[:, row].tolist()
    return {
        f"skill:{name}": level
        for skill, (name, level) in enumerate(zip(table.skills, levels, strict=True))
        if level and table.expires_s.get((skill, row), now_s + 1) > now_s
    }


def _paused(zone: Zone, row: int) -> bool:
    until = int(zone.people.column("paused_until_s")[row])
    return until != NOT_PAUSED and until > int(zone.now.timestamp())


def _member_id(one: Member) -> str:
    return one.member

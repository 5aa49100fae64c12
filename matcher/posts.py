"""公益服务岗: who may claim a post, who holds it, and which cadres have claimed none yet (R94).

Called by `volunteers` (a claim that cannot be) and by whoever lists posts; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from matcher.commands import RegisterVolunteer
from matcher.reasons import PostFull, PostNeedsSkill, Refusal, Unknown
from matcher.terms import HeldSkill, Id, NeededSkill, Term
from matcher.zone import Zone


class PostHeld(Term, frozen=True, kw_only=True):
    """A post and who has claimed it, those who have left not counted. `places_open`: None without a capacity."""

    post: Id
    name: str
    place: Id | None
    claimed_by: tuple[Id, ...]
    places_open: int | None


class WithoutPost(Term, frozen=True, kw_only=True):
    """A cadre who has claimed no post yet (R94: one or more), and the posts with room that their skills suffice for."""

    person: Id
    unit: Id
    could_claim: tuple[Id, ...]


class PostList(Term, frozen=True, kw_only=True):
    """The zone's posts and the cadres who have claimed none."""

    zone: Id
    posts: tuple[PostHeld, ...]
    cadres: int
    without: tuple[WithoutPost, ...]


def objection(zone: Zone, command: RegisterVolunteer) -> Refusal | None:
    """Return why the person cannot claim these posts; None where they can. Who holds a post keeps it when it shrinks.

    Posts need not be defined: as long as none is, people may claim any name, as requests may name any.
    """
    if not zone.known_posts:
        return None
    for post in command.posts or ():
        refusal = _claim(zone, command, post)
        if refusal is not None:
            return refusal
    return None


def _claim(zone: Zone, command: RegisterVolunteer, post: str) -> Refusal | None:
    defined = zone.known_posts.get(post)
    if defined is None:
        return Unknown(kind="post", value=post)
    lacking = _lacking(command.skills, defined.skills)
    if lacking is not None:
        return PostNeedsSkill(post=post, skill=lacking.skill, level=lacking.level)
    held_by = holders(zone, post)
    if defined.capacity is not UNSET and command.volunteer not in held_by and len(held_by) >= defined.capacity:
        return PostFull(post=post, capacity=defined.capacity)
    return None


def _lacking(held: Iterable[HeldSkill], needed: Iterable[NeededSkill]) -> NeededSkill | None:
    levels: dict[str, int] = {}
    for skill in held:
        levels[skill.skill] = max(skill.level, levels.get(skill.skill, 0))
    return next((need for need in needed if levels.get(need.skill, 0) < need.level), None)


def holders(zone: Zone, post: str) -> list[str]:
    """Return who has claimed a post, those who have left not counted."""
    people = zone.people
    return [people.ids[row] for row in people.claimed_by(post) if not people.has_left(row)]


def post_list(zone: Zone) -> PostList:
    """Return every post with who holds it, and every cadre without one (R94)."""
    held = {post: holders(zone, post) for post in sorted(zone.known_posts)}
    open_posts = {post: _places_open(zone, post, len(names)) for post, names in held.items()}
    people = zone.people
    cadres = [row for row in range(len(people)) if people.units[row] is not None and not people.has_left(row)]
    return PostList(
        zone=zone.id,
        posts=tuple(
            PostHeld(
                post=post,
                name=zone.known_posts[post].name,
                place=zone.known_posts[post].place,
                claimed_by=tuple(names),
                places_open=open_posts[post],
            )
            for post, names in held.items()
        ),
        cadres=len(cadres),
        without=tuple(
            WithoutPost(
                person=people.ids[row],
                unit=people.units[row] or "",
                could_claim=tuple(
                    post for post, room in open_posts.items() if room != 0 and _suffices(zone, row, post)
                ),
            )
            for row in cadres
            if not people.posts.of(row)
        ),
    )


def _places_open(zone: Zone, post: str, held: int) -> int | None:
    capacity = zone.known_posts[post].capacity
    return None if capacity is UNSET else max(0, capacity - held)


def _suffices(zone: Zone, row: int, post: str) -> bool:
    people = zone.people
    return all(
        int(people.levels[people.skill_row[need.skill], row]) >= need.level for need in zone.known_posts[post].skills
    )

"""小区优先 (R24) and no crowds (R28): people of the own compound first, wider only where it has nobody."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.decisions import evolve
from matcher.policy import DEFAULT, NEIGHBOURS, Places, Policy, canonical, objection, stated
from matcher.reasons import ImpossibleValue, Unassigned
from matcher.terms import HeldSkill, NeededSkill, PlaceLevel, Requirement
from matcher.zone import Zone
from tests.stories.story import Story, east, names, only

TREE = (
    ("street", PlaceLevel.SUBDISTRICT, "town"),
    ("east", PlaceLevel.COMMUNITY, "street"),
    ("west", PlaceLevel.COMMUNITY, "street"),
    ("e1", PlaceLevel.COMPOUND, "east"),
    ("e2", PlaceLevel.COMPOUND, "east"),
    ("w1", PlaceLevel.COMPOUND, "west"),
    ("e1-b3", PlaceLevel.BUILDING, "e1"),
)
LEVELS = (PlaceLevel.COMPOUND, PlaceLevel.COMMUNITY, PlaceLevel.SUBDISTRICT)


def with_tree(policy: Policy = NEIGHBOURS) -> Story:
    story = Story(policy)
    for place, level, parent in TREE:
        story.send(c.DefinePlace, place=place, level=level, parent=parent)
    return story


def offered(happened: list[e.Event]) -> list[tuple[str, str | None, str | None]]:
    return [(o.volunteer, o.area or None, o.widened or None) for o in only(happened, e.OfferSent)]


def test_the_neighbour_is_asked_although_somebody_else_is_nearer() -> None:
    story = with_tree()
    story.volunteer("near", at=10, places=("e2",))
    story.volunteer("neighbour", at=900, places=("e1",))
    story.request("r1", place="e1-b3")
    assert offered(story.tick()) == [("neighbour", "compound", None)]


def test_the_area_widens_step_by_step_and_the_offer_says_how_far_and_why() -> None:
    story = with_tree()
    story.volunteer("far", at=0, places=("w1",))
    story.volunteer("nobody's", at=0)
    story.request("r1", place="e1")
    first = only(story.tick(), e.AreaWidened)
    assert [(w.area, w.place, w.reason, w.funnel["area"]) for w in first] == [
        ("community", "east", Unassigned.OUTSIDE_AREA, 0)
    ]
    assert story.state("r1") == "matching"
    [second] = only(story.tick(), e.AreaWidened)
    assert (second.area, second.place) == ("subdistrict", "street")
    assert offered(story.tick()) == [("far", "subdistrict", "OUTSIDE_AREA")]


def test_beyond_the_widest_area_is_the_whole_zone_and_then_the_reason_is_recorded() -> None:
    story = with_tree()
    story.volunteer("too far", at=3000, reach_m=100)
    story.request("r1", place="e1")
    areas = [w.area for _ in range(3) for w in only(story.tick(), e.AreaWidened)]
    assert areas == ["community", "subdistrict", None]
    [unfilled] = only(story.tick(), e.RequirementUnfilled)
    assert unfilled.reason is Unassigned.TRAVEL_TOO_FAR
    assert "area" not in unfilled.funnel
    assert story.state("r1") == "unassignable"
    story.volunteer("helper", at=50)
    assert offered(story.tick()) == [("helper", None, "OUTSIDE_AREA")]


def test_where_nobody_anywhere_could_do_it_the_area_stays_as_it_is() -> None:
    story = with_tree()
    story.volunteer("nurse", skills=(HeldSkill(skill="nursing"),), places=("e2",))
    story.request("r1", place="e1")
    happened = story.tick()
    assert only(happened, e.AreaWidened) == []
    assert [u.reason for u in only(happened, e.RequirementUnfilled)] == [Unassigned.MISSING_SKILL]
    story.volunteer("far", at=50, places=("e2",))
    story.volunteer("neighbour", at=900, places=("e1",))
    assert offered(story.tick()) == [("neighbour", "compound", None)]


def test_a_neighbour_who_serves_another_request_is_a_shortfall_and_one_who_refuses_too() -> None:
    story = with_tree()
    story.volunteer("neighbour", places=("e1",))
    story.volunteer("other", at=300, places=("e2",))
    story.request("r1", place="e1")
    story.request("r2", place="e1", at=100)
    happened = story.tick()
    assert [o.volunteer for o in only(happened, e.OfferSent)] == ["neighbour"]
    [widened] = only(happened, e.AreaWidened)
    assert (widened.reason, widened.rival != "") == (Unassigned.OUTBID, True)
    assert offered(story.tick()) == [("other", "community", "OUTBID")]
    story.decline(next(iter(story.offers())))
    story.volunteer("third", at=500, places=("e2",))
    assert [w.area for w in only(story.tick(), e.AreaWidened)] == ["community"]
    assert offered(story.tick()) == [("third", "community", "PREVIOUSLY_REFUSED")]


def test_who_is_registered_twice_belongs_to_both_places() -> None:
    story = with_tree()
    story.volunteer("twice", at=700, places=("w1", "e1"))
    story.request("r1", place="e1")
    assert offered(story.tick()) == [("twice", "compound", None)]


@pytest.mark.parametrize("place", [None, "town", "street"])
def test_a_request_begins_in_the_narrowest_area_that_its_place_has(place: str | None) -> None:
    story = with_tree()
    story.volunteer("w", places=("w1",))
    story.volunteer("nowhere", at=100)
    story.request("r1", place=place, at=100)
    found = offered(story.tick())
    assert found == ([("w", "subdistrict", None)] if place == "street" else [("nowhere", None, None)])


def test_a_request_that_is_opened_anew_begins_in_its_compound_again() -> None:
    story = with_tree()
    story.volunteer("far", places=("e2",))
    story.request("r1", place="e1")
    story.tick()
    assert offered(story.tick()) == [("far", "community", "OUTSIDE_AREA")]
    story.volunteer("neighbour", at=900, places=("e1",))
    story.send(c.ChangeRequest, request="r1", duration_minutes=90)
    assert offered(story.tick()) == [("neighbour", "compound", None)]


def test_areas_are_off_unless_the_policy_names_them() -> None:
    story = with_tree(DEFAULT)
    story.volunteer("near", at=10, places=("w1",))
    story.volunteer("neighbour", at=900, places=("e1",))
    story.request("r1", place="e1")
    assert offered(story.tick()) == [("near", None, None)]


def test_a_policy_whose_areas_do_not_widen_is_refused() -> None:
    wrong = msgspec.structs.replace(DEFAULT, places=Places(areas=(PlaceLevel.COMMUNITY, PlaceLevel.COMPOUND)))
    assert objection(wrong)
    [refused] = Story().send(c.SetPolicy, policy=wrong)
    assert isinstance(refused.reason, ImpossibleValue)
    assert objection(NEIGHBOURS) is None
    assert canonical(stated(NEIGHBOURS)) == NEIGHBOURS


def visitors_by_hour(zone: Zone) -> Counter[tuple[str, int]]:
    """Count, apart from the matcher, who is bound to visit, or has visited, which compound in which hour."""
    there: Counter[tuple[str, int]] = Counter()
    for visit in zone.assignments.values():
        at = zone.request(visit.request).command.place
        while at is not None and zone.places[at].level is not PlaceLevel.COMPOUND:
            at = zone.places[at].parent
        if at is not None and visit.status.value not in {"released", "no_show"}:
            hours = {second // 3600 for second in range(visit.start_s, visit.end_s, 60)} | {(visit.end_s - 1) // 3600}
            there.update((at, hour) for hour in hours)
    return there


#: Two of these towns are proven for half a minute each.
CROWDED = [0, 1, 2, 3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (4, 5)), 6, 7, 8]


@pytest.mark.parametrize("seed", CROWDED)
def test_no_compound_is_ever_crowded_and_the_events_give_the_state(seed: int) -> None:
    draw, most = random.Random(seed), 2
    story = with_tree(msgspec.structs.replace(DEFAULT, places=Places(areas=LEVELS[:1], visitors_per_hour=most)))
    spots = ["e1", "e1", "e1-b3", "e2", "w1", None, "east"]
    for n in range(12):
        story.volunteer(f"p{n}", at=float(draw.randrange(2000)), places=draw.choice([("e1",), ("e2", "w1"), ()]))
    for n in range(70):
        what = draw.random()
        if what < 0.5:
            need = Requirement(people=draw.choice([1, 1, 1, 2]), skills=(NeededSkill(skill="help"),))
            story.send(
                c.SubmitRequest, request=f"r{n}", point=east(float(draw.randrange(2000))), place=draw.choice(spots),
                requirements=(need,), latest=story.now(draw.choice([180, 300, 900])),
                duration_minutes=draw.choice([30, 60, 90]),
            )  # fmt: skip
        elif what < 0.8:
            story.tick(draw.choice([1, 10, 40]))
        else:
            for name, state in list(story.offers().items())[-3:]:
                if state == "sent":
                    (story.accept if draw.random() < 0.8 else story.decline)(name)
        assert max(visitors_by_hour(story.zone).values(), default=0) <= most
    reasons = [event.reason for event in story.events if isinstance(event, e.RequirementUnfilled | e.AreaWidened)]
    assert Unassigned.PLACE_CROWDED in reasons
    again: dict[str, Zone] = {}
    for event in story.events:
        evolve(again, event)
    assert again["town"].sha256() == story.zone.sha256() == Zone.decode(story.zone.encode()).sha256()
    assert len(only(story.events, e.OfferSent)) > 15, names(story.events)


@pytest.mark.parametrize("leaves", ["cancelled", "moved to another compound", "its place of the tree taken away"])
def test_room_that_somebody_leaves_in_a_compound_is_given_to_whoever_waits_for_it(leaves: str) -> None:
    story = with_tree(msgspec.structs.replace(DEFAULT, places=Places(visitors_per_hour=1)))
    story.volunteer("nurse", skills=(HeldSkill(skill="nursing"),))
    story.volunteer("helper")
    window = {"place": "e1", "earliest": story.now(120), "latest": story.now(180)}
    nursing = Requirement(skills=(NeededSkill(skill="nursing"),))
    story.request("first", requirements=(nursing,), **window)
    assert [o.volunteer for o in only(story.tick(), e.OfferSent)] == ["nurse"]
    story.accept(next(iter(story.offers())))
    story.request("second", **window)
    assert [u.reason for u in only(story.tick(), e.RequirementUnfilled)] == [Unassigned.PLACE_CROWDED]
    if leaves == "cancelled":
        story.send(c.CancelRequest, request="first")
    elif leaves == "moved to another compound":
        story.send(c.ChangeRequest, request="first", point=east(500), place="w1")
    else:
        story.send(c.ChangeRequest, request="first", place=None)
    assert "helper" in [o.volunteer for o in only(story.tick(), e.OfferSent)]

"""What a zone asks of placement: links and their days, who stays, cells of one's own compound, what is missing."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.decisions import decide, evolve
from matcher.explaining.refusals import sentence
from matcher.placement import accepting, posing, words
from matcher.placement.posing import CannotPlace, Missing, Wanted
from matcher.placement.problem import Prices
from matcher.placement.report import report
from matcher.policy import TRAVEL_ONLY
from matcher.reasons import ImpossibleValue, Unknown
from matcher.terms import HeldSkill, NeededSkill, PlaceLevel, StatedNeed
from matcher.zone import Zone
from tests.stories.story import ZONE, Story, east, only

NURSE = (HeldSkill(skill="nursing", level=2),)
NURSING = (StatedNeed(skill="nursing", level=2),)
COMPOUND, COMMUNITY, GRID = PlaceLevel.COMPOUND, PlaceLevel.COMMUNITY, PlaceLevel.GRID
EXACT = Wanted(tolerance_percent=0)


def town() -> Story:
    """Two compounds of a community, a kilometre apart, of a thousand residents each."""
    story = Story(TRAVEL_ONLY)
    story.send(c.DefinePlace, place="c", level=COMMUNITY, parent=ZONE, point=east(0), residents=2000)
    story.send(c.DefinePlace, place="a", level=COMPOUND, parent="c", point=east(0), residents=1000)
    story.send(c.DefinePlace, place="b", level=COMPOUND, parent="c", point=east(1000), residents=1000, needs=NURSING)
    return story


def moves(story: Story, wanted: Wanted = EXACT) -> dict[str, tuple[str | None, str]]:
    said = report(posing.people(story.zone, wanted))
    assert said.optimal
    return {move.member: (move.source, move.target) for move in said.moves}


def refusal(events: list[e.Event]):
    [refused] = only(events, e.CommandRefused)
    return refused.reason


# --- people -----------------------------------------------------------------------------------------------------


def test_half_of_the_people_of_a_crowded_compound_are_suggested_to_the_empty_one_nurses_and_the_near_first():
    story = town()
    for number in range(3):
        story.volunteer(f"v{number}", at=100 * number, places=("a", "c"))
    story.volunteer("nurse", at=0, skills=NURSE, places=("a", "c"))
    assert moves(story) == {"v2": ("a", "b"), "nurse": ("a", "b")}


def test_who_has_no_compound_is_registered_first_and_nobody_beyond_their_reach():
    story = town()
    story.volunteer("v", at=900)
    story.volunteer("w", at=100, reach_m=150)
    assert moves(story) == {"v": (None, "b"), "w": (None, "a")}


def test_who_has_left_is_not_placed_and_who_is_paused_or_holds_a_post_there_stays():
    story = town()
    story.send(c.DefinePost, post="patrol", place="a")
    for name in ("left", "paused", "claimed", "free"):
        story.volunteer(name, at=0, places=("a",), posts=("patrol",) if name == "claimed" else ())
    story.send(c.RemoveVolunteer, volunteer="left")
    story.send(c.PauseVolunteer, volunteer="paused")
    # of three people each compound has a share of 1.5
    assert moves(story) == {"free": ("a", "b")}
    story.send(c.RemoveVolunteer, volunteer="free")
    assert moves(story) == {}
    assert moves(story, Wanted(tolerance_percent=0, keep_claims=False)) == {"claimed": ("a", "b")}


def test_a_certificate_that_has_expired_answers_no_need():
    story = town()
    expired = (HeldSkill(skill="nursing", level=2, expires=story.now()),)
    story.volunteer("was", at=0, skills=expired, places=("a",))
    story.volunteer("is", at=0, skills=(HeldSkill(skill="nursing", level=2, expires=story.now(60)),), places=("a",))
    assert moves(story) == {"is": ("a", "b")}


def test_cells_are_those_of_the_compound_in_which_one_is_registered_and_balanced_within_it():
    story = town()
    for cell, compound, metres in (("a1", "a", 0), ("a2", "a", 50), ("b1", "b", 1000), ("b2", "b", 1050)):
        story.send(c.DefinePlace, place=cell, level=GRID, parent=compound, point=east(metres), residents=500)
    story.send(c.DefinePlace, place="without-cells", level=COMPOUND, parent="c", point=east(0), residents=10)
    for name, place, metres in (("v", "a", 0), ("w", "a", 0), ("x", "b", 1000), ("y", "b", 0), ("z", "b1", 0)):
        story.volunteer(name, at=metres, places=(place,))
    story.volunteer("elsewhere", places=("without-cells",))
    story.volunteer("nowhere")
    found = moves(story, Wanted(level=GRID, tolerance_percent=0))
    assert {name for name, (_, cell) in found.items() if cell.startswith("a")} == {"v", "w"}
    assert {name for name, (_, cell) in found.items() if cell.startswith("b")} <= {"x", "y", "z"}
    assert found["v"] != found["w"]
    assert "elsewhere" not in found
    assert "nowhere" not in found


def test_people_who_take_the_suggestions_are_otherwise_as_they_were_and_a_second_run_moves_nobody():
    story = town()
    story.send(c.DefineTeam, team="east")
    fields = {"visits_per_day": 2, "teams": ("east",), "unit": None, "places": ("a", "c"), "capacity": 3}
    for number in range(4):
        story.volunteer(f"v{number}", at=10 * number, skills=NURSE, **fields)
    before = msgspec.msgpack.encode(story.zone.people.packed())
    problem = posing.people(story.zone, EXACT)
    suggested = report(problem).moves
    commands = accepting.registrations(story.zone, suggested)
    assert [command.places for command in commands] == [("b", "c")] * 2
    for number, command in enumerate(commands):
        [event] = decide(story.zones, msgspec.structs.replace(command, id=f"new{number}"))
        assert isinstance(event, e.VolunteerChanged)
        evolve(story.zones, event)
    assert moves(story) == {}
    for command in commands:
        story.zone.people.places[story.zone.people.row_of[command.volunteer]] = ("a", "c")
    assert msgspec.msgpack.encode(story.zone.people.packed()) == before


# --- units ------------------------------------------------------------------------------------------------------


def units_town() -> Story:
    story = Story(TRAVEL_ONLY)
    for name, metres in (("c1", 0), ("c2", 5000)):
        story.send(
            c.DefinePlace, place=name, level=COMMUNITY, parent=ZONE, point=east(metres), residents=100,
            functions=("水务",) if name == "c1" else (), needs=NURSING if name == "c2" else msgspec.UNSET,
        )  # fmt: skip
    story.send(c.DefineUnit, unit="water", point=east(2400), functions=("水务",))
    story.send(c.DefineUnit, unit="clinic", point=east(2600), skills=NURSE)
    return story


def test_units_are_paired_by_function_strength_and_way():
    story = units_town()
    said = report(posing.units(story.zone, EXACT))
    found = {move.member: (move.target, move.ability) for move in said.moves}
    assert found == {"water": ("c1", "function:水务"), "clinic": ("c2", "skill:nursing")}
    assert said.after.needs_filled == said.needs == 2


def test_a_suggested_link_ends_the_old_one_and_begins_the_new_one_and_is_not_suggested_again():
    story = units_town()
    story.send(c.LinkUnit, unit="water", place="c2", since=date(2026, 1, 1))
    story.send(c.LinkUnit, unit="clinic", place="c1")
    said = report(posing.units(story.zone, EXACT))
    commands = accepting.links(story.zone, said.moves)
    assert len(commands) == 4
    for number, command in enumerate(commands):
        [event] = decide(story.zones, msgspec.structs.replace(command, id=f"l{number}"))
        assert isinstance(event, e.UnitLinked)
        evolve(story.zones, event)
    today = story.now().date()
    assert (story.zone.linked("water", today), story.zone.linked("clinic", today)) == (["c1"], ["c2"])
    assert story.zone.linked("water", date(2026, 2, 1)) == ["c2"]
    assert story.zone.linked("water", date(2025, 12, 31)) == []
    assert report(posing.units(story.zone, EXACT)).moves == ()


def test_a_link_that_ends_on_its_first_day_never_held():
    story = units_town()
    today = story.now().date()
    story.send(c.LinkUnit, unit="water", place="c1", since=today)
    assert story.zone.linked("water", today) == ["c1"]
    story.send(c.LinkUnit, unit="water", place="c1", since=today, until=today)
    assert story.zone.linked("water", today) == []


def test_a_unit_with_several_communities_keeps_them_and_counts_in_each():
    story = units_town()
    for place in ("c1", "c2"):
        story.send(c.LinkUnit, unit="water", place=place)
    problem = posing.units(story.zone, EXACT)
    assert [(one.member, one.at, one.stays) for one in problem.members] == [
        ("clinic", None, False),
        ("water@c1", "c1", True),
        ("water@c2", "c2", True),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"unit": "nobody", "place": "c1"}, Unknown(kind="unit", value="nobody")),
        ({"unit": "water", "place": "nowhere"}, Unknown(kind="place", value="nowhere")),
        (
            {"unit": "water", "place": ZONE},
            ImpossibleValue(
                field="place", value=ZONE, remedy="A unit is paired with a community or a compound. Name one."
            ),
        ),
        (
            {"unit": "water", "place": "c1", "since": date(2026, 3, 2), "until": date(2026, 3, 1)},
            ImpossibleValue(
                field="until",
                value="2026-03-01",
                remedy="A link does not end before it begins. Give a later day, or none.",
            ),
        ),
    ],
)
def test_a_link_that_cannot_be_is_refused(fields, reason):
    assert refusal(units_town().send(c.LinkUnit, **fields)) == reason


def test_needs_and_strengths_of_a_skill_that_nobody_defined_are_refused():
    story = units_town()
    needs = (StatedNeed(skill="magic"),)
    for kind, fields in (
        (c.DefinePlace, {"place": "c1", "level": COMMUNITY, "parent": ZONE, "needs": needs}),
        (c.DefineUnit, {"unit": "water", "skills": (HeldSkill(skill="magic"),)}),
    ):
        reason = refusal(story.send(kind, **fields))
        assert reason == Unknown(kind="skill", value="magic")
        assert sentence(reason, "zh") == "本区域没有特长（magic）。请先定义，或核对编号。"


def test_a_zone_without_any_of_it_is_encoded_as_ever_and_one_with_it_comes_back():
    story = Story(TRAVEL_ONLY)
    story.send(c.DefineUnit, unit="u", name="水务局")
    assert b"profiles" not in story.zone.encode()
    assert b"links" not in story.zone.encode()
    told = units_town()
    told.send(c.LinkUnit, unit="water", place="c1", since=date(2026, 1, 1), until=date(2027, 1, 1))
    again = Zone.decode(told.zone.encode())
    assert again.encode() == told.zone.encode()
    assert again.linked("water", date(2026, 12, 31)) == ["c1"]
    assert again.linked("water", date(2027, 1, 1)) == []
    told.send(c.DefineUnit, unit="water", name="renamed, and nothing said of it")
    assert set(told.zone.profiles) == {"clinic"}


# --- posts ------------------------------------------------------------------------------------------------------


def test_cadres_without_a_post_are_offered_the_near_ones_with_room_that_their_skills_suffice_for():
    story = town()
    story.send(c.DefineUnit, unit="u")
    story.send(c.DefinePost, post="patrol", place="a", capacity=1)
    story.send(c.DefinePost, post="clinic", place="b", capacity=2, skills=(NeededSkill(skill="nursing"),))
    story.volunteer("holder", unit="u", posts=("clinic",), skills=NURSE)
    story.volunteer("resident", skills=NURSE)
    for name in ("nurse1", "nurse2"):
        story.volunteer(name, at=0, unit="u", skills=NURSE)
    story.volunteer("helper", at=0, unit="u")
    story.volunteer("paused", at=0, unit="u", skills=NURSE)
    story.send(c.PauseVolunteer, volunteer="paused")
    said = report(posing.claims(story.zone, Wanted()))
    found = {move.member: move.target for move in said.moves}
    # One of the nurses and the helper want the patrol; the other nurse has the one place left at the clinic.
    assert sorted(found.values()) == ["clinic", "patrol"]
    assert len(said.left_out) == 1
    assert (said.too_many[0].members, said.too_many[0].room) == (3, 2)
    for number, command in enumerate(accepting.post_claims(story.zone, said.moves)):
        assert only(decide(story.zones, msgspec.structs.replace(command, id=f"p{number}")), e.VolunteerChanged)


def test_a_skill_is_put_to_use_where_that_is_worth_the_way():
    story = town()
    story.send(c.DefineUnit, unit="u")
    story.send(c.DefinePost, post="patrol", place="a")
    story.send(c.DefinePost, post="clinic", place="b", skills=(NeededSkill(skill="nursing"),))
    story.volunteer("nurse", at=0, unit="u", skills=NURSE)
    for worth, post in ((999, "patrol"), (1001, "clinic")):
        [move] = report(posing.claims(story.zone, Wanted(prices=Prices(need_points=worth)))).moves
        assert move.target == post


# --- what is missing --------------------------------------------------------------------------------------------


def test_what_the_zone_has_not_told_is_said_in_both_languages():
    empty = Story(TRAVEL_ONLY)
    lacking = [(posing.people, Missing.PEOPLE), (posing.units, Missing.UNITS), (posing.claims, Missing.POSTS)]
    empty_with = Story(TRAVEL_ONLY)
    empty_with.volunteer("v")
    empty_with.send(c.DefineUnit, unit="u")
    empty_with.send(c.DefinePost, post="p")
    steps = [(empty, pose, missing) for pose, missing in lacking]
    steps += [(empty_with, posing.people, Missing.PLACES), (empty_with, posing.units, Missing.PLACES)]
    steps += [(empty_with, posing.claims, Missing.PEOPLE)]
    for story, pose, missing in steps:
        with pytest.raises(CannotPlace) as caught:
            pose(story.zone, Wanted())
        assert caught.value.missing is missing
        english, chinese = (words.missing(caught.value, language) for language in ("en", "zh"))
        assert english != chinese
        assert ZONE in english
        assert ZONE in chinese
    place = {"place": "a", "level": COMPOUND, "parent": ZONE}
    for fields, missing in (({}, Missing.POINTS), ({"point": east(0)}, Missing.RESIDENTS)):
        empty_with.send(c.DefinePlace, **place, **fields)
        with pytest.raises(CannotPlace) as caught:
            posing.people(empty_with.zone, Wanted())
        assert caught.value.missing is missing


def test_both_languages_say_the_same_things():
    assert words.ENGLISH.keys() == words.CHINESE.keys()
    assert {f"{missing}.missing" for missing in Missing} <= words.ENGLISH.keys()

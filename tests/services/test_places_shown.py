"""The board shows where a changed request is now, and in which area people are looked for."""

from __future__ import annotations

from matcher import commands as c
from matcher.terms import NeededSkill
from services.viewing import Fold
from services.views import RequestView
from tests.stories.story import Story, east
from tests.stories.test_areas import with_tree


def shown(story: Story, request: str) -> RequestView:
    fold = Fold(10)
    fold.apply(story.events)
    return fold.zones["town"].requests[request]


def test_a_changed_request_is_shown_with_its_point_place_skills_and_those_who_stay() -> None:
    story = with_tree()
    story.volunteer("ana", places=("e1",))
    story.request("r1", place="e1")
    story.tick()
    story.accept("r1.1.0.ana")
    story.send(c.ChangeRequest, request="r1", skills={"1": ()})
    kept = shown(story, "r1")
    assert (kept.requirements[0].skills, kept.requirements[0].assignments) == ((), ["r1.1.0.ana"])
    assert (kept.state, kept.requirements[0].filled) == ("assigned", True)
    skills = (NeededSkill(skill="nursing"),)
    story.send(c.ChangeRequest, request="r1", point=east(300), place="w1", skills={"1": skills})
    moved = shown(story, "r1")
    assert (moved.point, moved.place, moved.requirements[0].skills) == (east(300), "w1", skills)
    assert moved.requirements[0].assignments == []


def test_the_area_of_a_requirement_is_shown_once_it_was_widened_and_not_when_it_is_opened_anew() -> None:
    story = with_tree()
    story.volunteer("far", places=("w1",))
    story.request("r1", place="e1")
    story.tick()
    [requirement] = shown(story, "r1").requirements
    assert (requirement.area, requirement.widened) == ("community", "OUTSIDE_AREA")
    story.send(c.ChangeRequest, request="r1", duration_minutes=30)
    assert shown(story, "r1").requirements[0].area is None

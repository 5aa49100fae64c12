"""Areas, crowds and long ways as an explanation tells them, from the log and from a problem."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import msgspec
import pytest

from matcher import events as e
from matcher.explaining import for_person, why, why_not
from matcher.explaining.sentences import Teller
from matcher.policy import NEIGHBOURS, Places
from matcher.solvers import solve
from services.explaining.questions import AboutRequest
from tests.explaining.journals import ask, entries
from tests.problems import Mix, random_problem
from tests.stories.story import Story, only
from tests.stories.test_areas import with_tree

CJK = re.compile(r"[\u4e00-\u9fff]")


def about(story: Story, request: str, **asked) -> AboutRequest:
    said = ask(story, request=request, **asked)
    assert isinstance(said, AboutRequest), said
    return said


def test_the_log_says_in_which_area_people_are_looked_for_and_why_it_was_widened() -> None:
    story = with_tree()
    story.volunteer("far", at=700, places=("w1",))
    story.request("r1", place="e1")
    story.tick()
    first = about(story, "r1")
    assert [unfilled.reason for unfilled in first.unfilled] == ["OUTSIDE_AREA"]
    assert "People for r1 are looked for in its compound (e1)." in first.sentences
    for _ in range(2):
        story.tick()
    assert list(story.offers()) == ["r1.1.0.far"]
    said = about(story, "r1")
    assert said.decided is not None
    assert said.decided.same_plan
    assert [(a.level, a.area, a.because) for a in said.looked_in] == [("subdistrict", "street", "OUTSIDE_AREA")]
    chinese = about(story, "r1", language="zh")
    assert any("r1 在所在街道（street）范围内派单，扩大范围的原因：" in line for line in chinese.sentences)
    assert all(CJK.search(line) for line in chinese.sentences)
    assert "far" in said.pairs[0].cost


@pytest.mark.parametrize("seed", range(6))
def test_every_run_in_areas_is_explained_with_the_very_offers_and_reasons_it_logged(seed: int) -> None:
    draw = random.Random(f"places {seed}")
    places = msgspec.structs.replace(NEIGHBOURS.tree or Places(), visitors_per_hour=2)
    story = with_tree(msgspec.structs.replace(NEIGHBOURS, places=places))
    for n in range(8):
        story.volunteer(f"p{n}", at=float(draw.randrange(3000)), places=draw.choice([("e1",), ("e2", "w1"), ()]))
    for n in range(10):
        spot = draw.choice(["e1", "e1-b3", "w1", "east", None])
        story.request(f"r{n}", at=float(draw.randrange(3000)), place=spot, latest=story.now(draw.choice([150, 600])))
        if n % 3 == 0:
            story.tick(draw.choice([5, 20]))
    for _ in range(3):
        story.tick(10)
    seen = 0
    for offset, entry in enumerate(entries(story.events), start=1):
        short = [event for event in entry if isinstance(event, e.RequirementUnfilled | e.AreaWidened)]
        offers = only(entry, e.OfferSent)
        for name in {event.request for event in (*offers, *short)}:
            said = about(story, name, until=offset + 1, solves_max=1)
            assert said.decided is not None
            assert said.decided.same_plan, (seed, name)
            assert [p.person for p in said.pairs] == [o.volunteer for o in offers if o.request == name]
            assert [u.reason for u in said.unfilled] == [s.reason for s in short if s.request == name]
            seen += 1
    assert seen > 8


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seed", range(5))
def test_crowds_areas_and_long_ways_of_drawn_problems_can_be_told(seed: int, language: str) -> None:
    mix = replace(Mix(), crowds=1.0, areas=0.5, bands=1.0)
    case = random_problem(seed, people=6, requirements=4, mix=mix)
    plan, teller = solve(case), Teller(language, "Asia/Shanghai")
    told = [
        line for s in plan.shortfalls for line in teller.unfilled(why_not(case, plan, s.requirement, solves_max=15))
    ]
    told += [line for r in range(4) for v in range(6) for line in teller.pair(why(case, plan, r, v))]
    told += [line for v in range(6) for line in teller.person(for_person(case, plan, v))]
    assert all("{" not in line and (language == "en" or CJK.search(line)) for line in told)

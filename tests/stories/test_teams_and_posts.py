"""Teams that a request asks for or prefers, crews of one team, posts with room and skills, told as stories."""

from __future__ import annotations

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.explaining.sentences import Teller
from matcher.policy import DEFAULT
from matcher.posts import post_list
from matcher.reasons import PostFull, PostNeedsSkill, Unassigned, Unknown
from matcher.terms import HeldSkill, NeededSkill, Requirement, TeamKind
from matcher.zone import Zone
from tests.stories.story import Story, only

NURSE = (HeldSkill(skill="nursing", level=2),)


def town(**kinds: TeamKind) -> Story:
    story = Story(DEFAULT)
    for team, kind in kinds.items():
        story.send(c.DefineTeam, team=team, kind=kind)
    return story


def asking(people: int = 1, **fields) -> dict:
    need = Requirement(people=people, skills=(NeededSkill(skill="help"),), **fields)
    return {"requirements": (need,)}


def offered(story: Story) -> set[str]:
    return {offer.volunteer for offer in only(story.tick(), e.OfferSent)}


def refusal(events: list[e.Event]):
    [refused] = only(events, e.CommandRefused)
    return refused.reason


EAST, WEST = {"east": TeamKind.LABOUR}, {"west": TeamKind.EMERGENCY}


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ({}, {"ana"}),
        ({"team": "west"}, {"ben"}),
        ({"team_kind": TeamKind.EMERGENCY}, {"ben"}),
        ({"team_kind": TeamKind.LABOUR}, {"cai"}),
        ({"preferred_team": "west"}, {"ben"}),
        ({"preferred_team": "east"}, {"ana"}),  # cai is farther away than a preference is worth
    ],
)
def test_who_is_asked_for_a_team_comes_from_it(asked, who):
    story = town(**EAST, **WEST)
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=900, teams=("west",))
    story.volunteer("cai", at=9000, teams=("east",))
    story.request("r1", **asking(**asked))
    assert offered(story) == who


def test_nobody_of_the_team_is_the_reason_and_joining_it_is_the_cure():
    story = town(**EAST)
    story.volunteer("ana")
    story.request("r1", **asking(team="east"))
    [unfilled] = only(story.tick(), e.RequirementUnfilled)
    assert unfilled.reason is Unassigned.NOT_OF_TEAM
    assert list(unfilled.funnel)[-1] == "team"
    story.volunteer("ana", teams=("east",))
    assert offered(story) == {"ana"}


def test_a_kind_that_a_team_gets_later_is_looked_at():
    story = Story(DEFAULT)
    story.send(c.DefineTeam, team="east")
    story.volunteer("ana", teams=("east",))
    story.request("r1", **asking(team_kind=TeamKind.ADVICE))
    assert offered(story) == set()
    story.send(c.DefineTeam, team="east", kind=TeamKind.ADVICE)
    assert offered(story) == {"ana"}


def test_a_crew_of_one_team_is_all_of_it_although_a_mixed_one_is_nearer():
    story = town(**EAST, **WEST)
    story.volunteer("e1", at=10, teams=("east",))
    story.volunteer("w1", at=20, teams=("west",))
    story.volunteer("e2", at=900, teams=("east",))
    story.volunteer("w2", at=2000, teams=("west",))
    story.request("mixed", **asking(2))
    assert offered(story) == {"e1", "w1"}
    story.send(c.CancelRequest, request="mixed")
    story.request("one", **asking(2, one_team=True))
    assert offered(story) == {"e1", "e2"}


def test_who_says_no_in_a_crew_of_one_team_is_replaced_from_that_team():
    story = town(**EAST, **WEST)
    for name, at, team in (("e1", 10, "east"), ("e2", 20, "east"), ("e3", 5000, "east"), ("w1", 30, "west")):
        story.volunteer(name, at=at, teams=(team,))
    story.request("one", **asking(2, one_team=True))
    assert offered(story) == {"e1", "e2"}
    offers = {name.rsplit(".", 1)[-1]: name for name in story.offers()}
    story.accept(offers["e1"])
    story.decline(offers["e2"])
    assert offered(story) == {"e3"}


def test_no_team_alone_can_fill_the_crew():
    story = town(**EAST, **WEST)
    story.volunteer("e1", teams=("east",))
    story.volunteer("w1", teams=("west",))
    story.request("one", **asking(2, one_team=True))
    assert only(story.tick(), e.RequirementUnfilled)[0].reason is Unassigned.CREW_INCOMPLETE


def test_a_team_that_nobody_defined_is_refused():
    story = Story(DEFAULT)
    assert refusal(story.volunteer("ana", teams=("east",))) == Unknown(kind="team", value="east")
    assert refusal(story.request("r1", **asking(team="east"))) == Unknown(kind="team", value="east")
    assert refusal(story.request("r1", **asking(preferred_team="east"))) == Unknown(kind="team", value="east")
    assert refusal(story.send(c.DefineTeam, team="east", unit="u9")) == Unknown(kind="unit", value="u9")
    assert refusal(story.send(c.DefineTeam, team="east", place="p9")) == Unknown(kind="place", value="p9")


# --- posts


def with_clinic(**fields) -> Story:
    story = Story(DEFAULT)
    story.send(c.DefineUnit, unit="u1")
    story.send(c.DefinePost, post="clinic", **fields)
    return story


def test_a_post_that_is_full_is_claimed_by_nobody_else():
    story = with_clinic(capacity=1)
    story.volunteer("ana", posts=("clinic",))
    full = refusal(story.volunteer("ben", posts=("clinic",)))
    assert full == PostFull(post="clinic", capacity=1)
    assert "Claim another" in full.message()
    story.volunteer("ana", posts=("clinic",), capacity=2)  # she keeps it
    assert story.zone.people.claimed_by("clinic") == [0]
    story.send(c.RemoveVolunteer, volunteer="ana")
    story.volunteer("ben", posts=("clinic",))
    assert [held.claimed_by for held in post_list(story.zone).posts] == [("ben",)]


def test_a_post_asks_for_its_skills():
    story = with_clinic(skills=(NeededSkill(skill="nursing", level=2),))
    lacking = PostNeedsSkill(post="clinic", skill="nursing", level=2)
    assert refusal(story.volunteer("ana", posts=("clinic",))) == lacking
    assert refusal(story.volunteer("ana", posts=("clinic",), skills=(HeldSkill(skill="nursing"),))) == lacking
    assert only(story.volunteer("ana", posts=("clinic",), skills=NURSE), e.VolunteerRegistered)


def test_as_long_as_no_post_is_defined_any_name_may_be_claimed():
    story = Story(DEFAULT)
    story.volunteer("ana", posts=("books",))
    story.send(c.DefinePost, post="clinic")
    assert refusal(story.volunteer("ben", posts=("books",))) == Unknown(kind="post", value="books")


def test_a_post_is_defined_with_what_the_zone_knows():
    story = Story(DEFAULT)
    assert refusal(story.send(c.DefinePost, post="x", place="p9")) == Unknown(kind="place", value="p9")
    need = (NeededSkill(skill="flying"),)
    assert refusal(story.send(c.DefinePost, post="x", skills=need)) == Unknown(kind="skill", value="flying")


def test_cadres_without_a_claim_are_listed_with_the_posts_that_they_could_claim():
    story = with_clinic(skills=(NeededSkill(skill="nursing"),), capacity=2)
    story.send(c.DefinePost, post="books", capacity=1)
    story.volunteer("ana", unit="u1", skills=NURSE)
    story.volunteer("ben", unit="u1")
    story.volunteer("cai", unit="u1", skills=NURSE, posts=("clinic",))
    story.volunteer("zhi")  # no cadre
    said = post_list(story.zone)
    assert [(held.post, held.claimed_by, held.places_open) for held in said.posts] == [
        ("books", (), 1),
        ("clinic", ("cai",), 1),
    ]
    assert (said.cadres, [(one.person, one.could_claim) for one in said.without]) == (
        3,
        [("ana", ("books", "clinic")), ("ben", ("books",))],
    )
    english, chinese = (Teller(language, "UTC").posts(said) for language in ("en", "zh"))
    assert english[0] == "Zone town: 2 posts; 2 of 3 cadres have claimed none."
    assert chinese[1] == "books：无人 已认领，还可认领 1 人。"
    assert len(english) == len(chinese) == 5


def test_a_zone_with_teams_and_posts_is_encoded_and_decoded():
    story = with_clinic()
    story.send(c.DefineTeam, team="east", kind=TeamKind.LABOUR)
    story.volunteer("ana", teams=("east",), posts=("clinic",))
    story.volunteer("ben", teams=("east",))
    again = Zone.decode(story.zone.encode())
    assert again.encode() == story.zone.encode()
    assert (again.known_teams, again.known_posts) == (story.zone.known_teams, story.zone.known_posts)
    assert again.people.teams.rows("east") == [0, 1]
    plain = Story(DEFAULT)
    assert (plain.zone.teams, plain.zone.posts) == (msgspec.UNSET, msgspec.UNSET)

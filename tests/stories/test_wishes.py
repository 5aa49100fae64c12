"""What a request may wish for and insist on: skills it should have, people it prefers, bars or needs."""

from __future__ import annotations

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, TRAVEL_ONLY, Costs
from matcher.reasons import ImpossibleValue, Unassigned, Unknown
from matcher.terms import HeldSkill, NeededSkill, Requirement
from matcher.zone import Zone
from tests.stories.story import Story, east, names, only

HELP = NeededSkill(skill="help")


def offered(story: Story) -> list[str]:
    """Let a beat pass; say who gets an offer."""
    return [offer.volunteer for offer in only(story.tick(), e.OfferSent)]


def town() -> Story:
    """Ana is near and a helper; ben is a kilometre away and a nurse, too."""
    story = Story(DEFAULT)
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=1100, skills=(HeldSkill(skill="help"), HeldSkill(skill="nursing", level=2)))
    return story


def wishing(**wishes) -> tuple[Requirement, ...]:
    return (Requirement(skills=(HELP,), **wishes),)


def test_a_skill_that_should_be_held_is_worth_the_way_and_stands_in_the_offer():
    story = town()
    story.request("r1", requirements=wishing(should=(NeededSkill(skill="nursing", level=2),)))
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.cost) == ("ben", {"travel": 1100, "should": 0})


def test_a_skill_that_is_nice_to_have_is_not_worth_a_kilometre():
    story = town()
    story.request("r1", requirements=wishing(nice=(NeededSkill(skill="nursing"),)))
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.cost) == ("ana", {"travel": 100, "nice": 500})


def test_a_preferred_person_comes_before_nearer_ones_but_nobody_waits_for_them():
    story = town()
    story.request("r1", preferred=("ben", "nobody"))
    assert offered(story) == ["ben"]
    story.decline("r1.1.0.ben")
    assert offered(story) == ["ana"]


def test_people_who_have_claimed_the_post_go_first_but_nobody_waits_for_them():
    story = town()
    story.volunteer("ben", at=1100, posts=("books", "clinic"))
    story.request("r1", post="clinic")
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.cost) == ("ben", {"travel": 1100, "claimed": 0})
    story.decline(offer.offer)
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.cost) == ("ana", {"travel": 100, "claimed": 2000})


def test_a_post_that_nobody_claims_or_claims_any_more_costs_nothing():
    story = town()
    story.volunteer("ben", at=1100, posts=("clinic",))
    story.volunteer("ben", at=1100)
    for n, post in enumerate(("clinic", "books")):
        story.volunteer(f"near{n}", at=0)
        story.request(f"r{n}", post=post)
        [offer] = only(story.tick(), e.OfferSent)
        assert (offer.volunteer, offer.cost) == (f"near{n}", {"travel": 0})


def test_a_zone_with_claims_survives_its_encoding():
    story = town()
    before = story.zone.sha256()
    story.volunteer("ben", at=1100, posts=("clinic",))
    again = Zone.decode(story.zone.encode())
    assert again.sha256() == story.zone.sha256() != before
    assert again.people.claimed_by("clinic") == story.zone.people.claimed_by("clinic") != []
    again.people.register(c.RegisterVolunteer(id="c", zone="town", at=story.now(), volunteer="ben", point=east(0)))
    assert again.people.claimed_by("clinic") == []


def test_whom_a_request_restricts_never_comes():
    story = town()
    story.request("r1", restricted=("ana", "ben"))
    [unfilled] = only(story.tick(), e.RequirementUnfilled)
    assert unfilled.reason is Unassigned.RESTRICTED
    assert unfilled.funnel["restricted"] == 0


def test_only_those_whom_a_request_must_have_come():
    story = town()
    story.request("r1", must_have=("ben",))
    assert offered(story) == ["ben"]
    story.decline("r1.1.0.ben")
    [unfilled] = only(story.tick(), e.RequirementUnfilled)
    assert unfilled.reason is Unassigned.PREVIOUSLY_REFUSED
    story.request("r2", must_have=("li",))
    assert only(story.tick(), e.RequirementUnfilled)[0].reason is Unassigned.NOT_AMONG_MUST_HAVE
    story.volunteer("li", at=5000)
    assert offered(story) == ["li"]


def test_a_skill_wished_for_must_be_defined():
    story = town()
    refused = story.request("r1", requirements=wishing(should=(NeededSkill(skill="flying"),)))
    assert refused[0].reason == Unknown(kind="skill", value="flying")


def test_travel_only_charges_no_wish():
    story = Story(TRAVEL_ONLY)
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=1100, skills=(HeldSkill(skill="help"), HeldSkill(skill="nursing")))
    story.send(
        c.SubmitRequest, request="r1", point=east(0), preferred=("ben",),
        requirements=wishing(should=(NeededSkill(skill="nursing"),)),
    )  # fmt: skip
    [offer] = only(story.tick(), e.OfferSent)
    assert (offer.volunteer, offer.cost) == ("ana", {"travel": 100})


def test_a_policy_that_prices_too_much_is_refused():
    story = Story()
    dear = msgspec.structs.replace(DEFAULT, costs=Costs(should_points=9_000, nice_points=1_000))
    [refused] = story.send(c.SetPolicy, policy=dear)
    assert isinstance(refused.reason, ImpossibleValue)
    assert "(55000)" in refused.reason.remedy
    assert names(
        story.send(c.SetPolicy, policy=msgspec.structs.replace(DEFAULT, costs=Costs(should_points=7_000)))
    ) == ["PolicySet"]


@pytest.mark.parametrize("field", ["preferred", "restricted", "must_have"])
def test_a_request_without_a_list_is_the_command_it_always_was(field: str):
    story = town()
    [submitted, *_] = story.request("r1")
    assert field.encode() not in msgspec.json.encode(submitted)

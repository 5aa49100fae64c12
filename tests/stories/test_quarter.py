"""A quarter's shares, the quarterly duty and the same helper again, told as stories."""

from __future__ import annotations

import msgspec

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, FAIR, Costs, Policy
from matcher.terms import HeldSkill
from matcher.zone import Zone
from tests.stories.story import Story, only

DAY = 1440


def priced(**points: int) -> Policy:
    """The default policy with these prices."""
    return msgspec.structs.replace(DEFAULT, costs=Costs(**points))


def fresh_offer(story: Story) -> e.OfferSent:
    [offer] = only(story.tick(), e.OfferSent)
    return offer


def served(story: Story, name: str, **fields) -> str:
    """Submit a request, let it be matched, accepted and done; return who did it."""
    story.request(name, **fields)
    offer = fresh_offer(story)
    story.accept(offer.offer)
    story.visit(offer.offer)
    return offer.volunteer


def test_visits_go_round_although_one_person_is_always_nearer():
    story = Story(priced(fairness_points=300))
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=350)
    assert [served(story, f"r{n}") for n in range(6)] == ["ana", "ben", "ana", "ben", "ana", "ben"]
    zone = story.zone
    assert zone.history.visits == {0: 3, 1: 3}
    assert zone.history.minutes == {0: 180, 1: 180}


def test_without_a_price_the_nearer_person_does_everything_and_nothing_is_counted():
    story = Story(DEFAULT)
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=350)
    assert [served(story, f"r{n}") for n in range(3)] == ["ana"] * 3
    assert story.zone.history is msgspec.UNSET
    run = only(story.events, e.MatchRunFinished)[-1]
    assert run.shares is msgspec.UNSET


def test_a_visit_that_is_still_to_come_counts_too():
    story = Story(priced(fairness_points=300))
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=350)
    story.request("r0", latest=story.now(5 * DAY))
    story.accept(fresh_offer(story).offer)
    story.request("r1", latest=story.now(5 * DAY))
    offer = fresh_offer(story)
    assert (offer.volunteer, offer.cost) == ("ben", {"travel": 350, "fairness": 0})


def test_the_run_says_how_visits_are_shared():
    story = Story(FAIR)
    for number, name in enumerate("abcd"):
        story.volunteer(name, at=100 * number)
    story.send(c.DefineUnit, unit="u1")
    story.volunteer("e", at=5000, unit="u1")
    served(story, "r0")
    story.request("r1")
    [run] = only(story.tick(), e.MatchRunFinished)
    shares = run.shares
    assert (shares.people, shares.visits, shares.most, shares.least, shares.owing) == (5, 2, 1, 0, 1)
    assert shares.gini == 0.6
    story.send(c.RemoveVolunteer, volunteer="d")
    story.request("r2")
    assert only(story.tick(), e.MatchRunFinished)[0].shares.people == 4


def duty_story(day: int) -> Story:
    """Ana lives near; a cadre lives a kilometre away. The story begins on 2 March; the quarter has 90 days."""
    story = Story(priced(duty_points=1500))
    story.send(c.DefineUnit, unit="u1")
    story.volunteer("ana", at=0)
    story.volunteer("cadre", at=1000, unit="u1")
    if day:
        story.tick(day * DAY)
    return story


def test_a_cadre_who_owes_the_quarter_a_visit_goes_first_when_it_draws_to_its_end():
    story = duty_story(0)  # day 61: 1016 points
    assert served(story, "r0") == "cadre"
    assert served(story, "r1") == "ana"
    early = Story(priced(duty_points=1400))  # day 61: 948 points
    early.send(c.DefineUnit, unit="u1")
    early.volunteer("ana", at=0)
    early.volunteer("cadre", at=1000, unit="u1")
    early.request("r0")
    offer = fresh_offer(early)
    assert (offer.volunteer, offer.cost) == ("ana", {"travel": 0, "duty": 948})
    early.decline(offer.offer)
    assert fresh_offer(early).volunteer == "cadre"


def test_the_duty_begins_anew_with_the_next_quarter():
    story = duty_story(0)
    assert served(story, "r0") == "cadre"
    assert served(story, "r1") == "ana"
    story.tick(32 * DAY)  # 3 April: nobody has served yet, and the price is small
    story.request("r2")
    offer = fresh_offer(story)
    assert (offer.volunteer, offer.cost["duty"]) == ("ana", 49)


def test_the_duty_invents_no_demand():
    story = duty_story(28)
    assert only(story.tick(DAY), e.OfferSent) == []
    assert not story.zone.waiting()


def test_the_same_helper_comes_again_for_the_same_resident_only():
    story = Story(priced(continuity_points=1000))
    story.volunteer("ana", at=0)
    story.volunteer("ben", at=900)
    story.send(c.PauseVolunteer, volunteer="ana")
    assert served(story, "r0", requester="zhao") == "ben"
    story.send(c.PauseVolunteer, volunteer="ana", until=story.now())
    story.request("r1", requester="zhao")
    offer = fresh_offer(story)
    assert (offer.volunteer, offer.cost) == ("ben", {"travel": 900, "continuity": 0})
    story.accept(offer.offer)
    story.request("r2", requester="qian")
    offer = fresh_offer(story)
    assert (offer.volunteer, offer.cost) == ("ana", {"travel": 0})


def test_a_policy_that_counts_from_now_on_knows_the_visits_it_can_still_see():
    story = Story(DEFAULT)
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=350)
    assert served(story, "r0", requester="zhao") == "ana"
    policy = msgspec.structs.replace(FAIR, timezone="UTC", notify=False)
    story.send(c.SetPolicy, policy=policy)
    assert story.zone.history.visits == {0: 1}
    assert story.zone.helpers_of("zhao") == [0]


def test_a_zone_with_history_is_encoded_and_decoded():
    story = Story(FAIR)
    story.volunteer("ana", at=100, skills=(HeldSkill(skill="help"),))
    served(story, "r0", requester="zhao")
    again = Zone.decode(story.zone.encode())
    assert again.history == story.zone.history
    assert again.encode() == story.zone.encode()

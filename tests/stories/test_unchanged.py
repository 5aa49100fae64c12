"""Without the optional fields and prices a zone decides what it always decided: the same bytes, event by event.

The hashes were taken before any optional cost term existed. They may change only with a decision that is meant to
change what an old zone does, and then the changelog says so. Taken again when a command's digest stopped to hang on
the order of keys: the events are the same, and commands that come out of a log have had their keys in order all along.
"""

from __future__ import annotations

import hashlib
import random

import pytest

from matcher import commands as c
from matcher.policy import DEFAULT, TRAVEL_ONLY, Policy
from matcher.terms import HeldSkill, NeededSkill, Requirement
from services.wire import encode
from tests.stories.story import Story, east

OLD = {
    "default": "ab0f1e2c5db38f2e391e211491dc07b858f2cc71353dce1471040756628f9b1b",
    "travel-only": "02b0274706a7bf3a077070c33d754d88e6a2d0d9438459a5491f7f42b23dc87d",
}


def played(policy: Policy, seed: int, steps: int = 160) -> Story:
    """People come and go, ask, are offered, answer and visit for about two days."""
    draw, story = random.Random(seed), Story(policy)
    for n in range(steps):
        what = draw.random()
        spot = float(draw.randrange(0, 9000, 300))
        if what < 0.25:
            skills = [HeldSkill(skill="help", level=draw.randint(1, 3))]
            skills += [HeldSkill(skill="nursing", level=draw.randint(1, 3))] * draw.randint(0, 1)
            story.volunteer(f"p{draw.randrange(12)}", at=spot, skills=tuple(skills), unit=None)
        elif what < 0.5:
            crew = draw.choice([1, 1, 1, 2])
            need = Requirement(people=crew, skills=(NeededSkill(skill=draw.choice(["help", "nursing"])),))
            story.send(
                c.SubmitRequest, request=f"r{n}", point=east(spot), requirements=(need,), latest=story.now(1440),
                urgency=draw.choice(["urgent", "normal", "low"]), requester=draw.choice([None, "zhao", "qian"]),
                excluded=draw.choice([(), ("p1",)]),
            )  # fmt: skip
        elif what < 0.75:
            story.tick(draw.choice([1, 20, 45]))
        else:
            _answer(draw, story)
    return story


def _answer(draw: random.Random, story: Story) -> None:
    for name, state in list(story.offers().items())[:3]:
        if state == "sent":
            (story.accept if draw.random() < 0.8 else story.decline)(name)
        elif state == "accepted" and draw.random() < 0.5:
            story.visit(name)


@pytest.mark.parametrize("policy", [DEFAULT, TRAVEL_ONLY], ids=lambda policy: policy.name)
def test_a_zone_without_the_new_fields_has_the_same_events_and_state_as_before(policy: Policy):
    whole = hashlib.sha256()
    kinds: set[str] = set()
    for seed in range(3):
        story = played(policy, seed)
        kinds |= {type(event).__name__ for event in story.events}
        for event in story.events:
            whole.update(encode(event))
        whole.update(story.zone.encode())
    assert {"OfferSent", "OfferDeclined", "WorkFinished", "RequirementUnfilled", "MatchRunFinished"} <= kinds
    assert whole.hexdigest() == OLD[policy.name]

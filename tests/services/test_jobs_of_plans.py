"""Who is told of a week's plan: nobody when it is published, everybody by NotifyPlan, and only they stand down."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from matcher import commands as c
from matcher.events import PlanNotified
from matcher.zone import Zone
from services.open_jobs import OpenJobs
from tests.stories.story import BEGIN, Story
from tests.stories.test_week_batches import published, visit

TOLD_AT = BEGIN + timedelta(hours=24)


def jobs(story: Story) -> OpenJobs:
    made = OpenJobs()
    for event in story.events:
        made.told(event) if isinstance(event, PlanNotified) else made.take(event)
    return made


def same(story: Story) -> OpenJobs:
    """What the events lead to is what the state says, in the same order."""
    ours, theirs = jobs(story), OpenJobs.of(Zone.decode(story.zone.encode()))
    assert (ours.open, list(ours.due), ours.untold) == (theirs.open, list(theirs.due), theirs.untold)
    assert list(story.zone.jobs) == list(ours.open)
    return ours


def three() -> Story:
    return published(visit("r1", "ann", 10), visit("r2", "bob", 80), visit("r3", "bob", 90))


def test_publishing_tells_nobody() -> None:
    made = same(three())
    assert made.open == {}
    assert set(made.untold.values()) == {"w1"}


def test_notifying_tells_everybody_who_has_not_answered_and_says_until_when() -> None:
    story = three()
    story.accept("r1.1.0.ann")
    story.send(c.NotifyPlan, plan="w1")
    made = same(story)
    assert {job: said.expires_at for job, said in made.open.items()} == {
        "notify:r2.1.0.bob": TOLD_AT,
        "notify:r3.1.0.bob": TOLD_AT,
    }
    story.send(c.ReportJob, job="notify:r2.1.0.bob", attempt=1, outcome=c.JobOutcome.SENT)
    story.send(c.RollBackPlan, plan="w1")
    assert set(same(story).open) == {
        "notify:r3.1.0.bob",
        "notify:r2.1.0.bob:stand-down",
        "notify:r3.1.0.bob:stand-down",
    }


@pytest.mark.parametrize("notify", [True, False])
def test_a_roll_back_before_anybody_was_told_is_silent(notify: bool) -> None:
    story = three()
    story.send(c.SetPolicy, policy=msgspec.structs.replace(story.zone.policy, notify=notify))
    story.send(c.RollBackPlan, plan="w1")
    assert same(story).open == {}

"""What follows from an event and is seen only later: what lies about, what is looked at again, what is told no more."""

from __future__ import annotations

import msgspec

from matcher import commands as c
from matcher import events as e
from matcher.decisions import decide, evolve
from matcher.policy import TRAVEL_ONLY
from matcher.terms import Requirement
from tests.stories.story import Story, east, names, only

DAY = 1440


def test_a_pause_that_has_ended_already_is_none():
    story = Story()
    story.minute = 100
    story.volunteer("ana")
    story.request("r1")
    story.send(c.PauseVolunteer, volunteer="ana")
    assert only(story.tick(), e.RequirementUnfilled)
    deadlines = len(story.zone.deadlines)
    story.send(c.PauseVolunteer, volunteer="ana", until=story.now())
    assert len(story.zone.deadlines) == deadlines
    assert only(story.tick(), e.OfferSent)[0].volunteer == "ana"


def test_what_became_of_a_job_is_recorded_and_a_job_that_is_over_is_not_issued_again():
    story = Story()
    story.send(c.SetPolicy, policy=msgspec.structs.replace(story.zone.policy, notify=True))
    story.volunteer("ana")
    story.request("r1", latest=story.now(10 * 1440))
    story.tick()
    (job,) = story.zone.jobs
    failed = story.send(c.ReportJob, job=job, attempt=1, outcome=c.JobOutcome.FAILED)
    assert names(failed) == ["JobReported"]
    assert list(story.zone.jobs) == [job]
    assert names(story.send(c.ReportJob, job=job, attempt=1, outcome=c.JobOutcome.SENT)) == ["JobReported"]
    assert story.zone.jobs == {}


def test_a_job_that_fails_too_often_is_given_up_by_its_name():
    story = Story()
    policy = msgspec.structs.replace(story.zone.policy, notify=True)
    story.send(c.SetPolicy, policy=policy)
    story.volunteer("ana")
    story.request("r1", latest=story.now(10 * DAY))
    story.tick()
    (job,) = story.zone.jobs
    told = [event for _ in range(policy.job_attempts_max) for event in story.tick(policy.job_retry_minutes)]
    assert [event.attempt for event in only(told, e.JobReissued) if event.job == job] == list(
        range(2, policy.job_attempts_max + 1)
    )
    (given_up,) = [event for event in only(told, e.JobAbandoned) if event.job == job]
    assert given_up.attempts == policy.job_attempts_max
    assert job not in story.zone.jobs


def test_who_had_spent_the_days_offers_is_asked_again_once_the_policy_has_no_such_limit():
    story = Story(TRAVEL_ONLY.__class__(name="one-a-day", travel_only=True, offers_per_day=1))
    story.volunteer("ana")
    for name in ("r1", "r2"):
        story.request(name, latest=story.now(3 * DAY))
    story.tick()
    story.decline(next(iter(story.offers())))
    assert not only(story.tick(), e.OfferSent)
    story.send(c.SetPolicy, policy=msgspec.structs.replace(story.zone.policy, offers_per_day=0))
    assert [offer.volunteer for offer in only(story.tick(), e.OfferSent)] == ["ana"]


def test_a_crew_is_given_time_to_gather_and_one_alone_is_not():
    story = Story()
    lead = story.zone.policy.crew_lead_minutes
    assert lead > 15
    for name in ("ana", "ben", "cem"):
        story.volunteer(name)
    story.request("crew", people=2)
    story.request("alone")
    held = only(story.tick(), e.AssignmentHeld)
    starts = {one.request: one.start for one in held}
    assert starts["crew"] >= story.now(lead)
    assert starts["alone"] < story.now(lead)


def test_a_skill_that_is_only_renamed_has_nobody_looked_at_again():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.tick()
    before = story.zone.circles
    assert not story.zone.stale
    story.send(c.DefineSkill, skill="help")
    assert not story.zone.stale
    assert story.zone.circles is before


def test_a_request_is_accepted_before_it_is_looked_at():
    story = Story()
    submit = c.SubmitRequest(
        id="k", zone="town", at=story.now(), request="r1", point=east(0), latest=story.now(DAY), duration_minutes=60,
        requirements=(Requirement(),),
    )  # fmt: skip
    states = []
    for event in decide(story.zones, submit):
        evolve(story.zones, event)
        states.append((type(event).__name__, story.state("r1")))
    assert ("RequestAccepted", "accepted") in states
    assert states[-1] == ("RequirementOpened", "matching")


def test_what_is_over_does_not_wait_to_be_looked_at():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.tick()
    assert "AssignmentReleased" in names(story.send(c.CancelRequest, request="r1"))
    assert "r1" not in story.zone.fresh
    assert "r1" not in story.zone.seeking

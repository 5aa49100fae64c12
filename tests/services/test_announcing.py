"""Which jobs the journal's offers lead to, live and after a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from matcher import commands as c
from matcher import events as e
from matcher.policy import DEFAULT, TRAVEL_ONLY, Policy
from matcher.terms import PlaceLevel, Point
from services.announcing import Announcing
from services.jobs import Notify
from services.wire import Entry

AT = datetime(2026, 3, 2, tzinfo=UTC)
ENTRY = Entry(id="e", after="", first=0, last=0, at=AT)
POINT = Point(lat=31.0, lon=104.0)


class ListJobs:
    """A queue that only remembers."""

    def __init__(self) -> None:
        self.published: list[Notify] = []

    def publish(self, job: Notify) -> None:
        self.published.append(job)

    @property
    def keys(self) -> list[str]:
        return [job.key for job in self.published]


def fact(kind: Any, **fields: Any) -> Any:
    return kind(zone="z1", at=AT, causation_id="x", **fields)


def sent(offer: str, volunteer: str = "ana") -> Any:
    return fact(
        e.OfferSent,
        offer=offer,
        request="r1",
        requirement="1",
        wave=0,
        volunteer=volunteer,
        start=AT,
        end=AT + timedelta(hours=1),
        distance_m=10.0,
        travel_s=9,
        cost={},
        expires_at=AT + timedelta(minutes=30),
    )


def reported(job: str, attempt: int, outcome: c.JobOutcome) -> Any:
    command = c.ReportJob(id=f"{job}/{attempt}", zone="z1", at=AT, job=job, attempt=attempt, outcome=outcome)
    return fact(e.JobReported, command=command)


def policy(chosen: Policy, notify: bool) -> Any:
    from msgspec.structs import replace

    command = c.SetPolicy(id="p", zone="z1", at=AT, policy=replace(chosen, notify=notify))
    return fact(e.PolicySet, command=command, policy_sha256="")


def folded(*events: Any, live_after: int | None = None) -> ListJobs:
    """Tell the announcer all events; it is live after so many of them (None: after all)."""
    jobs = ListJobs()
    announcing = Announcing(jobs)
    for n, event in enumerate(events):
        if n == live_after:
            announcing.live(0)
        announcing.entry(0, n, ENTRY, [event])
    if live_after is None or live_after >= len(events):
        announcing.live(0)
    return jobs


def test_an_offer_is_told_with_its_place_and_times_and_nothing_about_who() -> None:
    place = c.DefinePlace(id="d", zone="z1", at=AT, place="yard", level=PlaceLevel.COMPOUND, name="Yard")
    request = c.SubmitRequest(id="s", zone="z1", at=AT, request="r1", point=POINT, place="yard", requester="lee")
    submitted = fact(e.RequestSubmitted, command=request, earliest=AT, latest=AT)
    jobs = folded(fact(e.PlaceDefined, command=place), submitted, sent("o1"), live_after=0)
    [job] = jobs.published
    assert (job.job, job.attempt, job.about, job.person, job.place) == ("notify:o1", 1, "offer", "ana", "Yard")
    assert "lee" not in repr(job)


def test_an_offer_that_nobody_answered_is_called_off_when_the_place_is_filled() -> None:
    jobs = folded(sent("o1"), fact(e.OfferSuperseded, offer="o1"), live_after=0)
    assert jobs.keys == ["notify:o1/1", "notify:o1:stand-down/1"]
    assert jobs.published[1].about == "stand_down"


def test_who_had_said_yes_is_told_not_to_come_where_the_request_is_changed_or_cancelled() -> None:
    accepted = fact(e.OfferAccepted, command=c.AcceptOffer(id="a", zone="z1", at=AT, offer="o1"))
    for reason in (e.ReleaseReason.REQUEST_CHANGED, e.ReleaseReason.REQUEST_CANCELLED):
        gone = fact(e.AssignmentReleased, assignment="o1", reason=reason, stand_down=True)
        jobs = folded(sent("o1"), accepted, gone, live_after=0)
        assert jobs.keys == ["notify:o1/1", "notify:o1:stand-down/1"]
    left = fact(e.AssignmentReleased, assignment="o1", reason=e.ReleaseReason.VOLUNTEER_LEFT)
    assert folded(sent("o1"), accepted, left, live_after=0).keys == ["notify:o1/1"]


def test_a_failed_job_is_published_again_only_when_the_journal_says_so() -> None:
    failed = reported("notify:o1", 1, c.JobOutcome.FAILED)
    assert folded(sent("o1"), failed, live_after=0).keys == ["notify:o1/1"]
    again = fact(e.JobReissued, job="notify:o1", attempt=2)
    assert folded(sent("o1"), failed, again, live_after=0).keys == ["notify:o1/1", "notify:o1/2"]


def test_after_a_restart_only_jobs_without_a_report_are_published() -> None:
    jobs = folded(
        sent("o1"),
        sent("o2", "ben"),
        sent("o3", "eve"),
        sent("o4", "lin"),
        reported("notify:o1", 1, c.JobOutcome.SENT),
        reported("notify:o3", 1, c.JobOutcome.FAILED),
        reported("notify:o4", 1, c.JobOutcome.FAILED),
        fact(e.JobReissued, job="notify:o4", attempt=2),
    )
    assert jobs.keys == ["notify:o2/1", "notify:o4/2"]


def test_nothing_is_published_while_the_past_is_read() -> None:
    jobs = ListJobs()
    announcing = Announcing(jobs)
    announcing.entry(0, 0, ENTRY, [sent("o1")])
    assert jobs.published == []
    assert announcing.open == 1


def test_an_abandoned_job_is_forgotten() -> None:
    gone = fact(e.JobAbandoned, job="notify:o1", attempts=5)
    assert folded(sent("o1"), gone).keys == []


def test_a_zone_whose_policy_tells_nobody_has_no_jobs() -> None:
    assert folded(policy(TRAVEL_ONLY, False), sent("o1"), live_after=0).keys == []
    assert folded(policy(DEFAULT, False), policy(DEFAULT, True), sent("o1"), live_after=0).keys == ["notify:o1/1"]

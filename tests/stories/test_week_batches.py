"""The week's batch as a story: started, reported, adopted, published, told, rolled back; and every "no" on the way."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher import publishing
from matcher.decisions import evolve
from matcher.explaining.refusals import sentence
from matcher.plans import PlanState
from matcher.policy import DEFAULT, FAIR, PRESETS, Costs, Limits, Places, Policy, Weekly, canonical, objection
from matcher.reasons import (
    AlreadyExists,
    AlreadyReported,
    CalendarRunsOut,
    ImpossibleValue,
    NobodyRegistered,
    NothingOpen,
    RematchRuns,
    Unknown,
    WeekOver,
    WrongState,
)
from matcher.terms import DayWindow, HeldSkill, Hours, PlaceLevel, PlannedVisit
from matcher.zone import Zone
from tests.stories.story import ALWAYS, BEGIN, Story, names, only

MONDAY = date(2026, 3, 2)
AS_OF = c.StatePlace(partition=3, offset=17)
HOUR = 60
#: Everything is near, nothing waits for an answer, so that minutes tell the story.
PLAIN = msgspec.structs.replace(DEFAULT, offer_expiry_minutes=1, crew_lead_minutes=0)


def at(hours: float) -> Any:
    return BEGIN + timedelta(hours=hours)


def visit(request: str, volunteer: str, hours: float, requirement: str = "1") -> PlannedVisit:
    return PlannedVisit(request, requirement, volunteer, at(hours))


def town(policy: Policy = PLAIN, **weekly: Any) -> Story:
    story = Story(msgspec.structs.replace(policy, weekly=msgspec.structs.replace(policy.batch, **weekly)))
    story.volunteer("ann", at=0)
    story.volunteer("bob", at=1000)
    for n in (1, 2, 3):
        story.request(f"r{n}", at=100 * n, latest=at(100))
    return story


def started(story: Story, **fields: Any) -> list[e.Event]:
    fields = {"rematch": "w1", "week": MONDAY, "iterations": 100, **fields}
    return story.send(c.StartRematch, **fields)


def adopt(story: Story, *visits: PlannedVisit, **fields: Any) -> e.PlanAdopted:
    """Let a batch run whose plan has these visits."""
    started(story, rematch=fields.get("rematch", "w1"))
    fields = {"rematch": "w1", "as_of": AS_OF, "moves": visits, **fields}
    return only(story.send(c.AdoptPlan, **fields), e.PlanAdopted)[0]


def refusal(events: list[e.Event]) -> Any:
    [refused] = only(events, e.CommandRefused)
    assert sentence(refused.reason, "zh") != refused.reason.message()
    return refused.reason


def coming(story: Story) -> dict[str, tuple[str, float]]:
    """Return request -> who is asked or comes, and when."""
    live = [one for one in story.zone.assignments.values() if one.status.value in ("tentative", "committed")]
    people = story.zone.people.ids
    return {one.request: (people[one.volunteer], (one.start_s - BEGIN.timestamp()) / 3600) for one in live}


# --- it starts ----------------------------------------------------------------------------------------------------


def test_a_batch_starts_for_the_local_week_of_a_day_and_not_before_now() -> None:
    story = town()
    story.tick(90)
    [begun] = started(story, week=date(2026, 3, 8))
    assert (begun.from_at, begun.until_at) == (at(1.5), at(7 * 24))
    assert (begun.iterations, begun.budget_s, begun.seed) == (100, msgspec.UNSET, 1)
    assert story.zone.rematch.id == "w1"


def test_a_day_of_a_report_week_means_the_report_week_wherever_the_city_lays_it() -> None:
    weeks = msgspec.convert({"second_week": "days_8_14"}, type(PLAIN.report_weeks))
    story = town(msgspec.structs.replace(PLAIN, weeks=weeks))
    story.request("later", latest=at(24 * 20))
    [begun] = started(story, week=date(2026, 3, 9))
    assert (begun.from_at, begun.until_at) == (at(24 * 6), at(24 * 13))


def test_a_week_in_the_past_is_refused() -> None:
    assert refusal(started(town(), week=date(2026, 2, 27))) == WeekOver(week=date(2026, 2, 27), ended=BEGIN)


@pytest.mark.parametrize(("fields", "said"), [({"budget_s": 5.0}, "both"), ({"iterations": msgspec.UNSET}, "neither")])
def test_either_iterations_or_a_budget(fields: dict[str, Any], said: str) -> None:
    reason = refusal(started(town(), **fields))
    assert isinstance(reason, ImpossibleValue)
    assert reason.value == said


def test_one_batch_at_a_time_and_a_plans_name_is_taken() -> None:
    story = town()
    adopt(story, visit("r1", "ann", 10))
    assert refusal(started(story)) == AlreadyExists(kind="plan", value="w1")
    started(story, rematch="w2")
    assert refusal(started(story, rematch="w3")) == RematchRuns(rematch="w3", running="w2")


def test_without_people_or_requests_there_is_nothing_to_plan() -> None:
    story = Story(PLAIN)
    assert refusal(started(story)) == NobodyRegistered(zone="town")
    story.volunteer("ann")
    assert isinstance(refusal(started(story)), NothingOpen)
    story.request("r1", earliest=at(24 * 8), latest=at(24 * 9))
    assert isinstance(refusal(started(story)), NothingOpen)
    assert only(started(story, week=date(2026, 3, 10)), e.RematchStarted)


def test_an_unknown_zone_is_refused_as_for_every_command() -> None:
    story = town()
    assert refusal(started(story, zone="nowhere")).zone == "nowhere"


def test_a_calendar_that_has_run_out_makes_the_week_provisional_or_stops_it() -> None:
    hours = Hours(working_days=(DayWindow(from_minute=0, until_minute=1440),))
    story = town()
    story.send(c.ChangeAvailability, volunteer="ann", hours=hours)
    assert started(story)[0].provisional is True
    strict = town(certain_calendar=True)
    assert only(started(strict, rematch="nobody reads it"), e.RematchStarted)
    strict = town(certain_calendar=True)
    strict.send(c.ChangeAvailability, volunteer="ann", hours=hours)
    assert refusal(started(strict)) == CalendarRunsOut(day=MONDAY)


@pytest.mark.parametrize(
    ("weekly", "word"),
    [
        (Weekly(never_held=("urgent", "flood")), "never held"),
        (Weekly(start_hours=6, run_hours_max=12), "may run for (12) hours"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(weekly: Weekly, word: str) -> None:
    policy = msgspec.structs.replace(DEFAULT, weekly=weekly)
    reason = refusal(town().send(c.SetPolicy, policy=policy))
    assert word in reason.remedy
    assert objection(canonical(msgspec.structs.replace(policy, weekly=Weekly()))) is None


def test_the_preset_of_report_weeks_starts_its_batch_by_itself() -> None:
    policy = PRESETS["report-week"]
    assert objection(policy) is None
    story = town(policy)
    for n in range(10):
        story.request(f"later {n}", latest=at(24 * 20))
    while not only(story.events, e.RematchStarted):
        story.tick(HOUR)
    [begun] = only(story.events, e.RematchStarted)
    assert (begun.at, begun.from_at, begun.until_at) == (at(24 * 5), at(24 * 7), at(24 * 14))
    assert (begun.rematch, begun.iterations, begun.command) == ("week-2026-03-09", policy.batch.iterations, None)
    story.send(c.EndRematch, rematch=begun.rematch)
    story.tick(HOUR)
    assert len(only(story.events, e.RematchStarted)) == 1, "it starts once"


# --- workers report -----------------------------------------------------------------------------------------------


def cut(story: Story, parts: int = 2, repairs: int = 1) -> list[e.Event]:
    fields = {"stage": "cut", "done": True, "parts": parts, "repairs": repairs, "as_of": AS_OF}
    return report(story, **fields)


def report(story: Story, stage: str = "part", **fields: Any) -> list[e.Event]:
    return story.send(c.ReportRematch, rematch="w1", stage=c.RematchStage(stage), **fields)


def test_a_batch_is_cut_worked_on_and_repaired() -> None:
    story = town()
    started(story)
    assert names(report(story, stage="cut")) == ["RematchPartBegun"]
    [done] = cut(story)
    assert (done.parts, done.repairs, done.command.as_of) == (2, 1, AS_OF)
    assert names(report(story, part=1)) == ["RematchPartBegun"]
    assert set(story.zone.rematch.begun) == {"part:1"}
    assert names(report(story, part=1, done=True, visits=(visit("r1", "ann", 10),))) == ["RematchPartDone"]
    assert not story.zone.rematch.begun
    report(story, part=0, done=True, visits=(visit("r2", "bob", 10),))
    gone, new = (visit("r1", "ann", 10),), (visit("r1", "ann", 11),)
    report(story, stage="repair", done=True, visits=new, gone=gone)
    assert story.zone.rematch.reported() == [visit("r2", "bob", 10), visit("r1", "ann", 11)]


def test_the_first_report_of_a_part_wins() -> None:
    story = town()
    started(story)
    cut(story)
    report(story, done=True, visits=(visit("r1", "ann", 10),))
    again = refusal(report(story, done=True, visits=(visit("r1", "bob", 10),)))
    assert again == AlreadyReported(rematch="w1", stage="part", part=0)
    assert refusal(report(story)) == again
    assert refusal(cut(story)).stage == "cut"
    assert story.zone.rematch.reported() == [visit("r1", "ann", 10)]


def test_a_part_may_come_in_pieces_and_is_done_with_the_last() -> None:
    story = town()
    started(story)
    cut(story)
    report(story, done=True, visits=(visit("r2", "bob", 10),), piece=2, pieces=2)
    assert story.zone.rematch.reported() == []
    wrong = report(story, done=True, visits=(), piece=1, pieces=3)
    assert refusal(wrong).remedy == "Give a piece that the part has."
    assert isinstance(refusal(report(story, done=True, visits=(), piece=2, pieces=2)), AlreadyReported)
    report(story, done=True, visits=(visit("r1", "ann", 10),), piece=1, pieces=2)
    assert story.zone.rematch.reported() == [visit("r1", "ann", 10), visit("r2", "bob", 10)]


def test_reports_that_make_no_sense_are_refused() -> None:
    story = town()
    assert refusal(report(story)) == Unknown(kind="batch", value="w1")
    started(story)
    assert refusal(report(story)).needed == "cut"
    assert refusal(report(story, stage="cut", done=True)).field == "parts"
    cut(story)
    assert refusal(report(story, part=2)).field == "part"
    assert refusal(report(story, stage="repair", part=1)).field == "part"
    assert refusal(report(story, done=True)).field == "visits"
    story.send(c.AdoptPlan, rematch="w1", as_of=AS_OF)
    assert refusal(report(story)) == WrongState(kind="batch", value="w1", state="adopted", needed="running")


def test_a_batch_that_is_ended_keeps_what_was_reported() -> None:
    story = town()
    started(story)
    cut(story)
    report(story, done=True, visits=(visit("r1", "ann", 10),))
    ended, adopted = story.send(c.EndRematch, rematch="w1")
    assert (ended.how, ended.adopted) == (e.RematchEnding.COMMAND, True)
    assert (adopted.new, adopted.as_of) == (1, AS_OF)
    assert story.zone.plans["w1"].state is PlanState.DRAFT
    assert isinstance(refusal(story.send(c.EndRematch, rematch="w1")), WrongState)


def test_a_batch_that_is_ended_with_nothing_leaves_nothing() -> None:
    story = town()
    started(story)
    [ended] = story.send(c.EndRematch, rematch="w1")
    assert not ended.adopted
    assert not story.zone.known_plans
    assert only(started(story), e.RematchStarted), "its name is free again"


def test_a_batch_that_runs_too_long_is_ended_by_time() -> None:
    story = town(run_hours_max=2)
    started(story)
    cut(story)
    report(story, done=True, visits=(visit("r1", "ann", 10),))
    assert not only(story.tick(119), e.RematchEnded)
    happened = story.tick(1)
    assert [ended.how for ended in only(happened, e.RematchEnded)] == [e.RematchEnding.DEADLINE]
    assert len(only(happened, e.PlanAdopted)) == 1


# --- a plan is adopted --------------------------------------------------------------------------------------------


def test_a_plan_comes_in_parts_and_is_adopted_by_the_last() -> None:
    story = town()
    started(story)
    whole = {"rematch": "w1", "as_of": AS_OF, "parts": 2}
    assert names(story.send(c.AdoptPlan, part=2, moves=(visit("r2", "bob", 10),), **whole)) == ["PlanPartTaken"]
    again = story.send(c.AdoptPlan, part=2, moves=(), **whole)
    assert refusal(again) == AlreadyReported(rematch="w1", stage="plan", part=2)
    other = c.StatePlace(partition=3, offset=18)
    assert refusal(story.send(c.AdoptPlan, rematch="w1", as_of=other, part=1, parts=2)).field == "parts"
    _, adopted = story.send(c.AdoptPlan, part=1, moves=(visit("r1", "ann", 10),), **whole)
    assert (adopted.visits, adopted.new, adopted.dropped) == (2, 2, {})
    assert [v.request for v in story.zone.plans["w1"].visits] == ["r1", "r2"]
    assert story.zone.rematch is msgspec.UNSET


def test_a_draft_holds_its_requests_from_beats_and_urgent_ones_are_not_held() -> None:
    story = town(hold_hours=2)
    story.request("fire", at=50, latest=at(100), urgency="urgent")
    adopt(story, visit("r1", "ann", 30), visit("fire", "bob", 40))
    story.tick(1)
    asked = {offer.request for offer in only(story.events, e.OfferSent)}
    assert asked in ({"fire", "r2"}, {"fire", "r3"}), "two people, one open offer each"
    assert "r1" in story.zone.held
    story.tick(1)
    for n in range(8):
        story.volunteer(f"more {n}")
    story.tick(1)
    assert "r1" not in {offer.request for offer in only(story.events, e.OfferSent)}
    happened = story.tick(2 * HOUR)
    assert "r1" in {offer.request for offer in only(happened, e.OfferSent)}
    assert story.zone.held is msgspec.UNSET


@pytest.mark.parametrize("hold", [0, 2])
def test_a_policy_may_hold_nothing(hold: int) -> None:
    story = town(hold_hours=hold)
    adopt(story, *(visit(f"r{n}", "ann", 10 * n) for n in (1, 2, 3)))
    story.tick(1)
    assert bool(only(story.events, e.OfferSent)) == (hold == 0)


DROPPED = [
    ("REQUEST_CLOSED", lambda s: s.send(c.CancelRequest, request="r1"), visit("r1", "ann", 10)),
    ("REQUEST_CLOSED", None, visit("r9", "ann", 10)),
    ("REQUEST_CLOSED", None, visit("r1", "ann", 10, "2")),
    ("NO_REGISTERED_VOLUNTEER", lambda s: s.send(c.RemoveVolunteer, volunteer="ann"), visit("r1", "ann", 10)),
    ("NO_REGISTERED_VOLUNTEER", lambda s: s.send(c.PauseVolunteer, volunteer="ann"), visit("r1", "ann", 10)),
    ("NO_REGISTERED_VOLUNTEER", None, visit("r1", "zoe", 10)),
    ("OUTSIDE_WINDOW", None, visit("r1", "ann", 0.01)),
    ("OUTSIDE_WINDOW", None, visit("r1", "ann", 99.5)),
    ("MISSING_SKILL", lambda s: s.volunteer("ann", skills=()), visit("r1", "ann", 10)),
    (
        "QUALIFICATION_EXPIRED",
        lambda s: s.volunteer("ann", skills=(HeldSkill(skill="help", expires=at(5)),)),
        visit("r1", "ann", 10),
    ),
    ("TRAVEL_TOO_FAR", lambda s: s.volunteer("ann", at=0, reach_m=99), visit("r1", "ann", 10)),
    (
        "OUTSIDE_SERVICE_CIRCLE",
        lambda s: s.send(c.DefineSkill, skill="help", circle_minutes=13),
        visit("r1", "bob", 10),
    ),
    ("NO_START_POSSIBLE", lambda s: s.volunteer("ann", hours=Hours()), visit("r1", "ann", 10)),
    (
        "NO_START_POSSIBLE",
        lambda s: s.volunteer("ann", hours=Hours(working_days=(DayWindow(from_minute=600, until_minute=660),))),
        visit("r1", "ann", 10),
    ),
]


@pytest.mark.parametrize(("why", "meanwhile", "planned"), DROPPED, ids=[f"{n}-{d[0]}" for n, d in enumerate(DROPPED)])
def test_what_no_longer_holds_is_dropped_and_the_rest_adopted(why: str, meanwhile: Any, planned: PlannedVisit) -> None:
    story = town()
    started(story)
    if meanwhile is not None:
        meanwhile(story)
    moves = (planned, visit("r3", "bob", 20))
    story.send(c.PauseVolunteer, volunteer="bob", until=BEGIN)
    adopted = only(story.send(c.AdoptPlan, rematch="w1", as_of=AS_OF, moves=moves), e.PlanAdopted)[0]
    assert adopted.dropped == {e.NotAdopted(why): (0,)}
    assert [v.request for v in story.zone.plans["w1"].visits] == ["r3"]


def with_accepted(**weekly: Any) -> Story:
    """Ann has said yes to r1."""
    story = Story(msgspec.structs.replace(PLAIN, weekly=Weekly(**weekly)))
    story.volunteer("ann")
    story.request("r1", latest=at(100))
    story.tick(1)
    story.accept("r1.1.0.ann")
    story.volunteer("bob", at=1000)
    story.request("r2", at=5000, latest=at(100))
    return story


def test_accepted_work_never_moves() -> None:
    story = with_accepted()
    start_s = story.zone.assignments["r1.1.0.ann"].start_s
    hours = (start_s - BEGIN.timestamp()) / 3600
    late, other = visit("r1", "ann", 10), visit("r1", "bob", 10)
    meets, same = visit("r2", "ann", hours + 0.9), visit("r1", "ann", hours)
    story.tick(0)
    adopted = adopt(story, late, other, meets, same)
    assert adopted.pinned == (3,)
    assert adopted.dropped == {
        e.NotAdopted.ALREADY_COMMITTED: (2,),
        e.NotAdopted.OTHER_START: (0,),
        e.NotAdopted.PLACE_TAKEN: (1,),
    }
    assert story.zone.assignments["r1.1.0.ann"].start_s == start_s


def test_named_people_are_kept_to() -> None:
    story = town()
    story.request("not ann", latest=at(100), excluded=("ann",))
    story.request("never ann", latest=at(100), restricted=("ann",))
    story.request("only bob", latest=at(100), must_have=("bob",))
    adopted = adopt(story, visit("not ann", "ann", 10), visit("never ann", "ann", 20), visit("only bob", "ann", 30))
    assert adopted.dropped == {
        e.NotAdopted.EXCLUDED_BY_REQUESTER: (0,),
        e.NotAdopted.RESTRICTED: (1,),
        e.NotAdopted.NOT_AMONG_MUST_HAVE: (2,),
    }


def test_who_refused_a_request_is_not_planned_for_it() -> None:
    story = with_accepted()
    story.tick(1)
    [name] = [name for name, state in story.offers().items() if state == "sent"]
    story.decline(name)
    refused = name.rsplit(".", 1)[-1]
    assert adopt(story, visit("r2", refused, 20)).dropped == {e.NotAdopted.PREVIOUSLY_REFUSED: (0,)}


def test_nobody_is_in_two_places_and_ways_and_rest_take_time() -> None:
    story = town(msgspec.structs.replace(PLAIN, rest_minutes=15))
    story.volunteer("ann", at=0)
    planned = visit("r1", "ann", 10), visit("r2", "ann", 11.25), visit("r3", "ann", 12.6)
    adopted = adopt(story, *planned)
    assert adopted.dropped == {e.NotAdopted.ALREADY_COMMITTED: (1,)}, "100 m of way is not in a rest of 15 minutes"


def test_nobody_serves_a_request_twice_and_crews_are_whole_or_not_at_all() -> None:
    story = town()
    story.volunteer("cat")
    story.request("pair", people=2, latest=at(100))
    story.request("three", people=3, minimum=2, latest=at(100))
    planned = (
        visit("pair", "ann", 10), visit("pair", "ann", 10), visit("three", "bob", 20), visit("three", "cat", 20),
        visit("three", "ann", 21),
    )  # fmt: skip
    adopted = adopt(story, *planned)
    assert adopted.dropped == {
        e.NotAdopted.ALREADY_COMMITTED: (1,),
        e.NotAdopted.CREW_INCOMPLETE: (0,),
        e.NotAdopted.OTHER_START: (4,),
    }


def test_limits_of_a_day_and_of_the_week_are_kept() -> None:
    story = town(msgspec.structs.replace(PLAIN, limits=Limits(visits_per_day=2)))
    planned = [visit(f"r{n}", "ann", 10 + 2 * n) for n in (1, 2, 3)]
    assert adopt(story, *planned).dropped == {e.NotAdopted.VISIT_LIMIT_REACHED: (2,)}
    story = town(visits_max=1)
    assert adopt(story, *planned).dropped == {e.NotAdopted.VISIT_LIMIT_REACHED: (1, 2)}


def test_no_crowd_comes_to_a_compound() -> None:
    story = town(msgspec.structs.replace(PLAIN, places=Places(visitors_per_hour=1)))
    story.send(c.DefinePlace, place="yard", level=PlaceLevel.COMPOUND, parent="town")
    for n in (1, 2):
        story.request(f"in {n}", place="yard", latest=at(100))
    planned = visit("in 1", "ann", 10), visit("in 2", "bob", 10.5)
    assert adopt(story, *planned).dropped == {e.NotAdopted.PLACE_CROWDED: (1,)}


# --- what was promised before -------------------------------------------------------------------------------------


def with_offer(**fields: Any) -> Story:
    """Ann has been asked for r1, and could say yes for days."""
    slow = msgspec.structs.replace(PLAIN, costs=Costs(disturbance_points=1000), offer_expiry_minutes=60)
    story = Story(slow)
    story.volunteer("ann", **fields)
    story.request("r1", at=100, earliest=at(20), latest=at(100))
    story.tick(1)
    assert coming(story) == {"r1": ("ann", 20.0)}
    story.volunteer("bob", at=1000)
    story.request("r2", at=200, latest=at(100))
    return story


def test_an_offer_that_the_plan_has_too_is_kept_and_stays_after_a_roll_back() -> None:
    story = with_offer()
    adopted = adopt(story, visit("r1", "ann", 20), visit("r2", "ann", 30))
    assert (adopted.kept, adopted.new, adopted.replaces) == ((0,), 1, ())
    story.send(c.PublishPlan, plan="w1")
    assert coming(story) == {"r1": ("ann", 20.0), "r2": ("ann", 30.0)}
    story.send(c.RollBackPlan, plan="w1")
    assert coming(story) == {"r1": ("ann", 20.0)}


def test_a_move_that_saves_less_than_it_disturbs_is_not_worth_it() -> None:
    story = with_offer()
    assert adopt(story, visit("r1", "bob", 20)).dropped == {e.NotAdopted.NOT_WORTH_IT: (0,)}
    assert coming(story) == {"r1": ("ann", 20.0)}


def test_a_move_that_saves_enough_is_made_when_the_plan_is_published() -> None:
    story = with_offer(at=20_000)
    adopted = adopt(story, visit("r1", "bob", 20))
    assert adopted.moved == {e.MovedBecause.CHEAPER: (0,)}
    assert adopted.replaces == ("r1.1.0.ann",)
    assert coming(story) == {"r1": ("ann", 20.0)}, "a draft changes nothing"
    happened = story.send(c.PublishPlan, plan="w1")
    assert names(happened) == ["PlanPublished", "OfferSuperseded", "AssignmentReleased", "AssignmentHeld", "OfferSent"]
    assert coming(story) == {"r1": ("bob", 20.0)}


def test_who_is_needed_elsewhere_is_moved_and_both_visits_are_made() -> None:
    story = with_offer()
    adopted = adopt(story, visit("r1", "bob", 20), visit("r2", "ann", 20))
    assert adopted.moved == {e.MovedBecause.NEEDED_ELSEWHERE: (0,)}
    story.send(c.PublishPlan, plan="w1")
    assert coming(story) == {"r1": ("bob", 20.0), "r2": ("ann", 20.0)}


def test_who_can_no_longer_do_it_is_moved_whatever_it_costs() -> None:
    story = with_offer()
    story.volunteer("ann", skills=())
    assert adopt(story, visit("r1", "bob", 20)).moved == {e.MovedBecause.NOT_POSSIBLE: (0,)}


def test_an_offer_stands_where_the_visit_in_its_place_is_dropped() -> None:
    story = with_offer()
    story.send(c.PauseVolunteer, volunteer="bob")
    adopted = adopt(story, visit("r1", "bob", 20), visit("r2", "ann", 20))
    assert adopted.dropped == {
        e.NotAdopted.ALREADY_COMMITTED: (1,),
        e.NotAdopted.NO_REGISTERED_VOLUNTEER: (0,),
    }


def test_the_same_person_may_be_moved_to_another_time_under_another_name() -> None:
    story = with_offer(at=20_000)
    started(story)
    story.send(c.ChangeRequest, request="r1", earliest=at(25))
    moves = (visit("r1", "ann", 30),)
    [_, adopted] = story.send(c.AdoptPlan, rematch="w1", as_of=AS_OF, moves=moves)
    assert adopted.visits == 1
    story.send(c.PublishPlan, plan="w1")
    assert coming(story) == {"r1": ("ann", 30.0)}


# --- published, told, rolled back ---------------------------------------------------------------------------------


def published(*visits: PlannedVisit, **weekly: Any) -> Story:
    story = town(**weekly)
    story.send(c.SetPolicy, policy=msgspec.structs.replace(story.zone.policy, notify=True))
    adopt(story, *visits)
    story.send(c.PublishPlan, plan="w1")
    return story


def test_a_published_plan_is_offers_that_nobody_has_been_told_of() -> None:
    story = published(visit("r1", "ann", 10), visit("r2", "ann", 12), visit("r3", "bob", 10))
    sent = only(story.events, e.OfferSent)
    assert [(o.offer, o.plan) for o in sent] == [("r1.1.0.ann", "w1"), ("r2.1.0.ann", "w1"), ("r3.1.0.bob", "w1")]
    assert story.zone.plans["w1"].state is PlanState.PUBLISHED
    assert (story.zone.jobs, story.zone.alerts) == ({}, {})
    assert story.zone.held is msgspec.UNSET
    held = {h.assignment: h for h in only(story.events, e.AssignmentHeld)}
    assert held["r2.1.0.ann"].departure > held["r1.1.0.ann"].end
    assert sent[1].distance_m == pytest.approx(100, abs=1), "from the visit before, not from home"


def test_notifying_tells_everybody_and_waits_for_their_answers() -> None:
    story = published(visit("r1", "ann", 10), visit("r2", "bob", 80), answer_hours=24)
    story.accept("r1.1.0.ann")
    [told] = story.send(c.NotifyPlan, plan="w1")
    assert told.expires_at == at(24)
    assert set(story.zone.jobs) == {"notify:r2.1.0.bob"}, "who has said yes knows"
    happened = story.tick(24 * HOUR)
    assert [expired.offer for expired in only(happened, e.OfferExpired)] == ["r2.1.0.bob"]


def test_an_offer_that_nobody_was_told_of_ends_without_blame() -> None:
    story = published(visit("r1", "ann", 10))
    happened = story.tick(10 * HOUR)
    assert not only(happened, e.OfferExpired)
    assert [o.offer for o in only(happened, e.OfferSuperseded)] == ["r1.1.0.ann"]
    assert "notify:r1.1.0.ann:stand-down" not in story.zone.jobs
    assert not story.zone.requests["r1"].refused


def test_a_draft_is_thrown_away_and_beats_look_at_its_requests_again() -> None:
    story = town()
    adopt(story, visit("r1", "ann", 30), visit("r2", "bob", 30), visit("r3", "bob", 40))
    assert not only(story.tick(1), e.OfferSent)
    assert names(story.send(c.RollBackPlan, plan="w1")) == ["PlanRolledBack"]
    assert story.zone.plans["w1"].state is PlanState.ROLLED_BACK
    assert len(only(story.tick(1), e.OfferSent)) == 2


def test_rolling_back_takes_back_what_nobody_has_accepted() -> None:
    story = published(visit("r1", "ann", 10), visit("r2", "bob", 10))
    story.send(c.NotifyPlan, plan="w1")
    story.accept("r1.1.0.ann")
    happened = story.send(c.RollBackPlan, plan="w1")
    assert names(happened) == ["PlanRolledBack", "OfferSuperseded", "AssignmentReleased", "PlanWithdrawn"]
    assert coming(story) == {"r1": ("ann", 10.0)}
    assert "notify:r2.1.0.bob:stand-down" in story.zone.jobs, "bob was told, and is told to stand down"
    assert story.state("r1") == "assigned"


def test_who_was_not_told_is_not_told_to_stand_down() -> None:
    story = published(visit("r1", "ann", 10))
    story.send(c.RollBackPlan, plan="w1")
    assert story.zone.jobs == {}


def test_a_visit_that_no_longer_holds_when_it_is_published_is_dropped() -> None:
    story = town()
    adopt(story, visit("r1", "ann", 10), visit("r2", "bob", 10))
    story.send(c.RemoveVolunteer, volunteer="ann")
    happened = story.send(c.PublishPlan, plan="w1")
    [dropped] = only(happened, e.PlanVisitsDropped)
    assert dropped.dropped == {e.NotAdopted.NO_REGISTERED_VOLUNTEER: (visit("r1", "ann", 10),)}
    assert coming(story) == {"r2": ("bob", 10.0)}
    assert story.zone.plans["w1"].state is PlanState.PUBLISHED


def test_a_large_plan_is_published_and_rolled_back_some_with_each_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "VISITS_A_BEAT", 2)
    story = town()
    for n in range(4, 8):
        story.request(f"r{n}", at=100 * n, latest=at(100))
    story.request("crew", people=2, latest=at(100))
    crew = visit("crew", "ann", 80), visit("crew", "bob", 80)
    adopt(story, *crew, *(visit(f"r{n}", "ann" if n % 2 else "bob", 10 * n) for n in range(1, 8)))
    sent = [len(only(story.send(c.PublishPlan, plan="w1"), e.OfferSent))]
    assert refusal(story.send(c.NotifyPlan, plan="w1")).state == "publishing"
    while story.zone.plans["w1"].state is PlanState.PUBLISHING:
        sent.append(len(only(story.tick(1), e.OfferSent)))
    assert sent == [2, 2, 2, 2, 1]
    back = [len(only(story.send(c.RollBackPlan, plan="w1"), e.OfferSuperseded))]
    while story.zone.plans["w1"].state is PlanState.WITHDRAWING:
        back.append(len(only(story.tick(1), e.OfferSuperseded)))
    assert sum(back) == 9
    assert max(back) == 2


def test_what_cannot_be_done_to_a_plan_is_refused() -> None:
    story = town()
    for kind in (c.PublishPlan, c.NotifyPlan, c.RollBackPlan):
        assert refusal(story.send(kind, plan="w1")) == Unknown(kind="plan", value="w1")
    adopt(story, visit("r1", "ann", 10))
    assert refusal(story.send(c.NotifyPlan, plan="w1")) == WrongState(
        kind="plan", value="w1", state="draft", needed="published"
    )
    story.send(c.PublishPlan, plan="w1")
    assert refusal(story.send(c.PublishPlan, plan="w1")).needed == "draft"
    story.send(c.RollBackPlan, plan="w1")
    reason = refusal(story.send(c.RollBackPlan, plan="w1"))
    assert (reason.state, reason.needed) == ("rolled_back", "draft, published or notified")


def test_a_plan_is_forgotten_when_its_week_is_over() -> None:
    story = published(visit("r1", "ann", 10))
    story.tick(24 * HOUR * 12)
    assert not story.zone.known_plans


def test_the_events_give_the_state_and_the_state_survives_its_encoding() -> None:
    story = published(visit("r1", "ann", 10), visit("r2", "bob", 80))
    started(story, rematch="w2")
    story.send(c.ReportRematch, rematch="w2", stage=c.RematchStage.CUT, done=True, parts=2, as_of=AS_OF)
    story.send(c.AdoptPlan, rematch="w2", as_of=AS_OF, parts=2, moves=(visit("r3", "bob", 10),))
    story.send(c.NotifyPlan, plan="w1")
    story.tick(30)
    zones: dict[str, Zone] = {}
    for event in story.events:
        evolve(zones, event)
    assert zones["town"].encode() == story.zone.encode()
    assert Zone.decode(story.zone.encode()).encode() == story.zone.encode()


def test_more_lapses_than_an_entry_holds_go_on_with_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(PLAIN)
    for n in range(5):
        story.volunteer(f"v{n}", hours=ALWAYS)
        story.request(f"r{n}", latest=at(100))
    first = [offer.offer for offer in only(story.tick(1), e.OfferSent)]
    monkeypatch.setattr("matcher.lapses.LAPSES_MAX", 2)
    lapsed = [[expired.offer for expired in only(story.tick(1), e.OfferExpired)] for _ in range(3)]
    assert [len(some) for some in lapsed] == [2, 2, 2]
    assert set(first) < {name for some in lapsed for name in some}, "the oldest first, none forgotten"


def test_beats_of_a_fair_town_go_on_beside_a_batch() -> None:
    story = town(FAIR)
    started(story)
    assert only(story.tick(1), e.OfferSent)

"""A live zone explained from its journal: what was decided then, and what a beat would find now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from matcher.events import MatchRunFinished, OfferSent, RequirementUnfilled
from matcher.explaining.answers import Idle
from matcher.explaining.changes import LaterEnd
from matcher.policy import DEFAULT
from matcher.problem import Plan, Problem
from matcher.reasons import ImpossibleWindow, Unassigned
from matcher.solvers import solve
from matcher.terms import HeldSkill, Hours, NeededSkill, Requirement, WeeklyWindow
from services.explaining import answering
from services.explaining.questions import (
    AboutPair,
    AboutPerson,
    AboutRefusal,
    AboutRequest,
    Audience,
    ForResident,
    TooLarge,
    Unknown,
)
from tests.explaining.journals import ask, crowded, entries
from tests.stories.story import Story, only

SEEDS = range(12)
MORNINGS = Hours(weekly=tuple(WeeklyWindow(weekday=day, from_minute=480, until_minute=720) for day in range(7)))


def about(story: Story, request: str, **asked) -> AboutRequest:
    said = ask(story, request=request, **asked)
    assert isinstance(said, AboutRequest), said
    return said


@pytest.mark.parametrize("policy", [None, DEFAULT], ids=["travel-only", "default"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_run_of_a_journal_is_explained_with_the_very_offers_and_reasons_it_logged(seed, policy):
    story = crowded(seed, policy) if policy else crowded(seed)
    runs = 0
    for offset, entry in enumerate(entries(story.events), start=1):
        if not only(entry, MatchRunFinished):
            continue
        runs += 1
        offers, open_ = only(entry, OfferSent), only(entry, RequirementUnfilled)
        for name in {event.request for event in (*offers, *open_)}:
            said = about(story, name, until=offset + 1, solves_max=1)
            assert said.decided is not None
            assert (said.decided.offset, said.decided.same_plan) == (offset, True), (seed, name)
            assert [(p.person, p.start_s) for p in said.pairs] == [
                (o.volunteer, int(o.start.timestamp())) for o in offers if o.request == name
            ]
            assert {u.requirement: (u.reason, u.funnel) for u in said.unfilled} == {
                e.requirement: (e.reason, e.funnel) for e in open_ if e.request == name
            }
    assert runs, seed


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_stands_open_is_explained_by_the_reason_that_stands(seed: int):
    story = crowded(seed)
    for name in story.zone.seeking:
        reasons = {need.requirement.requirement: need.reason for need in story.zone.requests[name].needs.values()}
        said = {unfilled.requirement: unfilled.reason for unfilled in about(story, name, solves_max=1).unfilled}
        assert said == {requirement: reason for requirement, reason in reasons.items() if reason is not None}, name


def test_a_later_run_that_did_not_look_at_a_request_does_not_explain_it():
    story = Story()
    story.volunteer("ana", skills=(HeldSkill(skill="nursing"),))
    story.volunteer("ben", at=1)
    story.request("rare", requirements=(Requirement(skills=(NeededSkill(skill="nursing", level=5),)),))
    story.tick()
    first = len(entries(story.events))
    story.request("easy")
    assert [offer.request for offer in only(story.tick(), OfferSent)] == ["easy"]
    said = about(story, "rare")
    assert said.decided is not None
    assert said.decided.offset == first
    assert [unfilled.reason for unfilled in said.unfilled] == [Unassigned.MISSING_SKILL]


def test_a_run_is_solved_again_by_the_engine_that_solved_it(monkeypatch: pytest.MonkeyPatch):
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    story.tick()
    asked: list[object] = []

    def solved(problem: Problem) -> Plan:
        asked.append(problem.budget.engine)
        return solve(replace(problem, budget=msgspec.structs.replace(problem.budget, engine="ortools")))

    monkeypatch.setattr(answering, "solve", solved)
    about(story, "r1")
    for number, event in enumerate(story.events):
        if isinstance(event, MatchRunFinished):
            story.events[number] = msgspec.structs.replace(event, engine="paths")
    about(story, "r1")
    assert asked == ["ortools", "paths"]


def test_a_run_that_logged_another_plan_says_so():
    story = Story()
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=400)
    story.request("r1")
    story.tick()
    for number, event in enumerate(story.events):
        if isinstance(event, OfferSent):
            later = event.start + timedelta(minutes=1)
            story.events[number] = msgspec.structs.replace(event, start=later)
    said = about(story, "r1")
    assert said.decided is not None
    assert not said.decided.same_plan
    assert said.sentences[2].startswith("That run was answered by ortools-flow with another plan")


def test_the_answer_stays_that_of_the_run_that_decided_and_says_where_it_stands():
    story = Story()
    story.volunteer("ana", at=100)
    story.request("r1")
    story.tick()
    decided = len(entries(story.events))
    story.accept(next(iter(story.offers())))
    story.volunteer("ben", at=10)
    story.request("r2")
    story.tick()
    said = about(story, "r1")
    assert said.decided is not None
    assert (said.decided.offset, said.as_of.offset) == (decided, len(entries(story.events)) + 1)
    assert [(pair.person, pair.in_plan) for pair in said.pairs] == [("ana", True)]
    assert [(visit.person, visit.status) for visit in said.visits] == [("ana", "committed")]


def test_who_took_the_person_it_lost_is_named_with_what_the_swap_would_cost():
    story = Story()
    story.volunteer("ana")
    story.request("far", at=3000)
    story.request("near", at=10)
    story.tick()
    [unfilled] = about(story, "far").unfilled
    assert unfilled.reason is Unassigned.OUTBID
    [lost] = unfilled.lost
    assert (lost.person, lost.rival_request) == ("ana", "near")
    assert lost.swap is not None
    assert (lost.swap.filled_lost, lost.swap.points) == (0, 2990)


def test_who_is_bound_to_an_earlier_visit_is_named_with_that_visit():
    story = Story()
    story.volunteer("ana")
    story.request("first", latest=story.now(100))
    story.tick()
    story.accept(next(iter(story.offers())))
    story.request("second", latest=story.now(100))
    story.tick()
    said = about(story, "second")
    assert said.unfilled[0].reason is Unassigned.ALREADY_COMMITTED
    [bound] = said.bound_elsewhere["1"]
    assert (bound.person, bound.request, bound.status) == ("ana", "first", "committed")
    assert "ana could come if not bound elsewhere: is committed to first" in " ".join(said.sentences)


def test_what_would_help_helps_when_it_is_done_and_a_step_less_does_not():
    def played(minutes: int) -> Story:
        story = Story()
        story.volunteer("ana", hours=MORNINGS)
        story.request("r1", latest=story.now(480 + minutes))
        story.tick()
        return story

    [suggestion] = [
        found for found in about(played(0), "r1").unfilled[0].what_would_help if isinstance(found.change, LaterEnd)
    ]
    assert suggestion.people == ["ana"]
    assert isinstance(suggestion.change, LaterEnd)
    assert played(suggestion.change.minutes).offers()
    assert not played(suggestion.change.minutes - 5).offers()


def test_before_any_beat_a_request_is_explained_as_a_beat_would_find_it_now():
    story = Story()
    story.volunteer("ana", skills=(HeldSkill(skill="nursing"),))
    story.request("r1")
    said = about(story, "r1")
    assert said.decided is None
    assert said.unfilled[0].reason is Unassigned.MISSING_SKILL
    assert "As a beat would find it now" in said.sentences[1]


def test_a_pair_is_explained_by_the_run_and_a_newcomer_by_what_is_open_now():
    story = Story()
    story.volunteer("ana", at=100)
    story.volunteer("ben", at=400)
    story.request("r1")
    story.tick()
    said = ask(story, request="r1", person="ben")
    assert isinstance(said, AboutPair)
    assert said.pairs[0].forced is not None
    assert (said.pairs[0].in_plan, said.pairs[0].forced.points) == (False, 300)
    story.decline(next(iter(story.offers())))
    story.volunteer("eve", at=5)
    said = ask(story, request="r1", person="eve")
    assert isinstance(said, AboutPair)
    assert (said.pairs[0].in_plan, said.pairs[0].start_s is not None) == (True, True)


def test_a_person_sees_what_fits_best_and_why_nothing_was_offered():
    story = Story()
    story.volunteer("ana", at=0)
    story.volunteer("ben", at=2000)
    story.request("near", at=100)
    story.tick()
    said = ask(story, person="ben")
    assert isinstance(said, AboutPerson)
    assert (said.visits, said.fitting.nothing_because) == ([], Idle.NOTHING_OPEN)
    story.request("r2", at=150)
    story.request("r3", at=1900)
    said = ask(story, person="ben")
    assert isinstance(said, AboutPerson)
    assert said.fitting.serving == [("r3", "1")]


def test_an_open_offer_is_shown_and_does_not_hide_what_else_would_fit():
    story = Story()
    story.volunteer("ana", at=0)
    story.request("near", at=100)
    story.tick()
    story.request("next", at=200)
    said = ask(story, person="ana")
    assert isinstance(said, AboutPerson)
    assert [(visit.request, visit.status) for visit in said.visits] == [("near", "tentative")]
    assert said.fitting.serving == [("next", "1")]
    assert said.fitting.nothing_because is None


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_resident_reads_names_nobody_and_no_other_request(seed, language):
    story = crowded(seed)
    names = story.zone.people.ids
    for request in [*story.zone.requests, *story.zone.ended]:
        said = ask(story, request=request, audience=Audience.RESIDENT, language=language, solves_max=20)
        assert isinstance(said, ForResident)
        text = msgspec.json.encode(said).decode()
        assert not [name for name in names if f'"{name}"' in text or f"{name} " in text], text
        others = [other for other in story.zone.requests if other != request]
        assert not [other for other in others if f'"{other}"' in text or f" {other} " in text], text


def test_what_is_not_there_and_what_is_too_large_is_said():
    story = Story()
    story.volunteer("ana")
    story.request("r1")
    assert ask(story, request="nope") == Unknown(thing="request", value="nope")
    assert ask(story, person="nope") == Unknown(thing="person", value="nope")
    assert ask(story, request="r1", person="nope") == Unknown(thing="person", value="nope")
    assert ask(story, request="r1", pairs_max=0) == TooLarge(pairs=1, pairs_max=0)


def test_a_request_that_was_refused_says_where_and_why():
    story = Story()
    story.request("r1", latest=story.now(10))
    said = ask(story, request="r1")
    assert isinstance(said, AboutRefusal)
    assert isinstance(said.reason, ImpossibleWindow)
    assert said.offset == len(entries(story.events))
    assert said.sentences[1].startswith("The window from")


def test_a_closed_request_says_so():
    story = Story()
    story.volunteer("ana")
    story.request("r1", latest=story.now(61))
    story.tick()
    story.tick(120)
    assert about(story, "r1").sentences[0] == "Request r1 is closed."

"""Simulated people answer by seed, in their own time, and never at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from matcher import commands as c
from matcher import events as e
from matcher.terms import Point
from producers.people import HABITS, Habits, draw, responses

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BEAT = timedelta(minutes=10)


def offer(n: int = 0, at: datetime = T0) -> e.OfferSent:
    return e.OfferSent(
        zone="z",
        at=at,
        causation_id="tick",
        offer=f"r{n}.1.0.v{n}",
        request=f"r{n}",
        requirement="1",
        wave=0,
        volunteer=f"v{n}",
        start=at + timedelta(minutes=45),
        end=at + timedelta(minutes=105),
        distance_m=800.0,
        travel_s=840,
        cost={"travel": 800},
        expires_at=at + timedelta(minutes=30),
    )


def committed(told: e.OfferSent, at: datetime) -> e.AssignmentCommitted:
    return e.AssignmentCommitted(zone="z", at=at, causation_id="accept", assignment=told.offer)


def arrived(told: e.OfferSent, at: datetime) -> e.VolunteerArrived:
    arrive = c.Arrive(id="a", zone="z", at=at, actor=told.volunteer, assignment=told.offer)
    return e.VolunteerArrived(zone="z", at=at - BEAT, causation_id="a", command=arrive)


def submitted(n: int) -> e.RequestSubmitted:
    command = c.SubmitRequest(id=f"s{n}", zone="z", at=T0, request=f"r{n}", point=Point(lat=42.3, lon=-71.1))
    return e.RequestSubmitted(
        zone="z", at=T0, causation_id=f"s{n}", command=command, earliest=T0, latest=T0 + timedelta(days=7)
    )


def stories(seed: int, count: int = 400) -> list[c.Command]:
    asked: list[c.Command] = []
    for n in range(count):
        told = offer(n)
        invited = e.RatingInvited(zone="z", at=T0, causation_id="f", request=f"r{n}")
        asked += responses(told, seed, beat=BEAT)
        asked += responses(committed(told, T0 + BEAT), seed, beat=BEAT, offer=told)
        asked += responses(arrived(told, told.start), seed, beat=BEAT, offer=told)
        asked += responses(invited, seed, beat=BEAT)
        asked += responses(submitted(n), seed, beat=BEAT)
    return asked


@pytest.mark.parametrize("seed", [0, 1, 20260302])
def test_the_same_seed_asks_the_same_under_the_same_ids_and_another_seed_does_not(seed):
    assert stories(seed) == stories(seed)
    assert {command.id for command in stories(seed)}.isdisjoint(command.id for command in stories(seed + 1))


def test_every_command_has_an_id_of_its_own():
    ids = Counter(command.id for command in stories(7, count=2000))
    assert ids.most_common(1)[0][1] == 1


def test_the_answers_do_not_depend_on_the_hash_seed_of_the_process():
    code = (
        "import msgspec, sys; sys.path.insert(0, 'tests'); from test_people import stories;"
        "sys.stdout.buffer.write(msgspec.json.encode(stories(3, 50)))"
    )
    root = Path(__file__).parent.parent
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert outputs == {msgspec.json.encode(stories(3, 50))}


@pytest.mark.parametrize("seed", range(5))
def test_nobody_answers_in_the_beat_of_the_event(seed):
    """An offer is told by its beat's tick; any other event was decided one beat after the time it carries."""
    for n in range(300):
        told = offer(n)
        assert all(command.at > T0 for command in responses(told, seed, beat=BEAT))
        invited = e.RatingInvited(zone="z", at=T0, causation_id="f", request=f"r{n}")
        late = [
            *responses(committed(told, T0), seed, beat=BEAT, offer=told),
            *responses(arrived(told, T0 + BEAT), seed, beat=BEAT, offer=told),
            *responses(invited, seed, beat=BEAT),
            *responses(submitted(n), seed, beat=BEAT),
        ]
        assert all(command.at > T0 + BEAT for command in late)


def test_an_answer_comes_while_the_offer_is_open():
    for n in range(500):
        for command in responses(offer(n), 1, beat=BEAT):
            assert T0 < command.at < T0 + timedelta(minutes=30)


def test_people_do_everything_that_people_do_about_as_often_as_their_habits_say():
    count = 4000
    kinds = Counter(type(command) for command in stories(11, count))
    assert kinds[c.AcceptOffer] / count == pytest.approx(HABITS.accept, abs=0.03)
    assert kinds[c.DeclineOffer] / count == pytest.approx(HABITS.decline, abs=0.03)
    assert kinds[c.Arrive] / count == pytest.approx(1 - HABITS.no_show, abs=0.02)
    assert kinds[c.Finish] / count == pytest.approx(1 - HABITS.forget_to_finish, abs=0.02)
    assert kinds[c.RateRequest] / count == pytest.approx(HABITS.rate, abs=0.03)
    assert kinds[c.CancelRequest] / count == pytest.approx(HABITS.cancel, abs=0.01)
    assert 0 < kinds[c.Depart] < kinds[c.Arrive]
    unsolved = [x for x in stories(11, count) if isinstance(x, c.RateRequest) and not x.solved]
    assert 0 < len(unsolved) / count < 2 * HABITS.not_solved
    assert all(rating.effect <= 2 for rating in unsolved)


def test_a_late_person_comes_after_the_start_but_within_the_grace():
    late = Habits(late=1.0, no_show=0.0)
    told = offer()
    arrive = responses(committed(told, T0), 5, beat=BEAT, offer=told, habits=late)[-1]
    assert isinstance(arrive, c.Arrive)
    assert told.start < arrive.at <= told.start + timedelta(minutes=25)


def test_a_person_who_says_yes_sets_off_so_as_to_be_there_at_the_start():
    punctual = Habits(late=0.0, no_show=0.0, forget_to_depart=0.0)
    told = offer()
    depart, arrive = responses(committed(told, T0), 5, beat=BEAT, offer=told, habits=punctual)
    assert depart.at == told.start - timedelta(seconds=told.travel_s)
    assert arrive.at == told.start


def test_without_having_been_told_the_offer_nobody_goes_anywhere():
    assert responses(committed(offer(), T0), 5, beat=BEAT) == []


def test_draws_are_spread_evenly_over_the_unit_interval():
    values = [draw(1, "x", str(n)) for n in range(2000)]
    assert all(0 <= value < 1 for value in values)
    assert abs(sum(values) / len(values) - 0.5) < 0.02

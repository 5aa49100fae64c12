"""What every board must keep, whatever it is made of. A new adapter is one more line in BOARDS."""

from __future__ import annotations

import secrets
from asyncio import Runner
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matcher import commands as c
from matcher import events as e
from matcher.reasons import IdempotencyConflict, Unassigned, Unknown
from matcher.terms import PlaceLevel, Point
from services.adapters.board_memory import MemoryBoard
from services.adapters.board_redis import RedisBoard, connect
from services.adapters.redis_keys import Keys
from services.adapters.redis_rebuild import remove
from services.board import Answer, Board
from services.wire import partition_of

PARTITIONS = 4
ZONE = "z1"
HOME = partition_of(ZONE, PARTITIONS)
AT = datetime(2026, 3, 2, tzinfo=UTC)
POINT = Point(lat=31.0, lon=104.0)
BOARDS = ["memory", pytest.param("redis", marks=pytest.mark.redis)]
RUNNERS: dict[Board, Runner] = {}


@pytest.fixture(params=BOARDS)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Board]]:
    """Makes one empty board, with limits if asked."""
    with Runner() as runner:
        if request.param == "memory":
            yield lambda **limits: _kept(MemoryBoard(PARTITIONS, **limits), runner)
        else:
            client = connect(request.getfixturevalue("redis_url"))
            prefix = f"test:{secrets.token_hex(6)}:"
            yield lambda **limits: _kept(RedisBoard(client, PARTITIONS, prefix=prefix, **limits), runner)
            runner.run(remove(client, Keys(prefix), PARTITIONS))
            runner.run(client.aclose())
    RUNNERS.clear()


def _kept(board: Board, runner: Runner) -> Board:
    RUNNERS[board] = runner
    return board


@pytest.fixture
def board(make: Callable[..., Board]) -> Board:
    return make()


def fact(kind: Any, cause: str, /, **fields: Any) -> Any:
    return kind(zone=ZONE, at=AT, causation_id=cause, **fields)


def caused(kind: Any, command: Any, /, **fields: Any) -> Any:
    return fact(kind, command.id, command=command, **fields)


def ask(kind: Any, name: str, /, **fields: Any) -> Any:
    return kind(id=name, zone=ZONE, at=AT, **fields)


OPEN = [caused(e.PlaceDefined, ask(c.DefinePlace, "c0", place="yard", level=PlaceLevel.COMPOUND, name="Yard"))]
ANA = [caused(e.VolunteerRegistered, ask(c.RegisterVolunteer, "c1", volunteer="ana", point=POINT))]
SUBMITTED = [
    caused(
        e.RequestSubmitted,
        ask(c.SubmitRequest, "c2", request="r1", point=POINT),
        earliest=AT,
        latest=AT + timedelta(days=7),
    ),
    fact(e.RequestAccepted, "c2", request="r1"),
    fact(e.RequirementOpened, "c2", request="r1", requirement="1", wave=0),
]
NOBODY = [
    fact(
        e.RequirementUnfilled,
        "t1",
        request="r1",
        requirement="1",
        reason=Unassigned.TRAVEL_TOO_FAR,
        funnel={"skills": 1, "reach": 0},
    )
]
OFFERED = [
    fact(
        e.OfferSent,
        "t2",
        offer="o1",
        request="r1",
        requirement="1",
        wave=0,
        volunteer="ana",
        start=AT,
        end=AT + timedelta(hours=1),
        distance_m=10.0,
        travel_s=9,
        cost={"travel": 10},
        expires_at=AT + timedelta(minutes=30),
    ),
    fact(
        e.AssignmentHeld,
        "t2",
        assignment="o1",
        request="r1",
        requirement="1",
        volunteer="ana",
        departure=AT,
        start=AT,
        end=AT + timedelta(hours=1),
    ),
]
COMMITTED = [
    caused(e.OfferAccepted, ask(c.AcceptOffer, "c3", offer="o1")),
    fact(e.AssignmentCommitted, "c3", assignment="o1"),
    fact(e.RequirementFilled, "c3", request="r1", requirement="1"),
]
SERVED = [
    caused(e.VolunteerDeparted, ask(c.Depart, "c4", assignment="o1")),
    caused(e.VolunteerArrived, ask(c.Arrive, "c5", assignment="o1")),
    caused(e.WorkFinished, ask(c.Finish, "c6", assignment="o1")),
    fact(e.RequestCompleted, "c6", request="r1"),
]
CLOSED = [
    caused(e.RatingSubmitted, ask(c.RateRequest, "c7", request="r1", effect=5, conduct=4)),
    fact(e.RequestClosed, "c7", request="r1", outcome=e.Outcome.FULFILLED),
]


def told(board: Board, *entries: list[Any]) -> None:
    async def fold() -> None:
        for offset, events in enumerate(entries):
            await board.apply(HOME, offset, events)

    RUNNERS[board].run(fold())


def got(board: Board, kind: Any, key: str) -> Answer:
    return RUNNERS[board].run(board.get(ZONE, kind, key))


def found(board: Board, kind: Any, limit: int = 10, **equal: str) -> Any:
    return RUNNERS[board].run(board.find(ZONE, kind, limit, **equal)).found


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([SUBMITTED[:1]], "submitted"),
        ([SUBMITTED[:2]], "accepted"),
        ([SUBMITTED], "matching"),
        ([SUBMITTED, NOBODY], "unassignable"),
        ([SUBMITTED, NOBODY, OFFERED], "matching"),
        ([SUBMITTED, OFFERED, COMMITTED], "assigned"),
        ([SUBMITTED, OFFERED, COMMITTED, SERVED[:2]], "in_progress"),
        ([SUBMITTED, OFFERED, COMMITTED, SERVED], "completed"),
        ([SUBMITTED, OFFERED, COMMITTED, SERVED, CLOSED[:1]], "rated"),
        ([SUBMITTED, OFFERED, COMMITTED, SERVED, CLOSED], "closed"),
    ],
)
def test_a_request_is_shown_in_the_state_that_its_events_brought_it_to(
    board: Board, entries: list[list[Any]], state: str
) -> None:
    told(board, OPEN, ANA, *entries)
    assert got(board, "request", "r1").found.state == state
    assert got(board, "zone", ZONE).found.requests == {state: 1}
    assert [view.request for view in found(board, "request", state=state)] == ["r1"]


def test_an_unassigned_request_says_why_and_stops_saying_so_once_somebody_is_found(board: Board) -> None:
    told(board, OPEN, ANA, SUBMITTED, NOBODY)
    [requirement] = got(board, "request", "r1").found.requirements
    assert (requirement.reason, requirement.funnel) == ("TRAVEL_TOO_FAR", {"skills": 1, "reach": 0})
    assert got(board, "zone", ZONE).found.unassigned == {"TRAVEL_TOO_FAR": 1}
    told(board, OPEN, ANA, SUBMITTED, NOBODY, OFFERED)
    assert got(board, "request", "r1").found.requirements[0].reason is None
    assert got(board, "zone", ZONE).found.unassigned == {}


def test_a_person_sees_open_offers_and_visits_and_no_others(board: Board) -> None:
    told(board, OPEN, ANA, SUBMITTED, OFFERED)
    ana = got(board, "volunteer", "ana").found
    assert (ana.open_offers, ana.open_assignments) == (["o1"], ["o1"])
    assert [view.offer for view in found(board, "offer", volunteer="ana", state="sent")] == ["o1"]
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED, SERVED)
    ana = got(board, "volunteer", "ana").found
    assert (ana.open_offers, ana.open_assignments) == ([], [])
    assert found(board, "offer", volunteer="ana", state="sent") == []
    assert got(board, "assignment", "o1").found.state == "done"


def test_the_five_counters_follow_a_request_from_order_to_rating(board: Board) -> None:
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED, SERVED[:2])
    zone = got(board, "zone", ZONE).found
    assert (zone.ordered, zone.dispatched, zone.accepted, zone.followed, zone.rated) == (1, 1, 1, 1, 0)
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED, SERVED[:2], SERVED[2:], CLOSED)
    zone = got(board, "zone", ZONE).found
    assert (zone.ordered, zone.dispatched, zone.accepted, zone.followed, zone.rated) == (1, 1, 1, 0, 1)


def test_an_entry_told_twice_changes_nothing(board: Board) -> None:
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED)
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED)
    zone = got(board, "zone", ZONE).found
    assert (zone.ordered, zone.dispatched, zone.accepted) == (1, 1, 1)


def test_every_answer_says_up_to_where_it_is_true(board: Board) -> None:
    assert (got(board, "request", "r1").partition, got(board, "request", "r1").as_of) == (HOME, 0)
    told(board, OPEN, ANA, SUBMITTED)
    assert got(board, "request", "r1").as_of == 3
    assert got(board, "request", "nobody").as_of == 3


def test_a_zone_without_a_place_is_not_there(board: Board) -> None:
    told(board, ANA, SUBMITTED)
    assert got(board, "request", "r1").found is None
    assert got(board, "zone", ZONE).found is None
    assert found(board, "request") is None


def test_a_receipt_tells_answered_refused_and_parked(board: Board) -> None:
    wrong = ask(c.AcceptOffer, "c9", offer="o9")
    refused = caused(e.CommandRefused, wrong, reason=Unknown(kind="offer", value="o9"))
    parked = fact(e.CommandParked, "c10", offset=7, reason="attempts")
    told(board, OPEN, ANA, [refused], [parked])
    assert got(board, "command", "c1").found.state == "answered"
    shown = got(board, "command", "c9").found
    assert (shown.state, shown.reason.value) == ("refused", "o9")
    assert shown.message == "The offer (o9) is not known in this zone. Define it first, or check the id."
    assert got(board, "command", "c10").found.state == "parked"
    assert got(board, "command", "c11").found is None


@pytest.mark.parametrize("same_entry", [True, False])
def test_another_body_under_an_id_does_not_change_the_receipt_of_the_first(board: Board, same_entry: bool) -> None:
    other = ask(c.RegisterVolunteer, "c1", volunteer="ben", point=POINT)
    conflict = caused(e.CommandRefused, other, reason=IdempotencyConflict(command_id="c1"))
    told(board, OPEN, *([[*ANA, conflict]] if same_entry else [ANA, [conflict]]))
    assert got(board, "command", "c1").found.state == "answered"


def test_a_list_is_no_longer_than_asked_and_oldest_first(board: Board) -> None:
    many = []
    for n in range(5):
        command = ask(c.SubmitRequest, f"s{n}", request=f"q{n}", point=POINT)
        many.append([caused(e.RequestSubmitted, command, earliest=AT, latest=AT + timedelta(days=1))])
    told(board, OPEN, *many)
    assert [view.request for view in found(board, "request", limit=3)] == ["q0", "q1", "q2"]


def test_open_requests_near_a_point_come_nearest_first_and_ended_ones_not_at_all(board: Board) -> None:
    many = []
    for n, lat in enumerate([31.003, 31.001, 31.002, 31.2]):
        command = ask(c.SubmitRequest, f"s{n}", request=f"q{n}", point=Point(lat=lat, lon=104.0))
        many.append([caused(e.RequestSubmitted, command, earliest=AT, latest=AT + timedelta(days=1))])
    told(board, OPEN, *many, [caused(e.RequestCancelled, ask(c.CancelRequest, "x", request="q2"))])
    assert [view.request for view in found(board, "request", near="31.0,104.0,1000")] == ["q1", "q0"]
    assert [view.request for view in found(board, "request", limit=1, near="31.0,104.0,1000")] == ["q1"]
    assert found(board, "request", near="31.0,104.0,1000", state="matching") == []
    with pytest.raises(ValueError, match="circle"):
        found(board, "request", near="91,104,5")


def test_a_person_that_left_is_counted_no_more(board: Board) -> None:
    told(board, OPEN, ANA)
    assert got(board, "zone", ZONE).found.volunteers == 1
    told(board, OPEN, ANA, [caused(e.VolunteerLeft, ask(c.RemoveVolunteer, "x", volunteer="ana"))])
    assert got(board, "zone", ZONE).found.volunteers == 0


def test_the_oldest_finished_requests_and_receipts_are_forgotten_and_no_others(make: Callable[..., Board]) -> None:
    board = make(receipts_max=2, closed_max=0)
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED, SERVED)
    assert got(board, "request", "r1").found is not None
    told(board, OPEN, ANA, SUBMITTED, OFFERED, COMMITTED, SERVED, CLOSED)
    assert got(board, "request", "r1").found is None
    assert got(board, "offer", "o1").found is None
    assert got(board, "command", "c0").found is None
    assert got(board, "command", "c7").found is not None
    assert got(board, "zone", ZONE).found.ordered == 1

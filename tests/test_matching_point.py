"""No more of a location enters the log than matching needs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from matcher.commands import AcceptOffer, DefinePlace, RegisterVolunteer, SubmitRequest
from matcher.matching_point import minimised
from matcher.terms import PlaceLevel, Point

EXACT = Point(lat=30.5432198765, lon=106.4432198765)
COMMON = {"id": "c", "zone": "z", "at": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        (RegisterVolunteer(**COMMON, volunteer="v", point=EXACT), Point(lat=30.543, lon=106.443)),
        (RegisterVolunteer(**COMMON, volunteer="v", point=EXACT, places=("p",)), Point(lat=30.5432, lon=106.4432)),
        (SubmitRequest(**COMMON, request="r", point=EXACT, requester="p9"), Point(lat=30.543, lon=106.443)),
        (
            SubmitRequest(**COMMON, request="r", point=EXACT, requester="p9", place="p"),
            Point(lat=30.5432, lon=106.4432),
        ),
        (SubmitRequest(**COMMON, request="r", point=EXACT), Point(lat=30.5432, lon=106.4432)),
        (DefinePlace(**COMMON, place="p", level=PlaceLevel.COMPOUND, point=EXACT), Point(lat=30.5432, lon=106.4432)),
    ],
)
def test_a_home_without_a_compound_keeps_three_decimals_everything_else_four(command, kept):
    assert minimised(command).point == kept


def test_a_command_without_a_point_stays_as_it_is():
    command = AcceptOffer(**COMMON, offer="o")
    assert minimised(command) is command

"""How exactly a place may enter the log (DESIGN 4, personal data).

Called by everybody who makes commands (the API, files) before they are appended. Rules see only what is left.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from matcher.commands import Command, DefinePlace, DefineUnit, RegisterVolunteer, SubmitRequest
from matcher.terms import Point

#: Decimals of degrees: 11 m for a public place or a registered one, some 100 m for a home that has no compound.
PUBLIC_DECIMALS, HOME_DECIMALS = 4, 3

C = TypeVar("C", bound=Command)


def minimised(command: C) -> C:
    """Return the command with no more of a location than its matching needs. Other commands stay as they are."""
    point = getattr(command, "point", None)
    if not isinstance(point, Point):
        return command
    return msgspec.structs.replace(command, point=coarse(point, _decimals(command)))


def _decimals(command: Command) -> int:
    """A volunteer's point is a home; a request's is one when it says whose. A compound stands for its homes."""
    match command:
        case DefinePlace() | DefineUnit():
            return PUBLIC_DECIMALS
        case RegisterVolunteer():
            return PUBLIC_DECIMALS if command.places else HOME_DECIMALS
        case SubmitRequest():
            at_home = command.place is None and command.requester is not None
            return HOME_DECIMALS if at_home else PUBLIC_DECIMALS
        case _:
            return HOME_DECIMALS


def coarse(point: Point, decimals: int) -> Point:
    """Round a point, degrees."""
    return Point(lat=round(point.lat, decimals), lon=round(point.lon, decimals))

"""The commands that every part measures with: people who report and requests, each zone opened before.

The generated county's own, cut into zones; half are people, half are requests. Buildings are left out of the opening,
because nobody refers to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain

from matcher.commands import Command, DefinePlace, RegisterVolunteer
from matcher.terms import PlaceLevel
from producers.city import county, requests
from services.wire import partition_of

DAY = date(2026, 3, 2)


def zone_of(partition: int, partitions: int) -> str:
    """Return a zone that lives in a partition."""
    return next(zone for n in range(10_000) if partition_of(zone := f"zone{n}", partitions) == partition)


def opening(zone: str) -> list[Command]:
    """The places, units and skills of a zone."""
    return [
        command
        for command in county(1, zone=zone)
        if not isinstance(command, RegisterVolunteer)
        and not (isinstance(command, DefinePlace) and command.level is PlaceLevel.BUILDING)
    ]


def asks(zone: str, count: int) -> list[Command]:
    """So many commands in turn: somebody reports, something is asked for."""
    people = [command for command in county(1, zone=zone) if isinstance(command, RegisterVolunteer)][
        : count - count // 2
    ]
    wanted = requests(1, DAY, count // 2, zone=zone)
    both = chain.from_iterable(zip(people, wanted, strict=False))
    return [*both, *people[len(wanted) :]]


def standing(zones: Sequence[str], count: int) -> list[Command]:
    """So many commands of all zones together, openings first, then the zones in turn."""
    openings = [command for zone in zones for command in opening(zone)]
    each = max(2, (count - len(openings)) // len(zones))
    return openings + list(chain.from_iterable(zip(*(asks(zone, each) for zone in zones), strict=True)))

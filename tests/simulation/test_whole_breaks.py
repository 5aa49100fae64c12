"""The judge of the whole-system simulation can say no: programs with one thing wrong, each caught by its invariant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from matcher.commands import AcceptOffer, Command
from matcher.events import Event, JobReissued, OfferAccepted
from services import solving
from services.adapters.board_redis import RedisBoard
from services.announcing import Announcing
from services.clocks import Clocks
from services.core import Matching
from services.cursor import Cursor
from services.deciding import Group, Outcome
from services.following import HeldEntry
from services.jobs import Notify
from services.ports import Record
from services.reading import Chain, Held
from services.wire import partition_of
from tests.simulation.whole.group import Member
from tests.simulation.whole.shrinking import shrunk
from tests.simulation.whole.stories import STREAMS, Fault, Item, fixed, random_story
from tests.simulation.whole.world import Parts, played

Patch = pytest.MonkeyPatch


def taken_at_once(append: Callable[..., Any]) -> Callable[..., Any]:
    """An API that says 202 while the log is still being asked."""

    async def appended(commands: Sequence[Command]) -> list[tuple[int, int]]:
        asyncio.get_running_loop().create_task(append(commands))
        return [(partition_of(command.zone, 2), 10**6) for command in commands]

    return appended


class Forgetful(Matching):
    """Decides what it decided before."""

    def decide(self, zones: Any, command: Command, plan: Any = None) -> list[Event]:  # type: ignore[override]
        zone = zones.get(command.zone)
        if zone is not None:
            zone.remembered = {}
        return Matching.decide(zones, command, plan)


class AcceptsTwice(Matching):
    """Takes a yes for two."""

    def decide(self, zones: Any, command: Command, plan: Any = None) -> list[Event]:  # type: ignore[override]
        events = Matching.decide(zones, command, plan)
        twice = isinstance(command, AcceptOffer) and events and isinstance(events[0], OfferAccepted)
        return [events[0], *events] if twice else events


class Unrested(Matching):
    """Poses a beat as if nobody had anything to do."""

    def pose(self, zones: Any, tick: Any) -> Any:  # type: ignore[override]
        problem = Matching.pose(zones, tick)
        if problem is None:
            return None
        people = problem.people
        idle = replace(people, busy_indptr=people.busy_indptr * 0, engaged=people.engaged & False)
        return replace(problem, people=idle)


class Careless(RedisBoard):
    """Forgets who said yes, and keeps its place as if it had not."""

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Any) -> None:
        less = [
            msgspec.structs.replace(each, events=[e for e in each.events if not isinstance(e, OfferAccepted)])
            for each in entries
        ]
        await super().take(partition, less, place)


class Hasty(RedisBoard):
    """Says that it stands where it will stand."""

    async def take(self, partition: int, entries: Sequence[HeldEntry], place: Any) -> None:
        chain = msgspec.structs.replace(place.chain, next_offset=place.chain.next_offset + 1)
        await super().take(partition, entries, msgspec.structs.replace(place, chain=chain))


class SaysItOnce(Announcing):
    """Hands every job over once, whatever becomes of it."""

    def entry(self, partition: int, offset: int, entry: Any, events: list[Event]) -> None:
        super().entry(partition, offset, entry, [e for e in events if not isinstance(e, JobReissued)])

    def live(self, partition: int) -> None:
        self._part(partition).live = True


class Credulous(Clocks):
    """Takes its own clock for the log's."""

    def agrees(self, zone: str) -> bool:
        return True

    async def probe(self, zones: Sequence[str]) -> None:
        return None


class Unasked(Member):
    """A stream process whose ticker asks nobody for the time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._clocks = Credulous(self._asking.append, self.partitions, now=self._now)


def all_hold(patch: Patch) -> None:
    """A reading rule for which whatever says that it is an entry is one."""

    def entry(self: Chain, record: Any) -> Held:
        self.last, self.signed = record.id, False
        self.entries += 1
        return Held(record)

    patch.setattr(Chain, "_entry", entry)


def unchecked(patch: Patch) -> None:
    """A parent that believes its child."""

    async def checked(problem: Any, plan: Any, solve_s: float) -> Any:
        return plan

    patch.setattr(solving, "_checked", checked)


def a_key_an_attempt(patch: Patch) -> None:
    """A message that nobody can know again."""
    patch.setattr(Notify, "message", property(lambda job: f"{job.zone}/{job.key}"))


def hints_are_all(patch: Patch) -> None:
    """A reader that takes what it is brought for all there is."""
    deliver = Cursor.deliver

    def delivered(self: Cursor, offset: int, record: Record) -> None:
        if offset > self._known_end and not self.backlog:
            self.next_offset = offset
        deliver(self, offset, record)

    patch.setattr(Cursor, "deliver", delivered)


def poison_is_passed_over(patch: Patch) -> None:
    """What cannot be read is answered with nothing."""

    def park(self: Group, record: Record, reason: Any, detail: str) -> None:
        self.outcomes.append(Outcome(record.offset))

    patch.setattr(Group, "park", park)


def well(patch: Patch) -> None:
    """Nothing is patched."""


SKEWED: list[Item] = [Fault(8.0, "skew", who, 20.0, 600.0) for who in STREAMS]
PURGED: list[Item] = [Fault(at / 10, "jobs_lost") for at in range(60, 300)]
AGAIN: list[Item] = [Fault(at, "forge", "commands") for at in (8.0, 12.0, 20.0)]

#: what is wrong -> parts, patch, faults, the invariant that says so
BREAKS: dict[str, tuple[Parts, Callable[[Patch], None], list[Item], str]] = {
    "202 before the log has it": (Parts(append=taken_at_once), well, [], "I-2"),
    "a command is decided again when it comes again": (
        Parts(core=Forgetful), well, AGAIN, "I-3"),
    "an offer is accepted twice": (Parts(core=AcceptsTwice), well, [], "I-1"),
    "people who are busy are asked": (Parts(core=Unrested), well, [], "I-1"),
    "the board drops what happened": (Parts(board=Careless), well, [], "I-10"),
    "the board runs ahead": (Parts(board=Hasty), well, [], "I-10"),
    "a lost job stays lost": (
        Parts(announcing=SaysItOnce), well, PURGED, "I-2"),
    "a clock is believed": (Parts(member=Unasked), well, SKEWED, "I-12"),
    "what a zombie writes holds": (Parts(), all_hold, [Fault(15.0, "forge", "late entry")], "I-6"),
    "the solver's child is believed": (Parts(), unchecked, [Fault(6.0, "solver", "garbage", 60.0)], "I-1"),
    "each attempt has a key of its own": (
        Parts(), a_key_an_attempt, [Fault(6.0, "gateway_bad", "", 60.0, 1.0)], "I-11"),
    "a lost hint is a lost command": (Parts(), hints_are_all, [], ""),
    "poison is passed over": (Parts(), poison_is_passed_over, [], "I-7"),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAKS)
def test_a_program_with_one_thing_wrong_is_found_out(what: str, monkeypatch: Patch):
    parts, patch, faults, invariant = BREAKS[what]
    patch(monkeypatch)
    rough = what == "a lost hint is a lost command"
    story = fixed()
    outcome = played(replace(story, items=(*story.items, *faults), rough=rough), parts)
    assert outcome.broken is not None, what
    assert outcome.broken.startswith(invariant), outcome.broken


@pytest.mark.slow
def test_a_story_that_breaks_something_is_shortened_to_what_breaks_it():
    story = random_story(1)

    def breaks(shorter: Any) -> bool:
        return (played(shorter, Parts(append=taken_at_once)).broken or "").startswith("I-2")

    short = shrunk(story, breaks, 60.0)
    assert breaks(short)
    assert len(short.items) == 1, short.told()

"""A core small enough to see through, with everything that can go wrong in the log: repeats, refusals, barriers,
and people who would be booked twice if a command were decided twice or on an old state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from matcher.commands import AcceptOffer, CancelRequest, Command, DefinePlace, RegisterVolunteer, SubmitRequest, Tick
from matcher.events import (
    AssignmentHeld,
    AssignmentReleased,
    CommandRefused,
    Event,
    PlaceDefined,
    ReleaseReason,
    RequestCancelled,
    RequestSubmitted,
    TimePassed,
    VolunteerRegistered,
)
from matcher.reasons import AlreadyExists, Unknown, UnknownZone
from matcher.terms import Hours, PlaceLevel, Point, WeeklyWindow

EPOCH = datetime(2026, 11, 2, tzinfo=UTC)


class ToyZone(msgspec.Struct):
    """People are free or held by one request; requests wait until a beat holds somebody for them."""

    now: datetime = EPOCH
    beat: int = -1
    seen: set[str] = set()
    free: list[str] = []
    held: dict[str, str] = {}  # request -> person
    open: list[str] = []

    def encode(self) -> bytes:
        return msgspec.json.encode(self, order="deterministic")

    def waiting(self) -> bool:
        return bool(self.open)


@dataclass
class ToyCore:
    """`crash_on`: ids of commands at which the program ends."""

    crash_on: set[str] = field(default_factory=set)

    def decide(self, zones: dict[str, Any], command: Command, plan: Any = None) -> list[Event]:
        if command.id in self.crash_on:
            raise ZeroDivisionError(command.id)
        zone = zones.get(command.zone)
        if zone is None and not isinstance(command, DefinePlace):
            return [_refused(command, EPOCH, UnknownZone(zone=command.zone))]
        zone = zone or ToyZone()
        if plan is not None:
            return list(_placed(zone, command, plan))
        if isinstance(command, Tick):
            moves = command.at > zone.now
            return [TimePassed(**_about(command, command.at), beat=command.beat)] if moves else []
        if command.id in zone.seen:
            return []
        return list(_decided(zone, command))

    def evolve(self, zones: dict[str, Any], event: Event) -> None:
        zone = zones.setdefault(event.zone, ToyZone()) if isinstance(event, PlaceDefined) else zones.get(event.zone)
        if zone is None:
            return
        if not isinstance(event, TimePassed | AssignmentHeld):
            zone.seen.add(event.causation_id)
        _evolved(zone, event)

    def pose(self, zones: dict[str, Any], tick: Tick) -> Any:
        zone = zones[tick.zone]
        return (list(zone.free), list(zone.open)) if zone.free and zone.open else None

    def revive(self, state: bytes) -> ToyZone:
        return msgspec.json.decode(state, type=ToyZone)


@dataclass
class ToySolver:
    """First come, first served; takes `solve_s` of the loop's time."""

    solve_s: float = 0.2

    async def solve(self, problem: Any) -> Any:
        await asyncio.sleep(self.solve_s)
        free, waiting = problem
        return list(zip(waiting, free, strict=False))


def _about(command: Command, at: datetime) -> dict[str, Any]:
    return {"zone": command.zone, "at": at, "causation_id": command.id}


def _refused(command: Command, at: datetime, reason: Any) -> CommandRefused:
    return CommandRefused(**_about(command, at), command=command, reason=reason)  # type: ignore[arg-type]


def _decided(zone: ToyZone, command: Command) -> Iterator[Event]:
    about = _about(command, zone.now)
    match command:
        case DefinePlace():
            yield PlaceDefined(**about, command=command)
        case RegisterVolunteer():
            yield VolunteerRegistered(**about, command=command)
        case SubmitRequest() if command.request in zone.open or command.request in zone.held:
            yield _refused(command, zone.now, AlreadyExists(kind="request", value=command.request))
        case SubmitRequest():
            latest = zone.now + timedelta(days=1)
            yield RequestSubmitted(**about, command=command, earliest=zone.now, latest=latest)
        case CancelRequest() if command.request in zone.held:
            yield RequestCancelled(**about, command=command)
            yield AssignmentReleased(**about, assignment=command.request, reason=ReleaseReason.REQUEST_CANCELLED)
        case CancelRequest() if command.request in zone.open:
            yield RequestCancelled(**about, command=command)
        case CancelRequest():
            yield _refused(command, zone.now, Unknown(kind="request", value=command.request))
        case _:
            yield _refused(command, zone.now, Unknown(kind="command", value=type(command).__name__))


def _placed(zone: ToyZone, tick: Command, plan: list[tuple[str, str]]) -> Iterator[Event]:
    """Trusts the plan blindly: a plan used twice, or late, books people twice."""
    for request, person in plan:
        yield AssignmentHeld(
            **_about(tick, zone.now),
            assignment=request,
            request=request,
            requirement="1",
            volunteer=person,
            departure=EPOCH,
            start=EPOCH,
            end=EPOCH + timedelta(days=30),
        )


def _evolved(zone: ToyZone, event: Event) -> None:
    match event:
        case TimePassed():
            zone.now, zone.beat = event.at, event.beat
        case VolunteerRegistered():
            zone.free = [*zone.free, event.command.volunteer]
        case RequestSubmitted():
            zone.open = [*zone.open, event.command.request]
        case AssignmentHeld():
            zone.free = [person for person in zone.free if person != event.volunteer]
            zone.open = [request for request in zone.open if request != event.request]
            zone.held = {**zone.held, event.request: event.volunteer}
        case RequestCancelled():
            zone.open = [request for request in zone.open if request != event.command.request]
        case AssignmentReleased():
            zone.free = [*zone.free, zone.held[event.assignment]]
            zone.held = {request: person for request, person in zone.held.items() if request != event.assignment}
        case _:
            pass


# --- commands ------------------------------------------------------------------------------------------------------


def place(zone: str) -> DefinePlace:
    """Open a zone."""
    return DefinePlace(id=f"place.{zone}", zone=zone, at=EPOCH, place="root", level=PlaceLevel.DISTRICT)


ALWAYS = Hours(weekly=tuple(WeeklyWindow(weekday=day, from_minute=0, until_minute=1440) for day in range(7)))


def person(zone: str, name: str) -> RegisterVolunteer:
    return RegisterVolunteer(
        id=f"register.{name}", zone=zone, at=EPOCH, volunteer=name, point=Point(lat=39.9, lon=116.4), hours=ALWAYS
    )


def request(zone: str, name: str, command_id: str | None = None) -> SubmitRequest:
    return SubmitRequest(
        id=command_id or f"submit.{name}", zone=zone, at=EPOCH, request=name, point=Point(lat=39.9, lon=116.4)
    )


def cancel(zone: str, name: str) -> CancelRequest:
    return CancelRequest(id=f"cancel.{name}", zone=zone, at=EPOCH, request=name)


def accept(zone: str, request_name: str, person_name: str, wave: int = 0) -> AcceptOffer:
    """Take the offer that the real core would have made; the toy makes none and refuses."""
    offer = f"{request_name}.1.{wave}.{person_name}"
    return AcceptOffer(id=f"accept.{offer}", zone=zone, at=EPOCH, offer=offer)


def tick(zone: str, beat: int) -> Tick:
    return Tick(id=f"tick.{zone}.{beat}", zone=zone, at=EPOCH + timedelta(minutes=10 * (beat + 1)), beat=beat)

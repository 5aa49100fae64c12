"""The judge of the whole-system simulation: reads the raw records as JSON, after every event, and says what is wrong.

Shares no code with those who write or fold: no wire structs, no reading rule, no `evolve`. What it holds (the numbers
are those of the fault list that this project keeps):

I-1   Nobody is held or committed for two visits that overlap; nobody has two open offers; no requirement has more
      people than it asked for; no offer is answered twice, or after it expired or was called off.
I-2   What was answered 202 stands in the commands at that moment, and at the end has exactly one answer: events, a
      refusal or a parked record. Entries answer consecutive commands, each once, none before it was asked.
I-3   A command that comes again (same zone and id) changes nothing; another body under its id is refused.
I-4   A calm writer that decides the same commands again gives each zone the same events (`world.calm`).
I-5   All of this with a process dead at every step of its tasks (`test_every_step`).
I-6   Void records have no effect: nobody is told, nothing is shown that no holding entry says; this reading of the
      chain and the product's own agree on every record.
I-7   Poison has exactly one `CommandParked`, after its bytes stand in `parked`; the reason quotes nothing of it.
I-8   An append that is refused or whose answer is lost loses nothing (part of I-2: lines are cut).
I-10  The board says `answered` as the journal does at the place that it names; what the API shows is the fold of the
      journal at the offset that it says; "not found" is never said of what is there; `as_of` runs past no journal.
I-11  What people must be told they are told under one key each, and nothing else; repeats of a key are counted.
I-12  A zone's time never goes back and is never ahead of the log's clock (2 s); nothing expires early.
I-14  The beat goes on and the log stays right when the solver is slow, dies or lies.
I-15  Everybody who is asked has the skill, lives within reach, is not excluded, and can be there in the window.
I-17  The same key and body: one effect, whichever API was asked; another body under it: 422, or a receipt that refuses.
I-24  A snapshot that was changed is not begun from (a state that differs ends the process: entries carry hashes).

Not here, because the parts are not in this simulation or do not exist yet: I-9 (Faust's commits mean nothing to it),
I-13 and I-23 (load and liveness of real processes), I-16 (fairness over windows), I-18 (versions), I-19 to I-22
(erasure, roles, exact places, audit).
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

AHEAD_S_MAX = 2.0
EARTH_M = 6_371_008.8
COMMANDS, JOURNAL, PARKED = "paidan.commands", "paidan.journal", "paidan.parked"


class Broken(Exception):
    """An invariant does not hold; the text says which and where."""


@dataclass
class Visit:
    """An offer and what became of it."""

    person: str
    need: tuple[str, str]
    expires_s: float
    offer: str = "open"
    held: tuple[float, float] | None = None


@dataclass
class Zone:
    """What the journal says of one zone, as far as the invariants need it."""

    now_s: float = -math.inf
    visits: dict[str, Visit] = field(default_factory=dict)
    needs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    windows: dict[str, tuple[float, float]] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Part:
    """One partition, as far as it was written."""

    commands: list[Any] = field(default_factory=list)  # decoded, None for what is none
    tip: str | None = None
    signed: set[str] = field(default_factory=set)
    #: offset of every record -> whether it holds
    held: list[bool] = field(default_factory=list)
    answered: int = 0
    #: (journal offset, answered after it) of every holding entry
    steps: list[tuple[int, int]] = field(default_factory=list)
    parked: Counter[int] = field(default_factory=Counter)
    tried: Counter[int] = field(default_factory=Counter)


class Checker:
    """Told of every event; raises Broken. `poison`: values that no program wrote."""

    def __init__(self, partitions: int) -> None:
        self.parts = [Part() for _ in range(partitions)]
        self.zones: dict[str, Zone] = {}
        self.poison: set[bytes] = set()
        self.asked: set[tuple[str, str]] = set()
        #: (zone, command) -> partition, offset, body, and "answered" or "refused"
        self.answers: dict[tuple[str, str], tuple[int, int, Any, str]] = {}
        self.acknowledged: set[tuple[str, str]] = set()
        self.owed: dict[tuple[str, str, str, str], bool] = {}
        self.keys: dict[tuple[str, str, str, str], str] = {}
        self.said: dict[str, tuple[str, str, str, str]] = {}
        self.void = self.checks = self.repeats = 0

    # --- what happens ----------------------------------------------------------------------------------------------

    def appended(self, topic: str, partition: int, offset: int, at_s: float, value: bytes, headers: Any) -> None:
        """A record is there."""
        self.checks += 1
        part = self.parts[partition]
        if topic == COMMANDS:
            self._asked(part, value)
        elif topic == PARKED:
            self._set_aside(part, value, headers)
        elif topic == JOURNAL:
            self._written(partition, part, offset, at_s, value)

    def taken(self, zone: str, command: str) -> None:
        """A client has its 202."""
        self.checks += 1
        self.acknowledged.add((zone, command))
        _hold((zone, command) in self.asked, f"I-2: ({command}) of ({zone}) was answered 202 and is in no log")

    def told(self, key: str, what: tuple[str, str, str, str]) -> None:
        """A message arrives."""
        self.checks += 1
        self.repeats += what in self.keys
        _hold(what in self.owed, f"I-6: somebody was told {what}, of which the journal knows nothing")
        before = self.keys.setdefault(what, key)
        _hold(before == key, f"I-11: {what} was told under ({before}) and under ({key})")
        _hold(self.said.setdefault(key, what) == what, f"I-11: ({key}) was used for two messages")

    def board(self, partition: int, place: int, answered: int) -> None:
        """The board says where it stands."""
        self.checks += 1
        part = self.parts[partition]
        _hold(place <= len(part.held), f"I-10: the board stands at ({place}), the journal ends at ({len(part.held)})")
        before = bisect_left(part.steps, (place, 0))
        there = part.steps[before - 1][1] if before else 0
        _hold(answered == there, f"I-10: the board says ({answered}) are answered, at ({place}) it is ({there})")

    def looked(self, zone: str, command: str, status: int, body: Any) -> None:
        """The API says what became of a command."""
        self.checks += 1
        as_of = body.get("as_of", {"offset": 0})
        answer = self.answers.get((zone, command))
        found = body["command"]["state"] if status == 200 else "none" if status == 404 else "unknown"
        where = f"({command}) of ({zone}) is said to be ({found}) as of ({as_of})"
        if found in ("answered", "refused"):
            _hold(answer is not None, f"I-10: {where}; the journal has no answer")
            assert answer is not None
            place = (body["command"]["partition"], body["command"]["offset"])
            _hold(answer[:2] == place and answer[3] == found, f"I-10: {where}; the journal says {answer}")
        elif found in ("none", "pending") and answer is not None:
            _hold(as_of["offset"] <= answer[1], f"I-10: {where}; it is at ({answer[1]})")

    def finished(self) -> None:
        """Everything has come to rest."""
        for partition, part in enumerate(self.parts):
            _hold(
                part.answered == len(part.commands),
                f"I-2: partition ({partition}) has answered ({part.answered}) of ({len(part.commands)}) commands",
            )
        for zone, command in sorted(self.acknowledged):
            _hold((zone, command) in self.answers, f"I-2: ({command}) of ({zone}) was answered 202 and has no answer")
        untold = [what for what in self.owed if what not in self.keys]
        _hold(not untold, f"I-11: nobody was told {untold[:3]}")

    # --- commands and parked ---------------------------------------------------------------------------------------

    def _asked(self, part: Part, value: bytes) -> None:
        command = None if value in self.poison else json.loads(value)
        part.commands.append(command)
        if command is not None:
            self.asked.add((command["zone"], command["id"]))

    def _set_aside(self, part: Part, value: bytes, headers: Any) -> None:
        part.parked[int(headers["offset"])] += 1
        content = value.decode(errors="replace").strip()
        reason = headers["reason"]
        _hold(len(content) < 8 or content not in reason, "I-7: the reason of a parked record quotes it")

    # --- the journal -----------------------------------------------------------------------------------------------

    def _written(self, partition: int, part: Part, offset: int, at_s: float, value: bytes) -> None:
        _hold(offset == len(part.held), f"partition ({partition}) jumps to ({offset})")
        record = _envelope(value)
        holds = False
        if record is not None and record["type"] == "SignIn" and record["id"] not in part.signed:
            holds = True
            part.signed.add(record["id"])
        elif record is not None and record["type"] == "Entry" and part.tip is not None and record["after"] == part.tip:
            holds = True
        part.held.append(holds)
        self.void += not holds
        if not holds:
            return
        assert record is not None
        part.tip = record["id"]
        if record["type"] == "Entry":
            try:
                self._entry(partition, part, offset, at_s, record)
            except Broken as broken:
                raise Broken(f"{broken} [partition {partition}, offset {offset}]") from None

    def _entry(self, partition: int, part: Part, offset: int, at_s: float, entry: Any) -> None:
        first, last, events = entry["first"], entry["last"], entry["events"]
        if last >= first:
            _hold(first == part.answered, f"I-2: an entry answers from ({first}), but ({part.answered}) comes next")
            _hold(last < len(part.commands), f"I-2: command ({last}) is answered before it was asked")
            self._each_answered(partition, part, offset, first, last, events)
            part.answered = last + 1
        else:
            kinds = {event["type"] for event in events}
            _hold(kinds <= {"Attempt"}, f"I-2: an entry that answers nothing says {kinds}")
        part.steps.append((offset, part.answered))
        for event in events:
            self._event(part, event, at_s)

    def _each_answered(
        self, partition: int, part: Part, offset: int, first: int, last: int, events: Sequence[Any]
    ) -> None:
        caused: dict[tuple[str, str], list[Any]] = {}
        for event in events:
            caused.setdefault((event["zone"], event["causation_id"]), []).append(event)
        parked = Counter(event["offset"] for event in events if event["type"] == "CommandParked")
        for at in range(first, last + 1):
            command = part.commands[at]
            if command is None:
                _hold(parked[at] == 1, f"I-7: poison at ({at}) has ({parked[at]}) parked events")
                _hold(part.parked[at] >= 1, f"I-7: the bytes of poison at ({at}) are not set aside")
            elif parked[at]:
                _hold(part.tried[at] >= 2 and part.parked[at] >= 1, f"I-7: command ({at}) was parked without a cause")
                self.answers[command["zone"], command["id"]] = (partition, offset, None, "parked")
            elif command["type"] != "Tick":
                self._answered(partition, offset, command, caused.get((command["zone"], command["id"]), []))

    def _answered(self, partition: int, offset: int, command: Any, events: list[Any]) -> None:
        key, body = (command["zone"], command["id"]), _body(command)
        carrying = [event for event in events if event.get("command") and _body(event["command"]) == body]
        before = self.answers.get(key)
        words = f"({key[1]}) of ({key[0]})"
        if before is None or before[1] == offset:
            _hold(bool(events), f"I-2: {words} has neither event nor refusal")
            refused = any(event["type"] == "CommandRefused" for event in events if event in carrying)
            if not refused or carrying[0]["reason"].get("code") != "UnknownZone":
                self.answers.setdefault(key, (partition, offset, body, "refused" if refused else "answered"))
            else:
                self.answers.setdefault(key, (partition, offset, body, "refused"))
        elif before[2] != body:
            conflicts = [event for event in carrying if event["type"] == "CommandRefused"]
            # Several other bodies may stand in one entry: a refusal of each, and nothing else.
            refused = bool(conflicts) and all(event["type"] == "CommandRefused" for event in events)
            _hold(refused, f"I-17: {words} came with another body and has {events}")
        elif before[2] is not None and key[0] in self.zones:
            _hold(not events, f"I-3: {words} came again and has {[event['type'] for event in events]}")

    # --- events ----------------------------------------------------------------------------------------------------

    def _event(self, part: Part, event: Any, at_s: float) -> None:
        kind = event["type"]
        if kind == "Attempt":
            part.tried[event["offset"]] += 1
        if event["zone"] == "*" or (event["zone"] not in self.zones and kind != "PlaceDefined"):
            return
        zone = self.zones.setdefault(event["zone"], Zone())
        now_s = _s(event["at"])
        _hold(now_s >= zone.now_s, f"I-12: the time of ({event['zone']}) goes back at {kind}")
        if kind == "TimePassed":
            _hold(now_s > zone.now_s, "I-12: time passed and it is not later")
            _hold(now_s <= at_s + AHEAD_S_MAX, f"I-12: ({event['zone']}) is ({now_s - at_s:.1f}) s ahead of the log")
        zone.now_s = now_s
        take = getattr(self, f"_on_{kind}", None)
        if take is not None:
            take(zone, event)

    def _on_VolunteerRegistered(self, zone: Zone, event: Any) -> None:
        zone.people[event["command"]["volunteer"]] = event["command"]

    _on_VolunteerChanged = _on_VolunteerRegistered

    def _on_RequestSubmitted(self, zone: Zone, event: Any) -> None:
        command = event["command"]
        name = command["request"]
        _hold(name not in zone.requests, f"I-3: request ({name}) was submitted twice")
        zone.requests[name] = command
        zone.windows[name] = (_s(event["earliest"]), _s(event["latest"]))
        for need in command.get("requirements", [{}]):
            zone.needs[name, need.get("requirement", "1")] = need

    def _on_RequestChanged(self, zone: Zone, event: Any) -> None:
        zone.windows[event["command"]["request"]] = (_s(event["earliest"]), _s(event["latest"]))

    def _on_RequestReopened(self, zone: Zone, event: Any) -> None:
        zone.windows[event["request"]] = (_s(event["earliest"]), _s(event["latest"]))

    def _on_OfferSent(self, zone: Zone, event: Any) -> None:
        name, person = event["offer"], event["volunteer"]
        _hold(name not in zone.visits or zone.visits[name].offer == "none", f"I-1: offer ({name}) was sent twice")
        open_ones = [other for other, visit in zone.visits.items() if visit.person == person and visit.offer == "open"]
        _hold(not open_ones, f"I-1: ({person}) is offered ({name}) while {open_ones} wait for an answer")
        visit = zone.visits.setdefault(name, Visit(person, (event["request"], event["requirement"]), 0.0))
        visit.offer, visit.expires_s = "open", _s(event["expires_at"])
        self._fits(zone, event)
        self.owed[event["zone"], person, name, "offer"] = True

    def _fits(self, zone: Zone, event: Any) -> None:
        """I-15, from the commands as they were asked."""
        person, asked = zone.people[event["volunteer"]], zone.requests[event["request"]]
        need = zone.needs[event["request"], event["requirement"]]
        words = f"({event['volunteer']}) is asked for ({event['request']})"
        away_m = _away_m(person["point"], asked["point"])
        _hold(away_m <= person.get("reach_m", 3000.0) + 1e-6, f"I-15: {words}, ({away_m:.0f}) m away")
        held = {skill["skill"]: skill.get("level", 1) for skill in person.get("skills", [])}
        for skill in need.get("skills", []):
            _hold(held.get(skill["skill"], 0) >= skill.get("level", 1), f"I-15: {words} without ({skill['skill']})")
        _hold(event["volunteer"] not in asked.get("excluded", ()), f"I-15: {words}, who is not wanted")
        earliest_s, latest_s = zone.windows[event["request"]]
        inside = earliest_s <= _s(event["start"]) and _s(event["end"]) <= latest_s
        _hold(inside, f"I-15: {words} outside its window")
        _hold(_s(event["start"]) - event["travel_s"] >= zone.now_s, f"I-15: {words} and cannot be there in time")

    def _answer(self, zone: Zone, name: str, becomes: str) -> Visit:
        visit = zone.visits.get(name)
        _hold(visit is not None, f"I-1: offer ({name}) was never sent and is {becomes}")
        assert visit is not None
        _hold(visit.offer == "open", f"I-1: offer ({name}) was {visit.offer} and is {becomes}")
        visit.offer = becomes
        return visit

    def _on_OfferAccepted(self, zone: Zone, event: Any) -> None:
        visit = self._answer(zone, event["command"]["offer"], "accepted")
        _hold(zone.now_s <= visit.expires_s, f"I-1: ({event['command']['offer']}) was accepted after it expired")

    def _on_OfferDeclined(self, zone: Zone, event: Any) -> None:
        self._answer(zone, event["command"]["offer"], "declined")

    def _on_OfferExpired(self, zone: Zone, event: Any) -> None:
        visit = self._answer(zone, event["offer"], "expired")
        _hold(zone.now_s >= visit.expires_s, f"I-12: offer ({event['offer']}) expired early")

    def _on_OfferSuperseded(self, zone: Zone, event: Any) -> None:
        visit = self._answer(zone, event["offer"], "superseded")
        self.owed[event["zone"], visit.person, event["offer"], "stand_down"] = True

    def _on_AssignmentHeld(self, zone: Zone, event: Any) -> None:
        name, person, need = event["assignment"], event["volunteer"], (event["request"], event["requirement"])
        mine = (_s(event["departure"]), _s(event["end"]))
        for other, visit in zone.visits.items():
            if visit.held is not None and visit.person == person and other != name:
                apart = visit.held[1] <= mine[0] or mine[1] <= visit.held[0]
                _hold(apart, f"I-1: ({person}) is held for ({other}) and for ({name})")
        zone.visits.setdefault(name, Visit(person, need, math.inf, "none")).held = mine
        live = sum(visit.need == need and visit.held is not None for visit in zone.visits.values())
        places = zone.needs[need].get("people", 1)
        _hold(live <= places, f"I-1: ({live}) people for the ({places}) places of {need}")

    def _on_AssignmentReleased(self, zone: Zone, event: Any) -> None:
        visit = zone.visits[event["assignment"]]
        visit.held = None
        if event.get("stand_down"):
            self.owed[event["zone"], visit.person, event["assignment"], "stand_down"] = True

    _on_NoShowRecorded = _on_AssignmentReleased

    def _on_WorkFinished(self, zone: Zone, event: Any) -> None:
        zone.visits[event["command"]["assignment"]].held = None


def _hold(holds: bool, words: str) -> None:
    if not holds:
        raise Broken(words)


def _envelope(value: bytes) -> Any:
    """A record that is a sign-in or an entry with all that it needs; else None."""
    try:
        record = json.loads(value)
    except ValueError:
        return None
    needs = {"SignIn": {"id", "at"}, "Entry": {"id", "after", "first", "last", "at"}}
    if not isinstance(record, dict) or not needs.get(record.get("type"), {"?"}) <= record.keys():
        return None
    return {"events": [], **record}


def _body(command: Any) -> Any:
    """A command but for the clock and the client."""
    return {name: value for name, value in command.items() if name not in ("at", "actor")}


def _s(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _away_m(here: Any, there: Any) -> float:
    lat1, lon1, lat2, lon2 = (math.radians(each[name]) for each in (here, there) for name in ("lat", "lon"))
    chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(chord))

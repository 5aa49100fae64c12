"""Commands go to where decisions are made: into the embedded log of a folder, or to a running API.

Called by `paidan import`, `policy set`, `calendar set`, `rematch`, `plan`. What was sent before under the same id
is a repeat and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import msgspec
import typer

from matcher.commands import (
    Command,
    DefinePlace,
    DefinePost,
    DefineSkill,
    DefineTeam,
    DefineUnit,
    EndRematch,
    LinkUnit,
    NotifyPlan,
    PublishPlan,
    RegisterVolunteer,
    RollBackPlan,
    SetCalendarDay,
    SetPolicy,
    StartRematch,
    SubmitRequest,
)
from matcher.events import CommandRefused, Event
from services.cli.files import say
from services.exits import ExitCode, Stop
from services.names import NAME

#: Where the API takes each command that a file can hold, or the shell asks for; {field}: of the command.
PATHS: dict[type[Command], str] = {
    DefinePlace: "places",
    DefineUnit: "units",
    LinkUnit: "links",
    DefineSkill: "skills",
    DefineTeam: "teams",
    DefinePost: "posts",
    SetPolicy: "policy",
    SetCalendarDay: "calendar",
    RegisterVolunteer: "volunteers",
    SubmitRequest: "requests",
    StartRematch: "rematches",
    EndRematch: "rematches/{rematch}/end",
    PublishPlan: "plans/{plan}/publish",
    NotifyPlan: "plans/{plan}/notify",
    RollBackPlan: "plans/{plan}/rollback",
}
#: What others refer to: sent one after the other, in order.
FIRST = (DefinePlace, DefineUnit, LinkUnit, DefineSkill, DefineTeam, DefinePost, SetPolicy, SetCalendarDay)
#: Who we are to the API.
CLIENT = f"{NAME}-import"
#: Connections to the API at once, tries of one request, seconds that a receipt may take.
CONNECTIONS, TRIES, RECEIPT_S = 8, 20, 30.0
#: Commands appended to the log at once.
GROUP = 500
_NOT_IN_BODY = ("id", "zone", "at", "actor", "type")


@dataclass
class Outcome:
    """What became of the commands; `refused` are sentences."""

    answered: int = 0
    repeats: int = 0
    skipped: int = 0
    refused: list[str] = field(default_factory=list)


def send_and_report(
    commands: Sequence[Command], *, data: Path | None, url: str | None, derived: frozenset[str] = frozenset()
) -> None:
    """Send everything to the one place named and say what became of it; exit 3 when something was refused.

    `derived`: ids of definitions that rows imply; what a log already knows better is left as it is.
    """
    if (data is None) == (url is None):
        raise typer.BadParameter("Name one place to send to: --data DIR or --url URL.", param_hint="--data / --url")
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        outcome = asyncio.run(to_log(commands, data, derived))
    else:
        outcome = to_api(commands, str(url))
    for sentence in outcome.refused:
        say(f"refused: {sentence}")
    say(
        f"Sent {len(commands) - outcome.skipped} commands: {outcome.answered} taken, {outcome.repeats} were there "
        f"before, {len(outcome.refused)} refused."
    )
    if outcome.refused:
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))


# --- the embedded log -------------------------------------------------------------------------------------------


class _Listener:
    """Hears what follows from our commands. A reader of the journal (`services.reading.Reader`)."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.refused: dict[str, str] = {}

    def entry(self, partition: int, offset: int, entry: object, events: list[Event]) -> None:
        """Note whose answer this is."""
        for event in events:
            if isinstance(event, CommandRefused):
                self.refused[event.causation_id] = event.reason.message()
            else:
                self.taken.add(event.causation_id)


class _NeverAsked:
    """Nothing is solved here: no Tick is appended."""

    async def solve(self, problem: object) -> Any:
        raise AssertionError("Sending commands solves nothing.")


async def to_log(commands: Sequence[Command], data: Path, derived: frozenset[str] = frozenset()) -> Outcome:
    """Append to the log in `data`, answer there and then, and stop. Raises Stop when `up` holds the log."""
    from services.adapters.sqlite import SqliteLog
    from services.core import Matching
    from services.embedded import Embedded
    from services.names import LOG_FILE

    log = SqliteLog(data / LOG_FILE)
    try:
        chain = Embedded(log, Matching(), _NeverAsked(), partitions=log.partitions, beat_s=None)
        listener = _Listener()
        chain.subscribe(listener)
        await chain.start()
        before = listener.taken | set(listener.refused)
        try:
            known = chain.zones()
            wanted = [command for command in commands if command.id not in derived or not _is_known(known, command)]
            for first in range(0, len(wanted), GROUP):
                places = await chain.append(wanted[first : first + GROUP])
                for where in dict(places).items():
                    await chain.answered(*where)
        finally:
            await chain.stop()
    finally:
        log.close()
    return _heard(commands, wanted, listener, before)


def _heard(commands: Sequence[Command], wanted: Sequence[Command], listener: _Listener, before: set[str]) -> Outcome:
    outcome = Outcome(skipped=len(commands) - len(wanted))
    for command in wanted:
        if command.id in before:
            outcome.repeats += 1
        elif command.id in listener.refused:
            outcome.refused.append(f"{_name(command)}: {listener.refused[command.id]}")
        elif command.id in listener.taken:
            outcome.answered += 1
        else:
            outcome.repeats += 1
    return outcome


def _is_known(zones: Any, command: Command) -> bool:
    """Say whether a definition derived from rows would only repeat, or overwrite, what the zone knows better."""
    zone = zones.get(command.zone)
    if zone is None:
        return False
    match command:
        case DefinePlace(place=place):
            return place in zone.places
        case DefineUnit(unit=unit):
            return unit in zone.units
        case DefineSkill(skill=skill):
            return skill in zone.people.skill_row
        case DefineTeam(team=team):
            return team in zone.known_teams
        case _:
            return False


# --- a running API ----------------------------------------------------------------------------------------------


def to_api(commands: Sequence[Command], url: str) -> Outcome:
    """Post to a running API, definitions first and in order, then ask what became of each. Raises Stop."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Stop(ExitCode.BAD_INPUT, f"Address ({url}) is not like http://127.0.0.1:8311.")
    strange = [command for command in commands if type(command) not in PATHS]
    if strange:
        kind = type(strange[0]).__name__
        raise Stop(ExitCode.BAD_INPUT, f"A {kind} cannot be imported over the API. Use --data, or leave it out.")
    client = _Client(parts)
    outcome = Outcome()
    with contextlib.closing(client), ThreadPoolExecutor(CONNECTIONS) as pool:
        sent = [client.post(command) for command in commands if isinstance(command, FIRST)]
        rest = [command for command in commands if not isinstance(command, FIRST)]
        sent += list(pool.map(client.post, rest))
        results: Iterable[tuple[str, str]] = pool.map(_told(client), sent)
        for state, sentence in results:
            if state == "answered":
                outcome.answered += 1
            else:
                outcome.refused.append(sentence)
    return outcome


@dataclass(frozen=True)
class _Sent:
    """What the API said to one command: a receipt to ask for, or why not."""

    name: str
    receipt: str = ""
    trouble: str = ""


def _told(client: _Client) -> Callable[[_Sent], tuple[str, str]]:
    return partial(_ask, client)


def _ask(client: _Client, sent: _Sent) -> tuple[str, str]:
    """Ask for the receipt until it is no longer pending."""
    if sent.trouble:
        return "refused", f"{sent.name}: {sent.trouble}"
    until = time.monotonic() + RECEIPT_S
    while True:
        status, body, _ = client.call("GET", sent.receipt)
        receipt = body.get("command", {}) if status == 200 else {}
        if receipt.get("state", "pending") != "pending":
            return str(receipt["state"]), f"{sent.name}: {receipt.get('message') or receipt.get('reason')}"
        if time.monotonic() > until:
            return "pending", f"{sent.name}: no answer within {RECEIPT_S:.0f} s. Look at {sent.receipt} later"
        time.sleep(0.05)


class _Client:
    """A connection per thread; waits where the API says that it has too much to do."""

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close all threads' connections."""
        for connection in self._open:
            connection.close()

    def post(self, command: Command) -> _Sent:
        """Post one command under its own id, so that sending it again is a repeat."""
        whole: dict[str, Any] = msgspec.to_builtins(command)
        below = PATHS[type(command)]
        named = {key: value for key, value in whole.items() if f"{{{key}}}" in below}
        path = (
            f"/zones/{quote(command.zone, safe='')}/{below.format(**{k: quote(v, safe='') for k, v in named.items()})}"
        )
        body = msgspec.json.encode({k: value for k, value in whole.items() if k not in _NOT_IN_BODY and k not in named})
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": command.id,
            "X-Client-Id": CLIENT,
            "X-Audience": "staff",
        }
        for _ in range(TRIES):
            status, answer, wait_s = self.call("POST", path, body, headers)
            if status not in (429, 503):
                break
            time.sleep(wait_s)
        if status == 202:
            return _Sent(_name(command), receipt=str(answer["receipt"]))
        return _Sent(_name(command), trouble=f"HTTP {status}: {answer.get('message', 'no message')}")

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any], float]:
        """Return status, decoded body and the seconds to wait that the answer asks for. Raises Stop (exit 4)."""
        for attempt in (1, 2):
            connection = self._connection(fresh=attempt == 2)
            try:
                connection.request(method, path, body, headers or {})
                response = connection.getresponse()
                content = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self._local.connection = None
                if attempt == 2:
                    where = self._parts.geturl()
                    raise Stop(
                        ExitCode.UNREACHABLE, f"The API at {where} cannot be reached ({error}). Is it up?"
                    ) from None
        try:
            decoded = msgspec.json.decode(content) if content else {}
        except msgspec.DecodeError:
            decoded = {}
        wait_s = response.headers.get("Retry-After", "1")
        return response.status, decoded if isinstance(decoded, dict) else {}, float(wait_s) if wait_s.isdigit() else 1.0

    def _connection(self, *, fresh: bool) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None or fresh:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            connection = kind(str(self._parts.hostname), self._parts.port, timeout=30)
            self._local.connection = connection
            self._open.append(connection)
        return connection


def _name(command: Command) -> str:
    match command:
        case SubmitRequest(request=name) | RegisterVolunteer(volunteer=name):
            return f"{type(command).__name__} ({name})"
        case DefinePlace(place=name) | DefineUnit(unit=name) | DefineSkill(skill=name):
            return f"{type(command).__name__} ({name})"
        case LinkUnit(unit=unit, place=name):
            return f"{type(command).__name__} ({unit} and {name})"
        case DefineTeam(team=name) | DefinePost(post=name):
            return f"{type(command).__name__} ({name})"
        case SetCalendarDay(day=day):
            return f"{type(command).__name__} ({day})"
        case _:
            return f"{type(command).__name__} ({command.zone})"

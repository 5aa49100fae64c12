"""POST routes: one row a command. Decode, give it an id, append, answer 202 with the receipt's place.

An unknown zone is taken too: whether it exists is decided in the order of the log (a DefinePlace may stand just
before), and the receipt tells. Registered by `app.create`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from matcher import commands as c
from matcher.matching_point import minimised
from matcher.zone import digest
from services.api import bodies, context, identity
from services.api.answers import Trouble, reply
from services.api.context import Context
from services.board import BoardAway
from services.ports import AppendUncertain, MessageTooLarge


@dataclass(frozen=True)
class Row:
    """A command and its path; `subject` is the field that the path's id fills. `staff`: for staff only."""

    path: str
    command: type[c.Command]
    subject: str = ""
    staff: bool = False


ROWS = (
    Row("/places", c.DefinePlace),
    Row("/units", c.DefineUnit),
    Row("/links", c.LinkUnit),
    Row("/skills", c.DefineSkill),
    Row("/teams", c.DefineTeam),
    Row("/posts", c.DefinePost),
    Row("/policy", c.SetPolicy),
    Row("/calendar", c.SetCalendarDay),
    Row("/calendar/years", c.SetCalendarYear),
    Row("/requests", c.SubmitRequest),
    Row("/requests/{subject:path}/cancel", c.CancelRequest, "request"),
    Row("/requests/{subject:path}/change", c.ChangeRequest, "request"),
    Row("/requests/{subject:path}/reopen", c.ReopenRequest, "request"),
    Row("/requests/{subject:path}/rate", c.RateRequest, "request"),
    Row("/volunteers", c.RegisterVolunteer),
    Row("/volunteers/{subject:path}/hours", c.ChangeAvailability, "volunteer"),
    Row("/volunteers/{subject:path}/pause", c.PauseVolunteer, "volunteer"),
    Row("/volunteers/{subject:path}/leave", c.RemoveVolunteer, "volunteer"),
    Row("/offers/{subject:path}/accept", c.AcceptOffer, "offer"),
    Row("/offers/{subject:path}/decline", c.DeclineOffer, "offer"),
    Row("/assignments/{subject:path}/depart", c.Depart, "assignment"),
    Row("/assignments/{subject:path}/arrive", c.Arrive, "assignment"),
    Row("/assignments/{subject:path}/finish", c.Finish, "assignment"),
    Row("/rematches", c.StartRematch, staff=True),
    Row("/rematches/{subject:path}/end", c.EndRematch, "rematch", staff=True),
    Row("/plans/{subject:path}/publish", c.PublishPlan, "plan", staff=True),
    Row("/plans/{subject:path}/notify", c.NotifyPlan, "plan", staff=True),
    Row("/plans/{subject:path}/rollback", c.RollBackPlan, "plan", staff=True),
)


#: A command waits no longer for the board than this.
BOARD_S = 0.5
BODIES = {row: bodies.shape(row.command, (row.subject,)) for row in ROWS}
_REF = "#/components/schemas/{name}"


def router() -> APIRouter:
    """All command routes."""
    routes = APIRouter(prefix="/zones/{zone}")
    for row, body in BODIES.items():
        routes.add_api_route(
            row.path,
            _endpoint(row, msgspec.json.Decoder(body)),
            methods=["POST"],
            status_code=202,
            name=row.command.__name__,
            description=(row.command.__doc__ or "").strip(),
            openapi_extra=_described(row, body),
        )
    return routes


def schemas() -> dict[str, Any]:
    """The bodies and all that they are made of, described by the wire structs themselves."""
    _, components = msgspec.json.schema_components(BODIES.values(), ref_template=_REF)
    return components


def _described(row: Row, body: type[msgspec.Struct]) -> dict[str, Any]:
    names = ["zone", *(["subject"] if row.subject else [])]
    return {
        "parameters": [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names],
        "requestBody": {"content": {"application/json": {"schema": {"$ref": _REF.format(name=body.__name__)}}}},
    }


def _endpoint(row: Row, decoder: msgspec.json.Decoder[object]) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        its = context.of(request)
        context.require_ready(its)
        if row.staff:
            identity.staff_only(request, "This command is for staff")
        zone = context.path_id(request, "zone")
        body = bodies.decode(await bodies.read(request), decoder)
        fields = {name: getattr(body, name) for name in body.__struct_fields__}
        if row.subject:
            fields[row.subject] = context.path_id(request, "subject")
        command = minimised(row.command(id=identity.command_id(request), zone=zone, at=its.now(), **fields))
        await _append_once(its, command)
        return _accepted(command)

    return take


async def _append_once(its: Context, command: c.Command) -> None:
    """Append unless the same was taken before; return when it stands in the log, whoever has appended it.

    Raises Trouble: 422 for another body, 429, 413; and what an append raises, also to those who repeated it meanwhile.
    """
    key, said = (command.zone, command.id), digest(command).hex()
    before = its.pending.digest(key)
    if before is None:  # while the board is asked, the same may come again
        shown = await _shown(its, key)
        before = its.pending.digest(key) or shown
    if before is not None:
        if before not in ("", said):
            raise Trouble(
                422,
                "idempotency_conflict",
                f"The {identity.KEY} was used before for another body. Use a fresh one.",
                command=command.id,
            )
        await its.pending.stands(key)
        return
    if its.pending.full:
        problem = Trouble(429, "too_much", f"({len(its.pending)}) commands wait for an answer. Try again later.")
        problem.headers["Retry-After"] = "1"
        raise problem
    its.pending.take(key, said)
    try:
        [(partition, offset)] = await its.append([command])
    except MessageTooLarge as error:
        problem = Trouble(413, "too_large", "The command is too large for the log. Split it.")
        its.pending.failed(key, problem)
        raise problem from error
    except Exception as error:
        its.pending.failed(key, error)
        raise
    except BaseException:
        its.pending.failed(key, AppendUncertain(f"The append of command ({command.id}) was given up."))
        raise
    its.pending.appended(key, partition, offset)


async def _shown(its: Context, key: tuple[str, str]) -> str | None:
    """Digest of the command that the board shows under this id.

    None too where it does not answer soon: a command needs the log alone, and what comes twice is found there.
    """
    try:
        async with asyncio.timeout(BOARD_S):
            shown = await its.board.get(key[0], "command", key[1])
    except (BoardAway, TimeoutError):
        return None
    return shown.found.digest if shown.found is not None else None


def _accepted(command: c.Command) -> Response:
    receipt = f"/zones/{quote(command.zone, safe='')}/commands/{quote(command.id, safe='')}"
    return reply({"command": command.id, "receipt": receipt}, 202, {"Location": receipt})

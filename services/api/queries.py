"""GET routes: one request, lists, a person's offers and visits, receipts, the five counters. Board only.

Every answer says up to which journal offset it is true. Registered by `app.create`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from matcher.explaining import refusals
from matcher.reasons import AnyRefusal
from services.api import context
from services.api.answers import Trouble, as_of, found, looked_up
from services.board import Answer, Kind, Receipt

routes = APIRouter(prefix="/zones/{zone}")
Limit = Annotated[int, Query(ge=1)]
Lang = Literal["en", "zh"]


@routes.get("")
async def zone(request: Request, zone: str) -> Response:
    """The five counters 点派接监评 (ordered, dispatched, accepted, followed, rated) and what waits."""
    return await _one(request, zone, "zone", zone)


@routes.get("/requests")
async def requests(request: Request, zone: str, state: str | None = None, limit: Limit = 100) -> Response:
    """Requests, oldest first, of one state or of all."""
    return await _many(request, zone, "request", limit, {} if state is None else {"state": state})


@routes.get("/volunteers/{volunteer:path}/offers")
async def offers(request: Request, zone: str, volunteer: str, state: str | None = None, limit: Limit = 100) -> Response:
    """A person's offers, oldest first."""
    equal = {"volunteer": volunteer} | ({} if state is None else {"state": state})
    return await _many(request, zone, "offer", limit, equal)


@routes.get("/volunteers/{volunteer:path}/assignments")
async def assignments(
    request: Request, zone: str, volunteer: str, state: str | None = None, limit: Limit = 100
) -> Response:
    """A person's visits, oldest first."""
    equal = {"volunteer": volunteer} | ({} if state is None else {"state": state})
    return await _many(request, zone, "assignment", limit, equal)


@routes.get("/requests/{key:path}")
async def one_request(request: Request, zone: str, key: str) -> Response:
    """A request: its state, its requirements, and why nobody was found where nobody was."""
    return await _one(request, zone, "request", key)


@routes.get("/volunteers/{key:path}")
async def one_volunteer(request: Request, zone: str, key: str) -> Response:
    """A person: state, open offers, open visits."""
    return await _one(request, zone, "volunteer", key)


@routes.get("/offers/{key:path}")
async def one_offer(request: Request, zone: str, key: str) -> Response:
    """An offer and its answer."""
    return await _one(request, zone, "offer", key)


@routes.get("/assignments/{key:path}")
async def one_assignment(request: Request, zone: str, key: str) -> Response:
    """A visit and its state."""
    return await _one(request, zone, "assignment", key)


@routes.get("/commands/{key:path}")
async def receipt(request: Request, zone: str, key: str, lang: Lang = "en") -> Response:
    """What became of a command: pending, answered, refused (with the reason, `message` in English or Chinese) or
    parked."""
    its = context.of(request)
    waits = its.pending.digest((zone, key)) is not None
    answer = await looked_up(its.board.get(zone, "command", key))
    parked = its.pending.parked((zone, key))
    if answer.found is None and waits:
        return found(_with(answer, Receipt(command=key, state="pending")), "command")
    if answer.found is None and parked is not None:
        return found(_with(answer, Receipt(command=key, state="parked", reason=parked)), "command")
    return _shown(_told(answer, lang), "command", key)


def _told(answer: Answer, lang: Lang) -> Answer:
    """Return the receipt with its sentence in that language; the board holds the English one."""
    said = answer.found
    if lang == "en" or said is None or said.state != "refused":
        return answer
    reason = msgspec.convert(msgspec.to_builtins(said.reason), AnyRefusal)
    return _with(answer, msgspec.structs.replace(said, message=refusals.sentence(reason, lang)))


async def _one(request: Request, zone: str, kind: Kind, key: str) -> Response:
    return _shown(await looked_up(context.of(request).board.get(zone, kind, key)), kind, key)


async def _many(request: Request, zone: str, kind: Kind, limit: int, equal: dict[str, str]) -> Response:
    its = context.of(request)
    answer = await looked_up(its.board.find(zone, kind, min(limit, its.list_limit_max), **equal))
    return _shown(answer, f"{kind}s", zone)


def _shown(answer: Answer, name: str, key: str) -> Response:
    if answer.found is None and answer.stale:
        problem = Trouble(
            503,
            "board_incomplete",
            "The board is being made anew and cannot tell yet. Ask again in a while.",
            as_of=as_of(answer),
        )
        problem.headers["Retry-After"] = "1"
        raise problem
    if answer.found is None:
        raise Trouble(
            404,
            "not_found",
            f"The {name.removesuffix('s')} ({key}) is not on the board. Maybe it was finished long ago.",
            as_of=as_of(answer),
        )
    return found(answer, name)


def _with(answer: Answer, receipt: Receipt) -> Answer:
    return Answer(partition=answer.partition, as_of=answer.as_of, found=receipt, stale=answer.stale)

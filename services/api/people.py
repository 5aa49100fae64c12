"""Contacts of people: in, replaced, erased; never shown, never logged. Registered by `app.create`."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.api import bodies, context
from services.api.answers import Trouble
from services.contacts import BadContact, Contact, check

routes = APIRouter(prefix="/zones/{zone}/contacts")
_decoder = msgspec.json.Decoder(Contact)


@routes.put("/{volunteer:path}", status_code=204)
async def put(request: Request, zone: str, volunteer: str) -> Response:
    """Remember where a person is told: `{"webhook": URL}` or `{"mailbox": ADDRESS}`."""
    its = context.of(request)
    person = context.path_id(request, "volunteer")
    contact = bodies.decode(await bodies.read(request), _decoder)
    try:
        check(contact)
    except BadContact as error:
        raise Trouble(422, "unfit", str(error), field=error.field, remedy=error.remedy) from error
    await asyncio.to_thread(its.contacts.put, context.path_id(request, "zone"), person, contact)
    return Response(status_code=204)


@routes.delete("/{volunteer:path}", status_code=204)
async def erase(request: Request, zone: str, volunteer: str) -> Response:
    """Forget a person's contact; the same whether there was one or not."""
    its = context.of(request)
    await asyncio.to_thread(its.contacts.erase, context.path_id(request, "zone"), context.path_id(request, "volunteer"))
    return Response(status_code=204)

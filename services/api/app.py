"""Puts the routes together. Called by `services/runtime.py`, `services/serve/api.py` and by tests; opens nothing."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.api import commands, explanations, health, people, queries
from services.api.answers import Trouble, reply, trouble
from services.api.context import Context
from services.api.local import LocalOnly
from services.api.metering import Metering
from services.contacts import ContactsAway
from services.exits import ExitCode, Stop
from services.names import NAME
from services.ports import AppendUncertain

log = logging.getLogger(__name__)


def create(context: Context) -> FastAPI:
    """The application. `/openapi.json` is served; no page of it loads anything from elsewhere."""
    app = FastAPI(title=NAME, docs_url=None, redoc_url=None)
    app.state.context = context
    health.attach(app, health.Health(context.readiness, context.liveness, context.metrics))
    for routes in (commands.router(), people.routes, explanations.routes, queries.routes):
        app.include_router(routes)
    app.add_middleware(LocalOnly, but=health.PATHS if context.probes_for_all else frozenset())
    app.add_middleware(Metering, metrics=context.metrics)
    app.add_exception_handler(Trouble, _trouble)
    app.add_exception_handler(Stop, _away)
    app.add_exception_handler(AppendUncertain, _uncertain)
    app.add_exception_handler(ContactsAway, _no_contacts)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(RequestValidationError, _misasked)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Add the bodies to `/openapi.json`; FastAPI knows only its own models."""
    document = app.openapi()
    document.setdefault("components", {}).setdefault("schemas", {}).update(commands.schemas())


async def _trouble(request: Request, error: Exception) -> Response:
    assert isinstance(error, Trouble)
    return trouble(error)


async def _away(request: Request, error: Exception) -> Response:
    """A broker does not answer. Its address is none of the client's business."""
    if isinstance(error, Stop) and error.code is not ExitCode.UNREACHABLE:
        raise error
    return _later("unreachable", "A part of the service cannot be reached now. Try again in a moment.")


async def _uncertain(request: Request, error: Exception) -> Response:
    message = "Whether this was taken is not known. Send it again with the same Idempotency-Key: that asks it once."
    return _later("uncertain", message)


async def _no_contacts(request: Request, error: Exception) -> Response:
    """The process lives on: nobody would start it again for this. So whoever runs it is told here."""
    log.error("a contact could not be kept", extra={"error": str(error)})
    return _later("contacts_away", "Contacts cannot be changed now: the disk is full or fails. Nothing was changed.")


def _later(code: str, message: str) -> Response:
    return reply({"error": code, "message": message}, 503, {"Retry-After": "1"})


async def _misasked(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    message = f"`{field}` is ({first.get('input')}). {first['msg']}."
    return reply({"error": "unfit", "message": message, "field": field, "remedy": first["msg"]}, 422)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"({request.method} {request.url.path}) cannot be asked. See /openapi.json."
    return reply({"error": "no_route", "message": message}, error.status_code, dict(error.headers or {}))

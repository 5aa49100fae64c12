"""Puts the routes together. Called by `services/runtime.py` and by tests; opens nothing."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.api import commands, health, people, queries
from services.api.answers import Trouble, reply, trouble
from services.api.context import Context
from services.api.metering import Metering
from services.names import NAME


def create(context: Context) -> FastAPI:
    """The application. `/openapi.json` is served; no page of it loads anything from elsewhere."""
    app = FastAPI(title=NAME, docs_url=None, redoc_url=None)
    app.state.context = context
    for routes in (health.routes, commands.router(), people.routes, queries.routes):
        app.include_router(routes)
    app.add_middleware(Metering, metrics=context.metrics)
    app.add_exception_handler(Trouble, _trouble)
    app.add_exception_handler(HTTPException, _unrouted)
    return app


async def _trouble(request: Request, error: Exception) -> Response:
    assert isinstance(error, Trouble)
    return trouble(error)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"({request.method} {request.url.path}) cannot be asked. See /openapi.json."
    return reply({"error": "no_route", "message": message}, error.status_code, dict(error.headers or {}))

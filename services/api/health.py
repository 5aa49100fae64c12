"""`/livez`, `/readyz`, `/startupz`, `/metrics`: what a supervisor of processes asks. The same for every process.

Registered by `app.create`; a process without an API serves `probes` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import reply
from services.liveness import Liveness
from services.metrics import Metrics
from services.names import NAME
from services.readiness import Readiness

PATHS = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
routes = APIRouter()


@dataclass(frozen=True)
class Health:
    """What the probes ask."""

    readiness: Readiness
    liveness: Liveness
    metrics: Metrics


def probes(health: Health) -> FastAPI:
    """An application with nothing but the probes."""
    app = FastAPI(title=NAME, docs_url=None, redoc_url=None, openapi_url=None)
    attach(app, health)
    return app


def attach(app: FastAPI, health: Health) -> None:
    """Add the probes to an application."""
    app.state.health = health
    app.include_router(routes)


@routes.get("/livez")
async def livez(request: Request) -> Response:
    """The loop turns and no part has ended or is stuck; else 503: start the process again. Asks nobody else."""
    checks = await _of(request).liveness.report()
    ok = all(check["ok"] for check in checks.values())
    return reply({"ok": ok, "checks": checks}, 200 if ok else 503)


@routes.get("/readyz")
async def readyz(request: Request) -> Response:
    """Every check with its latency and last error; 503 when one fails, while catching up and while draining."""
    checks = await _of(request).readiness.report()
    ok = all(check["ok"] for check in checks.values())
    return reply({"ok": ok, "checks": checks}, 200 if ok else 503)


@routes.get("/startupz")
async def startupz(request: Request) -> Response:
    """200 once the process has started, whatever became of it since."""
    ok = _of(request).readiness.started
    return reply({"ok": ok}, 200 if ok else 503)


@routes.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    body, media_type = _of(request).metrics.exposition()
    return Response(body, media_type=media_type)


def _of(request: Request) -> Health:
    return cast(Health, request.app.state.health)

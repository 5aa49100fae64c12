"""`/livez`, `/readyz`, `/metrics`: what a supervisor of processes asks. Registered by `app.create`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.api import context
from services.api.answers import reply

routes = APIRouter()


@routes.get("/livez")
async def livez() -> Response:
    """The loop turns. Asks nobody else."""
    return reply({"ok": True})


@routes.get("/readyz")
async def readyz(request: Request) -> Response:
    """Every check with its latency and last error; 503 when one fails, while catching up and while draining."""
    checks = await context.of(request).readiness.report()
    ok = all(check["ok"] for check in checks.values())
    return reply({"ok": ok, "checks": checks}, 200 if ok else 503)


@routes.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    body, media_type = context.of(request).metrics.exposition()
    return Response(body, media_type=media_type)

"""Until the API knows who is asking it serves this machine only: not a web page that a browser here has open.

Wraps the application; the paths in `but` are for everybody. A name that resolves to 127.0.0.1 is not enough (`Host`),
nor a form on another site (`Origin`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.answers import Trouble, trouble

NAMES = frozenset({"127.0.0.1", "localhost"})


class LocalOnly:
    """An ASGI wrapper that answers 403 to everybody else."""

    def __init__(self, app: ASGIApp, but: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._but = but

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] == "http" and scope["path"] not in self._but and not _is_local(Headers(scope=scope)):
            message = "This service answers its own machine only. Ask http://127.0.0.1."
            await trouble(Trouble(403, "not_local", message))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_local(headers: Headers) -> bool:
    origin = headers.get("origin")
    host = urlsplit(f"//{headers.get('host', '')}")
    if host.hostname not in NAMES:
        return False
    return origin is None or urlsplit(origin).netloc == host.netloc

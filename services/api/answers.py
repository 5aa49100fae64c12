"""How the API answers: pre-encoded JSON, one form for success and one for trouble. Used by every route."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.board import Answer, BoardAway

#: What is thrown away of a body that is too large: for so long, and so much.
LINGER_S = 1.0
LINGER_BYTES_MAX = 8 << 20

_encoder = msgspec.json.Encoder()


class Trouble(Exception):
    """End the request with this status. `error` is a stable code, `message` a sentence with the remedy."""

    def __init__(self, status: int, error: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": error, "message": message, **more}
        self.headers: dict[str, str] = {}


async def looked_up(asking: Awaitable[Answer]) -> Answer:
    """What the board answers. Raises Trouble (503) while it does not."""
    try:
        return await asking
    except BoardAway as away:
        problem = Trouble(503, "unreachable", "The board cannot be reached now. Try again in a moment.")
        problem.headers["Retry-After"] = "1"
        raise problem from away


def reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Encode a body as JSON."""
    return Response(_encoder.encode(body), status, headers, media_type="application/json")


def found(answer: Answer, name: str) -> Response:
    """Show what the board found, under `name`, with the journal offset up to which it is true."""
    return reply({"as_of": as_of(answer), name: answer.found})


def as_of(answer: Answer) -> dict[str, Any]:
    """Up to where an answer is true; `stale` only where the board is known to lag."""
    place: dict[str, Any] = {"partition": answer.partition, "offset": answer.as_of}
    return {**place, "stale": True} if answer.stale else place


def trouble(problem: Trouble) -> Response:
    """Encode a Trouble."""
    kind = Lingering if problem.status == 413 else Response
    return kind(_encoder.encode(problem.body), problem.status, problem.headers, media_type="application/json")


class Lingering(Response):
    """Answers at once, then throws away a little of the unread body: a connection that is closed on a client which is
    still sending would be reset, and the answer lost on its way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything but the end, discard within the limits, end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_discard(receive), LINGER_S)
        await send({"type": "http.response.body", "body": b""})


async def _discard(receive: Receive) -> None:
    discarded, more = 0, True
    while more and discarded < LINGER_BYTES_MAX:
        message = await receive()
        discarded += len(message.get("body", b""))
        more = message.get("more_body", False)

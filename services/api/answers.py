"""How the API answers: pre-encoded JSON, one form for success and one for trouble. Used by every route."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from services.board import Answer

_encoder = msgspec.json.Encoder()


class Trouble(Exception):
    """End the request with this status. `error` is a stable code, `message` a sentence with the remedy."""

    def __init__(self, status: int, error: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": error, "message": message, **more}
        self.headers: dict[str, str] = {}


def reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Encode a body as JSON."""
    return Response(_encoder.encode(body), status, headers, media_type="application/json")


def found(answer: Answer, name: str) -> Response:
    """Show what the board found, under `name`, with the journal offset up to which it is true."""
    return reply({"as_of": {"partition": answer.partition, "offset": answer.as_of}, name: answer.found})


def trouble(problem: Trouble) -> Response:
    """Encode a Trouble."""
    return reply(problem.body, problem.status, problem.headers)

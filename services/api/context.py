"""What the routes work with, handed in by the entry point; no route finds anything by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from starlette.requests import Request

from matcher.commands import Command
from services.api.answers import Trouble
from services.api.pending import Pending
from services.board import Board
from services.contacts import Contacts
from services.explaining.asking import Explaining
from services.liveness import Liveness
from services.metrics import Metrics
from services.readiness import Readiness

#: Append commands; where each of them stands: (partition, offset).
Append = Callable[[Sequence[Command]], Awaitable[list[tuple[int, int]]]]


@dataclass(frozen=True, kw_only=True)
class Context:
    """Ports and limits of the API."""

    append: Append
    board: Board
    contacts: Contacts
    pending: Pending
    readiness: Readiness
    metrics: Metrics
    now: Callable[[], datetime]
    list_limit_max: int
    liveness: Liveness = field(default_factory=Liveness)
    #: None: nothing is explained here.
    explaining: Explaining | None = None
    #: Other machines may ask the probes and the metrics; the rest stays with this one.
    probes_for_all: bool = False


def of(request: Request) -> Context:
    """The context of the application that serves this request."""
    return cast(Context, request.app.state.context)


def require_ready(context: Context) -> None:
    """Raise Trouble (503) while the process catches up or drains."""
    if not context.readiness.takes_commands:
        problem = Trouble(503, "not_ready", "The service is starting or stopping. Try again in a moment.")
        problem.headers["Retry-After"] = "1"
        raise problem


def path_id(request: Request, name: str, length_max: int = 200) -> str:
    """An id from the path. Raises Trouble (422) when it is longer than an id may be."""
    value: Any = request.path_params[name]
    if not 1 <= len(value) <= length_max:
        raise Trouble(422, "unfit", f"`{name}` has ({len(value)}) characters. Give 1 to {length_max}.", field=name)
    return str(value)

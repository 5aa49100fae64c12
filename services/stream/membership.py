"""A static member that another process has replaced: noticed here, and kept from joining again (LANDMINES L24).

aiokafka sends no instance id with heartbeats and commits, so the group answers a replaced member like a forgotten one,
and aiokafka would join again and throw its replacement out. Lives in Faust's consumer thread; called by `transport`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import JoinGroupRequest

from services.exits import ExitCode, Stop

#: The group's answers: all is well, a rebalance goes on, it knows no such member, it knows another of that name.
OK, REBALANCING, UNKNOWN_MEMBER, FENCED_INSTANCE = 0, 27, 25, 82


class Replaced(Stop):
    """Another process has this one's place in the group. Exit code 0: whoever started it wanted that."""

    def __init__(self, member: str) -> None:
        super().__init__(
            ExitCode.OK,
            f"Another process has taken the place of member ({member}); this one ends. "
            "If both are wanted, give each its own --member.",
        )


def guard(coordinator: Any, member: str, session_s: float, replaced: Callable[[], None]) -> None:
    """Watch the answers that `coordinator` gets; call `replaced` once, and let it send no JoinGroup after that."""
    send: Callable[[Any], Awaitable[Any]] = coordinator._send_req
    known_at = float("-inf")
    gone = False

    async def guarded(request: Any) -> Any:
        nonlocal known_at, gone
        if gone and isinstance(request, JoinGroupRequest):
            raise GroupCoordinatorNotAvailableError
        response = await send(request)
        codes = set(_codes(response))
        if codes & {UNKNOWN_MEMBER, FENCED_INSTANCE}:
            # Known a moment ago and unknown now: replaced. Silent for a session: forgotten, and may join again.
            if not gone and (FENCED_INSTANCE in codes or time.monotonic() - known_at < session_s):
                gone = True
                replaced()
        elif codes & {OK, REBALANCING} and coordinator.generation > 0:
            known_at = time.monotonic()
        return response

    if member:
        coordinator._send_req = guarded


def _codes(response: Any) -> Iterator[int]:
    """Yield the error codes of an answer about the group."""
    code = getattr(response, "error_code", None)
    if code is not None:
        yield code
    elif type(response).__name__.startswith("OffsetCommitResponse"):
        for _, partitions in response.topics:
            yield from (partition[1] for partition in partitions)

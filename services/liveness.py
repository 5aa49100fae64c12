"""Whether this process should be started again: asked by `/livez`. Made by the entry point, which adds the checks.

A check here is about this process only: a part of it that has ended or is stuck. A broker that is away is a matter of
`services/readiness.py`: starting this process again would not bring it back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from services.readiness import Check, ask


class _Watched(msgspec.Struct):
    check: Check
    patience_s: float
    since_s: float | None = None


class Liveness:
    """Named checks, each with the seconds for which it may fail before the process counts as dead."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._watched: dict[str, _Watched] = {}

    def add(self, name: str, check: Check, patience_s: float) -> None:
        """Ask this check too; it must fail at every look for `patience_s` to count."""
        self._watched[name] = _Watched(check, patience_s)

    async def report(self) -> dict[str, dict[str, Any]]:
        """Run all checks; per check: ok, for how many seconds it has failed, what it says."""
        results: dict[str, dict[str, Any]] = {}
        for name, watched in self._watched.items():
            trouble = await ask(watched.check)
            now_s = self._now_s()
            if trouble is None:
                watched.since_s = None
            elif watched.since_s is None:
                watched.since_s = now_s
            failing_s = 0.0 if watched.since_s is None else now_s - watched.since_s
            dead = trouble is not None and failing_s >= watched.patience_s
            results[name] = {"ok": not dead, "failing_s": round(failing_s, 3), "last_error": trouble}
        return results

"""Whether this process may be given work: one list of named checks, asked by `/readyz` and before every command.

The runtime adds the checks; the owner of signals turns `draining` on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

#: Returns None when all is well, else a short sentence.
Check = Callable[[], Awaitable[str | None]]


class Readiness:
    """Named checks and the two states that stop all intake: not started, draining."""

    def __init__(self) -> None:
        self.started = False
        self.draining = False
        self._checks: dict[str, Check] = {}
        self._last_error: dict[str, str] = {}

    def add(self, name: str, check: Check) -> None:
        """Ask this check too."""
        self._checks[name] = check

    @property
    def takes_commands(self) -> bool:
        """Cheap answer for every request."""
        return self.started and not self.draining

    async def report(self) -> dict[str, dict[str, Any]]:
        """Run all checks; per check: ok, latency_s, last_error."""
        results = {"catching_up": self._state(self.started, "the journal is still being read")}
        results["draining"] = self._state(not self.draining, "the process is stopping")
        for name, check in self._checks.items():
            began = time.perf_counter()
            trouble = await ask(check)
            if trouble is not None:
                self._last_error[name] = trouble
            results[name] = {
                "ok": trouble is None,
                "latency_s": round(time.perf_counter() - began, 6),
                "last_error": self._last_error.get(name),
            }
        return results

    def _state(self, ok: bool, trouble: str) -> dict[str, Any]:
        return {"ok": ok, "latency_s": 0.0, "last_error": None if ok else trouble}


async def ask(check: Check) -> str | None:
    """Run one check; return what is wrong, or None."""
    try:
        return await check()
    except Exception as error:  # a check that breaks is a check that fails: it must not take /readyz with it
        return type(error).__name__

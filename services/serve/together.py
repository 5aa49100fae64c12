"""Roles that share one process, as one part. `paidan serve X` is the one with a single role."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.serve.running import Part
from services.serve.shared import Shared


class Together:
    """The first part answers what the others ask: it starts first and stops last. The first failure is everybody's."""

    def __init__(self, shared: Shared, parts: Sequence[Part]) -> None:
        self._shared = shared
        self._parts = tuple(parts)

    async def start(self) -> None:
        """See `running.Part`."""
        for part in self._parts:
            await part.start()

    async def stop(self) -> None:
        """See `running.Part`. Every part is stopped, whatever the others raise; the first error is raised then."""
        first, *others = self._parts
        results = await asyncio.gather(*(part.stop() for part in others), return_exceptions=True)
        results += await asyncio.gather(first.stop(), return_exceptions=True)
        await self._shared.close()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def failed(self) -> None:
        """See `running.Part`."""
        failing = [asyncio.ensure_future(part.failed()) for part in self._parts]
        try:
            done, _ = await asyncio.wait(failing, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            for each in failing:
                each.cancel()
            await asyncio.wait(failing)

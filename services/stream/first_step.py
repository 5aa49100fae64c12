"""Waiting without tasks for what does not wait: a coroutine's first step is taken at once, here.

Mixed into Faust's consumer by `transport`. Faust puts each record into its agents' queues in one of four tasks that it
makes for it, although there is room and nothing to wait for.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from mode.services import WaitResults


class FirstStep:
    """Before a `mode.Service` in the list of bases."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109 - mode's
        """See mode: wait for one of several. Of two coroutines the first may be done at its first step.

        What waits then (for room, in a rebalance) waits as mode has it: until the other, or the service, ends.
        """
        wait: Any = super().wait_first  # type: ignore[misc]
        if timeout is not None or len(coros) != 2 or not all(map(inspect.iscoroutine, coros)):
            return await wait(*coros, timeout=timeout)
        doing, other = coros
        try:
            waits_for = doing.send(None)
        except BaseException as ended:
            other.close()
            if isinstance(ended, StopIteration):
                return WaitResults([doing], [ended.value], False)
            raise
        return await wait(_begun(doing, waits_for), other)


async def _begun(coro: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    """Go on with a coroutine that has begun and waits."""
    return await _resumed(coro, waits_for)


@types.coroutine
def _resumed(coro: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    step: Callable[[Any], Any]
    while True:
        try:
            came = yield waits_for
        except GeneratorExit:
            coro.close()
            raise
        except BaseException as error:
            step, argument = coro.throw, error
        else:
            step, argument = coro.send, came
        try:
            waits_for = step(argument)
        except StopIteration as done:
            return done.value

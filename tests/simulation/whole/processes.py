"""A simulated process: every step of its tasks is counted, can be its last, and waits while the process is stopped.

Used by the whole-system simulation. All tasks that a process makes belong to it; what it does outside goes through
ports that ask it first whether it still lives. Its clock is the world's, plus its own error.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any

#: The world's time at second 0 of the loop; a Monday.
EPOCH = datetime(2026, 11, 2, 8, tzinfo=UTC)

_OWNER: ContextVar[Process | None] = ContextVar("owner", default=None)


class Dead(BaseException):
    """The process is gone: no handler of the program may see it, and nothing that it still does has any effect."""


class Process:
    """One life of one process. `crash_at`: the step that is its last; `died`: told once when it is killed."""

    def __init__(self, name: str, life: int, died: Callable[[Process], None], crash_at: int | None = None) -> None:
        self.name, self.life = name, life
        self.alive, self.frozen = True, False
        self.steps = 0
        self.skew_s = 0.0
        self.crash_at = crash_at
        self.context: Context = copy_context()
        self.context.run(_OWNER.set, self)
        self._died = died
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: list[asyncio.Future[None]] = []
        self._inbox: list[Callable[[], None]] = []

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` as a task of this process."""
        return asyncio.get_running_loop().create_task(work, context=self.context)

    def now(self) -> datetime:
        """The process's clock."""
        return world_time() + timedelta(seconds=self.skew_s)

    def point(self) -> None:
        """A place at which it may die. Raises Dead if it is, or just did."""
        if self.alive:
            self.steps += 1
            if self.steps == self.crash_at:
                self.kill()
        if not self.alive:
            raise Dead

    def hear(self, news: Callable[[], None]) -> None:
        """Something arrives from outside: now, when it is woken, or never."""
        if self.frozen:
            self._inbox.append(news)
        elif self.alive:
            self.context.run(news)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = self.alive

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        held, self._held = self._held, []
        for future in held:
            if not future.done():
                future.set_result(None)
        inbox, self._inbox = self._inbox, []
        for news in inbox:
            self.hear(news)

    def kill(self) -> None:
        """SIGKILL. Its tasks are cancelled only so that they end; whatever they try then is refused."""
        if not self.alive:
            return
        self.alive = False
        self.thaw()
        for task in list(self._tasks):
            task.cancel()
        self._died(self)

    # --- its tasks -------------------------------------------------------------------------------------------------

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task of this process was made."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hold(self) -> asyncio.Future[None]:
        """What a task waits for while the process is stopped."""
        future = asyncio.get_running_loop().create_future()
        self._held.append(future)
        return future


class _Steps:
    """Runs a coroutine of a process step by step."""

    def __init__(self, program: Coroutine[Any, Any, Any], process: Process) -> None:
        self._program, self._process = program, process

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self._program.send
        value: Any = None
        while True:
            while self._process.frozen:
                try:
                    yield from self._process.hold()
                except asyncio.CancelledError as cancelled:
                    step, value = self._program.throw, cancelled
            try:
                self._process.point()
            except Dead:
                step, value = self._program.throw, asyncio.CancelledError()
            try:
                waits_for = step(value)
            except StopIteration as end:
                return end.value
            step, value = self._program.send, None
            try:
                yield waits_for
            except BaseException as error:
                step, value = self._program.throw, error


async def _stepped(program: Coroutine[Any, Any, Any], process: Process) -> Any:
    return await _Steps(program, process)


def factory(loop: asyncio.AbstractEventLoop, program: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """Make tasks: those of a process belong to it."""
    process = (context or copy_context()).get(_OWNER)
    if process is None or not inspect.iscoroutine(program):
        return asyncio.Task(program, loop=loop, context=context)
    task = asyncio.Task(_stepped(program, process), loop=loop, context=context)
    process.adopt(task)
    task.add_done_callback(lambda _: program.close())  # one that was killed before it began
    if not process.alive:
        task.cancel()
    return task


def world_time() -> datetime:
    """The one true time."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

"""Has jobs of a batch worked in a process of their own, and appends what it says. The worker's side of the pipe.

Made by `services/runtime.py` and `services/serve/worker.py`; called by `planning/consumer.py`. One job at a time. The
process is started by the first job, kept for the next one, and ended when the batch ends before its job does. One that
dies (kill -9, out of memory) takes nothing with it but its job, which is raised to whoever asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from matcher.commands import Command
from services.exits import ExitCode, Stop
from services.jobs import Rematch
from services.names import JOURNAL
from services.ports import AppendUncertain, Log
from services.wire import decode_command
from services.worker.planning import reading
from services.worker.planning.questions import FRAME_BYTES_MAX, LENGTH, Answer, Question, answers, framed

log = logging.getLogger(__name__)

Append = Callable[[Sequence[Command]], Awaitable[list[tuple[int, int]]]]

_CHILD = "from services.worker.planning.answering import serve; serve({places_max})"
#: How long a report is tried before its job goes back to the broker, and the pause between two tries.
PATIENCE_S, PAUSE_S = 30.0, 0.5
#: How often it is looked whether the batch has ended meanwhile.
LOOK_S = 1.0
#: Seconds that the process gets to end by itself once its pipe is closed.
FAREWELL_S = 0.5
_OVER = (b'"RematchEnded"', b'"PlanAdopted"')


class PlanningFailed(Exception):
    """The planning process died, or answered garbage: the job is not done."""


class LogAway(Exception):
    """The log was away for longer than a report is tried, or could not be read: the job is not done."""


class Planner:
    """Works jobs. `places_max`: the size of a part, for tests; `child`: the command line of the process, for tests."""

    def __init__(
        self,
        log: Log,
        append: Append,
        *,
        places_max: int | None = None,
        child: Sequence[str] | None = None,
        look_s: float = LOOK_S,
    ) -> None:
        code = _CHILD.format(places_max="" if places_max is None else places_max)
        self._command = list(child or (sys.executable, "-P", "-c", code))
        self._log = log
        self._append = append
        self._look_s = look_s
        self._process: Process | None = None
        self._kept: tuple[int, int, str] | None = None
        self._turn = asyncio.Lock()
        self._closed = False
        #: What ended reporting for good: the log cannot be trusted.
        self.ended: Stop | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process, if one lives."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def work(self, job: Rematch) -> None:
        """Do a job and append what it says; return early where its batch is over.

        Raises PlanningFailed, LogAway, and Stop for a log that must not be written to any more.
        """
        async with self._turn:
            if self._closed:
                raise PlanningFailed("closed")
            try:
                await self._work(job)
            except BaseException as failure:
                await self._end(kill=True)  # whatever it would say next belongs to this job
                if isinstance(failure, AppendUncertain) or _is_away(failure):
                    raise LogAway(str(failure)) from failure
                if isinstance(failure, Stop):
                    self.ended = failure
                raise

    async def close(self) -> None:
        """End the process, whatever it does; the job in hand fails."""
        self._closed = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        async with self._turn:
            await self._end(kill=True)

    async def _work(self, job: Rematch) -> None:
        process = await self._ready()
        place = (job.partition, job.offset, job.zone)
        question = await reading.question(self._log, job, kept=self._kept == place)
        working = asyncio.ensure_future(self._worked(process, question))
        watching = asyncio.ensure_future(self._over(job, question))
        try:
            await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                self._kept = place
            else:
                watching.result()
                working.cancel()  # before the pipe is read to its end: two readers are refused
                await asyncio.gather(working, return_exceptions=True)
                await self._end(kill=True)
        finally:
            for task in (working, watching):
                task.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)

    async def _worked(self, process: Process, question: Question) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(framed(question))
            await process.stdin.drain()
            while True:
                (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                if size > FRAME_BYTES_MAX:
                    raise PlanningFailed(f"A frame of ({size}) bytes.")
                answer: Answer = answers.decode(await process.stdout.readexactly(size))
                if answer.commands:
                    await self._say([decode_command(command) for command in answer.commands])
                if answer.last:
                    return
        except (OSError, asyncio.IncompleteReadError, msgspec.MsgspecError) as broken:
            raise PlanningFailed(f"The planning process ended: {broken!r}") from broken

    async def _say(self, commands: Sequence[Command]) -> None:
        """Append; a repeat has the same id and changes nothing, so what is uncertain is asked again."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                await self._append(commands)
                return
            except AppendUncertain:
                if time.monotonic() > until_s:
                    raise
            except Stop as stop:
                if not _is_away(stop) or time.monotonic() > until_s:
                    raise
            await asyncio.sleep(PAUSE_S)

    async def _over(self, job: Rematch, question: Question) -> None:
        """Return when the journal says that the batch is over."""
        seen = job.offset + 1 + len(question.after)
        named = msgspec.json.encode(job.rematch)
        while True:
            await asyncio.sleep(self._look_s)
            end = (await self._log.bounds(JOURNAL, job.partition)).end
            for _, value in await reading.records(self._log, job.partition, seen, end):
                if named in value and any(word in value for word in _OVER):
                    return
            seen = end

    async def _ready(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end(kill=True)
        # A session of its own: Ctrl-C reaches the parent only, which ends the child when it is done with it.
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
        return self._process

    async def _end(self, *, kill: bool) -> None:
        """Make sure that the process is gone and its pipes are closed."""
        process, self._process, self._kept = self._process, None, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if kill:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        with contextlib.suppress(OSError):
            process.stdin.close()
            await process.stdin.wait_closed()
        with contextlib.suppress(OSError):
            await process.stdout.read()
        await process.wait()


def _is_away(failure: BaseException) -> bool:
    return isinstance(failure, Stop) and failure.code is ExitCode.UNREACHABLE

"""Solvers as services: in line, or in processes of their own that may crash without taking the beat with them.

Called by the writer's drivers through the port `Solver`. Every plan is re-checked here, in the parent, before it is
returned. Decides nothing about matching; says with `engine` "greedy" when a child had to be replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import signal
import struct
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from msgspec import structs

from matcher.problem import Plan, Problem

if TYPE_CHECKING:
    from matcher.solvers.paths.keeping import Keeper

LOG = logging.getLogger(__name__)

#: Above this many requirements x people, checks and the greedy fallback leave the event loop for a thread.
INLINE_PAIRS = 250_000
#: An answer beyond this is garbage, not a plan.
ANSWER_BYTES_MAX = 2**31
#: Seconds a child gets to end by itself once its pipe is closed.
FAREWELL_S = 2.0

_LENGTH = struct.Struct("<Q")
_CHILD = "from services.solving import serve; serve(live={live})"


class InlineSolver:
    """Solves where it is called: for simulations, tests and one-off commands. The caller waits."""

    async def solve(self, problem: Problem) -> Plan:
        """Return a checked plan. Raises `Unproven` if the solver has a bug: here nothing hides it."""
        from matcher.solvers import solve

        began = time.perf_counter()
        plan = solve(problem)
        return await _checked(problem, plan, time.perf_counter() - began)

    async def close(self) -> None:
        """Nothing to end."""


class ProcessSolver:
    """Solves in child processes. A child that crashes, answers garbage or exceeds `guard_s` is replaced, and that one
    problem is answered greedily (`fallbacks` counts them); before that, one that the compiled kernel was to solve is
    asked again of OR-Tools. `guard_s` None, as in lock-step: wait as long as it takes, for the kernel's compile, too.

    `child`: the command line of a child, for tests.
    """

    def __init__(self, *, children: int = 1, guard_s: float | None = None, child: Sequence[str] | None = None) -> None:
        command = list(child or (sys.executable, "-P", "-c", _CHILD.format(live=guard_s is not None)))
        self._children = [_Child(command) for _ in range(max(1, children))]
        self._guard_s = guard_s
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        self._starting: asyncio.Future[None] | None = None
        self.fallbacks = 0

    async def start(self) -> None:
        """Start the children, so that they import while others do something else. `solve` does it too."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start_all())
        await asyncio.shield(self._starting)  # a caller that gives up must not leave half of them

    async def _start_all(self) -> None:
        for child in self._children:
            await child.start()
            self._idle.put_nowait(child)

    async def solve(self, problem: Problem) -> Plan:
        """Return a checked plan; at most one problem a child at a time, the others wait."""
        await self.start()
        child = await self._idle.get()
        try:
            return await self._ask(child, problem)
        finally:
            self._idle.put_nowait(child)

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that live."""
        return [child.pid for child in self._children if child.pid is not None]

    async def close(self) -> None:
        """End the children."""
        if self._starting is not None:
            await self._starting
        for child in self._children:
            await child.end()
        self._idle, self._starting = asyncio.LifoQueue(), None

    async def _ask(self, child: _Child, problem: Problem) -> Plan:
        for attempt in _attempts(problem):
            plan, late = await self._tried(child, attempt)
            if plan is not None:
                return plan
            await child.replace()
            if late:
                break
        self.fallbacks += 1
        return await _greedy(problem)

    async def _tried(self, child: _Child, problem: Problem) -> tuple[Plan | None, bool]:
        """Return the child's checked plan, None where it has none that holds; and whether its time is over."""
        from matcher.solvers.proof import Unproven

        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._guard_s):
                plan = await child.ask(problem)
            return await _checked(problem, plan, time.perf_counter() - began), False
        except (ChildFailed, Unproven, TimeoutError) as failure:
            LOG.error("Solver child replaced: %r", failure)
            return None, isinstance(failure, TimeoutError)
        except BaseException:  # cancelled halfway: the next answer would be that of this question
            child.kill()
            raise


def _attempts(problem: Problem) -> list[Problem]:
    """Return the problem as it is, then, where that may be the kernel's, once more for OR-Tools alone."""
    from matcher.solvers import paths

    if not paths.wanted(problem):
        return [problem]
    return [problem, replace(problem, budget=structs.replace(problem.budget, engine="ortools"))]


class ChildFailed(Exception):
    """A child ended, or answered something that is not a plan."""


class _Child:
    """One process and the pipes to it. Frames: length, then a pickle of our own values."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        # A session of its own: Ctrl-C reaches the parent only, which ends the child when it is done with it.
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )

    async def ask(self, problem: Problem) -> Plan:
        """Return the child's answer. Raises ChildFailed."""
        if self._process is None or self._process.returncode is not None:
            await self.replace()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = pickle.dumps(problem, protocol=5)
        try:
            self._process.stdin.write(_LENGTH.pack(len(question)) + question)
            await self._process.stdin.drain()
            (size,) = _LENGTH.unpack(await self._process.stdout.readexactly(_LENGTH.size))
            if size > ANSWER_BYTES_MAX:
                raise ChildFailed(f"The child answers ({size}) bytes.")
            answer = _loaded(await self._process.stdout.readexactly(size))
        except (OSError, asyncio.IncompleteReadError) as broken:
            raise ChildFailed(f"The child ended: {broken!r}") from broken
        if not isinstance(answer, Plan):
            raise ChildFailed(f"The child answers no plan: {answer!r:.2000}")
        return answer

    def kill(self) -> None:
        """Make sure that this process answers nothing any more."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def replace(self) -> None:
        """Start afresh."""
        self.kill()
        await self._buried()
        await self.start()

    async def end(self) -> None:
        """Close the pipe and let the child end; kill it if it does not."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
        await self._buried()

    async def _buried(self) -> None:
        """Wait until the process is gone and its pipes are closed."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
            await self._process.stdin.wait_closed()
        with contextlib.suppress(OSError):
            await self._process.stdout.read()
        await self._process.wait()
        self._process = None


async def _checked(problem: Problem, plan: Plan, solve_s: float) -> Plan:
    from matcher.solvers import proof

    began = time.perf_counter()
    await _away_if_large(problem, lambda: proof.check(problem, plan))
    return replace(plan, seconds={**plan.seconds, "solve": solve_s, "check": time.perf_counter() - began})


async def _greedy(problem: Problem) -> Plan:
    from matcher.solvers.exact import nearest_first

    began = time.perf_counter()
    plan: list[Plan] = []
    await _away_if_large(problem, lambda: plan.append(nearest_first(problem)))
    return await _checked(problem, plan[0], time.perf_counter() - began)


async def _away_if_large(problem: Problem, work: Callable[[], None]) -> None:
    if len(problem.requirements.ids) * len(problem.people.ids) > INLINE_PAIRS:
        await asyncio.to_thread(work)
    else:
        work()


def _loaded(answer: bytes) -> object:
    """Unpickle what our own child wrote; whatever goes wrong means that it was no plan."""
    try:
        return pickle.loads(answer)  # noqa: S301 - a pipe to a process that we started ourselves
    except Exception as wrong:
        raise ChildFailed(f"The child's answer cannot be read: {wrong!r}") from wrong


# --- the child -------------------------------------------------------------------------------------------------


def serve(*, live: bool = False) -> None:
    """Answer problems from stdin on stdout until the pipe closes, be it because the parent was killed.

    `live`: nobody waits for the kernel's compile; it is done beside, from the first problem on that asks for it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not look like an answer
    from matcher.solvers import exact, proof  # noqa: F401 - import while nobody waits

    while (question := _frame(sys.stdin.buffer)) is not None:
        answer = pickle.dumps(_answer(question, live), protocol=5)
        try:
            answers.write(_LENGTH.pack(len(answer)) + answer)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # nobody listens any more; not even the buffer can be flushed


def _frame(pipe: BinaryIO) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    body = pipe.read(size)
    return body if len(body) == size else None


def _answer(question: bytes, live: bool) -> Plan | str:
    from matcher.solvers import paths, solve

    try:
        problem = pickle.loads(question)  # noqa: S301 - the parent's own problem
        if live and paths.wanted(problem):
            _warm_beside()
            if paths.ready():
                return _kept(problem)
        return solve(problem, patient=not live)
    except Exception as failure:
        LOG.exception("The problem could not be solved.")
        return repr(failure)


def _kept(problem: Problem) -> Plan:
    """Solve from the zone's last beat where that is near, and whole where that fails: then nothing is left of it."""
    from matcher.solvers import solve

    try:
        return solve(problem, patient=False, keeper=_keeper())
    except Exception:
        LOG.exception("What was kept of the zone is given up.")
        return solve(problem, patient=False)


@lru_cache(maxsize=1)
def _keeper() -> Keeper | None:
    """Return what this process keeps of its zones from beat to beat."""
    from matcher.solvers import paths

    return paths.keeper()


@lru_cache(maxsize=1)
def _warm_beside() -> None:
    """Begin to compile or load the kernel in a thread; once a process."""
    from matcher.solvers import paths

    threading.Thread(target=paths.warm, name="kernel", daemon=True).start()

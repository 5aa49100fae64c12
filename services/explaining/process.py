"""Works questions out in a process of its own, one at a time, within a time limit. Used by the API.

A question that runs over its time, or whose process dies, is refused; nothing else of the service notices. The child
ends with its question: it holds a whole zone, and nobody asks often.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import Protocol

import msgspec

from services.explaining.questions import AnyAnswer, Question, answers, questions

_CHILD = "from services.explaining.process import serve; serve()"
#: Questions that may wait for the one being worked out.
WAITING_MAX = 4


class Unanswered(Exception):
    """There is no answer now. `code`: busy, too_slow or failed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Explainer(Protocol):
    """Answers questions; never on the caller's event loop."""

    async def answer(self, question: Question) -> AnyAnswer:
        """Return the answer. Raises Unanswered."""


class InThread:
    """Answers in a thread, without limits: for tests."""

    async def answer(self, question: Question) -> AnyAnswer:
        """See `Explainer`."""
        from services.explaining.answering import answer

        return await asyncio.to_thread(answer, question)


class InProcess:
    """Answers in child processes. `guard_s`: a question's time, its process's start included."""

    def __init__(self, guard_s: float, *, waiting_max: int = WAITING_MAX, child: tuple[str, ...] | None = None) -> None:
        self._command = child or (sys.executable, "-P", "-c", _CHILD)
        self._guard_s = guard_s
        self._places = waiting_max + 1
        self._turn = asyncio.Lock()

    async def answer(self, question: Question) -> AnyAnswer:
        """See `Explainer`."""
        if self._places <= 0:
            raise Unanswered("busy")
        self._places -= 1
        try:
            async with self._turn:
                return await self._asked(msgspec.msgpack.encode(question))
        finally:
            self._places += 1

    async def _asked(self, question: bytes) -> AnyAnswer:
        # A session of its own: Ctrl-C reaches the parent only, which ends the child.
        child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
        try:
            async with asyncio.timeout(self._guard_s):
                said, _ = await child.communicate(question)
        except TimeoutError:
            raise Unanswered("too_slow") from None
        except OSError:
            raise Unanswered("failed") from None
        finally:
            await _ended(child)
        if child.returncode != 0:
            raise Unanswered("failed")
        return answers.decode(said)


async def _ended(child: Process) -> None:
    """Make sure that the process is gone and its pipes are closed, whatever ended the wait."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        with contextlib.suppress(OSError):
            await child.communicate()


def serve() -> None:
    """Answer the question on standard input on standard output, then end."""
    given = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not look like an answer
    from services.explaining.answering import answer

    with given:
        given.write(msgspec.json.encode(answer(questions.decode(sys.stdin.buffer.read()))))

"""The service's processes that a demo on brokers starts for itself, watches, and stops by their ids.

Each has a session of its own, so that Ctrl-C reaches the demo alone, and writes to a file of its own. Knows nothing of
what the processes do but how they say that they are ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from services.exits import ExitCode, Stop
from services.names import NAME

#: Longer than a first import on a cold disk and a group that is handed out twice.
READY_S = 60.0
#: The drain of DESIGN 7 and a little for the interpreter's end.
STOP_S = 10.0
POLL_S = 0.1
LINES = 20

_URL = re.compile(rb"http://127\.0\.0\.1:\d+")

T = TypeVar("T")


@dataclass(frozen=True)
class Role:
    """One process to be: `name` names its file, `arguments` follow the command's name."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


class Child:
    """One process."""

    def __init__(self, role: Role, folder: Path) -> None:
        self.name = role.name
        self.output = folder / f"{role.name}.log"
        self._role = role
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it is not ready yet."""
        with self.output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli",
                *self._role.arguments,
                env=self._role.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it says that it is ready. The caller bounds it."""
        while not await asyncio.to_thread(self._is_ready):  # noqa: ASYNC110 - another process
            await asyncio.sleep(POLL_S)

    async def ended(self) -> None:
        """Wait until it ends by itself. Raises Stop with its exit code and its last lines."""
        assert self._process is not None
        code = await self._process.wait()
        known = {int(each) for each in ExitCode} - {ExitCode.OK}
        words = f"The process ({self.name}) ended early with ({code}). Its last lines ({self.output}):"
        raise Stop(ExitCode(code) if code in known else ExitCode.BUG, f"{words}\n{self.last_lines()}")

    async def stop(self) -> None:
        """Let it drain; end it after `STOP_S`."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its session is its own: its solvers end with it
            await process.wait()

    def last_lines(self) -> str:
        """Return the end of what it wrote."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-LINES:])

    def _is_ready(self) -> bool:
        found = _URL.search(self.output.read_bytes())
        if found is None:
            return False
        try:
            with urllib.request.urlopen(f"{found[0].decode()}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Children:
    """Several processes; one that ends by itself ends the work that needs them."""

    def __init__(self, roles: list[Role], folder: Path) -> None:
        self._children = [Child(role, folder) for role in roles]

    async def start(self, ready_s: float = READY_S) -> None:
        """Start all and wait until each is ready. Raises Stop: one has ended, or is not ready in time."""
        for child in self._children:
            await child.start()
        if self._children:
            await self.during(self._all_ready(ready_s))

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work that needs them all. Raises what it raises, and Stop when one of them ends before."""
        task = asyncio.ensure_future(work)
        ends = [asyncio.ensure_future(child.ended()) for child in self._children]
        try:
            await asyncio.wait([task, *ends], return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                if end.done():
                    end.result()
            return await task
        finally:
            for each in (task, *ends):
                each.cancel()
            await asyncio.gather(task, *ends, return_exceptions=True)

    async def stop(self) -> None:
        """Let all drain at once."""
        await asyncio.gather(*(child.stop() for child in self._children))

    async def _all_ready(self, ready_s: float) -> None:
        waiting = {child.name: asyncio.ensure_future(child.ready()) for child in self._children}
        _, late = await asyncio.wait(waiting.values(), timeout=ready_s)
        for each in late:
            each.cancel()
        if late:
            names = [child for child in self._children if waiting[child.name] in late]
            told = "\n".join(f"{child.output}:\n{child.last_lines()}" for child in names)
            raise Stop(
                ExitCode.UNREACHABLE,
                f"Not ready in {ready_s:.0f} s: ({', '.join(child.name for child in names)}). Last lines of "
                f"{NAME}'s processes:\n{told}",
            )

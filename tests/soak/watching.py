"""What the processes look like from outside while they run: memory and files from /proc, figures from `/metrics`."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.processes import Served

SAMPLE_S = 5.0
MIB = 2**20
_WAITS = ("commands_unanswered", "stream_lag_commands", "board_lag_entries", "stream_oldest_unanswered_age_seconds")


@dataclass
class Seen:
    """One process over time: seconds since the start, bytes, open files."""

    at_s: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def grown(self, since_s: float) -> float:
        """Bytes by which memory grew after `since_s`, as a straight line through its samples says; 0 of too few."""
        line = [(at, rss) for at, rss in zip(self.at_s, self.rss, strict=True) if at >= since_s]
        if len(line) < 3:
            return 0.0
        mean_at, mean = sum(at for at, _ in line) / len(line), sum(rss for _, rss in line) / len(line)
        spread = sum((at - mean_at) ** 2 for at, _ in line)
        slope = sum((at - mean_at) * (rss - mean) for at, rss in line) / spread
        return slope * (line[-1][0] - line[0][0])


class Watching:
    """Samples `processes` (name -> process) and their children until it is stopped."""

    def __init__(self, processes: dict[str, Served]) -> None:
        self.seen: dict[str, Seen] = {}
        self.most: dict[str, float] = dict.fromkeys(_WAITS, 0.0)
        self._processes = processes
        self._began_s = time.monotonic()
        self._http = httpx.AsyncClient(timeout=60)

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began_s

    async def run(self) -> None:
        """Sample for ever."""
        while True:
            await self.sample()
            await asyncio.sleep(SAMPLE_S)

    async def sample(self) -> dict[str, float]:
        """Look once; return what waits now."""
        for name, served in self._processes.items():
            pids = [served.process.pid, *_children(served.process.pid)]
            for n, pid in enumerate(pids):
                self._note(name if n == 0 else f"{name}, solver {n}", pid)
        waits = dict.fromkeys(_WAITS, 0.0)
        for served in self._processes.values():
            text = (await self._http.get(f"{served.url}/metrics")).text
            for what in _WAITS:
                for value in re.findall(rf"^paidan_{what} (\S+)$", text, re.MULTILINE):
                    waits[what] = max(waits[what], float(value))
        for what, value in waits.items():
            self.most[what] = max(self.most[what], value)
        return waits

    async def drained(self, within_s: float) -> float:
        """Wait until nothing waits any more; return the seconds. Raises TimeoutError."""
        began_s = time.monotonic()
        async with asyncio.timeout(within_s):
            while any((await self.sample()).values()):  # noqa: ASYNC110 - another process's figures
                await asyncio.sleep(0.2)
        return time.monotonic() - began_s

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    def _note(self, name: str, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            files = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return  # a child that has just been replaced
        seen = self.seen.setdefault(name, Seen())
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        if found:
            seen.at_s.append(self.elapsed_s)
            seen.rss.append(int(found[1]) * 1024)
            seen.files.append(files)


def _children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return sorted(int(child) for child in found.split())

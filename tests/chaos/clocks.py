"""Faults of clocks: one process's own is stepped or drifts, while the brokers' and everybody else's go on.

By libfaketime under the process (Debian's package; `make services` brings it): the wall clock is another, the running
time of the machine is not, as when somebody sets a clock. What must hold: no zone is told a time that is not, and once
the clock is right everything goes on.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from matcher.events import TimePassed
from tests.chaos.faults import Run
from tests.chaos.network import other_api, other_stream
from tests.chaos.proving import DidNotHappen
from tests.chaos.town import metric, until

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
STEP_S = 600.0
DRIFT = 1.05
#: What the product itself allows, and what an append may take.
OFF_S_MAX = 2.0
LATE_S = 3.0


class Clock:
    """The clock of the processes that are started with `settings`."""

    def __init__(self, folder: Path) -> None:
        if not LIBRARY.exists():
            raise DidNotHappen(f"there is no {LIBRARY}")
        self._file = folder / "clock"
        self.set("+0")
        self.settings = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, words: str) -> None:
        """Set it: `+600` seconds ahead, `+0 x1.05` too fast."""
        self._file.write_text(words + "\n", encoding="utf-8")


async def stream_clock_ahead(run: Run) -> None:
    """A stream's clock is set ten minutes ahead, and back."""
    await _stream(run, f"+{STEP_S:.0f}")


async def stream_clock_behind(run: Run) -> None:
    """A stream's clock is set ten minutes back, and right again."""
    await _stream(run, f"-{STEP_S:.0f}")


async def stream_clock_drifts(run: Run) -> None:
    """A stream's clock is five in a hundred too fast until that is noticed, and then set right."""
    await _stream(run, f"+0 x{DRIFT}")


async def _stream(run: Run, words: str) -> None:
    clock = Clock(run.town.folder)
    async with other_stream(run, **clock.settings) as stream:

        async def off() -> bool:
            return abs(await metric(stream.url, "stream_clock_difference_seconds")) > OFF_S_MAX

        async def right() -> bool:
            return not await off()

        await until(right, "the clock agrees")
        run.hurt()
        clock.set(words)
        await until(off, "the stream notices that its clock is off")
        run.figures["noticed"] = time.time() - run.hurt_s
        run.must(True, f"the clock of process {stream.process.pid} is {await _off_s(stream.url):+.0f} s off")
        await run.answering()
        await run.acknowledged(40)
        clock.set("+0")
        await until(right, "the clock agrees again")
        await run.answering()
    _no_zone_was_told_wrongly(run)


async def api_clock_ahead(run: Run) -> None:
    """The API's clock is set ten minutes ahead, and back: what it takes is taken and decided as before."""
    await _api(run, STEP_S)


async def api_clock_behind(run: Run) -> None:
    """The API's clock is set ten minutes back, and right again."""
    await _api(run, -STEP_S)


async def _api(run: Run, step_s: float) -> None:
    clock = Clock(run.town.folder)
    async with other_api(run, **clock.settings):

        async def off() -> bool:
            return abs(await _off_s(run.town.api_url) - step_s) < LATE_S

        clock.set(f"{step_s:+.0f}")
        await until(off, "its answers say another time")
        run.hurt()
        run.must(await off(), f"the API's answers are dated {await _off_s(run.town.api_url):+.0f} s")
        await run.acknowledged(40)
        await run.answering()
        clock.set("+0")
    _no_zone_was_told_wrongly(run)


async def _off_s(url: str) -> float:
    """Return how far its clock is from ours, in whole seconds: answers are dated."""
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.get(f"{url}/livez")
    return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()


def _no_zone_was_told_wrongly(run: Run) -> None:
    """No zone's time may stand after the moment at which the log took the entry that says it."""
    for line in run.town.history.lines:
        for _, at_s, _, events in line.entries:
            ahead = [e for e in events if isinstance(e, TimePassed) and e.at.timestamp() > at_s + OFF_S_MAX]
            if ahead:
                run.wrong.append(f"Zone ({ahead[0].zone}) was told ({ahead[0].at}) at ({at_s}).")
                return

"""Faults of clocks: one process's own is stepped or drifts, while the brokers' and everybody else's go on.

By a library under the process (`clock.c`, compiled here): its wall clock is another, the running time of the machine is
not, as when somebody sets a clock. (Debian's libfaketime makes `time.sleep` fail, which no clock does.) What must hold:
no zone is told a time that is not, and once the clock is right everything goes on.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from matcher.events import TimePassed
from tests.chaos.faults import Run
from tests.chaos.network import other_api, other_stream
from tests.chaos.proving import DidNotHappen
from tests.chaos.town import metric, until

SOURCE = Path(__file__).with_name("clock.c")
STEP_S = 600.0
DRIFT = 0.05
#: What the product itself allows, and what an append may take.
OFF_S_MAX = 2.0
LATE_S = 5.0


class Clock:
    """The clock of the processes that are started with `settings`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise DidNotHappen("there is no C compiler (cc) to make another clock with")
        library = folder / "clock.so"
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        self._file = folder / "clock"
        self.set(0.0)
        self.settings = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(self._file)}

    def set(self, seconds: float, rate: float = 0.0) -> None:
        """Set it so many seconds ahead; from now on it gains so much of each second."""
        half = self._file.with_suffix(".half")
        half.write_text(f"{seconds} {rate} {time.time()}\n", encoding="utf-8")
        half.replace(self._file)


async def stream_clock_ahead(run: Run) -> None:
    """A stream's clock is set ten minutes ahead, and back."""
    await _stream(run, STEP_S)


async def stream_clock_behind(run: Run) -> None:
    """A stream's clock is set ten minutes back, and right again."""
    await _stream(run, -STEP_S)


async def stream_clock_drifts(run: Run) -> None:
    """A stream's clock is five in a hundred too fast until that is noticed, and then set right."""
    await _stream(run, 0.0, DRIFT)


async def _stream(run: Run, step_s: float, rate: float = 0.0) -> None:
    clock = Clock(run.town.folder)
    async with other_stream(run, **clock.settings) as stream:

        async def off_s() -> float:
            return abs(await metric(stream.url, "stream_clock_difference_seconds"))

        async def noticed() -> bool:
            return await off_s() > OFF_S_MAX

        async def right() -> bool:
            return not await noticed()

        async def shown() -> bool:
            return abs(await _off_s(stream.url) - step_s) < LATE_S

        await until(right, "the clock agrees")
        run.hurt()
        clock.set(step_s, rate)
        await until(noticed, "the stream notices that its clock is off")
        run.figures["noticed"] = time.time() - run.hurt_s
        await until(shown, "its answers are dated by that clock")
        run.must(
            abs(await off_s() - abs(step_s)) < LATE_S, f"the brokers' time was {await off_s():.1f} s from its clock"
        )
        await run.answering()
        await run.acknowledged(40)
        clock.set(0.0)
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

        clock.set(step_s)
        await until(off, "its answers say another time")
        run.hurt()
        run.must(await off(), f"the API's answers are dated {await _off_s(run.town.api_url):+.0f} s")
        await run.acknowledged(40)
        await run.answering()
        clock.set(0.0)
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

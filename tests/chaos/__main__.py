"""`python -m tests.chaos --hours 8`: play what was played least, keep every run, make the table of the page.

`--faults kill-stream,flush-redis --runs 3` plays just these. Runs go to docs/chaos-runs.jsonl, the table to
docs/chaos.md.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import record, table
from tests.chaos.matrix import FAULTS, Fault
from tests.chaos.playing import place, play_all

LOST = 7
PAGE = record.ROOT / "docs" / "chaos.md"


async def main(wanted: Iterator[Fault], folder: Path, seed: int, out: Path) -> int:
    """Play; return 0, or 7 when anything was wrong or had no effect. Told to end, it ends what it has started first."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    commit, played = record.commit_here(), []
    if out == record.FILE:
        table.write(PAGE, record.read(out))
    async for result in play_all(wanted, folder, seed):
        each = record.of(result, commit, datetime.now(UTC).replace(microsecond=0))
        played.append(each)
        record.append(out, each)
        if out == record.FILE:
            table.write(PAGE, record.read(out))
        recovery = "" if each.recovery_s is None else f", recovery {each.recovery_s:.1f} s"
        print(
            f"{time.strftime('%H:%M:%S')} {each.fault}: {each.acknowledged} acknowledged{recovery}, {each.seconds} s, "
            f"load {each.load}, {each.outcome} {each.figures or ''} {'; '.join(each.findings)}",
            flush=True,
        )
    print(table.section(played))
    return 0 if all(each.outcome == record.SOUND for each in played) else LOST


def chosen(names: list[str], runs: int | None, hours: float | None, out: Path) -> Iterator[Fault]:
    """Return what to play: each so many times, or the least played first until the time is up."""
    faults = [FAULTS[name] for name in names]
    if hours is None:
        return iter([fault for fault in sorted(faults, key=place) for _ in range(1 if runs is None else runs)])
    end_s = time.monotonic() + 3600 * hours
    return record.fewest_first(faults, record.read(out), lambda: time.monotonic() < end_s)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--runs", type=int, help="of each fault; 1 unless --hours is given")
    how_long.add_argument("--hours", type=float, help="begin runs until then, those with the fewest runs first")
    parser.add_argument("--faults", default=",".join(FAULTS), help="some of: %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path, default=record.FILE, help="where runs are added; else no table is made")
    parser.add_argument("--dir", type=Path, help="where logs of processes go; kept where a run was not sound")
    given = parser.parse_args()
    folder = given.dir or Path(tempfile.mkdtemp(prefix="paidan-chaos-"))
    names = [name for name in given.faults.split(",") if name]
    unknown = set(names) - FAULTS.keys()
    if unknown:
        parser.error(f"no such faults: {', '.join(sorted(unknown))}")
    print(f"seed {given.seed}, logs in {folder}", flush=True)
    wanted = chosen(names, given.runs, given.hours, given.out)
    sys.exit(asyncio.run(main(wanted, folder, given.seed, given.out)))

"""`python -m tests.chaos --runs 3 --faults kill-stream,flush-redis`: play, print a table, write it to files."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.chaos.matrix import FAULTS
from tests.chaos.playing import Result, play_all
from tests.chaos.table import table

LOST = 7


async def main(names: list[str], runs: int, folder: Path, seed: int, out: Path) -> int:
    """Play; return 0, or 7 when anything was wrong. Told to end, it ends what it has started first."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    results: list[Result] = []
    async for result in play_all([FAULTS[name] for name in names], runs, folder, seed):
        results.append(result)
        words = "sound" if result.sound else f"NOT SOUND {result.error} {result.judged.findings}"
        recovery = "" if result.recovery_s is None else f", recovery {result.recovery_s:.1f} s"
        print(
            f"{time.strftime('%H:%M:%S')} {result.fault}: {result.judged.acknowledged} acknowledged{recovery}, "
            f"{result.seconds} s, {words}",
            flush=True,
        )
        out.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
        out.with_suffix(".md").write_text(table(results), encoding="utf-8")
    print(table(results))
    return 0 if all(result.sound for result in results) else LOST


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="of each fault")
    parser.add_argument("--faults", default=",".join(FAULTS), help="some of: %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path, default=Path("chaos"), help="OUT.json and OUT.md are written")
    parser.add_argument("--dir", type=Path, help="where logs of processes go; kept where a run was not sound")
    given = parser.parse_args()
    folder = given.dir or Path(tempfile.mkdtemp(prefix="paidan-chaos-"))
    chosen = [name for name in given.faults.split(",") if name]
    unknown = set(chosen) - FAULTS.keys()
    if unknown:
        parser.error(f"no such faults: {', '.join(sorted(unknown))}")
    print(f"seed {given.seed}, logs in {folder}", flush=True)
    sys.exit(asyncio.run(main(chosen, given.runs, folder, given.seed, given.out)))

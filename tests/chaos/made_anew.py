"""The fault after which nothing can go on: the topics are deleted and made anew under live writers.

Everybody must notice and end with 7, nothing may be answered from the old state, and `journal verify` must list what
was acknowledged and is gone.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.exits import ExitCode
from services.verify import Receipt, Verdict
from tests.chaos.faults import Run
from tests.chaos.town import WAIT_S, until
from tests.processes import RUN, Served
from tests.shell import ROOT, clean_environment


async def play(run: Run) -> float:
    """Play it; return the seconds until the last process had ended. What is wrong goes to `run.wrong`."""
    town = run.town
    run.hurt()
    before = await town.topic_ids()
    await town.remove_topics()
    gone = dict(town.load.receipts)
    await town.make_topics()
    after = await town.topic_ids()
    run.must(not before & after and len(after) == len(before) == 4, "four topics, four other ids than before")
    noticed_s = await everybody_ends(run)
    # Started again they must not go on as if nothing had happened: the board still shows the old log.
    for role in ("stream", "api"):
        words = await _ends_with(town.serve(role), ExitCode.LOG_UNTRUSTED)
        run.wrong += [f"started again: {words}"] if words else []
    run.wrong += await asyncio.to_thread(_listed, run, gone)
    return noticed_s


async def gone(run: Run) -> float:
    """The topics are deleted and nobody makes them anew; return the seconds until the last process had ended."""
    town = run.town
    run.hurt()
    before = await town.topic_ids()
    await town.remove_topics()
    after = await town.topic_ids()
    run.must(len(before) == 4 and not after, "four topics, then none")
    noticed_s = await everybody_ends(run)
    for role in ("stream", "api"):
        words = await _ends_with(town.serve(role), ExitCode.BAD_INPUT)
        run.wrong += [f"started again: {words}"] if words else []
    return noticed_s


async def everybody_ends(run: Run) -> float:
    """Wait until every process has ended with 7; return the seconds since the fault."""
    town = run.town
    assert town.api is not None
    everybody = [*town.streams, *town.workers, town.api]
    run.wrong += [words for each in everybody if (words := await _ends_with(each, ExitCode.LOG_UNTRUSTED))]
    noticed_s = time.time() - run.hurt_s
    await town.load.abandon()
    return noticed_s


async def _ends_with(process: Served, wanted: ExitCode) -> str:
    """Wait for the end; say what is wrong with it, or ''."""

    async def ended() -> bool:
        return process.process.poll() is not None

    try:
        await until(ended, "it ends", WAIT_S / 2)
    except TimeoutError:
        return f"goes on: {process.said[-600:]}"
    code = process.process.returncode
    return "" if code == wanted else f"ended with ({code}): {process.said[-600:]}"


def _listed(run: Run, gone: Mapping[str, Receipt]) -> list[str]:
    """Let `journal verify` compare the new log with the old receipts; say what it did not find."""
    town = run.town
    receipts = Path(town.folder) / "receipts.jsonl"
    receipts.write_bytes(b"\n".join(msgspec.json.encode(each) for each in gone.values()) + b"\n")
    options = ["--kafka", town.brokers.kafka, "--prefix", town.prefix, "--receipts", str(receipts), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, "journal", "verify", *options],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )
    if done.returncode != ExitCode.LOG_UNTRUSTED:
        return [f"`journal verify` ended with ({done.returncode}): {done.stderr.decode()[-600:]}"]
    verdict = msgspec.json.decode(done.stdout, type=Verdict)
    listed = {each.id for each in verdict.gone}
    if verdict.lost < len(gone) or listed != set(gone):
        return [f"of ({len(gone)}) receipts ({verdict.lost}) count as lost and ({len(listed)}) are listed"]
    return []

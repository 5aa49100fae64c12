"""Every run of `make chaos`, one JSON object a line in docs/chaos-runs.jsonl; the table of docs/chaos.md is made of it.

Written by the runner as each run ends, read for the table and for choosing what to play next. A run whose fault did
not take place stays in the file, so that nobody plays it for ever without noticing, and in no figure.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import msgspec

from services.names import NAME
from tests.chaos.matrix import Fault
from tests.chaos.playing import place
from tests.chaos.result import Result

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "chaos-runs.jsonl"
#: What the runner itself writes: a commit that differs in these only is that commit.
OURS = (":!docs/chaos-runs.jsonl", ":!docs/chaos.md", ":!docs/simulation-runs.jsonl")
SOUND, NOT_SOUND, DID_NOT_HAPPEN = "sound", "not sound", "did not happen"
WORDS_MAX = 600


class Played(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One run. `commit` ends with + where the tree had changes. `load`: of one minute, at its end."""

    fault: str
    at: datetime
    outcome: str
    version: str
    commit: str
    cores: int
    load: float
    seed: int
    seconds: float
    recovery_s: float | None = None
    #: the longest wait that a fault measured, by what waited: takeover, kept, silence, parked
    figures: dict[str, float] = {}
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    double_bookings: int = 0
    untold: int = 0
    told_twice: int = 0
    board_differs: int = 0
    void: int = 0
    evidence: list[str] = []
    findings: list[str] = []

    @property
    def counts(self) -> bool:
        """Whether its fault took place."""
        return self.outcome != DID_NOT_HAPPEN


def of(result: Result, commit: str, now: datetime) -> Played:
    """Return what is kept of a result."""
    judged = result.judged
    outcome = SOUND if result.sound else DID_NOT_HAPPEN if result.did_not_happen else NOT_SOUND
    words = [each for each in (result.did_not_happen, result.error) if each]
    return Played(
        fault=result.fault,
        at=now,
        outcome=outcome,
        version=version(NAME),
        commit=commit,
        cores=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 1),
        seed=result.seed,
        seconds=result.seconds,
        recovery_s=None if result.recovery_s is None else round(result.recovery_s, 2),
        figures=result.figures,
        acknowledged=judged.acknowledged,
        lost=judged.lost,
        doubled=judged.doubled,
        double_bookings=judged.double_bookings,
        untold=judged.untold,
        told_twice=judged.told_twice,
        board_differs=judged.board_differs,
        void=judged.void,
        evidence=result.evidence,
        findings=[each[-WORDS_MAX:] for each in [*words, *judged.findings]],
    )


def commit_here() -> str:
    """Name the commit that is played, with + where the tree differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", ".", *OURS)
    return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")


def append(file: Path, played: Played) -> None:
    """Add one run."""
    with file.open("ab") as out:
        out.write(msgspec.json.encode(played) + b"\n")


def read(file: Path) -> list[Played]:
    """Return all runs, in the order in which they ended."""
    if not file.exists():
        return []
    return [msgspec.json.decode(line, type=Played) for line in file.read_bytes().splitlines() if line]


def fewest_first(faults: Sequence[Fault], runs: Iterable[Played], goes_on: Callable[[], bool]) -> Iterator[Fault]:
    """Yield what to play next as long as it goes on: rounds of the faults with the fewest runs, a town's together."""
    tried = Counter(each.fault for each in runs)
    while goes_on():
        least = min(tried[fault.name] for fault in faults)
        round_ = sorted((fault for fault in faults if tried[fault.name] == least), key=place)
        for _, neighbours in groupby(round_, key=place):
            for fault in neighbours:
                if not goes_on():
                    return
                tried[fault.name] += 1
                yield fault

"""What is kept of runs, what is played next, and the page that is made of it. No brokers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import pytest

from tests.chaos import proving, record, table
from tests.chaos.__main__ import PAGE
from tests.chaos.judging import Judged
from tests.chaos.matrix import FAULTS
from tests.chaos.playing import place
from tests.chaos.record import DID_NOT_HAPPEN, NOT_SOUND, SOUND, Played
from tests.chaos.result import Result

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = list(FAULTS)


def played(fault: str = "kill-stream", **more: object) -> Played:
    told = {"at": NOW, "outcome": SOUND, "version": "1", "commit": "c", "cores": 2, "load": 1.0, "seed": 1}
    return Played(**{**told, "fault": fault, "seconds": 1.0, **more})  # type: ignore[arg-type]


def test_a_run_that_was_kept_is_read_again_as_it_was(tmp_path: Path) -> None:
    runs = [played(recovery_s=6.2, evidence=["dead"]), played("flush-redis", outcome=NOT_SOUND, lost=3)]
    for run in runs:
        record.append(tmp_path / "runs", run)
    assert record.read(tmp_path / "runs") == runs


def test_a_result_says_whether_it_was_sound_or_its_fault_never_took_place() -> None:
    results = [
        Result(fault="f", seed=1, recovery_s=1.0, evidence=["dead"]),
        Result(fault="f", seed=1, judged=Judged(lost=1)),
        Result(fault="f", seed=1, error="TimeoutError"),
        Result(fault="f", seed=1, did_not_happen="0 bytes held back"),
    ]
    kept = [record.of(result, "c", NOW) for result in results]
    assert [each.outcome for each in kept] == [SOUND, NOT_SOUND, NOT_SOUND, DID_NOT_HAPPEN]
    assert [each.counts for each in kept] == [True, True, True, False]


def test_what_was_played_least_comes_first_and_then_everything_in_turn() -> None:
    faults = [FAULTS[name] for name in NAMES[:4]]
    runs = [played(NAMES[0])] * 2 + [played(NAMES[1]), played(NAMES[3], outcome=DID_NOT_HAPPEN)]
    order = [fault.name for fault in islice(record.fewest_first(faults, runs, lambda: True), 8)]
    assert order[0] == NAMES[2]
    assert Counter(order[1:4]) == Counter((NAMES[1], NAMES[2], NAMES[3]))
    assert Counter(order[4:8]) == Counter(NAMES[:4])


def test_faults_that_need_the_same_brokers_are_played_one_after_the_other() -> None:
    faults = list(FAULTS.values())
    places = [place(fault) for fault in islice(record.fewest_first(faults, [], lambda: True), len(faults))]
    changes = sum(before != after for before, after in pairwise(places))
    assert changes + 1 == len({str(each) for each in places})


def test_no_run_is_begun_when_the_time_is_up() -> None:
    left = iter([True, True, True, False])
    assert len(list(record.fewest_first(list(FAULTS.values()), [], lambda: next(left)))) < 3


def test_a_run_whose_fault_did_not_take_place_is_in_no_figure() -> None:
    runs = [played(acknowledged=10), played(acknowledged=1000, outcome=DID_NOT_HAPPEN, findings=["nothing held back"])]
    section = table.section(runs)
    assert "| kill-stream | 1 | 1.00 | 10 |" in section
    assert "1,0" not in section.replace("| 1,", "")
    assert "nothing held back" in section


def test_a_row_with_a_run_that_was_not_sound_has_no_bound() -> None:
    runs = [played()] * 9 + [played(outcome=NOT_SOUND, lost=2)]
    assert "| kill-stream | 10 | - | 0 | 2 |" in table.section(runs)
    assert "| kill-stream | 9 | 0.33 | 0 | 0 |" in table.section(runs[:9])


def test_the_page_shows_the_runs_that_are_kept() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == table.page(text, record.read(record.FILE)), "python -m tests.chaos --runs 0 makes it anew"


def test_every_run_that_is_kept_is_of_a_fault_that_there_is_and_says_what_showed_it() -> None:
    for run in record.read(record.FILE):
        assert run.fault in FAULTS
        assert run.evidence or run.outcome != SOUND, run


def test_every_fault_has_its_place_in_the_matrix_of_the_page_and_none_is_there_that_is_not_built() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## The matrix")[2].partition("\n## ")[0]
    named = {word for cell in text.split("|") for word in cell.replace(",", " ").split() if word in FAULTS}
    assert named == set(FAULTS)


def test_a_quantile_is_a_value_that_occurred() -> None:
    values = [3.0, 1.0, 2.0, 4.0]
    assert [table.quantile(values, share) for share in (0.0, 0.5, 0.51, 0.95, 1.0)] == [1.0, 2.0, 3.0, 4.0, 4.0]


def test_a_process_is_stopped_until_it_goes_on() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with proving.stopped(process.pid):
            assert proving.state(process.pid) == "T"
        assert proving.state(process.pid) != "T"
        process.communicate(b"\n")


def test_what_goes_on_too_early_or_was_gone_before_was_not_stopped() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with pytest.raises(proving.DidNotHappen, match="go on"), proving.stopped(process.pid):
            os.kill(process.pid, signal.SIGCONT)
        process.communicate(b"\n")
    with pytest.raises(proving.DidNotHappen, match="gone"), proving.stopped(process.pid):
        pass

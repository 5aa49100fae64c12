"""The file of what was played: seeds go on where they stopped, and the sum says what that shows."""

from __future__ import annotations

from pathlib import Path

from tests.simulation import record
from tests.simulation.record import Series


def _series(first: int, count: int, *broken: int) -> Series:
    return Series(
        at=record.now(),
        commit="c",
        first=first,
        count=count,
        broken=list(broken),
        commands=2 * count,
        acknowledged=count,
        checks=9 * count,
        seconds=count,
    )


def test_nothing_was_played_before_the_first_series(tmp_path: Path) -> None:
    assert record.series(tmp_path / "none") == []
    assert record.next_seed(tmp_path / "none") == 0


def test_the_next_series_begins_after_the_last_seed(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    for first, count in ((0, 300), (1000, 20), (300, 40)):
        record.add(_series(first, count), file)
    assert [one.first for one in record.series(file)] == [0, 1000, 300]
    assert record.next_seed(file) == 1020


def test_the_sum_states_a_bound_only_where_nothing_broke() -> None:
    sound, not_sound = [_series(0, 200), _series(200, 100)], [_series(0, 200), _series(200, 100, 250)]
    assert "0 broken; fewer than 1.00% of such stories" in record.summed(sound)
    assert record.summed(not_sound).endswith("1 broken.")

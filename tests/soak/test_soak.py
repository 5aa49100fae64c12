"""A short soak of real processes: what `make soak` says of ten minutes must be true of one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.soak.soaking import SLOWER, page, soak
from tests.soak.watching import MIB, Seen

MINUTES = 0.5


@pytest.mark.slow
def test_too_much_for_half_a_minute_is_refused_bounded_and_drained_and_nothing_is_lost(tmp_path: Path) -> None:
    made = asyncio.run(soak(tmp_path, MINUTES, brokers=False, seed=1, say=print))
    assert made.wrong() == [], page(made)
    assert made.taken > 0
    assert made.beats_s[len(made.beats_s) // 2] >= SLOWER, "the beat grows with the solver"


def test_a_leak_is_seen_through_the_noise_and_what_is_flat_is_flat() -> None:
    leaking, flat = Seen(), Seen()
    for n in range(120):
        noise = (n * 7919 % 11 - 5) * MIB // 10
        for seen, slope in ((leaking, MIB), (flat, 0)):
            seen.at_s.append(5.0 * n)
            seen.rss.append(100 * MIB + n * slope + noise)
    assert 75 * MIB < leaking.grown(200.0) < 85 * MIB
    assert abs(flat.grown(200.0)) < MIB

"""How commands fall into entries depends on timing; what happens in a zone does not, nor on the process it runs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import stories
from tests.simulation.same import ways

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("core", stories.CORES)
@pytest.mark.parametrize("seed", range(3))
def test_linger_and_group_size_do_not_change_what_happens_in_a_zone(seed: int, core: str):
    outcomes = ways(seed, core)
    assert len(outcomes) == 1
    assert any(int(line.split()[2]) for line in outcomes.pop().splitlines()), "a story in which nobody is held"


@pytest.mark.parametrize("core", stories.CORES)
def test_another_process_with_another_hash_seed_gives_the_same_events(core: str):
    outcomes = {"\n\n".join(sorted(ways(5, core))) + "\n"}
    for hash_seed in ("0", "271828"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        program = [sys.executable, "-m", "tests.simulation.same", "5", core]
        done = subprocess.run(program, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        outcomes.add(done.stdout)
    assert len(outcomes) == 1

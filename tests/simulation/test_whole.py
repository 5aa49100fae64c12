"""The whole system as one seeded run: dead at any step of a fixed story, and random stories with everything at once.

Some in `make check`, more in `make test`, as many as there are hours in `make simulate` (docs/simulation.md).
`PAIDAN_WHOLE_SEEDS` says how many seeds the slow tier plays (60).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.whole.checking import Checker
from tests.simulation.whole.stories import FAULTS, PROCESSES, crashed, fixed, random_story
from tests.simulation.whole.world import Outcome, played

ROOT = Path(__file__).parents[2]
FEW = range(3)
MANY = range(1000, 1000 + int(os.environ.get("PAIDAN_WHOLE_SEEDS", "60")))
#: Every step is played by `python -m tests.simulation --steps`; here every n-th, of each process.
STEPS_FEW, STEPS_MANY = 4000, 150


def sound(outcome: Outcome, again: str) -> None:
    assert outcome.broken is None, f"{outcome.broken}\n  again: python -m tests.simulation {again}"


def test_the_fixed_story_shows_what_there_is_to_show():
    outcome = played(fixed())
    sound(outcome, "--step api-0:0")
    assert outcome.acknowledged >= 30 - 3  # poison is acknowledged to nobody
    assert {"OfferSent", "RequestClosed", "CommandParked", "CommandRefused"} <= outcome.kinds.keys()
    assert outcome.kinds["JobReported"] == outcome.messages > 5
    assert outcome.repeats == 0


def _steps(every: int) -> list[tuple[str, int]]:
    ends = played(fixed()).steps
    return [(name, step) for name in PROCESSES for step in range(every // 10, ends[name] + 1, every)]


def _dies(name: str, step: int) -> None:
    outcome = played(crashed(name, step))
    sound(outcome, f"--step {name}:{step}")
    assert outcome.crashed


def test_a_process_that_dies_at_one_of_its_steps_costs_nothing():
    for name, step in _steps(STEPS_FEW):
        _dies(name, step)


@pytest.mark.slow
def test_a_process_that_dies_at_many_of_its_steps_costs_nothing():
    for name, step in _steps(STEPS_MANY):
        _dies(name, step)


@pytest.mark.parametrize("seed", FEW)
def test_nothing_is_lost_doubled_or_shown_wrongly_whatever_happens(seed: int):
    sound(played(random_story(seed)), f"--seed {seed}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_nothing_is_lost_doubled_or_shown_wrongly_in_more_stories(seed: int):
    sound(played(random_story(seed)), f"--seed {seed}")


def test_the_same_seed_is_the_same_run():
    once, again = played(random_story(3)), played(random_story(3))
    assert once == again
    assert once.checks > 100


def test_every_fault_is_one_that_stories_have():
    drawn = {item.what for seed in range(300) for item in random_story(seed).items if hasattr(item, "what")}
    assert drawn == {what for what, *_ in FAULTS}


def test_the_judge_shares_no_code_with_those_who_write_or_fold():
    source = (ROOT / "tests/simulation/whole/checking.py").read_text()
    imported = re.findall(r"^(?:from|import) (\S+)", source, re.MULTILINE)
    assert not [name for name in imported if name.split(".")[0] in ("matcher", "services", "producers", "tests")]
    assert Checker.__doc__


def test_a_seed_is_one_command_to_play_again():
    command = [sys.executable, "-m", "tests.simulation", "--seed", "2", "--story"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert "open.east" in done.stdout
    assert "commands" in done.stdout

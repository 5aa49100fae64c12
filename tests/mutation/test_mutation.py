"""The faults are faults, each where it says; the runner tells a mutant that a test notices from one that none does."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.mutation.__main__ import named
from tests.mutation.faults import applied, mutants
from tests.mutation.judged import EQUIVALENT
from tests.mutation.playing import Case, Plan
from tests.mutation.table import Row, interval, rows, table
from tests.mutation.targets import FILES

ROOT = Path(__file__).parents[2]

SOURCE = '''
LIMIT = 3


class Box:
    def add(self, thing: str, many: int = 2) -> list[str]:
        """Words."""
        if many > LIMIT and thing:
            raise ValueError("too many")
        self.held = [thing, "more"]
        return [one for one in self.held if one is not None]
'''


def faulty() -> list[str]:
    return [ast.unparse(applied(SOURCE, mutant)) for mutant in mutants(SOURCE)]


def test_every_fault_gives_another_program_than_the_others_and_than_the_original() -> None:
    programs = [ast.unparse(ast.parse(SOURCE)), *faulty()]
    assert len(set(programs)) == len(programs)


@pytest.mark.parametrize(
    "words",
    [
        "LIMIT = 4", "many >= LIMIT", "many > LIMIT or thing", "if thing:", "if many > LIMIT:", "if True", "if False",
        "        pass\n", "self.held = ['more']", "self.held = [thing]", "'moreXX'", "return None", "if one is None",
        "for one in self.held]",
    ],
)  # fmt: skip
def test_each_kind_of_fault_is_made(words: str) -> None:
    assert any(words in program for program in faulty())


def test_docstrings_defaults_annotations_and_words_of_errors_stay() -> None:
    for program in faulty():
        assert "thing: str, many: int=2) -> list[str]:" in program
        assert "Words." in program
        assert "too manyXX" not in program


def test_a_fault_says_where_it_is() -> None:
    mutant = next(mutant for mutant in mutants(SOURCE) if mutant.operator == "comparison")
    assert (mutant.owner, mutant.first_line, mutant.words) == ("Box.add", 8, "many > LIMIT -> many >= LIMIT")


def test_every_file_under_test_can_be_given_each_of_its_faults_and_no_two_share_a_name() -> None:
    names: set[str] = set()
    for file in FILES:
        source = (ROOT / file).read_text(encoding="utf-8")
        mine = named(file, source)
        compile(applied(source, mine[len(mine) // 2][1]), file, "exec")
        assert not names & {name for name, _ in mine}
        names |= {name for name, _ in mine}
    assert not EQUIVALENT.keys() - names, "judged, but no longer there: look at them again"


def test_the_share_killed_leaves_out_what_is_equivalent_and_gives_its_interval() -> None:
    results = {"a": {"killed": True}, "b": {"killed": False}, "c": {"killed": False}, "d": {"broken": "x"}}
    row = rows({"f.py": ["a", "b", "c", "d", "e"]}, results, {"b": "why"})[0]
    assert (row.possible, row.run, row.killed, row.equivalent, row.share) == (5, 3, 1, 1, 0.5)
    assert "| f.py | 5 | 3 | 1 | 1 | 1 | 50.0 %" in table([row])
    low, high = interval(Row("x", possible=999, run=100, killed=90))
    assert (round(low, 2), round(high, 2)) == (0.83, 0.94)


@pytest.mark.slow
def test_a_fork_is_killed_by_the_test_that_reaches_its_fault_and_another_lives(tmp_path: Path) -> None:
    file, test = "services/reading.py", "tests/services/test_reading.py"
    mine = named(file, (ROOT / file).read_text(encoding="utf-8"))
    number = next(n for n, (_, mutant) in enumerate(mine) if "record.after != self.last" in mutant.words)
    lives = f"{test}::test_a_jump_in_the_journal_is_not_trusted"
    kills = f"{test}::test_a_sign_in_knows_whether_the_one_before_died_without_an_entry"
    cases = [Case("dies", file, number, [lives, kills]), Case("lives", file, number, [lives])]
    plan = Plan(str(tmp_path / "results"), time.time() + 300, 1, 60, cases, {kills: 1.0, lives: 1.0})
    (tmp_path / "plan").write_bytes(msgspec.json.encode(plan))
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "-p", "tests.mutation.playing", test]
    environment = {**os.environ, "PAIDAN_MUTATION_PLAN": str(tmp_path / "plan"), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, timeout=300)
    said = [json.loads(line) for line in (tmp_path / "results").read_text(encoding="utf-8").splitlines()]
    assert {one["name"]: one.get("by") for one in said} == {"dies": kills, "lives": None}

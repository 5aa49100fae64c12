"""`python -m tests.mutation`: give the code small faults and see which of them no test notices.

    python -m tests.mutation                       # all, as far as one did not get before; results in .mutation/
    python -m tests.mutation --only Cursor --minutes 10
    python -m tests.mutation --sample 300 --seed 1 # of each group so many, drawn
    python -m tests.mutation --show                # the survivors
    python -m tests.mutation --table               # the table of docs/mutation.md

It works on a copy of the tree, goes on where it stopped, and asks only the tests that reach a mutant's lines.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.mutation.faults import Mutant, mutants
from tests.mutation.judged import EQUIVALENT
from tests.mutation.playing import Case, Plan
from tests.mutation.table import Row, rows, summed, table
from tests.mutation.targets import FILES, GROUPS, MARKS, NOT_ASKED

#: Tests that take longer are not asked for one mutant.
TEST_S_MAX = 10.0


def main() -> None:
    """Read the arguments and do what they say."""
    asked = _arguments()
    folder = Path(asked.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if asked.table or asked.show:
        (_print_table if asked.table else _print_survivors)(folder)
        return
    tree = folder / "tree"
    _copy(Path.cwd(), tree)
    until = time.time() + 60 * asked.minutes
    reach = _wanted(_reach(folder, tree, asked), asked)
    seconds = _seconds(folder, tree, reach, asked, until)
    cases = _cases(folder, tree, reach, seconds, asked)
    print(f"{len(cases)} mutants to run")
    plan = Plan(str(folder / "results.jsonl"), until, asked.processes, asked.seconds, cases, seconds)
    _play(folder, tree, plan, {test for case in cases for test in case.tests})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--folder", default=".mutation", help="what was learnt and found")
    parser.add_argument("--only", nargs="*", help="groups or files")
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=15, help="of tests, for one mutant")
    parser.add_argument("--sample", type=int, default=0, help="so many of each group; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", nargs="*", default=["tests"], help="only these tests are asked (paths)")
    parser.add_argument("--again", action="store_true", help="the survivors only, once more")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--table", action="store_true")
    return parser.parse_args()


def _copy(source: Path, tree: Path) -> None:
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=source, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    wanted = {name for name in names if name and (source / name).is_file()}
    for name in sorted(wanted):
        here, there = source / name, tree / name
        if not there.exists() or there.read_bytes() != here.read_bytes():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(here, there)


def _pytest(tree: Path, environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", MARKS, *words]
    subprocess.run(command, cwd=tree, env={**os.environ, **environment, "PYTHONPATH": str(tree)}, check=False)


def _reach(folder: Path, tree: Path, asked: argparse.Namespace) -> dict[str, dict[str, list[int]]]:
    """Return which lines each test runs: learnt once for these sources and tests."""
    if not list(folder.glob("reach.jsonl.*")):
        words = [word for path in NOT_ASKED for word in ("--ignore", path)]
        environment = {"PAIDAN_MUTATION_REACH": str(folder / "reach.jsonl")}
        _pytest(tree, environment, "-p", "tests.mutation.learning", "-n", str(asked.processes), *asked.tests, *words)
    reach = {}
    for path in folder.glob("reach.jsonl.*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            test = json.loads(line)
            reach[test["test"]] = test["lines"]
    return reach


def _wanted(reach: dict[str, dict[str, list[int]]], asked: argparse.Namespace) -> dict[str, dict[str, list[int]]]:
    """Return what is reached of the files that are asked for."""
    files = {file for group, files in GROUPS.items() for file in files if _is_wanted(group, file, asked)}
    paths = tuple(asked.tests)
    return {test: lines for test, lines in reach.items() if files & lines.keys() and test.startswith(paths)}


def _is_wanted(group: str, file: str, asked: argparse.Namespace) -> bool:
    return not asked.only or group in asked.only or file in asked.only


def _seconds(
    folder: Path, tree: Path, reach: dict[str, dict[str, list[int]]], asked: argparse.Namespace, until: float
) -> dict[str, float]:
    """Return how long each test takes alone in a fork, of those that pass there."""
    path = folder / "alone.jsonl"
    known = {one["name"] for one in _lines(path)}
    new = {test: 0.0 for test in reach if test not in known}
    if new:
        _play(folder, tree, Plan(str(path), until, asked.processes, 0, [], new), set(new))
    return {one["name"]: one["seconds"] for one in _lines(path) if one.get("passed")}


def _cases(
    folder: Path,
    tree: Path,
    reach: dict[str, dict[str, list[int]]],
    seconds: dict[str, float],
    asked: argparse.Namespace,
) -> list[Case]:
    results = {one["name"]: one for one in _lines(folder / "results.jsonl")}
    cases = []
    for group, files in GROUPS.items():
        mine = [case for file in files for case in _of_file(tree, file, reach, seconds)]
        if asked.sample:
            mine = random.Random(asked.seed).sample(mine, min(asked.sample, len(mine)))
        for case in mine:
            done = results.get(case.name)
            wanted = done is not None and not done.get("killed") if asked.again else done is None
            if wanted and _is_wanted(group, case.file, asked):
                cases.append(case)
    random.Random(asked.seed).shuffle(cases)
    return cases


def _of_file(tree: Path, file: str, reach: dict[str, dict[str, list[int]]], seconds: dict[str, float]) -> list[Case]:
    source = (tree / file).read_text(encoding="utf-8")
    running: dict[int, list[str]] = {}
    for test, lines in reach.items():
        if seconds.get(test, TEST_S_MAX) < TEST_S_MAX:
            for line in lines.get(file, ()):
                running.setdefault(line, []).append(test)
    cases = []
    for number, (name, mutant) in enumerate(named(file, source)):
        if mutant.function:
            tests = {test for line in range(mutant.first_line, mutant.last_line + 1) for test in running.get(line, ())}
        else:
            tests = {test for of_line in running.values() for test in of_line}
        cases.append(Case(name, file, number, sorted(tests, key=lambda test: seconds[test])))
    return cases


def named(file: str, source: str) -> list[tuple[str, Mutant]]:
    """Each mutant with a name that stays while its line stays the same."""
    seen: dict[str, int] = {}
    found = []
    lines = source.splitlines()
    for mutant in mutants(source):
        text = f"{file}|{mutant.owner}|{lines[mutant.first_line - 1].strip()}|{mutant.operator}|{mutant.words}"
        short = hashlib.sha256(text.encode()).hexdigest()[:10]
        seen[short] = seen.get(short, 0) + 1
        found.append((f"{short}.{seen[short]}", mutant))
    return found


def _print_table(folder: Path) -> None:
    results = {one["name"]: one for one in _lines(folder / "results.jsonl")}
    by_file = {file: [name for name, _ in _named_now(folder, file)] for file in FILES}
    of_file = {row.name: row for row in rows(by_file, results, EQUIVALENT)}
    shown: list[Row] = []
    for group, files in GROUPS.items():
        mine = [of_file[file] for file in files]
        shown += [summed(f"**{group}**", mine), *(mine if len(mine) > 1 else ())]
    print(table([*shown, summed("**all**", of_file.values())]))


def _print_survivors(folder: Path) -> None:
    results = {one["name"]: one for one in _lines(folder / "results.jsonl")}
    for file in FILES:
        for name, mutant in _named_now(folder, file):
            done = results.get(name)
            if done is None or (done.get("killed") or name in EQUIVALENT):
                continue
            said = done.get("broken") or f"{done['asked']} of {done['reach']} tests"
            print(f"{name} {file}:{mutant.first_line} {mutant.owner}: {mutant.operator}: {mutant.words}  [{said}]")


def _named_now(folder: Path, file: str) -> list[tuple[str, Mutant]]:
    tree = folder / "tree"
    return named(file, ((tree if tree.exists() else Path.cwd()) / file).read_text(encoding="utf-8"))


def _play(folder: Path, tree: Path, plan: Plan, tests: set[str]) -> None:
    path = folder / "plan.json"
    path.write_bytes(msgspec.json.encode(plan))
    files = sorted({test.split("::")[0] for test in tests})
    _pytest(tree, {"PAIDAN_MUTATION_PLAN": str(path)}, "-s", "-p", "tests.mutation.playing", *files)


def _lines(path: Path) -> list[dict[str, object]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()

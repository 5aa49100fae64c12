"""A pytest plugin that runs mutants instead of tests: everything is collected once, each mutant is a fork of that.

`-p tests.mutation.playing` with $PAIDAN_MUTATION_PLAN, the path of a JSON `Plan`. One JSON line a mutant is appended to
the plan's results. Nothing is written into the tree: the fault is put into the running functions of the fork.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import msgspec
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.faults import Mutant, applied, mutants

#: A test that takes ten times the processor time that it takes alone, and five seconds, hangs: somebody would notice.
HANGS = 10
HANGS_S = 5
#: One that waits so long does nothing any more, however busy the machine is.
WAITS_S = 90
MEMORY_BYTES_MAX = 4 << 30


class Case(msgspec.Struct):
    """One mutant to be run: the `number`th of `file`, and the tests that reach it, the best first."""

    name: str
    file: str
    number: int
    tests: list[str]


class Plan(msgspec.Struct):
    """What one run of the plugin does. `seconds`: of tests a mutant; `cases` empty: measure `tests` alone."""

    results: str
    until_s: float
    processes: int
    seconds: float
    cases: list[Case]
    #: Test to its own seconds; 0 where not known yet.
    tests: dict[str, float]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the plan's mutants (or, without any, each test alone) in forks of this process."""
    plan = msgspec.json.decode(Path(os.environ["PAIDAN_MUTATION_PLAN"]).read_bytes(), type=Plan)
    items = {item.nodeid: item for item in session.items}
    missing = [test for test in plan.tests if test not in items]
    print(f"{len(items)} tests collected, {len(missing)} of {len(plan.tests)} not there", flush=True)
    _Forks(plan, items).run()
    return True


class _Forks:
    """So many forks at a time; each says through a pipe how it ended."""

    def __init__(self, plan: Plan, items: dict[str, pytest.Item]) -> None:
        self._plan = plan
        self._items = items
        self._faulty = _Faulty({case.file for case in plan.cases})
        self._running: dict[int, tuple[int, str, Path, float]] = {}
        self._killers: dict[str, Counter[str]] = defaultdict(Counter)
        self._owners: dict[str, str] = {}
        self._done = 0

    def run(self) -> None:
        """Play everything, or until the time is up."""
        gc.collect()
        gc.freeze()
        for name, owner, work in self._works():
            while len(self._running) >= self._plan.processes:
                self._wait()
            if time.time() > self._plan.until_s:
                break
            self._start(name, owner, work)
        while self._running:
            self._wait()

    def _works(self) -> Iterator[tuple[str, str, Callable[[], dict[str, Any]]]]:
        if not self._plan.cases:
            for test in self._plan.tests:
                if test in self._items:
                    yield test, "", lambda test=test: self._alone(test)  # type: ignore[misc]
        for case in self._plan.cases:
            mutant = self._faulty.mutants[case.file][case.number]
            owner = f"{case.file}:{mutant.owner}"
            yield case.name, owner, lambda case=case, owner=owner: self._mutated(case, owner)  # type: ignore[misc]

    def _alone(self, test: str) -> dict[str, Any]:
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_REAL, WAITS_S)
        passed = _passes(self._items[test], None)
        return {"passed": passed, "seconds": round(time.process_time() - begun, 4)}

    def _mutated(self, case: Case, owner: str) -> dict[str, Any]:
        self._faulty.put(case)
        killers = self._killers[owner]
        tests = sorted((test for test in case.tests if test in self._items), key=lambda t: -killers[t])
        begun = time.process_time()
        for count, test in enumerate(tests):
            if time.process_time() - begun > self._plan.seconds:
                return {"killed": False, "asked": count, "reach": len(tests)}
            signal.setitimer(signal.ITIMER_PROF, HANGS * self._plan.tests[test] + HANGS_S)
            signal.setitimer(signal.ITIMER_REAL, WAITS_S)
            following = self._items[tests[count + 1]] if count + 1 < len(tests) else None
            if not _passes(self._items[test], following):
                return {"killed": True, "by": test, "asked": count + 1}
        return {"killed": False, "asked": len(tests), "reach": len(tests)}

    def _start(self, name: str, owner: str, work: Callable[[], dict[str, Any]]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            _alone_in(folder, self._items)
            try:
                answer = work()
            except BaseException as error:
                answer = {"broken": f"{type(error).__name__}: {error}"}
            os.write(writer, json.dumps(answer).encode())
            os._exit(0)
        os.close(writer)
        self._running[reader] = pid, name, folder, time.time()
        self._owners[name] = owner

    def _wait(self) -> None:
        ready, _, _ = select.select(list(self._running), [], [])
        for reader in ready:
            pid, name, folder, begun = self._running.pop(reader)
            said = b""
            while chunk := os.read(reader, 65536):
                said += chunk
            os.close(reader)
            os.waitpid(pid, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # what its tests had started
            shutil.rmtree(folder, ignore_errors=True)
            self._note(name, json.loads(said) if said else {"killed": True, "by": "hangs or died"}, begun)

    def _note(self, name: str, answer: dict[str, Any], begun: float) -> None:
        if answer.get("by"):
            self._killers[self._owners.pop(name)][answer["by"]] += 1
        line = {"name": name, **answer, "wall_s": round(time.time() - begun, 2)}
        with open(self._plan.results, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._done += 1
        if self._done % 50 == 0:
            print(f"{self._done} done", flush=True)


class _Faulty:
    """The functions of the files under test as they are in this process, and how to put a fault into them."""

    def __init__(self, files: set[str]) -> None:
        self._sources = {file: Path(file).resolve() for file in files}
        self.mutants: dict[str, list[Mutant]] = {}
        self._functions: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
        for file, path in self._sources.items():
            importlib.import_module(_module(file))
            self.mutants[file] = mutants(path.read_text(encoding="utf-8"))
        names = {str(path): file for file, path in self._sources.items()}
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in names:
                self._functions[names[thing.__code__.co_filename], thing.__code__.co_qualname].append(thing)

    def put(self, case: Case) -> None:
        """Put the fault into the functions of this process; there is no way back."""
        path, mutant = self._sources[case.file], self.mutants[case.file][case.number]
        tree = applied(path.read_text(encoding="utf-8"), mutant)
        if mutant.function:
            self._put_function(case.file, mutant, compile(tree, str(path), "exec", dont_inherit=True))
        else:
            _put_value(_module(case.file), mutant, tree)

    def _put_function(self, file: str, mutant: Mutant, module: CodeType) -> None:
        new = {code.co_firstlineno: code for code in _codes(module) if code.co_qualname == mutant.owner}
        functions = self._functions[file, mutant.owner]
        if not functions:
            raise LookupError(f"No function ({mutant.owner}) is there.")
        for function in functions:
            function.__code__ = new[function.__code__.co_firstlineno]


def _put_value(module: str, mutant: Mutant, tree: ast.Module) -> None:
    statement = tree.body[mutant.path[0][1] or 0]
    value = ast.Expression(statement.value)  # type: ignore[attr-defined]
    new = eval(compile(value, module, "eval"), sys.modules[module].__dict__)  # noqa: S307
    old = sys.modules[module].__dict__[mutant.owner]
    for other in list(sys.modules.values()):
        if getattr(other, "__dict__", {}).get(mutant.owner) is old:
            setattr(other, mutant.owner, new)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def _alone_in(folder: Path, items: dict[str, pytest.Item]) -> None:
    """Be a process group of its own, silent, with a folder of its own and not all of the machine's memory."""
    os.setpgid(0, 0)
    silent = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silent, number)
    for limit in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(limit, signal.SIG_DFL)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES_MAX, used + MEMORY_BYTES_MAX))
    for item in items.values():
        item.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
        break


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))

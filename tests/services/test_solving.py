"""A solver in a process of its own: same plans, and a child that dies or lies never takes a beat with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matcher.policy import Budget
from matcher.problem import Plan
from matcher.solvers import solve
from services.solving import InlineSolver, ProcessSolver
from tests.solvers.contested import contested

FRAME = "import sys,struct,pickle; i=sys.stdin.buffer; o=sys.stdout.buffer;"
READ = "i.read(struct.unpack('<Q', i.read(8))[0]);"


def _python(*lines: str) -> list[str]:
    return [sys.executable, "-c", "".join(lines)]


def _same(one: Plan, other: Plan) -> bool:
    return (one.placements, one.shortfalls, one.objective, one.engine) == (
        other.placements,
        other.shortfalls,
        other.objective,
        other.engine,
    )


def _run(solver: ProcessSolver, work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await work()
        finally:
            await solver.close()

    asyncio.run(whole())


def test_in_line_and_in_a_process_the_plan_is_the_same() -> None:
    solver = ProcessSolver(children=2)
    cases = [contested(seed, crew=0.5, capacity=2) for seed in range(6)]

    async def work() -> None:
        plans = await asyncio.gather(*(solver.solve(case) for case in cases))
        for case, plan in zip(cases, plans, strict=True):
            assert _same(plan, await InlineSolver().solve(case))
            assert set(plan.seconds) == {"solve", "check"}

    _run(solver, work)
    assert solver.fallbacks == 0


def test_a_killed_child_is_answered_greedily_and_replaced() -> None:
    solver = ProcessSolver()
    case = contested(1, people=6)

    async def work() -> None:
        before = await solver.solve(case)
        os.kill(solver.pids[0], signal.SIGKILL)
        during = await solver.solve(case)
        after = await solver.solve(case)
        assert (before.engine, during.engine, after.engine) == ("ortools-flow", "greedy", "ortools-flow")
        assert not during.optimal
        assert _same(before, after)

    _run(solver, work)
    assert solver.fallbacks == 1


LIARS = {
    "dies at once": _python("raise SystemExit(3)"),
    "dies after the question": _python(FRAME, READ, "raise SystemExit(0)"),
    "no pickle": _python(FRAME, READ, "o.write(struct.pack('<Q', 5) + b'hello'); o.flush(); i.read()"),
    "no plan": _python(FRAME, READ, "a=pickle.dumps('no');o.write(struct.pack('<Q',len(a))+a);o.flush();i.read()"),
    "endless": _python(FRAME, READ, "o.write(b'\\xff' * 8); o.flush(); i.read()"),
    "cut short": _python(FRAME, READ, "o.write(struct.pack('<Q', 500) + b'abc'); o.flush()"),
}


@pytest.mark.parametrize("name", LIARS)
def test_a_child_that_answers_garbage_is_answered_greedily(name: str) -> None:
    solver = ProcessSolver(child=LIARS[name])

    async def work() -> None:
        assert (await solver.solve(contested(1))).engine == "greedy"
        assert (await solver.solve(contested(2))).engine == "greedy"

    _run(solver, work)
    assert solver.fallbacks == 2


def test_a_plan_that_is_not_what_it_says_is_answered_greedily(tmp_path: Path) -> None:
    case = contested(1, people=6)
    lie = tmp_path / "plan"
    import pickle

    lie.write_bytes(pickle.dumps(replace(solve(case), objective={"filled": 99, "travel": 0, "waiting": 0})))
    answer = f"a=open({str(lie)!r},'rb').read();o.write(struct.pack('<Q',len(a))+a);o.flush();i.read()"
    solver = ProcessSolver(child=_python(FRAME, READ, answer))

    async def work() -> None:
        assert (await solver.solve(case)).engine == "greedy"

    _run(solver, work)


def test_a_child_that_never_answers_meets_the_guard() -> None:
    solver = ProcessSolver(child=_python(FRAME, "i.read()"), guard_s=0.05)

    async def work() -> None:
        assert (await solver.solve(contested(1))).engine == "greedy"

    _run(solver, work)
    assert solver.fallbacks == 1


def test_a_caller_that_gives_up_leaves_no_stale_answer_behind() -> None:
    solver = ProcessSolver()
    first, second = contested(1, people=6), contested(2, people=6)

    async def work() -> None:
        asking = asyncio.create_task(solver.solve(first))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert _same(await solver.solve(second), await InlineSolver().solve(second))

    _run(solver, work)


def test_closing_ends_the_children() -> None:
    solver = ProcessSolver()

    async def work() -> None:
        await solver.solve(contested(1))
        pids = solver.pids
        assert len(pids) == 1
        await solver.close()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    asyncio.run(work())


PARENT = """
import asyncio, sys
from services.solving import ProcessSolver
from tests.solvers.contested import contested
async def main():
    solver = ProcessSolver()
    await solver.solve(contested(1))
    print(*solver.pids, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_child_outlives_ctrl_c_and_ends_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, signal.SIGINT)
    os.kill(child, 0)
    holder = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    import select

    try:
        assert select.select([holder], [], [], 10)[0], "the child lives on without its parent"
    finally:
        os.close(holder)


def test_after_a_crash_of_the_kernel_ortools_is_asked() -> None:
    crash = (
        "import os; from services import solving; ask = solving._answer;"
        "solving._answer = lambda q, live: ask(q, live) if b'ortools' in q else os._exit(139);"
        "solving.serve()"
    )
    solver = ProcessSolver(child=[sys.executable, "-c", crash])
    case = contested(1, people=6)

    async def work() -> None:
        plan = await solver.solve(replace(case, budget=Budget(engine="paths")))
        assert (plan.engine, plan.optimal) == ("ortools-flow", True)

    _run(solver, work)
    assert solver.fallbacks == 0


def test_a_live_child_answers_before_the_kernel_is_loaded_and_with_it_later() -> None:
    solver = ProcessSolver(guard_s=300)
    case = replace(contested(1, people=6), budget=Budget(engine="paths"))

    async def work() -> None:
        engines = [(await solver.solve(case)).engine]
        async with asyncio.timeout(500):
            while engines[-1] != "paths":
                await asyncio.sleep(0.1)
                engines.append((await solver.solve(case)).engine)
        assert engines[0] == "ortools-flow"
        later = [await solver.solve(replace(case, beat=beat)) for beat in (8, 9)]
        assert [plan.engine for plan in later] == ["paths, kept"] * 2
        assert later[0].objective == later[1].objective

    _run(solver, work)
    assert solver.fallbacks == 0


def test_in_lock_step_every_beat_is_solved_whole() -> None:
    solver = ProcessSolver()
    case = replace(contested(1, people=6), budget=Budget(engine="paths"))

    async def work() -> None:
        plans = [await solver.solve(replace(case, beat=beat)) for beat in range(3)]
        assert [plan.engine for plan in plans] == ["paths"] * 3

    _run(solver, work)

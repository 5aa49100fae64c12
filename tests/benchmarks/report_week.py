"""The report week at full size: filled, metres, steps a second, and nearest-first on the same week.

    python -m tests.benchmarks.report_week --size county --iterations 200000
    python -m tests.benchmarks.report_week --bound areas --iterations 60000
    python -m tests.benchmarks.report_week --bound city --budgets 60,900
    python -m tests.benchmarks.report_week --peers 100x200 --seconds 12 --iterations 48000
    python -m tests.benchmarks.report_week --pictures DIR --iterations 60000

Every plan printed has been re-checked by `tests.week_checker`. CPU seconds of one thread; compiling is not counted.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from matcher import weekly
from matcher.weekly import planning
from matcher.weekly.week import Effort, Week, WeekPlan
from matcher.weeks import theme_day
from services.pictures import Subject, write
from tests.benchmarks import weeks
from tests.benchmarks.week_nearest import nearest_first
from tests.week_checker import objections


def told(name: str, week: Week, plan: WeekPlan, cpu: float, check: bool = True) -> None:
    """Print one plan's figures."""
    wrong = objections(week, plan) if check else []
    verdict = "not checked" if not check else "allowed" if not wrong else f"NOT ALLOWED: {wrong[:2]}"
    places = int(week.problem.requirements.people.sum())
    figures = plan.objective
    print(
        f"{name}: {figures['filled']} of {places} places (bound {plan.bound}), {figures['metres'] / 1000:.1f} km, "
        f"{figures['duty']} who owed a visit come; {cpu:.2f} s; {verdict}",
        flush=True,
    )


def measure(week: Week, iterations: int, against: bool) -> None:
    """Print the first plan, four later ones, and nearest-first."""
    began, spent = time.process_time(), 0.0
    for stage in planning.stages(week, Effort(iterations=iterations)):
        spent += time.process_time() - began
        if stage.iterations == 0:
            first = spent
        if stage.iterations * 4 % iterations == 0:
            told(f"{stage.iterations} steps", week, stage(), spent)
        began = time.process_time()
    print(f"{iterations / (spent - first):,.0f} steps a second")
    last = stage()
    print("open:", sorted({(short.reason.value, short.proven) for short in last.unfilled}), len(last.unfilled))
    if against:
        began = time.process_time()
        plan = nearest_first(week)
        told("nearest first", week, plan, time.process_time() - began)


def picture(week: Week, iterations: int, directory: Path) -> None:
    """Write the pictures of a week: before is nearest first, after is the plan."""
    posed = replace(week, problem=replace(week.problem, zone="synthetic"))
    compounds = 0 if week.compound is None else int(week.compound.max(initial=-1)) + 1
    subject = Subject(
        week=posed,
        theme_day=theme_day(datetime.fromtimestamp(week.from_s, ZoneInfo("Asia/Shanghai")).date()),
        compounds=tuple(f"Compound {n + 1:03}" for n in range(compounds)),
    )
    after = planning.run(posed, Effort(iterations=iterations))
    files = write(directory, subject, before=nearest_first(posed), after=after)
    print(f"{len(files)} files; begin with {files[0]}")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("county", "tight", "city"), default="county")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-nearest", action="store_true")
    parser.add_argument("--peers", default="", help="people x visits of a day cut down, such as 100x200")
    parser.add_argument("--seconds", type=int, default=10, help="for each peer")
    parser.add_argument("--pictures", type=Path, help="write the week's pictures into this folder, measure nothing")
    parser.add_argument("--without", default="", help="a peer to leave out, such as VROOM")
    parser.add_argument("--bound", choices=("areas", "city"), help="ten areas of the city, or all of it, with a bound")
    parser.add_argument("--budgets", default="60,900", help="processor seconds of the whole city's plans")
    parser.add_argument("--area", default="667x200", help="people x visits of an area; the city's own share is 667x200")
    parser.add_argument("--no-duty", action="store_true", help="that people come at all is worth nothing")
    asked = parser.parse_args()
    weekly.warm()
    if asked.peers:
        from tests.benchmarks import week_peers

        people, visits = map(int, asked.peers.split("x"))
        week_peers.compare(people, visits, asked.seconds, asked.seed, asked.iterations, asked.without)
        return
    if asked.bound:
        from tests.benchmarks import week_bounds

        people, visits = map(int, asked.area.split("x"))
        city = weeks.city(asked.scale, asked.seed)
        city = replace(city, duty_points=0) if asked.no_duty else city
        if asked.bound == "city":
            week_bounds.measure_whole(city, asked.seed, tuple(map(int, asked.budgets.split(","))))
            return
        week_bounds.measure(city, people, visits, asked.seed, asked.iterations)
        return
    week = {"county": weeks.county, "tight": weeks.tight, "city": weeks.city}[asked.size](asked.scale, asked.seed)
    if asked.pictures:
        picture(week, asked.iterations, asked.pictures)
        return
    measure(week, asked.iterations, not asked.no_nearest)


if __name__ == "__main__":
    main()

"""`python -m tests.simulation`: the whole system under faults, seed by seed, or at every step of a fixed story.

Ends with 1 when something does not hold, and says how to see it again. Ctrl-C ends a series early, with its sum.
`make simulate` calls it, with `--record`: it goes on with the seed after the last one that was recorded.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.chaos.record import commit_here
from tests.simulation import record
from tests.simulation.whole.shrinking import shrunk
from tests.simulation.whole.stories import PROCESSES, Story, crashed, fixed, random_story
from tests.simulation.whole.world import Outcome, played

SHRINK_S = 120.0


def main() -> int:
    """Play; print; return the exit code."""
    options = _options()
    logging.disable(logging.CRITICAL)  # a program in trouble says so at length; here trouble is made
    if options.step:
        name, _, step = options.step.partition(":")
        return _one(crashed(name, int(step)), "", options)
    if options.seed is not None:
        return _one(random_story(options.seed), f"--seed {options.seed}", options)
    return _steps(options) if options.steps else _seeds(options)


def _options() -> argparse.Namespace:
    asking = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asking.add_argument("--seed", type=int, help="play one seed again, and shorten its story if it breaks")
    asking.add_argument("--step", metavar="PROCESS:N", help="the fixed story, this process dead at this step")
    asking.add_argument("--steps", action="store_true", help="the fixed story, dead at every step of every process")
    asking.add_argument("--every", type=int, default=1, help="with --steps: only every n-th step")
    asking.add_argument("--first", type=int, help="the first seed (or step); else 0, with --record the next one")
    asking.add_argument("--record", action="store_true", help=f"add the series to {record.FILE.name}")
    asking.add_argument("--seeds", type=int, default=0, help="so many seeds")
    asking.add_argument("--hours", type=float, default=0.0, help="as many seeds as fit into so many hours")
    asking.add_argument("--story", action="store_true", help="print the story")
    options = asking.parse_args()
    if options.first is None:
        options.first = record.next_seed() if options.record else 0
    return options


def _one(story: Story, again: str, options: argparse.Namespace) -> int:
    """Play one story; shorten it when it breaks."""
    outcome = played(story)
    if options.story:
        print(story.told())
    print(_line(outcome))
    if outcome.broken is None:
        return 0
    print(f"BROKEN: {outcome.broken}")
    kind = _kind(outcome)
    short = shrunk(story, lambda other: _kind(played(other)) == kind, SHRINK_S)
    print(f"\nThe same with ({len(short.items)}) of ({len(story.items)}) lines:\n{short.told()}")
    print(f"\n{played(short).broken}")
    return 1


def _seeds(options: argparse.Namespace) -> int:
    until_s = time.monotonic() + 3600 * options.hours
    total, broken = Outcome(), []
    began, count = time.monotonic(), 0
    with contextlib.suppress(KeyboardInterrupt):
        for seed in _numbers(options, until_s):
            outcome = played(random_story(seed))
            count += 1
            _add(total, outcome)
            if outcome.broken is not None:
                broken.append(seed)
                print(
                    f"seed {seed}: {outcome.broken[:300]}\n  again: python -m tests.simulation --seed {seed}",
                    flush=True,
                )
    seconds = time.monotonic() - began
    print(f"seeds {options.first} to {options.first + count - 1}: {count} played in {seconds:.0f} s")
    _sum_up(total, broken, count)
    if options.record and count:
        _record(options.first, count, broken, total, round(seconds))
    return 1 if broken else 0


def _record(first: int, count: int, broken: list[int], total: Outcome, seconds: int) -> None:
    whole = record.Series(
        at=record.now(),
        commit=commit_here(),
        first=first,
        count=count,
        broken=broken,
        commands=total.commands,
        acknowledged=total.acknowledged,
        checks=total.checks,
        seconds=seconds,
    )
    record.add(whole)
    print(f"all that is recorded: {record.summed(record.series())}")


def _numbers(options: argparse.Namespace, until_s: float) -> Iterator[int]:
    seed = options.first
    while seed - options.first < options.seeds if not options.hours else time.monotonic() < until_s:
        yield seed
        seed += 1


def _steps(options: argparse.Namespace) -> int:
    """One run a step: a process dies there in its first life, and comes back."""
    ends = played(fixed()).steps
    until_s = time.monotonic() + 3600 * options.hours if options.hours else float("inf")
    total, broken, count = Outcome(), [], 0
    for name in PROCESSES:
        for step in range(max(1, options.first), ends[name] + 1, options.every):
            if time.monotonic() > until_s:
                break
            outcome = played(crashed(name, step))
            count += 1
            _add(total, outcome)
            if outcome.broken is not None:
                broken.append(step)
                print(f"{outcome.broken[:300]}\n  again: python -m tests.simulation --step {name}:{step}", flush=True)
        print(f"{name}: {ends[name]} steps, every {options.every}.", flush=True)
    _sum_up(total, broken, count)
    return 1 if broken else 0


def _kind(outcome: Outcome) -> str | None:
    """What breaks, without the details."""
    return None if outcome.broken is None else outcome.broken.split(":")[0]


def _add(total: Outcome, outcome: Outcome) -> None:
    total.happened += outcome.happened
    total.kinds += outcome.kinds
    for name in ("commands", "acknowledged", "messages", "repeats", "void", "checks", "virtual_s"):
        setattr(total, name, getattr(total, name) + getattr(outcome, name))


def _sum_up(total: Outcome, broken: list[int], count: int) -> None:
    print(f"faults: {_counted(total.happened)}")
    print(f"events: {_counted(total.kinds)}")
    print(_line(total))
    bound = (
        f"; of all such stories fewer than {3 / count:.2%} break something (3/n, 95 %)" if count and not broken else ""
    )
    print(f"broken: {len(broken)} of {count}{bound}")


def _line(outcome: Outcome) -> str:
    return (
        f"{outcome.virtual_s / 60:.0f} minutes of the town's time, {outcome.commands} commands, "
        f"{outcome.acknowledged} acknowledged, {outcome.messages} messages ({outcome.repeats} came again under their "
        f"key), {outcome.void} void records, {outcome.checks} checks"
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


if __name__ == "__main__":
    sys.exit(main())

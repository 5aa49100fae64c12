"""`paidan match`: the matcher without the service; one beat over files, exact and explained (DESIGN 7).

Reads two files, builds one problem over all rows, solves it in this process and checks the plan before it is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.files import list_rejections, readable, say, writing
from services.cli.inputs import (
    AtOption,
    Files,
    MappingOption,
    PolicyOption,
    RequestsFile,
    TimezoneOption,
    VolunteersFile,
    VolunteersMapping,
    ZoneByOption,
    pose,
    read,
)
from services.exits import ExitCode
from services.names import NAME

if TYPE_CHECKING:
    from matcher.problem import Plan
    from matcher.terms import Shares
    from services.cli.planfile import Answer


def register(app: typer.Typer) -> None:
    """Put `match` on the app."""
    app.command(
        epilog=f"Example: {NAME} match --requests june.csv.gz --mapping boston311 --volunteers roster.csv "
        "--policy travel-only --at 2015-06-01T00:00 --out plan.jsonl"
    )(match)


@dataclass
class Stopwatch:
    """Wall seconds by stage; a figure, never part of a decision."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside under this name."""
        begin = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


def match(
    requests: RequestsFile,
    volunteers: VolunteersFile,
    out: Annotated[Path, typer.Option(help="PLAN.jsonl: a line per request, the summary last.")],
    mapping: MappingOption = None,
    volunteers_mapping: VolunteersMapping = None,
    policy: PolicyOption = "default",
    at: AtOption = None,
    timezone: TimezoneOption = None,
    zone_by: ZoneByOption = None,
    rejected: Annotated[Path | None, typer.Option(help="Write rejected rows to this CSV, too.")] = None,
) -> None:
    """Match requests with volunteers from files: one beat, exact, explained."""
    from services.cli import planfile

    watch = Stopwatch()
    with watch.stage("read"), readable():
        files = read(requests, volunteers, (mapping, volunteers_mapping, zone_by), policy, at, timezone)
    dropped = list_rejections([*files.requests.rejections, *files.volunteers.rejections], rejected)
    answer = solve(files, watch)
    with writing(out):
        planfile.write(out, answer)
    _report(answer, out)
    if files.requests.rows and not answer.assigned:
        raise typer.Exit(int(ExitCode.NONE_ASSIGNED))
    if dropped:
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))


def solve(files: Files, watch: Stopwatch) -> Answer:
    """Pose, solve, explain and check."""
    from matcher import solvers
    from matcher.candidates import Candidates
    from matcher.policy import sha256
    from matcher.solvers import proof
    from services.cli.planfile import Answer

    with watch.stage("pose"):
        problem = pose(files)
    with watch.stage("solve"):
        plan = solvers.solve(problem)
    with watch.stage("check"):
        proof.check(problem, plan)
    with watch.stage("explain"):
        candidates = Candidates(problem)
        funnels = [candidates.row(row).funnel for row in range(len(problem.requirements.ids))]
    rejected = len(files.requests.rejections) + len(files.volunteers.rejections)
    return Answer(
        problem, plan, list(funnels), sha256(files.policy), files.inputs_sha256, rejected, watch.seconds,
        shares_after(files, plan),
    )  # fmt: skip


def shares_after(files: Files, plan: Plan) -> Shares | None:
    """Return how the quarter's visits are shared with those of the plan; None where the policy prices none."""
    import numpy as np

    from matcher.fairness import shares

    if not files.policy.counts_quarter:
        return None
    people = files.volunteers.rows
    visits = np.array([row.visits_this_quarter for row in people], np.int64)
    np.add.at(visits, np.array([placement.person for placement in plan.placements], np.int64), 1)
    return shares(visits, np.array([row.unit is not None for row in people], np.bool_))


def _report(answer: Answer, out: Path) -> None:
    plan, requests = answer.plan, len(answer.problem.requirements.ids)
    proven = "proven optimal" if plan.optimal else f"at most {plan.gap} points from the optimum"
    spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in answer.seconds.items())
    say(f"{answer.assigned} of {requests} requests assigned ({proven}, {plan.engine}); {spent}.")
    reasons: dict[str, int] = {}
    for shortfall in plan.shortfalls:
        reasons[str(shortfall.reason)] = reasons.get(str(shortfall.reason), 0) + 1
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        say(f"  {count} x {reason}")
    if answer.shares is not None:
        most, least = answer.shares.most, answer.shares.least
        say(f"Visits this quarter: {least} to {most} a person, Gini {answer.shares.gini:.3f}.")
    say(f"Plan: {out}")

"""`paidan match`: the matcher without the service; one beat over files, exact and explained (DESIGN 7).

Reads two files, builds one problem over all rows, solves it in this process and checks the plan before it is written.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from services.cli.files import list_rejections, readable, say, time_option, writing
from services.exits import ExitCode
from services.names import NAME

if TYPE_CHECKING:
    from matcher.policy import Policy
    from matcher.posing import OpenRequirement
    from matcher.problem import Problem
    from producers.mapping import Mapping
    from producers.rows import RequestRow, Requests, VolunteerRow, Volunteers
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


@dataclass(frozen=True)
class Files:
    """What was read, and under which words."""

    requests: Requests
    volunteers: Volunteers
    policy: Policy
    at: datetime
    inputs_sha256: str


def match(
    requests: Annotated[Path, typer.Option(help="Requests: CSV (.gz), JSON Lines or Excel.")],
    volunteers: Annotated[Path, typer.Option(help="Volunteers: CSV (.gz), JSON Lines or Excel.")],
    out: Annotated[Path, typer.Option(help="PLAN.jsonl: a line per request, the summary last.")],
    mapping: Annotated[
        str | None, typer.Option(help="Mapping of the requests file: TOML file or shipped name.")
    ] = None,
    volunteers_mapping: Annotated[str | None, typer.Option(help="Mapping of the volunteers file.")] = None,
    policy: Annotated[str, typer.Option(help="Policy: TOML file, default or travel-only.")] = "default",
    at: Annotated[str | None, typer.Option(help="Beat time; else the earliest submitted_at.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Zone of times without an offset, and of availability.")] = None,
    zone_by: Annotated[str | None, typer.Option(help="Column of the requests to take as the zone.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="Write rejected rows to this CSV, too.")] = None,
) -> None:
    """Match requests with volunteers from files: one beat, exact, explained."""
    from services.cli import planfile

    watch = Stopwatch()
    with watch.stage("read"), readable():
        files = _read(requests, volunteers, (mapping, volunteers_mapping, zone_by), policy, at, timezone)
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
        problem = pose(files.requests.rows, files.volunteers.rows, files.policy, files.at)
    with watch.stage("solve"):
        plan = solvers.solve(problem)
    with watch.stage("check"):
        proof.check(problem, plan)
    with watch.stage("explain"):
        candidates = Candidates(problem)
        funnels = [candidates.row(row).funnel for row in range(len(problem.requirements.ids))]
    rejected = len(files.requests.rejections) + len(files.volunteers.rejections)
    return Answer(problem, plan, list(funnels), sha256(files.policy), files.inputs_sha256, rejected, watch.seconds)


def pose(requests: Sequence[RequestRow], volunteers: Sequence[VolunteerRow], policy: Policy, at: datetime) -> Problem:
    """Build one problem over all rows, in the order of the files; zones are codes, -1 where none is given."""
    from matcher.people import People
    from matcher.posing import problem_of
    from producers.asking import registration

    zones = {row.zone for row in requests} | {row.zone for row in volunteers}
    codes = {zone: code for code, zone in enumerate(sorted(zone for zone in zones if zone))}
    people = People()
    named = {held.skill for row in volunteers for held in row.skills}
    for skill in sorted(named | {need.skill for row in requests for need in row.skills}):
        people.add_skill(skill)
    for row in volunteers:
        people.register(registration(row, "file"))
    return problem_of(
        zone="file",
        beat=0,
        now=at,
        policy=policy,
        people=people,
        requirements=[_open(row, codes, at) for row in requests],
        zone_codes=[codes.get(row.zone or "", -1) for row in volunteers],
    )


def _open(row: RequestRow, codes: dict[str, int], at: datetime) -> OpenRequirement:
    from matcher.posing import OpenRequirement

    assert row.earliest is not None
    assert row.latest is not None
    return OpenRequirement(
        request=row.request_id,
        requirement="1",
        point=row.point,
        earliest_s=math.ceil(row.earliest.timestamp()),
        latest_s=math.floor(row.latest.timestamp()),
        duration_s=60 * row.duration_minutes,
        people=row.people,
        minimum=row.people if row.minimum_people is None else row.minimum_people,
        skills=row.skills,
        urgency=row.urgency,
        waiting_since_s=math.ceil((row.submitted_at or at).timestamp()),
        zone=codes.get(row.zone or "", -1),
    )


def _read(
    requests: Path,
    volunteers: Path,
    mapped: tuple[str | None, str | None, str | None],
    policy_name: str,
    at: str | None,
    timezone: str | None,
) -> Files:
    from producers import mapping as mappings
    from producers import rows, tables
    from producers.asking import UNDATED
    from services.cli import policy as policies

    ours, theirs, zone_by = mapped
    how, how_people = mappings.load(ours), mappings.load(theirs)
    how = how if zone_by is None else mappings.zoned_by(how, zone_by)
    policy = policies.load(policy_name)
    policy = msgspec.structs.replace(policy, timezone=timezone or how.timezone or policy.timezone)
    mappings.zone_info(policy.timezone)
    moment = time_option("at", at, timezone or how.timezone)
    asked_table, people_table = tables.read(requests), tables.read(volunteers)
    asked = rows.read_requests(
        asked_table,
        how,
        timezone=timezone,
        at=moment,
        window_days=policy.window_days,
        urgencies=policy.urgency,
        near=rows.city_of(people_table, how_people),
    )
    city = rows.city_of(asked_table, how)
    people = rows.read_volunteers(people_table, how_people, bounds=how.bounds, near=city)
    if asked.at is None and asked.rows:
        raise typer.BadParameter("is needed: no row says when it was submitted.", param_hint="--at")
    sha256 = _sha256([requests, volunteers], [how, how_people, str(asked.at), policy.timezone])
    return Files(asked, people, policy, asked.at or UNDATED, sha256)


def _sha256(files: Sequence[Path], words: Sequence[Mapping | str]) -> str:
    """Hash what the plan depends on beside the policy: both files, the mappings, the beat time, the time zone."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    whole.update(msgspec.json.encode(words, order="deterministic"))
    return whole.hexdigest()


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
    say(f"Plan: {out}")

"""`paidan explain`: why nobody, why her, what to change, what fits; over the same files as `paidan match`, or over the
journal of a live zone (`explain_live`).

With files it reads and poses as `match` does, solves, and lets the core explain. Writes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from services.cli import explain_live, options
from services.cli.files import list_rejections, readable
from services.cli.inputs import (
    AtOption,
    MappingOption,
    PolicyOption,
    TimezoneOption,
    VolunteersMapping,
    ZoneByOption,
    pose,
    read,
)
from services.exits import ExitCode, Stop
from services.names import NAME

if TYPE_CHECKING:
    from matcher.explaining.sentences import Teller
    from matcher.problem import Plan, Problem

Language = Annotated[Literal["en", "zh"], typer.Option(help="Language of the sentences.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the values, not sentences.")]
Told = tuple[dict[str, Any], list[str]]


def register(app: typer.Typer) -> None:
    """Put `explain` on the app."""
    files = "--requests r.csv --volunteers v.csv"
    app.command(
        epilog=f"Examples: {NAME} explain {files} --request r17   |   {NAME} explain {files} --request r17 --person v3 "
        f"--lang zh   |   {NAME} explain {files} --person v3 --json   |   "
        f"{NAME} explain --zone shizhong --data paidan-data --request r17. "
        "Exit codes: 0 ok, 2 usage or an id that is nowhere, 3 finished with rejected rows, 4 no broker, 5 nothing "
        "readable, 7 the log cannot be trusted."
    )(explain)


def explain(
    requests: Annotated[Path | None, typer.Option(help="Requests: CSV (.gz), JSON Lines or Excel.")] = None,
    volunteers: Annotated[Path | None, typer.Option(help="Volunteers: CSV (.gz), JSON Lines or Excel.")] = None,
    zone: Annotated[str | None, typer.Option(help="Instead of files: this zone, as its journal says it.")] = None,
    data: Annotated[Path | None, typer.Option(help="With --zone: folder of the embedded log (read only).")] = None,
    kafka: options.Kafka = None,
    prefix: options.Prefix = None,
    request: Annotated[str | None, typer.Option(help="Explain this request: who serves it, or why nobody.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Explain this person: with --request the pair, alone what fits best.")
    ] = None,
    mapping: MappingOption = None,
    volunteers_mapping: VolunteersMapping = None,
    policy: PolicyOption = "default",
    at: AtOption = None,
    timezone: TimezoneOption = None,
    zone_by: ZoneByOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Requests named for a person.")] = 10,
    solves: Annotated[int, typer.Option(min=1, help="Solves that the search for changes may take.")] = 80,
    json: AsJson = False,
    lang: Language = "en",
) -> None:
    """Explain one request, one person, or the two together, each answer checked by solving again."""
    if request is None and person is None:
        raise typer.BadParameter("is needed, or --person, or both.", param_hint="--request")
    if zone is not None:
        asked = explain_live.Asked(zone, request, person, lang, limit, solves)
        explain_live.explain(asked, explain_live.place(requests or volunteers, data, kafka, prefix), as_json=json)
        return
    if requests is None or volunteers is None:
        raise Stop(ExitCode.USAGE, "Give --requests and --volunteers, or --zone with --data or --kafka.")
    with readable():
        files = read(requests, volunteers, (mapping, volunteers_mapping, zone_by), policy, at, timezone)
    dropped = list_rejections([*files.requests.rejections, *files.volunteers.rejections])
    r = None if request is None else _find("request", request, [row.request_id for row in files.requests.rows])
    v = None if person is None else _find("person", person, [row.volunteer_id for row in files.volunteers.rows])

    from matcher.explaining.ladders import WINDOW_MINUTES_MAX
    from matcher.explaining.sentences import Teller
    from matcher.solvers import proof, solve

    problem = pose(files, beyond_s=60 * WINDOW_MINUTES_MAX)
    plan = solve(problem)
    proof.check(problem, plan)
    values, sentences = _explained(problem, plan, r, v, limit, solves, Teller(lang, files.policy.timezone))
    typer.echo(msgspec.json.encode(values).decode() if json else "\n".join(sentences))
    if dropped:
        raise typer.Exit(int(ExitCode.REJECTED_ROWS))


def _find(kind: str, wanted: str, ids: Sequence[str]) -> int:
    """Return the row of an id; end with exit code 2 where there is none."""
    try:
        return ids.index(wanted)
    except ValueError:
        near = difflib.get_close_matches(wanted, ids, n=1)
        meant = f" Did you mean ({near[0]})?" if near else " Check the id, and the rejected rows."
        raise typer.BadParameter(f"({wanted}) is in no row that was read.{meant}", param_hint=f"--{kind}") from None


def _explained(
    problem: Problem, plan: Plan, r: int | None, v: int | None, limit: int, solves: int, teller: Teller
) -> Told:
    from matcher.explaining import for_person, why

    if r is None:
        assert v is not None
        alone = for_person(problem, plan, v, limit)
        return {"person": alone}, teller.person(alone)
    if v is not None:
        pair = why(problem, plan, r, v)
        return {"pair": pair}, teller.pair(pair)
    return _request(problem, plan, r, solves, teller)


def _request(problem: Problem, plan: Plan, r: int, solves: int, teller: Teller) -> Told:
    """Explain who serves a request, and why places stay open."""
    from matcher.explaining import why, why_not

    pairs = [why(problem, plan, r, p.person) for p in plan.placements if p.requirement == r]
    sentences = [sentence for pair in pairs for sentence in teller.pair(pair)]
    short = any(shortfall.requirement == r for shortfall in plan.shortfalls)
    unfilled = why_not(problem, plan, r, solves_max=solves) if short else None
    if unfilled is not None:
        sentences += teller.unfilled(unfilled)
    return {"pairs": pairs, "unfilled": unfilled}, sentences

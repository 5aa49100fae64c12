"""PLAN.jsonl: a line per request in the order of the file, the summary last (DESIGN 7).

Written by `paidan match`, read by `paidan diff`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from matcher.explaining.answers import Booking
from matcher.problem import Placement, Plan, Problem, Shortfall
from matcher.terms import Shares


@dataclass(frozen=True)
class Answer:
    """A solved problem with what the summary says of it beyond the plan."""

    problem: Problem
    plan: Plan
    #: people left after each rule, for every requirement
    funnels: list[Mapping[str, int]]
    policy_sha256: str
    inputs_sha256: str
    rejected_rows: int
    seconds: dict[str, float] = field(default_factory=dict)
    #: how the quarter's visits are shared, the plan's included; None where the policy prices none
    shares: Shares | None = None

    @property
    def assigned(self) -> int:
        """How many requests have somebody."""
        return len({placement.requirement for placement in self.plan.placements})


def write(path: Path, answer: Answer) -> None:
    """Write the whole file, or leave what was there."""
    draft = path.with_name(f"{path.name}.part")
    with draft.open("wb") as file:
        for line in lines(answer):
            file.write(msgspec.json.encode(line) + b"\n")
    os.replace(draft, path)


def lines(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the lines as plain values."""
    placed: dict[int, list[Placement]] = {}
    for placement in answer.plan.placements:
        placed.setdefault(placement.requirement, []).append(placement)
    short = {shortfall.requirement: shortfall for shortfall in answer.plan.shortfalls}
    for row in range(len(answer.problem.requirements.ids)):
        yield _request(answer, row, placed.get(row, []), short.get(row))
    yield _summary(answer)


def _request(answer: Answer, row: int, placed: list[Placement], short: Shortfall | None) -> dict[str, Any]:
    ids = answer.problem.requirements.ids
    line: dict[str, Any] = {
        "request_id": ids[row][0],
        "status": "assigned" if placed else "unassigned",
        "people": [_person(answer.problem, placement) for placement in sorted(placed, key=lambda p: p.person)],
        "reasons": [] if short is None else [str(short.reason)],
        "funnel": dict(answer.funnels[row] if short is None else short.funnel),
    }
    if short is not None and short.rival >= 0:
        line["rival"] = ids[short.rival][0]
    return line


def _person(problem: Problem, placement: Placement) -> dict[str, Any]:
    return {
        "volunteer_id": problem.people.ids[placement.person],
        "start": datetime.fromtimestamp(placement.start_s, UTC).isoformat(),
        "distance_m": placement.distance_m,
        "travel_s": placement.travel_s,
        "cost": placement.cost,
    }


def _summary(answer: Answer) -> dict[str, Any]:
    plan = answer.plan
    return {
        "summary": {
            "requests": len(answer.problem.requirements.ids),
            "assigned": answer.assigned,
            "objective": plan.objective,
            "optimal": plan.optimal,
            "gap": plan.gap,
            "engine": plan.engine,
            "feasible_pairs": plan.feasible_pairs,
            "listed_pairs": plan.listed_pairs,
            "seconds": {stage: round(seconds, 3) for stage, seconds in answer.seconds.items()},
            "near": _near(answer),
            "policy_sha256": answer.policy_sha256,
            "inputs_sha256": answer.inputs_sha256,
            "rejected_rows": answer.rejected_rows,
            **({} if answer.shares is None else {"shares": msgspec.to_builtins(answer.shares)}),
        }
    }


def _near(answer: Answer) -> dict[str, Any]:
    """Return which share of the people placed come from within the preferred and the acceptable distance (R25)."""
    ways, bands = [placement.distance_m for placement in answer.plan.placements], answer.problem.bands
    said: dict[str, Any] = {}
    for name, metres in (("preferred", bands.preferred_m), ("acceptable", bands.acceptable_m)):
        within = sum(way <= metres for way in ways)
        said |= {f"{name}_m": metres, f"within_{name}": round(within / len(ways), 4) if ways else None}
    return said


class _Person(msgspec.Struct, kw_only=True):
    volunteer_id: str
    start: datetime
    cost: dict[str, int]


class _Line(msgspec.Struct, kw_only=True):
    """A line for a request; the summary has no request."""

    request_id: str = ""
    people: list[_Person] = []
    summary: dict[str, Any] | None = None


def read(path: Path) -> list[Booking]:
    """Return who serves what by a plan file. ValueError with the line that is none of a plan; OSError as it comes."""
    decode, bookings = msgspec.json.Decoder(_Line).decode, []
    ended = False
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                line = decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"line {number} is not one of a plan: {error}") from None
            ended = line.summary is not None
            if not ended and not line.request_id:
                raise ValueError(f"line {number} is not one of a plan: it names no request")
            bookings += [_booking(line.request_id, person) for person in line.people]
    if not ended:
        raise ValueError("the summary is missing: the file is no plan, or not whole")
    return bookings


def _booking(request: str, person: _Person) -> Booking:
    start_s = int(person.start.timestamp())
    return Booking(request=request, requirement="1", person=person.volunteer_id, start_s=start_s, cost=person.cost)

"""How the events of a week's batch change a zone: one small function each. Called by `evolving` only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from matcher import events as e
from matcher.commands import RematchStage
from matcher.plans import PartDone, Rematch, job_of
from matcher.zone import Due, Zone, push

#: So many report weeks whose batch has begun by itself are remembered.
WEEKS_REMEMBERED = 4


def _rematch_started(zone: Zone, event: e.RematchStarted) -> None:
    started_s = int(event.at.timestamp())
    zone.rematch = Rematch(
        id=event.rematch,
        from_s=int(event.from_at.timestamp()),
        until_s=int(event.until_at.timestamp()),
        seed=event.seed,
        started_s=started_s,
        iterations=event.iterations,
        budget_s=event.budget_s,
        provisional=bool(event.provisional),
    )
    push(zone, started_s + 3600 * zone.policy.batch.run_hours_max, Due.REMATCH, event.rematch)


def _part_begun(zone: Zone, event: e.RematchPartBegun) -> None:
    running(zone).begun[job_of(event.command.stage, event.command.part)] = int(event.at.timestamp())


def _cut(zone: Zone, event: e.RematchCut) -> None:
    rematch = running(zone)
    rematch.parts, rematch.repairs, rematch.cut_of = event.parts, event.repairs, event.command.as_of
    rematch.begun.pop(job_of(RematchStage.CUT, 0), None)


def _part_done(zone: Zone, event: e.RematchPartDone) -> None:
    rematch, said = running(zone), event.command
    job = job_of(said.stage, said.part)
    done = rematch.done.setdefault(job, PartDone(pieces=said.pieces))
    done.visits[said.piece] = said.visits or ()
    done.gone += said.gone or ()
    if said.figures is not UNSET:
        done.figures = said.figures
    if done.whole:
        rematch.begun.pop(job, None)


def running(zone: Zone) -> Rematch:
    """Return the batch that runs. Raises LookupError where none does: its events would make no sense."""
    if zone.rematch is UNSET:
        raise LookupError(f"No batch runs in zone ({zone.id}).")
    return zone.rematch


CHANGES: dict[type[e.Event], Callable[[Zone, Any], None]] = {
    e.RematchStarted: _rematch_started,
    e.RematchPartBegun: _part_begun,
    e.RematchCut: _cut,
    e.RematchPartDone: _part_done,
}

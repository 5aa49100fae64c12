"""What a zone remembers of a week's batch: the run with what its workers have reported, and the plans of past runs.

Kept by `zone.Zone`, changed by `evolving_weeks`, read by `rematching`, `adopting` and `publishing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

import msgspec
from msgspec import UNSET, UnsetType

from matcher.commands import Figures, RematchStage, StatePlace
from matcher.terms import PlannedVisit


class PlanState(StrEnum):
    """Where a plan is. `publishing` and `withdrawing` go on with each beat until all of its visits are through."""

    DRAFT = "draft"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    NOTIFIED = "notified"
    WITHDRAWING = "withdrawing"
    ROLLED_BACK = "rolled_back"


class PartDone(msgspec.Struct):
    """What a worker has reported of one part, or of one repair, by piece; done when all pieces are there."""

    pieces: int
    visits: dict[int, tuple[PlannedVisit, ...]] = {}
    gone: tuple[PlannedVisit, ...] = ()
    figures: Figures | UnsetType = UNSET

    @property
    def whole(self) -> bool:
        """Say whether every piece is there."""
        return len(self.visits) >= self.pieces


class Rematch(msgspec.Struct):
    """A batch that runs. Parts and repairs are named `part:0`, `repair:0`, ... (`job_of`)."""

    id: str
    from_s: int
    until_s: int
    seed: int
    started_s: int
    iterations: int | UnsetType = UNSET
    budget_s: float | UnsetType = UNSET
    provisional: bool = False
    #: the state that was cut, how many parts and repairs it has; 0 parts: not cut yet
    cut_of: StatePlace | UnsetType = UNSET
    parts: int = 0
    repairs: int = 0
    #: job -> when somebody last began it, seconds
    begun: dict[str, int] = {}
    done: dict[str, PartDone] = {}
    #: parts of the plan that have come, how many there are, and of which state
    taken: dict[int, tuple[PlannedVisit, ...]] = {}
    plan_parts: int = 0
    as_of: StatePlace | UnsetType = UNSET
    figures: Figures | UnsetType = UNSET

    def is_done(self, stage: RematchStage, part: int = 0) -> bool:
        """Say whether a job is done."""
        if stage is RematchStage.CUT:
            return self.parts > 0
        reported = self.done.get(job_of(stage, part))
        return reported is not None and reported.whole

    def reported(self) -> list[PlannedVisit]:
        """Return the best plan so far: the visits of whole parts in order, as the whole repairs have changed them."""
        visits: dict[PlannedVisit, None] = {}
        for stage, count in ((RematchStage.PART, self.parts), (RematchStage.REPAIR, self.repairs)):
            for done in (self.done.get(job_of(stage, part)) for part in range(count)):
                if done is None or not done.whole:
                    continue
                for visit in done.gone:
                    visits.pop(visit, None)
                visits.update(dict.fromkeys(visit for _, piece in sorted(done.visits.items()) for visit in piece))
        return list(visits)

    def proposed(self) -> list[PlannedVisit]:
        """Return the visits of `AdoptPlan`, all its parts in order."""
        return [visit for _, part in sorted(self.taken.items()) for visit in part]


class AdoptedPlan(msgspec.Struct):
    """A plan that staff look at, publish, tell people of, or throw away."""

    id: str
    from_s: int
    until_s: int
    state: PlanState = PlanState.DRAFT
    #: visits to be offered, all of one requirement together; those before `next` are through
    visits: list[PlannedVisit] = []
    next: int = 0
    #: offers that it has made, and those of before that it takes back when it makes its own
    offers: list[str] = []
    replaces: dict[str, bool] = {}
    #: Its people have been told, or are being told.
    told: bool = False
    #: Beats leave its requests alone until then; 0: they do not.
    hold_until_s: int = 0
    #: as they were when it was adopted
    counts: dict[str, int] = {}
    figures: Figures | UnsetType = UNSET

    def waiting(self) -> Iterator[PlannedVisit]:
        """Yield the visits that are not through yet."""
        return islice(self.visits, self.next, None)


def job_of(stage: RematchStage, part: int) -> str:
    """Name a job of a batch."""
    return f"{stage.value}:{part}"

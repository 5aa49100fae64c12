"""The hard rules, one a file, each in two forms.

`mask` says over arrays who passes (for search and funnel); `objection` says for one pair why not (for explanations and
the re-check of plans), in plain scalar Python that shares nothing with the mask. A property test holds them equal.
A rule with `applies` cannot fail anybody where that says no, so its mask may be skipped.
"""

from __future__ import annotations

from matcher.problem import Problem
from matcher.reasons import PairReason, Unassigned
from matcher.rules import (
    area,
    budget,
    certificate,
    circle,
    excluded,
    free,
    limits,
    must_have,
    reach,
    refused,
    registered,
    restricted,
    skills,
    start,
    team,
    zone,
)

#: The stages of the funnel in order, with the reason a requirement gets when a stage leaves nobody. Those of
#: `OPTIONAL` are in a funnel only where the rule applies to the requirement.
STAGES = {
    "registered": Unassigned.NO_REGISTERED_VOLUNTEER,
    "zone": Unassigned.NO_REGISTERED_VOLUNTEER,
    "skills": Unassigned.MISSING_SKILL,
    "certificate": Unassigned.QUALIFICATION_EXPIRED,
    "area": Unassigned.OUTSIDE_AREA,
    "reach": Unassigned.TRAVEL_TOO_FAR,
    "circle": Unassigned.OUTSIDE_SERVICE_CIRCLE,
    "start": Unassigned.NO_START_POSSIBLE,
    "excluded": Unassigned.EXCLUDED_BY_REQUESTER,
    "restricted": Unassigned.RESTRICTED,
    "must_have": Unassigned.NOT_AMONG_MUST_HAVE,
    "team": Unassigned.NOT_OF_TEAM,
    "refused": Unassigned.PREVIOUSLY_REFUSED,
    "budget": Unassigned.ALERT_BUDGET_SPENT,
    "limits": Unassigned.VISIT_LIMIT_REACHED,
    "free": Unassigned.ALREADY_COMMITTED,
}
OPTIONAL = frozenset({"area", "circle", "restricted", "must_have", "team", "limits"})


def objections(problem: Problem, r: int, person: int) -> list[PairReason]:
    """Return every rule's objection to this pair, in the order of the funnel; empty: the pair is feasible."""
    said: list[PairReason | None] = [
        registered.objection(problem, r, person),
        zone.objection(problem, r, person),
        skills.objection(problem, r, person),
        certificate.objection(problem, r, person),
        area.objection(problem, r, person),
        reach.objection(problem, r, person),
        circle.objection(problem, r, person),
        start.objection(problem, r, person),
        excluded.objection(problem, r, person),
        restricted.objection(problem, r, person),
        must_have.objection(problem, r, person),
        team.objection(problem, r, person),
        refused.objection(problem, r, person),
        budget.objection(problem, r, person),
        limits.objection(problem, r, person),
        free.objection(problem, r, person),
    ]
    return [reason for reason in said if reason is not None]

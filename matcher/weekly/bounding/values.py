"""What a bound of travel says, and what it is worked out from.

Called by the modules beside it. Money is whole: metres x `pricing.SCALE`.
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.problem import F64, I64


@dataclass(frozen=True, kw_only=True)
class TravelBound:
    """`bound` <= metres + points - duty - kept promises of every plan that leaves no more open; `value`: of the plan.

    `metres` of the plan: what the gap is a share of. `rough`: shifts for which the last pricing was only a bound.
    """

    bound: int
    value: int
    metres: int
    rounds: int
    #: True where no route is left that could raise the bound: it is the linear program's own value
    converged: bool
    rough: int

    @property
    def gap(self) -> float:
        """Return by how much of its metres the plan may be above the best one: 0.03 = three per cent."""
        return max(0, self.value - self.bound) / max(1, self.metres)


@dataclass(frozen=True)
class Posed:
    """The linear program of one week or of a part of it, its routes aside. Open places' prices stand as they are.

    `units`, `shifts`, `people`: those that have rows. All other columns are by their numbers in the week.
    """

    m: I64
    spots: F64
    units: I64
    shifts: I64
    people: I64
    begin: I64  # [shifts + 1] where each shift's pairs begin
    pairs: I64  # [pairs, 4] see `gathering.PAIR_WIDE`
    places: I64  # places that are not pinned
    open_price: I64  # of one place
    open_max: int  # the price of all places that may stay open
    person: I64  # by shift
    owing: I64  # 1: that they come is worth `duty`
    duty: int  # scaled
    capacity: I64
    #: cost that every plan has beside its routes, in points: what is pinned
    apart: int


@dataclass(frozen=True)
class Prices:
    """Prices of the program's rows, whole and scaled: the multipliers of one Lagrangian relaxation."""

    unit: I64
    #: of coming at all, by person, 0 <= bonus <= duty; people without duty have 0
    bonus: I64
    #: of one visit, by person, >= 0
    charge: I64
    #: of one price unit of open places (`laying.OPEN_POINTS`), >= 0
    open: int


@dataclass(frozen=True)
class Route:
    """One column: a shift's visits, and what they cost in scaled metres and points, bonus and prices aside."""

    shift: int
    cost: int
    units: tuple[int, ...]

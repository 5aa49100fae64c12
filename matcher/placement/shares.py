"""How many members each site is to have: its share by residents, give or take a tolerance. Called by `posing`."""

from __future__ import annotations

from collections.abc import Sequence


def bounds(members: int, residents: Sequence[int | None], tolerance_percent: int) -> list[tuple[int, int]]:
    """Return (lower, upper) of each site. A site of which nobody said its residents takes any number.

    The share of a site with n of N residents is members x n / N; lower is (100 - tolerance) % of it rounded down, upper
    (100 + tolerance) % rounded up: the exact share always lies between, so bounds never add up to the impossible.
    """
    together = sum(count or 0 for count in residents)
    found: list[tuple[int, int]] = []
    for count in residents:
        if count is None or together == 0:
            found.append((0, members))
            continue
        share = members * count
        lower = share * max(0, 100 - tolerance_percent) // (100 * together)
        upper = -(-share * (100 + tolerance_percent) // (100 * together))
        found.append((lower, upper))
    return found

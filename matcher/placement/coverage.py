"""How many places of a site's needs some members can fill at most, each counted once. Called by `report`.

A matching by augmenting paths; what one member more or less would change needs no second matching.
"""

from __future__ import annotations

from collections.abc import Iterable

from matcher.placement.problem import Member, Site, able


class Coverage:
    """The needs of one site and the members that are there."""

    def __init__(self, site: Site, members: Iterable[Member]) -> None:
        self._site = site
        self._room = [asked.people for asked in site.needs]
        self._can: dict[str, list[int]] = {}
        #: member -> need that it is counted for; need -> who is
        self._of: dict[str, int] = {}
        self._by: list[list[str]] = [[] for _ in site.needs]
        for one in members:
            self._can[one.member] = self._answers(one)
            self._fill(one.member)

    @property
    def filled(self) -> int:
        """How many places are filled."""
        return len(self._of)

    def counted(self, member: str) -> int:
        """Return the need that a member is counted for, -1 for none."""
        return self._of.get(member, -1)

    def gained_with(self, one: Member) -> int:
        """Return how many more places would be filled with this member here too: 0 or 1."""
        return int(self._path(self._answers(one)) is not None)

    def lost_without(self, member: str) -> int:
        """Return how many places would be empty without this member: 0 or 1."""
        need = self._of.get(member)
        if need is None:
            return 0
        # Somebody who is here and counted for nothing may take the place, over others who change theirs.
        self._room[need] += 1
        idle = (name for name in self._can if name not in self._of)
        replaced = any(self._path(self._can[name]) is not None for name in idle)
        self._room[need] -= 1
        return int(not replaced)

    def _answers(self, one: Member) -> list[int]:
        return [number for number, asked in enumerate(self._site.needs) if able(one.abilities, asked)]

    def _fill(self, member: str) -> None:
        path = self._path(self._can[member])
        if path is None:
            return
        # The last need has room; whoever held a need on the way moves on to the next one.
        coming = member
        for need, leaving in path:
            self._by[need].append(coming)
            self._of[coming] = need
            if leaving is not None:
                self._by[need].remove(leaving)
                coming = leaving

    def _path(self, starts: list[int]) -> list[tuple[int, str | None]] | None:
        """Return needs from one of `starts` to one with room, each with who leaves it; None where there is no way."""
        came: dict[int, tuple[int, str] | None] = dict.fromkeys(starts)
        queue = list(starts)
        for need in queue:
            if len(self._by[need]) < self._room[need]:
                return self._way(came, need)
            for holder in self._by[need]:
                for other in self._can[holder]:
                    if other not in came:
                        came[other] = need, holder
                        queue.append(other)
        return None

    @staticmethod
    def _way(came: dict[int, tuple[int, str] | None], last: int) -> list[tuple[int, str | None]]:
        way: list[tuple[int, str | None]] = []
        need, leaving = last, None
        while True:
            way.append((need, leaving))
            step = came[need]
            if step is None:
                return way[::-1]
            need, leaving = step

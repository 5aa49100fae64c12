"""What differs between two plans, place by place, with the cost terms of each. Called by `paidan diff`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from matcher.explaining.answers import Booking, Difference, Move
from matcher.problem import Plan, Problem

Place = tuple[str, str]


def bookings(problem: Problem, plan: Plan) -> list[Booking]:
    """Return a plan's placements with ids, so that plans of different problems can be held against each other."""
    ids, people = problem.requirements.ids, problem.people.ids
    return [
        Booking(
            request=ids[p.requirement][0], requirement=ids[p.requirement][1], person=people[p.person],
            start_s=p.start_s, cost=p.cost,
        )
        for p in plan.placements
    ]  # fmt: skip


def difference(before: Iterable[Booking], after: Iterable[Booking]) -> Difference:
    """Return what is kept, moved, new and dropped. A person twice on one requirement is not expected."""
    old, new = _by_place(before), _by_place(after)
    out = Difference(kept=[], moved=[], new=[], dropped=[], change=_change(old, new))
    for place in sorted(old.keys() | new.keys()):
        _compare(old.get(place, {}), new.get(place, {}), out)
    return out


def _by_place(booked: Iterable[Booking]) -> dict[Place, dict[str, Booking]]:
    places: dict[Place, dict[str, Booking]] = {}
    for booking in sorted(booked, key=lambda b: b.person):
        places.setdefault((booking.request, booking.requirement), {})[booking.person] = booking
    return places


def _compare(old: dict[str, Booking], new: dict[str, Booking], out: Difference) -> None:
    """Sort one requirement's bookings: same person first; who is left over on both sides changed places."""
    for person in sorted(old.keys() & new.keys()):
        was, now = old[person], new[person]
        if was.start_s == now.start_s:
            out.kept.append(now)
        else:
            out.moved.append(Move(before=was, after=now))
    gone = [booking for person, booking in old.items() if person not in new]
    come = [booking for person, booking in new.items() if person not in old]
    swaps = min(len(gone), len(come))
    out.moved.extend(Move(before=was, after=now) for was, now in zip(gone[:swaps], come[:swaps], strict=True))
    out.dropped.extend(gone[swaps:])
    out.new.extend(come[swaps:])


def _change(old: dict[Place, dict[str, Booking]], new: dict[Place, dict[str, Booking]]) -> dict[str, int]:
    points: Counter[str] = Counter()
    for sign, places in ((-1, old), (1, new)):
        for own in places.values():
            for booking in own.values():
                for term, cost in booking.cost.items():
                    points[term] += sign * cost
    return dict(sorted(points.items()))

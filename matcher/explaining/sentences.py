"""Sentences from the values of an explanation, in English or Chinese. Called by `paidan explain` and `paidan diff`.

Says nothing that the values do not say. Times are local to the time zone given.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from matcher.duty import DutyList
from matcher.explaining import chinese, english, refusals
from matcher.explaining.answers import (
    Booking,
    Bound,
    Difference,
    Fit,
    Forced,
    ForPerson,
    LookedIn,
    OpenPlaces,
    Pair,
    Unfilled,
)
from matcher.explaining.between import Because
from matcher.posts import PostList
from matcher.reasons import Refusal

LANGUAGES: dict[str, dict[str, str]] = {"en": english.WORDS, "zh": chinese.WORDS}


class Teller:
    """One language and one time zone. KeyError for a language there is none of."""

    def __init__(self, language: str, timezone: str) -> None:
        self._language, self._words = language, LANGUAGES[language]
        self._zone = ZoneInfo(timezone)

    # --- the four kinds of explanation

    def unfilled(self, said: Unfilled) -> list[str]:
        """Return what stands in the way, who was lost, and what would help."""
        place = _place(said.request, said.requirement)
        reason = self._words[f"reason.{said.reason}"]
        steps = [f"{self._words[f'stage.{stage}']} {people}" for stage, people in said.funnel.items()]
        lines = [
            self._say("unfilled", place=place, places=said.places, places_open=said.places_open, reason=reason),
            self._say("funnel", steps=self._join(steps)),
        ]
        for lost in said.lost:
            lines.append(
                self._say("lost", person=lost.person, rival=_place(lost.rival_request, lost.rival_requirement))
            )
            lines.append(self._forced(lost.person, lost.swap))
        return lines + self._help(said)

    def pair(self, said: Pair) -> list[str]:
        """Return why this person, or why not."""
        place, person = _place(said.request, said.requirement), said.person
        if said.objections:
            reasons = [self.objection(reason) for reason in said.objections]
            return [self._say("pair.no", person=person, place=place, reasons=self._join(reasons, "join.reasons"))]
        facts = self._visit(said.start_s, said.distance_m, said.cost)
        lines = [self._say("pair.in_plan" if said.in_plan else "pair.could", person=person, place=place, **facts)]
        if said.because is not None:
            lines.append(self._words[f"selected.{said.because}"])
        return lines if said.in_plan else [*lines, self._forced(person, said.forced)]

    def person(self, said: ForPerson) -> list[str]:
        """Return what the person gets, what would fit, and what keeps the rest from them."""
        lines = []
        if said.serving:
            places = [_place(*ids) for ids in said.serving]
            lines.append(self._say("person.serving", person=said.person, places=self._join(places)))
        if said.nothing_because is not None:
            lines.append(self._say(f"idle.{said.nothing_because}", person=said.person))
        lines += [self._fit(fit, said.place_points) for fit in said.fits]
        if not said.fits:
            lines.append(self._say("fit.none", person=said.person))
        if said.barred:
            reasons = [f"{self._words[f'barred.{code}']} {count}" for code, count in said.barred.items()]
            lines.append(self._say("ruled_out", reasons=self._join(reasons)))
        return lines

    def difference(self, said: Difference) -> list[str]:
        """Return a line for each place that differs, the sums first."""
        sums = {name: len(getattr(said, name)) for name in ("kept", "moved", "new", "dropped")}
        lines = [self._say("diff", cost=self._cost(said.change, "+"), **sums)]
        for move in said.moved:
            after = self._booking(move.after)
            other = {"other": after["person"], "later": after["start"], "other_cost": after["cost"]}
            lines.append(self._say("diff.moved", **self._booking(move.before), **other))
        lines += [self._say("diff.new", **self._booking(booking)) for booking in said.new]
        return lines + [self._say("diff.dropped", **self._booking(booking)) for booking in said.dropped]

    # --- the quarter's duty

    def duty(self, said: DutyList) -> list[str]:
        """Return how many have served, how many of those who have not are there for each reason, and who they are."""
        sums = {"served": len(said.served), "owing": len(said.owing), "cadres": len(said.served) + len(said.owing)}
        at = self._time(int(said.at.timestamp()))
        lines = [self._say("duty", zone=said.zone, quarter=said.quarter, at=at, requests=said.requests, **sums)]
        for reason, people in Counter(one.reason for one in said.owing).most_common():
            lines.append(self._say("duty.reason", people=people, reason=self._words[f"owes.{reason}"]))
        for one in said.owing:
            lines.append(
                self._say("duty.person", person=one.person, unit=one.unit, reason=self._words[f"owes.{one.reason}"])
            )
        return lines

    # --- posts

    def posts(self, said: PostList) -> list[str]:
        """Return who holds each post, and which cadres hold none."""
        sums = {"posts": len(said.posts), "without": len(said.without), "cadres": said.cadres}
        lines = [self._say("posts", zone=said.zone, **sums)]
        for post in said.posts:
            people = self._join(post.claimed_by) or self._words["posts.nobody"]
            key = "posts.open" if post.places_open else "posts.held"
            lines.append(self._say(key, post=post.post, people=people, places=post.places_open or 0))
        for one in said.without:
            posts = self._join(one.could_claim) or "-"
            lines.append(self._say("posts.without", person=one.person, unit=one.unit, posts=posts))
        return lines

    # --- a live zone

    def run(self, beat: int, at_s: int, offset: int) -> str:
        """Return which match run is compared."""
        return self._say("live.run", beat=beat, at=self._time(at_s), offset=offset)

    def because(self, said: Because) -> str:
        """Return why a booking ended or began between two runs."""
        causes = [self._words[f"cause.{cause}"] for cause in said.causes]
        causes += [] if said.was is None else [self._words[f"reason.{said.was}"]]
        place = _place(said.request, said.requirement)
        key = "because.ended" if said.ended else "because.began"
        return self._say(key, place=place, person=said.person, causes=self._join(causes, "join.reasons") or "-")

    def state(self, request: str, state: str) -> str:
        """Return where a request is."""
        return self._say("live.state", place=request, state=self._words[f"state.{state}"])

    def area(self, said: LookedIn) -> str:
        """Return where people are looked for, and why not only nearer."""
        place = _place(said.request, said.requirement)
        because = "" if said.because is None else self._words[f"reason.{said.because}"]
        if said.area is None or said.level is None:
            return self._say("live.whole_zone", place=place, because=because)
        level = self._words[f"level.{said.level}"]
        key = "live.widened" if because else "live.area"
        values = {"because": because} if because else {}
        return self._say(key, place=place, level=level, area=said.area, **values)

    def refused(self, request: str, at_s: int, partition: int, offset: int, reason: Refusal) -> list[str]:
        """Return that a request was never taken in, and why."""
        place = {"place": request, "at": self._time(at_s), "partition": partition, "offset": offset}
        return [self._say("live.refused", **place), refusals.sentence(reason, self._language)]

    def decided(self, beat: int, at_s: int, partition: int, offset: int, *, optimal: bool) -> str:
        """Return which run of the log the answer is from."""
        proven = self._words["live.proven" if optimal else "live.unproven"]
        place = {"partition": partition, "offset": offset}
        return self._say("live.decided", beat=beat, at=self._time(at_s), proven=proven, **place)

    def other_plan(self, engine: str) -> str:
        """Return that the run's plan is not the one that is explained."""
        return self._say("live.other_plan", engine=engine)

    def now(self, at_s: int, partition: int, offset: int) -> str:
        """Return that the answer is what a beat would find."""
        return self._say("live.now", at=self._time(at_s), partition=partition, offset=offset)

    def visit(self, visit: Bound) -> str:
        """Return what somebody is bound to."""
        return self._say("live.visit", status=self._words[f"status.{visit.status}"], **self._bound(visit))

    def bound(self, visit: Bound) -> str:
        """Return who could come and is bound to another visit."""
        return self._say("live.bound", status=self._words[f"status.{visit.status}"], **self._bound(visit))

    def coming(self, start_s: int) -> str:
        """Return, without a name, that somebody will come."""
        return self._say("resident.coming", start=self._time(start_s))

    def asked(self, start_s: int) -> str:
        """Return, without a name, that somebody has been asked."""
        return self._say("resident.asked", start=self._time(start_s))

    def open_places(self, said: OpenPlaces) -> list[str]:
        """Return, without a name, why places stay open and what whoever asked could change."""
        place = _place(said.request, said.requirement)
        reason = self._words[f"reason.{said.reason}"]
        lines = [self._say("unfilled", place=place, places=said.places, places_open=said.places_open, reason=reason)]
        lines += [self._say("resident.help", change=self.change(change)) for change in said.would_help]
        return [*lines, self._words["help.checked"]] if said.would_help else lines

    def _bound(self, visit: Bound) -> dict[str, str]:
        place, start, end = _place(visit.request, visit.requirement), self._time(visit.start_s), self._time(visit.end_s)
        return {"person": visit.person, "place": place, "start": start, "end": end}

    # --- parts

    def change(self, change: msgspec.Struct) -> str:
        """Return one change as part of a sentence."""
        return self._say(f"change.{code_of(change)}", **msgspec.structs.asdict(change))

    def objection(self, reason: msgspec.Struct) -> str:
        """Return one rule's objection as part of a sentence."""
        return self._say(f"objection.{code_of(reason)}", **self._readable(msgspec.structs.asdict(reason)))

    def _readable(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add times and rounded metres beside the raw values, named without their unit."""
        shown: dict[str, Any] = dict(fields)
        for name, unit, made in (
            ("expired", "expired_s", self._time),
            ("from_", "from_s", self._time),
            ("until", "until_s", self._time),
            ("minutes", "duration_s", lambda seconds: seconds // 60),
            ("travel_minutes", "travel_s", _minutes),
            ("circle_minutes", "circle_s", _minutes),
            ("distance", "distance_m", _metres),
            ("reach", "reach_m", _metres),
        ):
            if unit in fields:
                shown[name] = made(fields[unit])
        if "teams" in fields:
            shown["teams"] = self._join(fields["teams"]) or "-"
        return shown

    def _help(self, said: Unfilled) -> list[str]:
        lines = [
            self._say("help", change=self.change(found.change), people=self._join(found.people))
            for found in said.what_would_help
        ]
        if lines:
            lines.append(self._words["help.checked"])
        elif not said.ran_out:
            lines.append(self._words["help.none"])
        return [*lines, self._say("ran_out", solves=said.solves)] if said.ran_out else lines

    def _forced(self, person: str, said: Forced | None) -> str:
        if said is None:
            return self._say("forced.unknown", person=person)
        if said.filled_lost is None or said.points is None:
            worth = self._worth(said.at_least_points, said.place_points)
            return self._say("forced.bound", person=person, worth=worth)
        if said.filled_lost:
            return self._say("forced.fewer", person=person, filled_lost=said.filled_lost, points=f"{said.points:+d}")
        return self._say("forced.more" if said.points else "forced.same", person=person, points=said.points)

    def _fit(self, fit: Fit, place_points: int) -> str:
        worth = self._worth(max(0, fit.reduced_points), place_points)
        facts = self._visit(fit.start_s, fit.distance_m, fit.cost)
        return self._say("fit", place=_place(fit.request, fit.requirement), open=fit.places_open, worth=worth, **facts)

    def _worth(self, points: int, place_points: int) -> str:
        """Return points, or places where they are about as much as a filled place."""
        if place_points and 2 * points >= place_points:
            return self._say("worth.places", places=round(points / place_points))
        return self._say("worth.points", points=points)

    def _visit(self, start_s: int | None, distance_m: float, cost: Mapping[str, int]) -> dict[str, str]:
        start = "" if start_s is None else self._time(start_s)
        return {"start": start, "distance": _metres(distance_m), "cost": self._cost(cost)}

    def _booking(self, booking: Booking) -> dict[str, str]:
        return {
            "place": _place(booking.request, booking.requirement),
            "person": booking.person,
            "start": self._time(booking.start_s),
            "cost": self._cost(booking.cost),
        }

    def _cost(self, cost: Mapping[str, int], sign: str = "") -> str:
        parts = [
            self._say("cost", term=self._words.get(f"term.{term}", term), points=format(points, f"{sign}d"))
            for term, points in cost.items()
        ]
        return self._join(parts) or "0"

    def _join(self, parts: Iterable[str], by: str = "join") -> str:
        return self._words[by].join(parts)

    def _time(self, at_s: int) -> str:
        return datetime.fromtimestamp(at_s, self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def _say(self, key: str, **values: Any) -> str:
        return self._words[key].format(**values)


def code_of(value: msgspec.Struct) -> str:
    """Return the code under which a tagged value stands in JSON and in the words."""
    return str(value.__struct_config__.tag)


def _place(request: str, requirement: str) -> str:
    """Return how a requirement is named: a request that has only one goes by its own id."""
    return request if requirement == "1" else f"{request}/{requirement}"


def _minutes(seconds: int) -> str:
    """Return minutes to a tenth, rounded up: what is too long by a second does not look allowed."""
    return f"{math.ceil(seconds / 6) / 10:g}"


def _metres(metres: float) -> str:
    return f"{metres:.0f}"

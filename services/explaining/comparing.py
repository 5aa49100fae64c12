"""Two match runs of one zone held against each other: who was asked or booked after each, and what happened between.

Called by `paidan diff --zone`. Reads the zone's whole history: what a booking cost stands in its offer.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from matcher.events import AssignmentHeld, MatchRunFinished, OfferSent
from matcher.explaining import difference
from matcher.explaining.answers import Difference
from matcher.explaining.between import Because, because, standing
from matcher.explaining.sentences import Teller
from services.explaining.questions import History, Language
from services.explaining.story import Story


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, by the journal offset of its entry."""

    offset: int
    beat: int
    at: datetime


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs. `sentences`: the same in words."""

    before: Run
    after: Run
    difference: Difference
    because: list[Because]
    sentences: list[str]


class NoRun(Exception):
    """The zone has no run at this offset or before."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def compare(history: History, zone: str, before: int, after: int, language: Language = "en") -> Compared:
    """Compare the zone's last runs at or before two journal offsets. Raises NoRun."""
    story = Story(history, zone)
    first, second = _run(story, before), _run(story, after)
    ends = [_end(story, place) for place in (first, second)]
    then, now = (story.zone_at(end) for end in ends)
    assert then is not None
    assert now is not None
    costs = {h.event.offer: h.event.cost for h in story.happened if isinstance(h.event, OfferSent)}
    held = {
        h.event.assignment: (h.event.request, h.event.requirement, h.event.volunteer)
        for h in story.happened
        if isinstance(h.event, AssignmentHeld)
    }
    said = difference(standing(then, costs), standing(now, costs))
    earlier, later = sorted(ends)
    between = [h.event for h in story.happened if earlier <= h.place < later]
    causes = because(said, between, then, held) if ends == sorted(ends) else []
    teller = Teller(language, now.policy.timezone)
    runs = [_told(story, place) for place in (first, second)]
    sentences = [teller.run(run.beat, int(run.at.timestamp()), run.offset) for run in runs]
    sentences += [*teller.difference(said), *(teller.because(each) for each in causes)]
    return Compared(before=runs[0], after=runs[1], difference=said, because=causes, sentences=sentences)


def _run(story: Story, offset: int) -> tuple[int, int]:
    places = [
        happened.place
        for happened in story.happened
        if isinstance(happened.event, MatchRunFinished) and happened.place[0] <= offset
    ]
    if not places:
        raise NoRun(offset)
    return places[-1]


def _end(story: Story, place: tuple[int, int]) -> tuple[int, int]:
    """Return the place right after the last event of a run."""
    cause = story.run_at(place).causation_id
    own = [h.place for h in story.happened if h.place >= place and h.event.causation_id == cause]
    offset, index = own[-1]
    return offset, index + 1


def _told(story: Story, place: tuple[int, int]) -> Run:
    run = story.run_at(place)
    return Run(offset=place[0], beat=run.beat, at=run.at)

"""A story's events as a journal: what a writer would have appended, one entry a command."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from matcher.events import Event
from matcher.policy import TRAVEL_ONLY, Policy
from matcher.terms import HeldSkill
from services.explaining.answering import answer
from services.explaining.questions import AnyAnswer, History, Question
from services.reading import Chain
from services.wire import Entry, SignIn, encode, encode_events
from tests.stories.story import BEGIN, ZONE, Story

SIGN_IN = "writer"


def entries(events: list[Event]) -> list[list[Event]]:
    """Cut events into entries: all that one command caused stands in one."""
    runs: list[list[Event]] = []
    for event in events:
        if runs and runs[-1][0].causation_id == event.causation_id:
            runs[-1].append(event)
        else:
            runs.append([event])
    return runs


def history(events: list[Event], *, until: int | None = None) -> History:
    """Return the journal of these events; `until`: only records before this offset. Offset 0 is the sign-in."""
    records = [(0, encode(SignIn(id=SIGN_IN, at=BEGIN)))]
    last = SIGN_IN
    for number, run in enumerate(entries(events)):
        entry = Entry(id=f"e{number}", after=last, first=number, last=number, at=BEGIN, events=encode_events(run))
        records.append((number + 1, encode(entry)))
        last = entry.id
    return History(partition=0, chain=Chain(), state=None, records=records[:until], whole=True)


def ask(story: Story, *, until: int | None = None, **asked: Any) -> AnyAnswer:
    """Ask a question about the story's zone."""
    return answer(Question(zone=ZONE, history=history(story.events, until=until), **asked))


def crowded(seed: int, policy: Policy = TRAVEL_ONLY) -> Story:
    """Play a town with more to do than people: beats, yes and no, lapses, crews, people coming and going."""
    draw = random.Random(f"crowded:{seed}")
    story = Story(policy)
    for number in range(draw.randint(3, 6)):
        skills = tuple(HeldSkill(skill=name) for name in draw.sample(("help", "nursing"), draw.randint(1, 2)))
        story.volunteer(f"v{number}", at=draw.randint(0, 4000), skills=skills, reach_m=draw.choice((900, 50_000)))
    for number in range(draw.randint(6, 12)):
        people = draw.choice((1, 1, 1, 2))
        last = story.now(draw.choice((150, 300, 1440)))
        story.request(
            f"r{number}", at=draw.randint(0, 4000), people=people, latest=last, minimum=draw.choice((None, 1))
        )
        if draw.random() < 0.6:
            story.tick(draw.choice((5, 20, 45)))
        for offer, state in sorted(story.offers().items()):
            if state == "sent" and draw.random() < 0.6:
                (story.accept if draw.random() < 0.6 else story.decline)(offer)
    story.tick(10)
    return story


def hours_after(story: Story, hours: int) -> Any:
    """Return the story's time so many hours on."""
    return story.now() + timedelta(hours=hours)

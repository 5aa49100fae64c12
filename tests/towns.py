"""Small towns for tests of the demo: a few zones, people and requests by seed, and what a journal says of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from matcher.events import Event
from matcher.policy import TRAVEL_ONLY, Policy
from matcher.terms import NeededSkill, Point
from producers import availability
from producers.rows import RequestRow, VolunteerRow
from services.demo.scenario import Scenario, of_rows
from services.names import JOURNAL
from services.reading import Chain, Held
from services.wire import decode_events

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BEAT = timedelta(minutes=10)
SKILLS = ("errands", "plumbing", "tutoring")
HOURS = availability.parse("Mon-Sun 07:00-21:00")
#: Events that depend on when a process ran, not on what was asked.
INCIDENTAL = frozenset({"Attempt", "JobReported", "JobReissued", "JobAbandoned"})


def town(
    seed: int, *, requests: int = 25, people: int = 12, zones: int = 2, hours: int = 10, policy: Policy = TRAVEL_ONLY
) -> Scenario:
    draw = random.Random(f"town:{seed}")

    def spot() -> Point:
        return Point(lat=round(42.30 + draw.random() * 0.02, 4), lon=round(-71.10 + draw.random() * 0.02, 4))

    asked = [
        RequestRow(
            line=n,
            request_id=f"r{n}",
            point=spot(),
            skills=(NeededSkill(skill=draw.choice(SKILLS)),),
            earliest=(made := MONDAY + timedelta(minutes=draw.randrange(60 * hours))),
            latest=made + timedelta(hours=draw.choice((6, 30, 72))),
            submitted_at=made,
            zone=f"zone-{draw.randrange(zones)}",
        )
        for n in range(requests)
    ]
    crowd = [
        VolunteerRow(
            line=n,
            volunteer_id=f"v{n}",
            point=spot(),
            skills=tuple(NeededSkill(skill=skill) for skill in draw.sample(SKILLS, 2)),
            hours=HOURS,
            reach_m=2500.0,
            zone=f"zone-{n % zones}",
        )
        for n in range(people)
    ]
    return of_rows(asked, crowd, seed, BEAT, policy, zone="town")


async def story_of(log, partitions: int) -> dict[str, list[Event]]:
    """Return each zone's events as the journal holds them, what depends on processes left out."""
    zones: dict[str, list[Event]] = {}
    for partition in range(partitions):
        chain = Chain()
        end = (await log.bounds(JOURNAL, partition)).end
        while chain.next_offset < end:
            for record in await log.read(JOURNAL, partition, chain.next_offset, 500):
                judged = chain.accept(record.offset, record.value)
                if isinstance(judged, Held):
                    for event in decode_events(judged.entry):
                        if type(event).__name__ not in INCIDENTAL:
                            zones.setdefault(event.zone, []).append(event)
    return zones

"""A past is rebuilt from its journal alone, comes out the same under the same policy, and is compared honestly."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from matcher.commands import AcceptOffer, Command, SubmitRequest, Tick
from matcher.events import Event, MatchRunFinished, OfferSent
from matcher.policy import DEFAULT, FAIR, TRAVEL_ONLY, Policy
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.backtesting.answers import Answering, Said, past
from services.backtesting.comparing import Backtest, NothingThere, backtest
from services.backtesting.recorded import Asked, asked
from services.backtesting.running import JOBS, again, under
from services.cli import build
from services.core import Matching
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.exits import ExitCode, Stop
from services.explaining.questions import History
from services.explaining.reading import history as fetched
from services.explaining.story import Story as ZoneStory
from services.names import COMMANDS, LOG_FILE
from services.solving import InlineSolver
from services.wire import Unreadable, decode_command, partition_of
from tests.explaining.journals import crowded, history
from tests.golden.recording import PARTITIONS, expected, read, releases
from tests.stories.story import BEGIN, ZONE, Story
from tests.towns import town

TOWN = "zone-0"


def steps_of(kept: History, zone: str) -> list[Asked]:
    return asked(ZoneStory(kept, zone).happened)


def events_of(steps: list[Asked]) -> list[Event]:
    return [event for step in steps for event in step.events]


async def zones_of(log: Any, partitions: int, names: list[str]) -> dict[str, History]:
    return {name: await fetched(log, partition_of(name, partitions), name, before=0) for name in names}


@pytest.fixture(scope="module")
def golden() -> tuple[MemoryLog, dict[str, History]]:
    log = MemoryLog(PARTITIONS)

    async def main() -> dict[str, History]:
        await read(releases()[-1], log)
        return await zones_of(log, PARTITIONS, list(expected(releases()[-1])["zones"]))

    return log, asyncio.run(main())


def played(folder: Path, policy: Policy, seed: int) -> Path:
    """Play a small town through the whole chain into a log in a folder."""
    log = SqliteLog(folder / LOG_FILE, 4)
    scenario = town(seed, requests=30, people=9, zones=2, policy=policy)

    async def main() -> None:
        with Receipts(folder / "receipts.jsonl") as receipts:
            await play(scenario, log, Matching(), InlineSolver(), receipts, Audience(), partitions=4)

    try:
        asyncio.run(main())
    finally:
        log.close()
    return folder


@pytest.fixture(scope="module")
def played_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return played(tmp_path_factory.mktemp("town"), DEFAULT, 3)


def town_history(folder: Path) -> History:
    log = SqliteLog(folder / LOG_FILE, read_only=True)
    try:
        return asyncio.run(zones_of(log, 4, [TOWN]))[TOWN]
    finally:
        log.close()


# --- commands from the journal alone


def test_the_journal_holds_every_command_in_full_but_repeats_and_late_ticks(
    golden: tuple[MemoryLog, dict[str, History]],
):
    log, histories = golden
    for zone, kept in histories.items():
        rebuilt = [step.command for step in steps_of(kept, zone)]
        sent = list(_sent(log, zone))
        assert len(rebuilt) > 100
        seen: set[str] = set()
        for command in sent:
            if rebuilt and _same(rebuilt[0], command):
                rebuilt.pop(0)
                seen.add(command.id)
            else:
                assert command.id in seen, command  # a repeat
        assert rebuilt == []


def _sent(log: MemoryLog, zone: str) -> Any:
    for record in asyncio.run(log.read(COMMANDS, partition_of(zone, PARTITIONS), 0, 10**9)):
        try:
            command = decode_command(record.value)
        except Unreadable:
            continue
        if command.zone == zone:
            yield command


def _same(one: Command, other: Command) -> bool:
    """A Tick's sender is not in the journal."""
    return one == (msgspec.structs.replace(other, actor="") if isinstance(other, Tick) else other)


# --- the same policy


@pytest.mark.parametrize("version", releases())
def test_todays_code_decides_every_recorded_command_of_each_release_as_it_was_decided(version: str):
    log = MemoryLog(PARTITIONS)

    async def main() -> dict[str, History]:
        await read(version, log)
        return await zones_of(log, PARTITIONS, list(expected(version)["zones"]))

    for zone, kept in asyncio.run(main()).items():
        steps = steps_of(kept, zone)
        ran = again({}, steps)
        if zone in expected(version)["decides_otherwise"]:
            assert ran.first is not None
            continue
        assert ran.first is None, (zone, ran.first)
        assert ran.events == events_of(steps)
        assert ran.solves


@pytest.mark.parametrize("policy", [DEFAULT, FAIR, TRAVEL_ONLY], ids=lambda policy: policy.name)
def test_under_the_recorded_policy_the_whole_machinery_gives_exactly_the_recorded_events(
    policy: Policy, tmp_path: Path
):
    kept = town_history(played(tmp_path, policy, 5))
    steps = steps_of(kept, TOWN)
    ran = under({}, steps, past(events_of(steps)), policy, seed=9)
    assert ran.first is None
    assert ran.events == events_of(steps)
    assert (ran.repeated, ran.drawn, ran.left_out, ran.ticks_added) == (0, 0, 0, 0)
    assert ran.recorded_answers > 5


@pytest.mark.parametrize("seed", range(6))
def test_stories_with_crews_and_refusals_are_reproduced_too(seed: int):
    story = crowded(seed, DEFAULT)
    found = backtest(history(story.events), ZONE, DEFAULT)
    assert found.check is not None
    assert found.check.identical
    assert found.other == found.recorded
    assert found.answers is not None
    assert (found.answers.drawn, found.people.more if found.people else None) == (0, 0)


def test_an_event_that_was_not_decided_so_is_found_at_its_offset():
    story = crowded(2, DEFAULT)
    events = list(story.events)
    at = next(n for n, event in enumerate(events) if isinstance(event, OfferSent))
    events[at] = msgspec.structs.replace(events[at], distance_m=1.0)  # type: ignore[arg-type]
    kept = history(events)
    found = backtest(kept, ZONE, None)
    assert found.check is not None
    assert not found.check.identical
    assert found.check.command == "Tick"
    place = next(step.place for step in steps_of(kept, ZONE) if events[at] in step.events)
    assert found.check.offset == place[0]


def test_a_run_that_was_answered_greedily_is_decided_greedily_again():
    story = crowded(1, DEFAULT)
    steps = steps_of(history(story.events), ZONE)
    tick = next(step for step in steps if step.engine is not None)
    tick.events = [
        msgspec.structs.replace(event, engine="greedy") if isinstance(event, MatchRunFinished) else event
        for event in tick.events
    ]
    ran = again({}, steps)
    runs = [event for event in ran.events if isinstance(event, MatchRunFinished)]
    assert runs[0].engine == "greedy"


# --- another policy


def one_near_one_far() -> Story:
    """Ana lives next door, Ben 2 km off; both always say yes and come. By default Ana does everything."""
    story = Story(DEFAULT)
    story.volunteer("ana", at=0)
    story.volunteer("ben", at=2000)
    for day in range(6):
        story.request(f"r{day}", at=100)
        story.tick(5)
        offers = [name for name, state in story.offers().items() if state == "sent"]
        for offer in offers:
            story.accept(offer)
            story.tick(5)
            story.visit(offer)
        story.tick(600)
    return story


def test_a_fair_policy_would_have_shared_what_one_person_did():
    story = one_near_one_far()
    fair = msgspec.structs.replace(
        FAIR, costs=msgspec.structs.replace(FAIR.points, fairness_points=4000, continuity_points=0)
    )
    found = backtest(history(story.events), ZONE, fair, people=True)
    other, people = found.other, found.people
    assert other is not None
    assert people is not None
    assert (found.recorded.filled, other.filled) == (6, 6)
    assert (found.recorded.gini, found.recorded.most) == (0.5, 6)
    assert other.most == 3
    assert other.gini == 0.0
    assert other.distance_total_km > found.recorded.distance_total_km
    assert people.changes == {"ana": (6, 3), "ben": (0, 3)}
    assert (people.more, people.less) == (1, 1)


def test_who_said_no_to_a_request_says_no_to_it_again_whenever_it_is_offered():
    story = Story(DEFAULT)
    story.volunteer("ana", at=0)
    story.request("r1", at=50)
    story.tick(5)
    [offer] = story.offers()
    story.decline(offer)
    story.tick(5)
    story.tick(2000)
    later = msgspec.structs.replace(DEFAULT, crew_lead_minutes=1, offer_expiry_minutes=45)
    found = backtest(history(story.events), ZONE, later)
    assert found.other is not None
    assert (found.other.offers, found.other.declined, found.other.filled) == (1, 1, 0)
    assert found.answers is not None
    assert (found.answers.recorded, found.answers.repeated, found.answers.drawn) == (0, 1, 0)


def test_draws_are_the_same_for_a_seed_and_differ_between_seeds(played_town: Path):
    kept = town_history(played_town)
    first, again_, other = (_told(backtest(kept, TOWN, FAIR, seed=seed, check=False)) for seed in (1, 1, 2))
    assert first == again_
    assert first != other


def _told(found: Backtest) -> Backtest:
    return msgspec.structs.replace(found, seconds=0.0, seed=0)


def test_the_world_stays_as_it_was_and_nobody_is_booked_twice(played_town: Path):
    steps = steps_of(town_history(played_town), TOWN)
    ran = under({}, steps, past(events_of(steps)), FAIR, seed=4)
    requests = [event for event in ran.events if type(event).__name__ == "RequestSubmitted"]
    was = [step.command for step in steps if isinstance(step.command, SubmitRequest)]
    assert [event.command for event in requests] == was  # type: ignore[attr-defined]
    runs = [event for event in ran.events if isinstance(event, MatchRunFinished)]
    assert {run.policy_sha256 for run in runs}.isdisjoint(
        event.policy_sha256 for event in events_of(steps) if isinstance(event, MatchRunFinished)
    )
    times = [event.at for event in ran.events]
    assert times == sorted(times)
    busy: dict[str, list[tuple[Any, Any]]] = {}
    live: dict[str, tuple[str, Any, Any]] = {}
    for event in ran.events:
        match type(event).__name__:
            case "AssignmentHeld":
                mine = busy.setdefault(event.volunteer, [])
                assert all(end <= event.departure or event.end <= begin for begin, end in mine)
                mine.append((event.departure, event.end))
                live[event.assignment] = (event.volunteer, event.departure, event.end)
            case "AssignmentReleased" | "NoShowRecorded":
                person, *span = live[event.assignment]
                busy[person].remove(tuple(span))


def test_a_range_begins_with_the_offers_that_were_open_and_their_recorded_answers(played_town: Path):
    kept = town_history(played_town)
    steps = steps_of(kept, TOWN)
    accepted = next(step for step in steps if isinstance(step.command, AcceptOffer))
    same = backtest(kept, TOWN, DEFAULT, begins=accepted.at + timedelta(seconds=1))
    assert same.check is not None
    assert same.check.identical
    assert same.other == same.recorded
    middle = backtest(kept, TOWN, FAIR, begins=accepted.at, check=False)
    assert middle.answers is not None
    assert middle.answers.recorded >= 1
    with pytest.raises(NothingThere):
        backtest(kept, TOWN, FAIR, begins=steps[-1].at + timedelta(days=1))


def test_a_range_ends_where_it_is_told_to(played_town: Path):
    kept = town_history(played_town)
    whole = backtest(kept, TOWN, None)
    half = backtest(kept, TOWN, None, ends=whole.begins + (whole.ends - whole.begins) / 2)
    assert half.commands < whole.commands
    assert half.check is not None
    assert half.check.identical


def test_a_person_without_a_record_answers_as_the_zone_does_and_one_with_a_long_record_as_themselves():
    story = Story(DEFAULT)
    for name in ("yes", "no"):
        story.volunteer(name, at=0)
    told = [_offer(f"{name}{n}", name, n) for name in ("yes", "no") for n in range(40)]
    known = past(told)
    for offer in told:
        known.offers[offer.offer].said = Said.YES if offer.volunteer == "yes" else Said.NO
    known = _counted(known)
    answering = Answering(known, seed=1)
    shares = {}
    for name in ("yes", "no", "nobody"):
        answers = [answering.answer(_offer(f"new{name}{n}", name, 100 + n)) for n in range(400)]
        shares[name] = sum(isinstance(each[0], AcceptOffer) for each in answers if each) / 400
    assert shares["yes"] > 0.9
    assert shares["no"] < 0.1
    assert 0.35 < shares["nobody"] < 0.65
    assert answering.drawn == 1200


def _offer(request: str, person: str, n: int) -> OfferSent:
    at = BEGIN + timedelta(minutes=n)
    start = at + timedelta(hours=2)
    return OfferSent(
        zone=ZONE, at=at, causation_id="t", offer=f"{request}.1.0.{person}", request=request, requirement="1", wave=0,
        volunteer=person, start=start, end=start + timedelta(hours=1), distance_m=1.0, travel_s=1, cost={},
        expires_at=at + timedelta(minutes=30),
    )  # fmt: skip


def _counted(known: Any) -> Any:
    for recorded in known.offers.values():
        known.said.setdefault(recorded.sent.volunteer, type(known.zone)())[recorded.said] += 1
        known.zone[recorded.said] += 1
    return known


def test_jobs_are_no_part_of_a_comparison():
    assert {kind.__name__ for kind in JOBS} == {"JobReported", "JobReissued", "JobAbandoned"}


# --- the command line


def paidan(*words: str) -> Any:
    return CliRunner().invoke(build(), ["backtest", *words])


def test_the_command_compares_in_words_and_as_json(played_town: Path):
    at = ["--zone", TOWN, "--data", str(played_town)]
    said = paidan("--policy", "fair", "--people", *at)
    assert said.exit_code == 0, said.output
    assert "events of" in said.output
    assert "the same." in said.output
    assert "Gini of visits" in said.output
    found = json.loads(paidan("--policy", "fair", "--json", *at).stdout)
    assert found["check"]["identical"] is True
    assert found["people"]["changes"] is None
    assert found["policies"] == ["default"]
    assert found["other"]["requests"] == found["recorded"]["requests"]


def test_recorded_as_policy_checks_alone_and_wrong_words_are_told(played_town: Path):
    at = ["--zone", TOWN, "--data", str(played_town)]
    alone = json.loads(paidan("--policy", "recorded", "--json", *at).stdout)
    assert alone["check"]["identical"] is True
    assert alone["other"] is None
    cases = {
        ("--policy", "fair", "--zone", "nowhere", "--data", str(played_town)): ExitCode.USAGE,
        ("--policy", "fair", "--from", "yesterday", *at): ExitCode.USAGE,
        ("--policy", "farc", *at): ExitCode.BAD_INPUT,
        ("--policy", "fair", "--zone", TOWN): ExitCode.USAGE,
    }
    for words, code in cases.items():
        stop = paidan(*words).exception
        assert isinstance(stop, Stop), words
        assert stop.code is code, words

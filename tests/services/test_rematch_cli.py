"""`paidan rematch` and `paidan plan`: a dry run on a folder, every kind of bad input, and a batch on a running `up`."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matcher import commands as c
from matcher import events as e
from services.adapters.sqlite import SqliteLog
from services.cli import sending
from services.names import LOG_FILE
from tests.batches import WEEK, zone_of
from tests.processes import Served
from tests.shell import paidan
from tests.towns import story_of

ZONE = "zone-a"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A log with a zone to plan, one without people and one without requests."""
    data = tmp_path_factory.mktemp("data")
    commands = zone_of(ZONE)
    commands += [command for command in zone_of("nobody") if not isinstance(command, c.RegisterVolunteer)]
    commands += [command for command in zone_of("nothing") if not isinstance(command, c.SubmitRequest)]
    outcome = asyncio.run(sending.to_log(commands, data))
    assert not outcome.refused
    return data


def rematch(folder: Path, *arguments: str, zone: str = ZONE, week: str = str(WEEK)):
    return paidan("rematch", "--zone", zone, "--week", week, "--data", str(folder), *arguments)


def test_a_dry_run_plans_the_same_twice_and_changes_nothing(folder: Path):
    before = (folder / LOG_FILE).read_bytes()
    one, other = (rematch(folder, "--dry-run", "--iterations", "200", "--name", "x", "--json") for _ in range(2))
    assert one.code == 0, one.err
    said, again = (json.loads(run.out) for run in (one, other))
    assert said["dry_run"] is True
    assert said["figures"]["filled"] == said["visits"] > 10
    assert {**said, "seconds": 0} == {**again, "seconds": 0}
    assert (folder / LOG_FILE).read_bytes() == before


def test_a_dry_run_speaks_and_draws(folder: Path, tmp_path: Path):
    run = rematch(folder, "--dry-run", "--iterations", "50", "--plot", str(tmp_path / "pictures"))
    assert run.code == 0, run.err
    assert "nothing has been changed" in run.out
    assert "Filled" in run.out
    assert list((tmp_path / "pictures").glob("*.svg"))


def test_a_dry_run_by_seconds_says_that_it_cannot_be_repeated(folder: Path):
    run = rematch(folder, "--dry-run", "--budget", "0.05")
    assert run.code == 0, run.err
    assert "another run may give another plan" in run.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"week": "2026-01-07"}, 5, "ended at"),
        ({"week": "next week"}, 2, "is no day"),
        ({"zone": "nowhere"}, 5, "nowhere"),
        ({"zone": "nobody"}, 5, "Nobody who could come is registered"),
        ({"zone": "nothing"}, 5, "There is nothing to plan"),
        ({"zone": "nothing", "more": ("--lang", "zh")}, 5, "需求"),
        ({"more": ("--iterations", "5", "--budget", "2")}, 2, "not both"),
        ({"more": ("--iterations", "0")}, 2, "iterations"),
        ({"more": ("--budget", "-1")}, 2, "budget"),
        ({"more": ("--kafka", "localhost:1")}, 2, "--data"),
    ],
)
def test_bad_input_gets_a_clear_answer(folder: Path, arguments: dict, code: int, words: str):
    more = arguments.pop("more", ())
    run = rematch(folder, "--dry-run", *more, **arguments)
    assert run.code == code, run.err
    assert words in run.out + run.err


def test_pictures_belong_to_a_dry_run_and_a_log_must_be_there(folder: Path, tmp_path: Path):
    assert rematch(folder, "--plot", str(tmp_path)).code == 2
    assert rematch(tmp_path, "--dry-run").code == 5


def test_without_a_service_a_batch_cannot_begin(folder: Path):
    run = rematch(folder, "--url", "http://127.0.0.1:9")
    assert run.code == 4, run.err


def test_a_plan_that_is_not_there_is_not_shown(folder: Path):
    run = paidan("plan", "show", "w9", "--zone", ZONE, "--data", str(folder))
    assert run.code == 5
    assert "has no plan (w9)" in run.err


# --- on a running service --------------------------------------------------------------------------------------------


def next_monday() -> datetime:
    """A Monday after today, midnight in Shanghai."""
    today = datetime.now(UTC)
    day = datetime(today.year, today.month, today.day, 16, tzinfo=UTC)
    return day + timedelta(days=(6 - day.weekday()) % 7 + 7)


def journal(data: Path) -> list[e.Event]:
    log = SqliteLog(data / LOG_FILE, read_only=True)
    try:
        return asyncio.run(story_of(log, log.partitions)).get(ZONE, [])
    finally:
        log.close()


def test_a_batch_on_up_is_watched_published_told_and_rolled_back(tmp_path: Path):
    data, begin = tmp_path / "data", next_monday()
    assert not asyncio.run(sending.to_log(zone_of(ZONE, begin=begin), data)).refused
    up = Served(tmp_path / "up", "up", "--data", str(data), "--port", "0", "--beat", "0.5", "--no-console")
    try:
        where = ("--zone", ZONE, "--data", str(data), "--url", up.url)
        week = (begin + timedelta(days=2)).date().isoformat()
        run = paidan("rematch", *where, "--week", week, "--iterations", "400", "--name", "w1", "--json")
        assert run.code == 0, run.err
        said = json.loads(run.out)
        assert said["plan"] == "w1"
        again = paidan("rematch", *where, "--week", week, "--name", "w1")
        assert (again.code, "(w1)" in again.err) == (5, True), again.err
        shown = paidan("plan", "show", "w1", "--zone", ZONE, "--data", str(data), "--json")
        assert json.loads(shown.out)["state"] == "draft"
        for step in ("publish", "notify", "rollback"):
            did = paidan("plan", step, "w1", *where)
            assert did.code == 0, did.err
        refused = paidan("plan", "publish", "w1", *where)
        assert refused.code == 5, refused.err
    finally:
        assert up.end(signal.SIGTERM) == 0
    events = journal(data)
    names = [type(event).__name__ for event in events]
    refused = [event.reason for event in events if isinstance(event, e.CommandRefused)]
    assert len(refused) == 2, refused
    assert {"PlanPublished", "PlanNotified", "PlanRolledBack"} <= set(names)

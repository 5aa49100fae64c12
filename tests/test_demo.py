"""The demo as a person meets it: the summary's values, the view, the folder that goes on, the command."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from rich.console import Console

from matcher import commands as c
from matcher import events as e
from matcher.reasons import Unassigned
from matcher.terms import Point
from services.demo.figures import Figures
from services.demo.folder import Folder, Played
from services.demo.scenario import DAY_REQUESTS
from services.demo.summary import Summary, as_json, percentile, summarise, table
from services.demo.tally import Tally
from services.demo.view import View, line
from services.demo.words import CHINESE, ENGLISH, choose
from services.exits import ExitCode, Stop
from tests.shell import clean_environment

ROOT = Path(__file__).parent.parent
AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Exactly what scripts rely on, in this order.
KEYS = [
    *("requests", "assigned", "accepted", "completed", "rated", "closed", "open", "expired", "cancelled"),
    *("unassigned_by_reason", "parked", "lost", "double_bookings", "distance_m", "near", "asked_for"),
    *("event_to_offer_ms", "beats"),
    *("solve_ms", "commands_per_second", "peak_rss_mb"),
]


class Journal:
    """Makes events of one zone and shows them to a tally."""

    def __init__(self) -> None:
        self.tally = Tally()

    def happens(self, kind, **fields) -> Journal:
        self.tally.take(kind(zone="z", at=AT, causation_id="c", **fields))
        return self

    def submitted(self, request: str) -> Journal:
        command = c.SubmitRequest(id=request, zone="z", at=AT, request=request, point=Point(lat=1, lon=1))
        self.happens(e.RequestSubmitted, command=command, earliest=AT, latest=AT)
        return self.happens(e.RequirementOpened, request=request, requirement="1", wave=0)

    def offered(self, request: str, person: str, metres: float = 100.0) -> Journal:
        place = {"request": request, "requirement": "1", "volunteer": person, "start": AT, "end": AT}
        self.happens(e.AssignmentHeld, assignment=f"{request}.{person}", departure=AT, **place)
        more = {"distance_m": metres, "travel_s": 1, "cost": {}, "expires_at": AT, "wave": 0}
        return self.happens(e.OfferSent, offer=f"{request}.{person}", **place, **more)

    def unfilled(self, request: str, reason: Unassigned) -> Journal:
        return self.happens(e.RequirementUnfilled, request=request, requirement="1", reason=reason, funnel={})

    def ended(self, request: str, outcome: e.Outcome) -> Journal:
        return self.happens(e.RequestClosed, request=request, outcome=outcome)


def test_the_five_counters_follow_one_request_from_asking_to_rating():
    journal = Journal().submitted("r1").offered("r1", "ana", 250.0)
    tally = journal.tally
    journal.happens(e.AssignmentCommitted, assignment="r1.ana")
    finish = c.Finish(id="f", zone="z", at=AT, assignment="r1.ana")
    journal.happens(e.WorkFinished, command=finish).happens(e.RequestCompleted, request="r1")
    rate = c.RateRequest(id="q", zone="z", at=AT, request="r1", effect=5, conduct=5)
    journal.happens(e.RatingSubmitted, command=rate).ended("r1", e.Outcome.FULFILLED)
    assert [len(x) for x in (tally.requests, tally.assigned, tally.accepted, tally.completed, tally.rated)] == [1] * 5
    assert (tally.closed, tally.open, tally.waiting) == (1, 0, 0)
    assert list(tally.distance_m.values()) == [250.0]


def test_a_request_waits_again_when_the_person_found_for_it_does_not_come():
    journal = Journal().submitted("r1").offered("r1", "ana")
    assert journal.tally.waiting == 0
    journal.happens(e.AssignmentCommitted, assignment="r1.ana").happens(e.NoShowRecorded, assignment="r1.ana")
    assert journal.tally.waiting == 1
    assert journal.tally.distance_m == {}


def test_why_nobody_came_is_counted_once_a_request_and_only_while_it_is_true():
    journal = Journal().submitted("r1").submitted("r2").submitted("r3")
    journal.unfilled("r1", Unassigned.TRAVEL_TOO_FAR).unfilled("r1", Unassigned.MISSING_SKILL)
    journal.unfilled("r2", Unassigned.OUTBID).unfilled("r3", Unassigned.OUTBID)
    journal.offered("r3", "ana").ended("r1", e.Outcome.EXPIRED)
    assert journal.tally.unassigned_by_reason() == {"MISSING_SKILL": 1, "OUTBID": 1}
    assert (journal.tally.expired, journal.tally.open) == (1, 2)


def test_a_reopened_request_is_open_again():
    journal = Journal().submitted("r1").ended("r1", e.Outcome.FULFILLED)
    assert journal.tally.open == 0
    journal.happens(e.RequestReopened, request="r1", earliest=AT, latest=AT)
    assert (journal.tally.open, journal.tally.closed) == (1, 0)


def test_the_summary_has_exactly_the_documented_values_and_its_requests_add_up():
    tally = Journal().submitted("r1").submitted("r2").ended("r2", e.Outcome.EXPIRED).tally
    summary = summarise(tally, Figures(), lost=0, double_bookings=0)
    written = json.loads(as_json(summary))
    assert list(written) == KEYS
    assert list(written["distance_m"]) == ["p50", "p90"]
    assert list(written["event_to_offer_ms"]) == list(written["solve_ms"]) == ["p50", "p99"]
    ends = ("closed", "expired", "cancelled", "open")
    assert written["requests"] == sum(written[name] for name in ends) == 2
    assert msgspec.json.decode(as_json(summary), type=Summary) == summary


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (90, 9), (99, 10)])
def test_percentiles_are_values_that_occurred(percent, value):
    assert percentile(list(range(10, 0, -1)), percent) == value


def test_the_percentile_of_nothing_is_nothing():
    assert percentile([], 50) is None


@pytest.mark.parametrize("words", [ENGLISH, CHINESE])
def test_every_value_and_every_reason_has_a_label(words):
    assert set(KEYS) <= set(words.labels)
    assert {reason.value for reason in Unassigned} <= set(words.labels)


def test_the_language_is_the_one_asked_for_else_that_of_the_environment():
    assert choose("en", {"LANG": "zh_CN.UTF-8"}) is ENGLISH
    assert choose(None, {"LANG": "zh_CN.UTF-8"}) is CHINESE
    assert choose(None, {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}) is ENGLISH
    assert choose(None, {}) is ENGLISH


@pytest.mark.parametrize("words", [ENGLISH, CHINESE])
def test_the_view_shows_the_counters_the_waiting_and_why_and_gives_the_terminal_back(words):
    journal = Journal().submitted("r1").submitted("r2").offered("r1", "ana")
    journal.unfilled("r2", Unassigned.TRAVEL_TOO_FAR).happens(e.TimePassed, beat=1)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with View(console, journal.tally, Figures(), words, SHANGHAI):
        pass
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    for name in ("requests", "assigned", "accepted", "completed", "rated", "waiting", "beat_ms"):
        assert words.of(name) in shown
    assert words.of("TRAVEL_TOO_FAR") in shown
    assert "2026-06-01 09:00" in shown
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")


def test_without_a_terminal_the_run_is_said_in_lines():
    out = io.StringIO()
    journal = Journal().submitted("r1").happens(e.TimePassed, beat=1)
    with View(Console(file=out, width=80), journal.tally, Figures(), ENGLISH, SHANGHAI):
        pass
    assert out.getvalue().strip() == line(journal.tally, ENGLISH, SHANGHAI)
    assert "\x1b" not in out.getvalue()


def test_the_table_of_the_summary_shows_every_value():
    summary = summarise(Journal().submitted("r1").tally, Figures(), lost=0, double_bookings=0)
    assert table(summary, ENGLISH).row_count == len(KEYS)


def test_a_folder_goes_on_with_its_own_run_only(tmp_path):
    folder = Folder(tmp_path / "demo")
    folder.claim(Played(seed=1, beat_minutes=10, policy="default"))
    folder.claim(Played(seed=1, beat_minutes=10, policy="default"))
    with pytest.raises(Stop, match="--fresh") as refused:
        folder.claim(Played(seed=2, beat_minutes=10, policy="default"))
    assert refused.value.code is ExitCode.BAD_INPUT


def test_clearing_a_folder_takes_away_what_the_demo_put_there_and_nothing_else(tmp_path):
    folder = Folder(tmp_path)
    folder.claim(Played(seed=1, beat_minutes=10, policy="default"))
    for name in ("log.sqlite", "receipts.jsonl", "summary.json", "mine.txt"):
        (tmp_path / name).touch()
    assert folder.finished()
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def paidan(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from services.cli import main; main()", *arguments],
        cwd=ROOT,
        env=clean_environment(LANG="C.UTF-8"),
        capture_output=True,
        text=True,
        check=False,
    )


REQUESTS = """request_id,lat,lon,skills,submitted_at,zone
r1,42.30,-71.10,errands,2026-03-02T09:00:00+00:00,north
r2,42.31,-71.10,errands,2026-03-02T10:00:00+00:00,north
r3,42.30,-71.09,plumbing,2026-03-02T10:00:00+00:00,south
"""
VOLUNTEERS = """volunteer_id,lat,lon,skills,availability,reach_m,zone
ana,42.301,-71.10,errands,Mon-Sun 00:00-24:00,3000,north
ben,42.302,-71.09,errands,Mon-Sun 00:00-24:00,3000,south
cas,42.303,-71.10,errands,Mon-Sun 00:00-24:00,3000,north
dan,42.304,-71.10,errands,Mon-Sun 00:00-24:00,3000,north
eva,42.305,-71.10,errands,Mon-Sun 00:00-24:00,3000,north
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "requests.csv").write_text(REQUESTS)
    (tmp_path / "volunteers.csv").write_text(VOLUNTEERS)
    options = ["--requests", "requests.csv", "--volunteers", "volunteers.csv", "--dir", "run", "--json", "out.json"]
    return [str(tmp_path / option) if "." in option or option == "run" else option for option in options]


@pytest.mark.slow
def test_the_command_plays_files_to_the_end_and_begins_a_finished_run_again(files, tmp_path):
    first = paidan("demo", *files, "--headless")
    assert first.returncode == 0, first.stderr
    summary = json.loads((tmp_path / "out.json").read_bytes())
    assert list(summary) == KEYS
    assert (summary["requests"], summary["open"], summary["lost"], summary["double_bookings"]) == (3, 0, 0, 0)
    assert summary["unassigned_by_reason"] == {"MISSING_SKILL": 1}
    again = paidan("demo", *files, "--lang", "zh")
    assert again.returncode == 0, again.stderr
    assert "点单 3" in again.stderr
    assert "结果汇总" in again.stdout
    kept = json.loads((tmp_path / "out.json").read_bytes())
    assert [kept[name] for name in KEYS[:9]] == [summary[name] for name in KEYS[:9]]


@pytest.mark.slow
def test_a_request_file_that_is_not_there_ends_with_5_and_a_clear_word(tmp_path):
    ended = paidan("demo", "--requests", str(tmp_path / "none.csv"), "--dir", str(tmp_path / "run"))
    assert ended.returncode == 5
    assert "none.csv" in ended.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_same_command_goes_on_from_there(tmp_path):
    command = [sys.executable, "-c", "from services.cli import main; main()", "demo", "--dir", str(tmp_path / "run")]
    environment = clean_environment()
    process = subprocess.Popen([*command, "--headless"], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    receipts = tmp_path / "run" / "receipts.jsonl"
    while process.poll() is None and not (receipts.exists() and receipts.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors.decode()
    assert "goes on from here" in errors.decode()
    before = receipts.read_bytes()
    again = paidan("demo", "--dir", str(tmp_path / "run"), "--headless", "--json", str(tmp_path / "out.json"))
    assert again.returncode == 0, again.stderr
    assert receipts.read_bytes().startswith(before)
    summary = json.loads((tmp_path / "out.json").read_bytes())
    assert (summary["requests"], summary["open"], summary["lost"], summary["double_bookings"]) == (
        DAY_REQUESTS,
        0,
        0,
        0,
    )

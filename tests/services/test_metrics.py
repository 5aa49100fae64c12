"""The table of metrics: documented, in base units, bounded; and what the journal does to the figures."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from matcher import commands as c
from matcher import events as e
from matcher.calendar import YearDays
from matcher.reasons import Unassigned
from matcher.terms import PlaceLevel, Point, Shares
from services.meters import Meters
from services.metrics import OUTSIDE_LABELS_MAX, TABLE, Metrics, document
from services.scoring import PrometheusMeters, Scoring
from services.wire import Entry

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 2, tzinfo=UTC)
ENTRY = Entry(id="e", after="", first=0, last=0, at=AT)
POINT = Point(lat=31.0, lon=104.0)


def fact(kind: Any, **fields: Any) -> Any:
    return kind(zone="z1", at=AT, causation_id="x", **fields)


def submitted(n: int, channel: str = "api") -> Any:
    command = c.SubmitRequest(id=f"s{n}", zone="z1", at=AT, request=f"r{n}", point=POINT, channel=channel)
    return fact(e.RequestSubmitted, command=command, earliest=AT, latest=AT + timedelta(days=1))


PLACE = fact(e.PlaceDefined, command=c.DefinePlace(id="p", zone="z1", at=AT, place="yard", level=PlaceLevel.COMPOUND))


def text(metrics: Metrics) -> str:
    return metrics.exposition()[0].decode()


def test_the_page_of_metrics_is_the_table() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert page == document(), "Run: python -m services.metrics > docs/metrics.md"


def test_every_metric_that_is_exposed_stands_in_the_page() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    exposed = {each["name"] for each in _exposed(Metrics()) if not each["name"].startswith(("process_", "python_"))}
    assert exposed
    assert [name for name in exposed if f"`{name}`" not in page and f"`{name}_total`" not in page] == []


def _exposed(metrics: Metrics) -> list[dict[str, str]]:
    return [{"name": family.name} for family in text_string_to_metric_families(text(metrics))]


def test_every_name_used_in_the_code_is_in_the_table_with_those_labels() -> None:
    rows = {row.name: row for row in TABLE}
    used = set()
    for path in (ROOT / "services").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if _is_metric_call(call):
                name = call.args[0].value
                used.add(name)
                labels = {word.arg for word in call.keywords}
                assert name in rows, (path, name)
                assert None in labels or labels == set(rows[name].labels), (path, name)
    assert set(rows) - used == set(), "These are documented and never moved."


def _is_metric_call(call: Any) -> bool:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    owner = getattr(call.func.value, "attr", None) or getattr(call.func.value, "id", "")
    return (
        call.func.attr in ("count", "set", "add", "observe")
        and bool(call.args)
        and isinstance(call.args[0], ast.Constant)
        and owner in ("_metrics", "metrics", "self")
    )


def test_names_end_in_base_units_and_say_what_they_count() -> None:
    for row in TABLE:
        assert (row.kind == "counter") == row.name.endswith("_total"), row.name
        ending = {"s": "_seconds", "m": "_meters", "bytes": "_bytes", "ratio": "_ratio", "": ""}[row.unit]
        assert row.name.endswith(ending), row.name
        assert row.help.endswith("."), row.name
        assert set(row.outside) <= set(row.labels)
        assert (row.kind == "histogram") == bool(row.buckets)


def test_nothing_is_in_the_global_registry_and_nothing_tells_when_it_was_made() -> None:
    metrics = Metrics()
    metrics.count("requests_total", channel="api")
    assert "_created" not in text(metrics)
    assert not [name for name in REGISTRY._names_to_collectors if name.startswith("paidan")]


def test_a_process_tells_when_it_began_and_what_it_uses() -> None:
    said = text(Metrics())
    for name in ("process_start_time_seconds", "process_resident_memory_bytes", "python_gc_collections_total"):
        assert f"\n{name}" in said


def test_what_is_looked_up_is_fresh_at_every_scrape() -> None:
    metrics, seen = Metrics(), iter((3, 4))
    metrics.at_scrape(lambda: metrics.set("board_lag_entries", next(seen)))
    assert "paidan_board_lag_entries 3.0" in text(metrics)
    assert "paidan_board_lag_entries 4.0" in text(metrics)


def test_labels_that_people_choose_are_bounded() -> None:
    metrics = Metrics()
    for n in range(10_000):
        metrics.count("requests_total", channel=f"channel-{n}")
        metrics.add("requests_open", 1, state="matching", zone=f"zone-{n}")
    said = text(metrics)
    assert said.count("paidan_requests_total{") == OUTSIDE_LABELS_MAX + 1
    assert f'paidan_requests_total{{channel="other"}} {10_000 - OUTSIDE_LABELS_MAX}.0' in said
    assert len(said.splitlines()) < 3_000


def test_counters_count_what_comes_live_and_gauges_know_the_past() -> None:
    metrics = Metrics()
    scoring = Scoring(metrics)
    scoring.entry(0, 0, ENTRY, [PLACE, submitted(1)])
    scoring.live(0)
    scoring.entry(0, 1, ENTRY, [submitted(2)])
    said = text(metrics)
    assert 'paidan_requests_total{channel="api"} 1.0' in said
    assert 'paidan_requests_open{state="submitted",zone="z1"} 2.0' in said


def test_unassigned_requirements_are_shown_by_reason_until_they_are_not() -> None:
    metrics = Metrics()
    scoring = Scoring(metrics)
    scoring.live(0)
    funnel = {"reach": 0}
    place = {"request": "r1", "requirement": "1"}
    why = fact(e.RequirementUnfilled, **place, reason=Unassigned.MISSING_SKILL, funnel=funnel)
    opened = fact(e.RequirementOpened, **place, wave=0)
    scoring.entry(0, 0, ENTRY, [PLACE, submitted(1), opened, why])
    assert 'paidan_match_unassigned{reason="MISSING_SKILL"} 1.0' in text(metrics)
    scoring.entry(0, 1, ENTRY, [fact(e.RequestClosed, request="r1", outcome=e.Outcome.EXPIRED)])
    said = text(metrics)
    assert 'paidan_match_unassigned{reason="MISSING_SKILL"} 0.0' in said
    assert 'paidan_request_transitions_total{from="unassignable",reason="expired",to="closed"} 1.0' in said


def test_a_run_that_counts_the_quarter_shows_how_its_visits_are_shared() -> None:
    metrics = Metrics()
    scoring = Scoring(metrics)
    scoring.live(0)
    figures = {"beat": 1, "engine": "e", "optimal": True, "gap": 0, "requirements": 1, "people": 5, "filled": 1}
    whole = {**figures, "objective": {"filled": 1}, "listed_pairs": 1, "policy_sha256": "0"}
    scoring.entry(0, 0, ENTRY, [PLACE, fact(e.MatchRunFinished, **whole)])
    assert "gini_ratio{" not in text(metrics)
    shares = Shares(people=5, visits=2, gini=0.6, most=2, least=1, owing=3)
    scoring.entry(0, 1, ENTRY, [fact(e.MatchRunFinished, **whole, shares=shares)])
    said = text(metrics)
    for name, value in (("visits_gini_ratio", 0.6), ("visits_most", 2.0), ("visits_least", 1.0), ("duty_owing", 3.0)):
        assert f'paidan_match_{name}{{zone="z1"}} {value}' in said
    scoring.end(0)
    assert "gini_ratio{" not in text(metrics)


def test_until_when_a_zones_calendar_is_certain_is_shown_and_gone_with_its_partition() -> None:
    metrics = Metrics()
    scoring = Scoring(metrics)
    for year, sources in ((2026, ("a", "b")), (2027, ("a",))):
        days = YearDays(year=year, sources=sources)
        command = c.SetCalendarYear(id="c", zone="z1", at=AT, days=days)
        scoring.entry(0, year, ENTRY, [fact(e.CalendarYearSet, command=command)])
    [line] = [line for line in text(metrics).splitlines() if line.startswith("paidan_calendar_zone_valid_until")]
    name, value = line.split(" ")
    assert name == 'paidan_calendar_zone_valid_until_timestamp_seconds{zone="z1"}'
    assert datetime.fromtimestamp(float(value), UTC) == datetime(2026, 12, 31, 16, tzinfo=UTC)
    scoring.end(0)
    assert "calendar_zone_valid_until_timestamp_seconds{" not in text(metrics)


def test_every_meter_of_the_log_is_shown() -> None:
    silent = [name for name in vars(Meters) if not name.startswith("_") and name not in vars(PrometheusMeters)]
    assert silent == []


def test_of_several_brokers_the_clock_that_differs_most_is_shown() -> None:
    metrics = Metrics()
    meters = PrometheusMeters(metrics)
    for partition, seconds in ((0, 0.0), (1, -3.5), (2, 2.5)):
        meters.clock_off(partition, seconds)
    assert "paidan_stream_clock_difference_seconds -3.5" in text(metrics)
    meters.clock_off(1, 0.0)
    assert "paidan_stream_clock_difference_seconds 2.5" in text(metrics)

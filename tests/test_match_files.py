"""`paidan match` over files that people really have: what is refused, what is left out, what the plan file says."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.shell import Ended, paidan
from tests.test_tables import workbook

REQUEST = {
    "request_id": "r1",
    "lat": "30.5500",
    "lon": "106.4200",
    "skills": "plumbing",
    "earliest": "2026-03-02T18:00:00+08:00",
    "latest": "2026-03-02T21:00:00+08:00",
    "submitted_at": "2026-03-02T08:00:00+08:00",
}
VOLUNTEER = {
    "volunteer_id": "v1",
    "lat": "30.5505",
    "lon": "106.4205",
    "skills": "plumbing:2",
    "availability": "Mon-Fri 18:00-21:00",
    "reach_m": "2000",
    "travel": "bike",
}
FAR_RIGHT = {"lat": "30.5600", "lon": "106.4300"}


def write(path: Path, rows: list[Mapping[str, str]]) -> Path:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, columns, restval="")
        out.writeheader()
        out.writerows(rows)
    return path


def match(folder: Path, requests: list[Mapping[str, str]], volunteers: list[Mapping[str, str]], *more: object) -> Ended:
    return match_files(
        write(folder / "requests.csv", requests), write(folder / "volunteers.csv", volunteers), folder, *more
    )


def match_files(requests: Path, volunteers: Path, folder: Path, *more: object) -> Ended:
    given = ("match", "--requests", requests, "--volunteers", volunteers, "--out", folder / "plan.jsonl")
    return paidan(*given, *more)


def plan(folder: Path) -> tuple[list[dict], dict]:
    lines = [json.loads(line) for line in (folder / "plan.jsonl").read_text(encoding="utf-8").splitlines()]
    return lines[:-1], lines[-1]["summary"]


# --- the plan file ----------------------------------------------------------------------------------------------


def test_one_request_and_one_person_become_a_line_and_a_summary(tmp_path: Path) -> None:
    ended = match(tmp_path, [REQUEST], [VOLUNTEER], "--timezone", "Asia/Shanghai", "--policy", "travel-only")
    assert ended.code == 0, ended.err
    [line], summary = plan(tmp_path)
    [person] = line.pop("people")
    distance_m = person.pop("distance_m")
    assert person == {
        "volunteer_id": "v1",
        "start": "2026-03-02T10:00:00+00:00",
        "travel_s": 29,
        "cost": {"travel": round(distance_m)},
    }
    assert 73 < distance_m < 74
    assert line.pop("funnel")["registered"] == 1
    assert line == {"request_id": "r1", "status": "assigned", "reasons": []}
    assert set(summary) == {
        "requests", "assigned", "objective", "optimal", "gap", "engine", "feasible_pairs", "listed_pairs", "seconds",
        "policy_sha256", "inputs_sha256", "rejected_rows", "near",
    }  # fmt: skip
    near = {"preferred_m": 500, "within_preferred": 1.0, "acceptable_m": 1000, "within_acceptable": 1.0}
    assert summary["near"] == near
    assert (summary["requests"], summary["assigned"], summary["optimal"], summary["gap"]) == (1, 1, True, 0)
    assert summary["objective"]["filled"] == 1
    assert summary["rejected_rows"] == 0


def test_a_request_that_nobody_can_serve_has_its_reason_and_funnel_and_exit_6(tmp_path: Path) -> None:
    ended = match(tmp_path, [REQUEST | {"skills": "plumbing:3"}], [VOLUNTEER])
    assert ended.code == 6
    [line], summary = plan(tmp_path)
    assert (line["status"], line["reasons"], line["people"]) == ("unassigned", ["MISSING_SKILL"], [])
    assert line["funnel"] == {"registered": 1, "zone": 1, "skills": 0}
    assert summary["assigned"] == 0


def test_zones_must_match_only_where_both_sides_name_one(tmp_path: Path) -> None:
    for ours, theirs, code in (("a", "b", 6), ("a", "a", 0), ("a", "", 0), ("", "b", 0), ("", "", 0)):
        ended = match(tmp_path, [REQUEST | {"zone": ours}], [VOLUNTEER | {"zone": theirs}])
        assert ended.code == code, (ours, theirs, ended.err)


def test_wishes_and_lists_of_people_are_read_from_the_file_and_stand_in_the_costs(tmp_path: Path) -> None:
    near = VOLUNTEER | {"volunteer_id": "v2", "lat": "30.5501", "lon": "106.4201"}
    nurse = VOLUNTEER | {"skills": "plumbing:2;nursing:3", "posts": "clinic；garden", "teams": "east；清风队：应急型"}
    for wish, who, cost in (
        ({}, "v2", None),
        ({"should": "nursing:2"}, "v1", {"should": 0}),
        ({"nice": "nursing；welding"}, "v1", {"nice": 500}),
        ({"preferred": "v1;v9"}, "v1", {"preferred": 0}),
        ({"restricted": "v2"}, "v1", None),
        ({"excluded": "v2"}, "v1", None),
        ({"must_have": "v1"}, "v1", None),
        ({"preferred": "v9"}, "v2", None),
        ({"post": "clinic"}, "v1", {"claimed": 0}),
        ({"post": "books"}, "v2", None),
        ({"team": "east"}, "v1", None),
        ({"team_kind": "emergency"}, "v1", None),
        ({"preferred_team": "清风队"}, "v1", {"preferred": 0}),
        ({"told": "v2"}, "v2", {"disturbance": 0}),
        ({"told": "v1", "preferred": "v2"}, "v2", {"preferred": 0, "disturbance": 1000}),
    ):
        assert match(tmp_path, [REQUEST | wish], [nurse, near]).code == 0
        [line], summary = plan(tmp_path)
        [person] = line["people"]
        assert person["volunteer_id"] == who, wish
        more = {term: points for term, points in person["cost"].items() if term != "travel"}
        assert more == (cost or {}), wish
        assert {term: summary["objective"][term] for term in more} == more
    ended = match(tmp_path, [REQUEST | {"must_have": "v9"}], [nurse, near])
    assert (ended.code, plan(tmp_path)[0][0]["reasons"]) == (6, ["NOT_AMONG_MUST_HAVE"])
    ended = match(tmp_path, [REQUEST | {"team_kind": "labour"}], [nurse, near])
    assert (ended.code, plan(tmp_path)[0][0]["reasons"]) == (6, ["NOT_OF_TEAM"])
    pair = [near | {"volunteer_id": name, "teams": teams} for name, teams in (("v3", "west"), ("v4", "east"))]
    crew = REQUEST | {"people": "2", "one_team": "yes"}
    assert match(tmp_path, [crew], [nurse, near, *pair]).code == 0
    assert {person["volunteer_id"] for person in plan(tmp_path)[0][0]["people"]} == {"v1", "v4"}
    for field, text in (("team_kind", "heroic"), ("one_team", "perhaps")):
        assert f"{field} ({text})" in match(tmp_path, [REQUEST | {field: text}], [nurse]).err


def test_visits_of_the_quarter_and_known_helpers_are_read_and_shares_are_published(tmp_path: Path) -> None:
    near = VOLUNTEER | {"volunteer_id": "v2", "lat": "30.5501", "lon": "106.4201"}
    for who, asked, visits, cost in (
        ("v2", {}, ("0", "0"), {"continuity": None, "fairness": 0, "duty": 1016}),
        ("v1", {}, ("0", "3"), {"fairness": 0, "duty": 1016}),
        ("v1", {"helpers": "v1"}, ("1", "1"), {"continuity": 0, "fairness": 300, "duty": 1016}),
    ):
        crowd = [VOLUNTEER | {"visits_this_quarter": visits[0]}, near | {"visits_this_quarter": visits[1]}]
        assert match(tmp_path, [REQUEST | asked], crowd, "--policy", "fair", "--timezone", "Asia/Shanghai").code == 0
        [line], summary = plan(tmp_path)
        [person] = line["people"]
        assert person["volunteer_id"] == who
        assert {term: person["cost"].get(term) for term in cost} == cost
        counts = sorted(int(n) + (name == who) for name, n in zip(("v1", "v2"), visits, strict=True))
        shares = summary["shares"]
        assert (shares["visits"], shares["least"], shares["most"]) == (sum(counts), *counts)
        assert shares["gini"] == pytest.approx((counts[1] - counts[0]) / (2 * sum(counts)))


def test_a_service_circle_is_read_and_keeps_people_out(tmp_path: Path) -> None:
    far = VOLUNTEER | {"lat": "30.5585", "travel": "walk"}
    for minutes, code in (("10", 6), ("30", 0), ("", 0)):
        assert match(tmp_path, [REQUEST | {"circle_minutes": minutes}], [far]).code == code
    match(tmp_path, [REQUEST | {"circle_minutes": "10"}], [far])
    [line], _ = plan(tmp_path)
    assert (line["reasons"], line["funnel"]["circle"]) == (["OUTSIDE_SERVICE_CIRCLE"], 0)


def test_a_plan_gives_nobody_more_visits_than_their_day_or_week_allows(tmp_path: Path) -> None:
    asked = [REQUEST | {"request_id": f"r{n}", "latest": "2026-03-06T21:00:00+08:00"} for n in range(4)]
    for limit, visits in (({}, 4), ({"visits_per_day": "2"}, 2), ({"visits_per_week": "3"}, 3)):
        match(tmp_path, asked, [VOLUNTEER | {"capacity": "9"} | limit], "--timezone", "Asia/Shanghai")
        assert plan(tmp_path)[1]["assigned"] == visits
    rules = tmp_path / "rules.toml"
    rules.write_text("rest_minutes = 30\n[limits]\nvisits_per_day = 3\n", encoding="utf-8")
    match(tmp_path, asked, [VOLUNTEER | {"capacity": "9"}], "--timezone", "Asia/Shanghai", "--policy", rules)
    lines, summary = plan(tmp_path)
    assert summary["assigned"] == 3
    starts = sorted(datetime.fromisoformat(p["start"]) for line in lines for p in line["people"])
    gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
    assert min(gaps) >= 3600 + 1800


def test_a_cadre_who_owes_the_quarter_a_visit_goes_first_in_a_file_too(tmp_path: Path) -> None:
    near = VOLUNTEER | {"volunteer_id": "v2", "lat": "30.5501", "lon": "106.4201"}
    for unit, who in (("", "v2"), ("u1", "v1")):
        ended = match(tmp_path, [REQUEST], [VOLUNTEER | {"unit": unit}, near], "--policy", "fair")
        assert ended.code == 0
        assert plan(tmp_path)[0][0]["people"][0]["volunteer_id"] == who
        assert plan(tmp_path)[1]["shares"]["owing"] == 0


def test_the_hours_are_local_times_of_the_timezone(tmp_path: Path) -> None:
    assert match(tmp_path, [REQUEST], [VOLUNTEER], "--timezone", "Asia/Shanghai").code == 0
    assert match(tmp_path, [REQUEST], [VOLUNTEER], "--timezone", "Europe/Paris").code == 6


def test_a_request_without_window_is_open_from_its_submission_for_the_policys_days(tmp_path: Path) -> None:
    bare = {key: value for key, value in REQUEST.items() if key not in ("earliest", "latest")}
    only_sunday = VOLUNTEER | {"availability": "Sun 09:00-10:00"}
    assert match(tmp_path, [bare], [only_sunday]).code == 0
    short = tmp_path / "short.toml"
    short.write_text("window_days = 2\n", encoding="utf-8")
    assert match(tmp_path, [bare], [only_sunday], "--policy", short).code == 6


def test_without_any_time_the_beat_time_is_needed(tmp_path: Path) -> None:
    timeless = {key: value for key, value in REQUEST.items() if key not in ("earliest", "latest", "submitted_at")}
    ended = match(tmp_path, [timeless], [VOLUNTEER])
    assert ended.code == 2
    assert "--at" in ended.err
    assert match(tmp_path, [timeless], [VOLUNTEER], "--at", "2026-03-02T12:00:00+08:00").code == 0
    assert match(tmp_path, [timeless], [VOLUNTEER], "--at", "2026-03-02T12:00:00").code == 2
    assert match(tmp_path, [timeless], [VOLUNTEER], "--at", "noon").code == 2


def test_the_same_files_give_the_same_bytes_but_for_the_seconds(tmp_path: Path) -> None:
    requests = [REQUEST | {"request_id": f"r{n}", "lon": f"{106.42 + n / 5000:.4f}"} for n in range(20)]
    volunteers = [VOLUNTEER | {"volunteer_id": f"v{n}", "lon": f"{106.42 + n / 3000:.4f}"} for n in range(15)]
    both = []
    for _ in range(2):
        assert match(tmp_path, requests, volunteers).code == 0
        lines, summary = plan(tmp_path)
        both.append((lines, {key: value for key, value in summary.items() if key != "seconds"}))
    assert both[0] == both[1]


def test_points_of_chinese_maps_are_stored_as_wgs84(tmp_path: Path) -> None:
    assert match(tmp_path, [REQUEST | {"datum": "gcj02"}], [VOLUNTEER | {"datum": "gcj02"}]).code == 0
    both = plan(tmp_path)[0][0]["people"][0]["distance_m"]
    assert match(tmp_path, [REQUEST | {"datum": "gcj02"}], [VOLUNTEER]).code == 0
    one = plan(tmp_path)[0][0]["people"][0]["distance_m"]
    assert both < 80
    assert 350 < one < 800


# --- rows that are left out -------------------------------------------------------------------------------------

BAD_REQUESTS = [
    ("lat", {"lat": "north"}, "north", "not a number", "decimal number"),
    ("lat", {"lat": ""}, "", "missing", "Give a number"),
    ("lat", {"lat": "nan"}, "nan", "not a number", "decimal number"),
    ("lon", {"lon": "190.0"}, "190.0", "not on Earth", "-180 to 180"),
    ("lat", {"lat": "106.4200", "lon": "30.5500"}, "106.4200, 30.5500", "swapped", "Swap"),
    ("datum", {"datum": "epsg"}, "epsg", "not a known datum", "gcj02"),
    ("latest", {"latest": "2026-03-02T18:30:00+08:00"}, "2026-03-02T10:30:00+00:00", "no room for 60", "later"),
    ("latest", {"latest": "2026-03-01T18:30:00+08:00"}, "2026-03-01T10:30:00+00:00", "no room", "later"),
    ("earliest", {"earliest": "2026-03-02T18:00:00"}, "2026-03-02T18:00:00", "time without zone", "--timezone"),
    ("earliest", {"earliest": "tomorrow"}, "tomorrow", "not a time", "2015-06-01T18:00:00+08:00"),
    ("request_id", {"request_id": ""}, "", "missing", "id of its own"),
    ("request_id", {"request_id": "r1"}, "r1", "duplicate of line 2", "another id"),
    ("people", {"people": "two"}, "two", "not a number", "decimal number"),
    ("people", {"people": "0"}, "0", "not a whole number from 1 to 100", "Correct"),
    ("people", {"people": "1.5"}, "1.5", "not a whole number", "Correct"),
    ("should", {"should": "a;b;c;d;e;f"}, "a;b;c;d;e;f", "more than 5 skills", "Shorten"),
    ("nice", {"nice": "sign:9"}, "sign:9", "no level from 1 to 5", "skill:2"),
    ("minimum_people", {"people": "2", "minimum_people": "3"}, "3", "from 1 to 2", "Correct"),
    ("duration_minutes", {"duration_minutes": "-5"}, "-5", "from 1 to 1440", "Correct"),
    ("urgency", {"urgency": "very"}, "very", "not a class of the policy", "urgent"),
    ("skills", {"skills": "plumbing:9"}, "plumbing:9", "no level from 1 to 5", "skill:2"),
]


@pytest.mark.parametrize(("field", "change", "value", "reason", "remedy"), BAD_REQUESTS, ids=lambda v: str(v)[:40])
def test_a_bad_request_is_listed_with_line_field_value_and_remedy_and_the_good_ones_are_kept(
    field: str, change: dict[str, str], value: str, reason: str, remedy: str, tmp_path: Path
) -> None:
    good = [REQUEST, REQUEST | {"request_id": "r2"} | FAR_RIGHT]
    bad = REQUEST | {"request_id": "bad"} | change
    ended = match(tmp_path, [*good, bad], [VOLUNTEER, VOLUNTEER | {"volunteer_id": "v2"}])
    assert ended.code == 3, ended.err
    [said] = [line for line in ended.err.splitlines() if line.startswith("rejected")]
    assert said.startswith(f"rejected: requests.csv, line 4: {field} ({value})")
    assert reason in said
    assert remedy in said
    lines, summary = plan(tmp_path)
    assert [line["request_id"] for line in lines] == ["r1", "r2"]
    assert (summary["requests"], summary["assigned"], summary["rejected_rows"]) == (2, 2, 1)


BAD_VOLUNTEERS = [
    ("lat", {"lat": "91"}, "not on Earth"),
    ("lat", {"lat": "106.42", "lon": "30.55"}, "swapped"),
    ("availability", {"availability": "in the evening"}, "no times"),
    ("availability", {"availability": ""}, "no hours"),
    ("availability", {"availability": "RRULE:FREQ=MONTHLY;BYDAY=MO 18:00-21:00"}, "not every week"),
    ("reach_m", {"reach_m": "far"}, "not a number"),
    ("reach_m", {"reach_m": "0"}, "not between 0 and"),
    ("capacity", {"capacity": "0"}, "from 1 to 100"),
    ("travel", {"travel": "horse"}, "not a known way"),
    ("volunteer_id", {"volunteer_id": "v1"}, "duplicate of line 2"),
]


@pytest.mark.parametrize(("field", "change", "reason"), BAD_VOLUNTEERS, ids=lambda v: str(v)[:40])
def test_a_bad_volunteer_is_listed_and_the_good_ones_are_kept(
    field: str, change: dict[str, str], reason: str, tmp_path: Path
) -> None:
    good = [VOLUNTEER, VOLUNTEER | {"volunteer_id": "v2"} | FAR_RIGHT]
    ended = match(tmp_path, [REQUEST], [*good, VOLUNTEER | {"volunteer_id": "bad"} | change])
    assert ended.code == 3, ended.err
    assert f"rejected: volunteers.csv, line 4: {field} (" in ended.err
    assert reason in ended.err
    assert plan(tmp_path)[1]["rejected_rows"] == 1


def test_bounds_show_swapped_coordinates_even_in_a_file_of_one_row(tmp_path: Path) -> None:
    mapping = tmp_path / "here.toml"
    fields = "\n".join(f'{name} = "{name}"' for name in REQUEST)
    bounds = "[bounds]\nsouth = 42.0\nnorth = 43.0\nwest = -72.0\neast = -70.0\n"
    mapping.write_text(f"[columns]\n{fields}\n{bounds}", encoding="utf-8")
    there = {"lat": "42.35", "lon": "-71.06"}
    swapped = REQUEST | {"request_id": "r2", "lat": "-71.06", "lon": "42.35"}
    outside = REQUEST | {"request_id": "r3", "lat": "48.85", "lon": "2.35"}
    ended = match(tmp_path, [REQUEST | there, swapped, outside], [VOLUNTEER | there], "--mapping", mapping)
    assert ended.code == 3
    assert "line 3: lat (-71.06, 42.35) latitude and longitude are swapped. Swap the two columns." in ended.err
    assert "line 4: lat (48.85, 2.35) lies outside the bounds. Correct it, or widen the bounds." in ended.err


def test_a_short_file_is_compared_with_the_other_one_to_see_swapped_coordinates(tmp_path: Path) -> None:
    here = {"lat": "42.35", "lon": "-71.06"}
    swapped = REQUEST | {"request_id": "r2", "lat": "-71.06", "lon": "42.35"}
    people = [VOLUNTEER | here | {"volunteer_id": f"v{number}"} for number in range(3)]
    ended = match(tmp_path, [REQUEST | here, swapped], people)
    assert ended.code == 3
    assert "line 3: lat (-71.06, 42.35) latitude and longitude are swapped" in ended.err


def test_an_excel_file_is_matched_like_a_csv(tmp_path: Path) -> None:
    requests = workbook(tmp_path / "requests.xlsx", [list(REQUEST), list(REQUEST.values())])
    assert match_files(requests, write(tmp_path / "volunteers.csv", [VOLUNTEER]), tmp_path).code == 0


def test_rejected_rows_can_be_had_as_a_file_that_no_spreadsheet_takes_for_formulas(tmp_path: Path) -> None:
    bad = REQUEST | {"request_id": "r2", "people": "=1+1"}
    assert match(tmp_path, [REQUEST, bad], [VOLUNTEER], "--rejected", tmp_path / "bad.csv").code == 3
    with (tmp_path / "bad.csv").open(encoding="utf-8-sig") as file:
        [row] = csv.DictReader(file)
    assert (row["line"], row["field"], row["value"]) == ("3", "people", "'=1+1")


def test_json_lines_that_are_broken_are_rejected_rows(tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_text(f'{json.dumps(REQUEST)}\n{{"request_id": \n', encoding="utf-8")
    volunteers = write(tmp_path / "volunteers.csv", [VOLUNTEER])
    ended = match_files(requests, volunteers, tmp_path)
    assert ended.code == 3
    assert "requests.jsonl, line 2: row () is not JSON. Mend the line." in ended.err


def test_when_every_row_is_rejected_that_is_said_by_3(tmp_path: Path) -> None:
    ended = match(tmp_path, [REQUEST | {"lat": "x"}], [VOLUNTEER])
    assert ended.code == 3
    assert plan(tmp_path)[1]["requests"] == 0


# --- nothing readable -------------------------------------------------------------------------------------------


def test_a_missing_column_names_the_columns_that_there_are(tmp_path: Path) -> None:
    ended = match(tmp_path, [{"id": "1", "latt": "30", "lon": "106"}], [VOLUNTEER])
    assert ended.code == 5
    assert "no column for (request_id)" in ended.err
    assert "id, latt, lon" in ended.err
    assert "Traceback" not in ended.err


def test_a_mapped_column_that_is_absent_is_named(tmp_path: Path) -> None:
    ended = match(tmp_path, [REQUEST], [VOLUNTEER], "--mapping", "boston311")
    assert ended.code == 5
    assert "no column (case_id)" in ended.err
    assert "boston311" in ended.err


@pytest.mark.parametrize(
    ("mapping", "word"),
    [
        (None, "neither a file nor shipped"),
        ("columns = 3", "not valid"),
        ("a = [", "not TOML"),
        ("colums = {}", "Did you mean (columns)"),
        ('[columns]\na = "requestid"', "Did you mean (request_id)"),
        ('[columns]\na = "lat"\nb = "lat"', "from two columns"),
        ('timezone = "Mars/Olympus"', "not known"),
        ('datum = "epsg"', "not valid"),
    ],
)
def test_a_missing_or_broken_mapping_is_exit_5(mapping: str | None, word: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    if mapping is not None:
        path.write_text(mapping, encoding="utf-8")
    ended = match(tmp_path, [REQUEST], [VOLUNTEER], "--mapping", path)
    assert ended.code == 5
    assert word in ended.err


def test_a_misspelled_mapping_name_gets_a_suggestion(tmp_path: Path) -> None:
    ended = match(tmp_path, [REQUEST], [VOLUNTEER], "--mapping", "boston31")
    assert ended.code == 5
    assert "Did you mean (boston311)?" in ended.err


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02", b"just a letter\n", b"request_id,lat,lon\n"])
def test_a_file_that_is_no_table_is_exit_5_and_leaves_no_plan(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "requests.csv").write_bytes(content)
    volunteers = write(tmp_path / "volunteers.csv", [VOLUNTEER])
    ended = match_files(tmp_path / "requests.csv", volunteers, tmp_path)
    assert ended.code == 5
    assert "requests.csv" in ended.err
    assert not (tmp_path / "plan.jsonl").exists()


def test_a_missing_file_an_unknown_zone_and_a_missing_policy_are_exit_5(tmp_path: Path) -> None:
    volunteers = write(tmp_path / "volunteers.csv", [VOLUNTEER])
    assert match_files(tmp_path / "no.csv", volunteers, tmp_path).code == 5
    assert match(tmp_path, [REQUEST], [VOLUNTEER], "--timezone", "Asia/Nowhere").code == 5
    assert match(tmp_path, [REQUEST], [VOLUNTEER], "--policy", "travelonly").code == 5


def test_options_that_are_missing_are_usage(tmp_path: Path) -> None:
    assert paidan("match", "--requests", tmp_path / "a.csv").code == 2


# --- foreign files ----------------------------------------------------------------------------------------------


def test_a_foreign_file_needs_only_a_mapping(tmp_path: Path) -> None:
    mapping = tmp_path / "city.toml"
    mapping.write_text(
        """
        timezone = "Asia/Shanghai"
        window_days = 3
        [columns]
        "编号" = "request_id"
        "纬度" = "lat"
        "经度" = "lon"
        "类别" = "skills"
        "时间" = ["submitted_at", "earliest"]
        [constants]
        duration_minutes = 30
        [skills]
        "水管" = "plumbing:2"
        """,
        encoding="utf-8",
    )
    foreign = {
        "编号": "7",
        "纬度": "30.55",
        "经度": "106.42",
        "类别": "水管",
        "时间": "2026-03-02 19:00:00",
        "备注": "x",
    }
    assert match(tmp_path, [foreign], [VOLUNTEER], "--mapping", mapping).code == 0
    assert plan(tmp_path)[0][0]["people"][0]["start"] == "2026-03-02T11:00:29+00:00"
    assert match(tmp_path, [foreign], [VOLUNTEER | {"skills": "plumbing"}], "--mapping", mapping).code == 6


def test_zones_can_be_taken_from_a_column_and_blank_ones_are_unplaced(tmp_path: Path) -> None:
    mapping = tmp_path / "city.toml"
    mapping.write_text("[columns]\n" + "\n".join(f'{n} = "{n}"' for n in REQUEST), encoding="utf-8")
    requests = [REQUEST | {"quarter": "East"}, REQUEST | {"request_id": "r2", "quarter": ""}]
    volunteers = [VOLUNTEER | {"zone": "unplaced"}]
    assert match(tmp_path, requests, volunteers, "--mapping", mapping, "--zone-by", "quarter").code == 0
    lines, _ = plan(tmp_path)
    assert [line["status"] for line in lines] == ["unassigned", "assigned"]


@pytest.mark.data
def test_the_month_of_boston_is_read_whole_with_its_documented_traps(data: Path) -> None:
    from producers import mapping as mappings
    from producers import rows, tables

    table = tables.read(data / "boston-311-2015" / "boston-311-2015-06.csv.gz")
    found = rows.read_requests(table, mappings.zoned_by(mappings.load("boston311"), "neighborhood"))
    assert (len(found.rows), found.rejections) == (10_332, [])
    assert found.at is not None
    assert found.at.isoformat() == "2015-06-01T04:28:00+00:00"  # 00:28 in Boston's summer time
    city_hall = sum((row.point.lat, row.point.lon) == (42.3594, -71.0587) for row in found.rows)
    assert 0.13 < city_hall / len(found.rows) < 0.15
    assert sum(row.zone == "unplaced" for row in found.rows) == 947
    assert len({row.submitted_at for row in found.rows}) < len(found.rows)
    assert all(
        row.latest - row.earliest == rows.timedelta(days=14) for row in found.rows if row.latest and row.earliest
    )
    assert {len(row.skills) for row in found.rows} == {1}


@pytest.mark.parametrize(
    ("mapping", "rows", "code", "word"),
    [
        ("nowhere", [REQUEST], 5, "paidan: Mapping (nowhere) is neither a file nor shipped"),
        (None, [REQUEST], 0, "1 of 1 requests assigned"),
        (None, [REQUEST, REQUEST], 3, "duplicate of line 2"),
        (None, [REQUEST | {"skills": "magic"}], 6, "MISSING_SKILL"),
    ],
)
def test_the_shell_gets_the_documented_exit_codes(
    mapping: str | None, rows: list[dict[str, str]], code: int, word: str, tmp_path: Path
) -> None:
    requests, volunteers = write(tmp_path / "r.csv", rows), write(tmp_path / "v.csv", [VOLUNTEER])
    given = ["--requests", requests, "--volunteers", volunteers, "--out", tmp_path / "plan.jsonl"]
    more = [] if mapping is None else ["--mapping", mapping]
    ended = subprocess.run(
        [sys.executable, "-c", "from services.cli import main; main()", "match", *given, *more],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, word in ended.stderr, "Traceback" in ended.stderr) == (code, True, False), ended.stderr


def test_hours_of_days_off_know_the_national_holidays_and_make_up_days(tmp_path: Path) -> None:
    """2026-02-16 is a Monday inside the Spring Festival, 2026-02-14 a Saturday that is worked."""
    resting = VOLUNTEER | {"availability": "节假日 00:00-24:00"}
    for day, code in (("2026-02-16", 0), ("2026-02-14", 6), ("2026-02-11", 6)):
        asked = {"submitted_at": f"{day}T08:00:00+08:00", "earliest": "", "latest": f"{day}T20:00:00+08:00"}
        ended = match(tmp_path, [REQUEST | asked], [resting], "--timezone", "Asia/Shanghai")
        assert ended.code == code, (day, ended.err)


@pytest.mark.parametrize(
    ("until", "reasons"),
    [
        ("2026-03-01", ["QUALIFICATION_EXPIRED"]),
        ("2026-03-02", []),  # through the last minute of the day
        ("2026-03-02T18:30:00+08:00", ["QUALIFICATION_EXPIRED"]),
        ("2026-03-02T20:00:00+08:00", []),
    ],
)
def test_a_certificate_of_the_file_keeps_out_whom_it_no_longer_covers(
    tmp_path: Path, until: str, reasons: list[str]
) -> None:
    asked = REQUEST | {"earliest": "2026-03-02T18:00:00+08:00", "latest": "2026-03-02T20:00:00+08:00"}
    held = VOLUNTEER | {"certificates": f"plumbing@{until}; driving@2030-01-01"}
    match(tmp_path, [asked], [held], "--timezone", "Asia/Shanghai")
    assert plan(tmp_path)[0][0].get("reasons", []) == reasons


def test_a_certificate_without_a_day_is_a_rejected_row(tmp_path: Path) -> None:
    ended = match(tmp_path, [REQUEST], [VOLUNTEER | {"certificates": "plumbing"}], "--timezone", "Asia/Shanghai")
    assert ended.code != 0
    assert "does not say until when" in ended.err

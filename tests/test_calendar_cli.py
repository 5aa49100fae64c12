"""`paidan calendar`: what it answers as JSON, in English and Chinese, and how it ends."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from producers import calendars
from services.cli import owndays
from tests.shell import Ended, paidan


def calendar(*arguments: object) -> Ended:
    return paidan("calendar", *arguments)


def test_the_seventh_working_day_is_answered_as_json() -> None:
    ended = calendar("due", "--from", "2026-02-11", "--working-days", 7, "--json")
    assert (ended.code, json.loads(ended.out)) == (
        0,
        {"date": "2026-02-27", "provisional": False, "from": "2026-02-11", "working_days": 7},
    )


@pytest.mark.parametrize(("lang", "word"), [("en", "provisional"), ("zh", "暂定")])
def test_a_provisional_answer_says_so_in_both_languages(lang: str, word: str) -> None:
    ended = calendar("due", "--from", "2026-12-25", "--lang", lang)
    assert ended.code == 0
    assert "2027-01-06" in ended.out
    assert word in ended.out
    assert word not in calendar("due", "--from", "2026-02-11", "--lang", lang).out


def test_the_language_is_that_of_the_environment_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "工作日" in calendar("due", "--from", "2026-02-11").out
    assert "working days" in calendar("due", "--from", "2026-02-11", "--lang", "en").out


def test_the_weeks_of_a_year_are_listed_with_start_end_theme_day_and_theme() -> None:
    ended = calendar("weeks", "--year", 2023, "--theme", "3=学雷锋", "--json")
    weeks = json.loads(ended.out)
    assert (ended.code, len(weeks)) == (0, 12)
    shown = {name: weeks[2][name] for name in ("start", "end", "theme_day", "theme")}
    assert shown == {"start": "2023-03-06", "end": "2023-03-12", "theme_day": "2023-03-10", "theme": "学雷锋"}
    assert weeks[0]["theme"] is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_person_reads_one_line_a_month_and_which_week_was_moved(lang: str) -> None:
    ended = calendar("weeks", "--year", 2024, "--shift", "next_working_week", "--lang", lang)
    lines = ended.out.splitlines()
    assert len(lines) == 12
    assert [n for n, line in enumerate(lines, 1) if "2024-06-10" in line or "2024-10-07" in line] == [6, 10]


def test_a_choice_settles_a_week_that_asks() -> None:
    asked = calendar("weeks", "--year", 2024, "--shift", "ask", "--json")
    assert [week["month"] for week in json.loads(asked.out) if week["undecided"]] == [6, 10]
    chosen = calendar("weeks", "--year", 2024, "--shift", "ask", "--choose", "6=2024-06-17", "--json")
    assert [week["month"] for week in json.loads(chosen.out) if week["undecided"]] == [10]


def test_seasons_list_campaigns_and_surges_in_order_with_the_weeks_they_meet() -> None:
    ended = calendar("seasons", "--year", 2026, "--surge", "樱花季,2026-03-16,2026-03-29,2.5", "--json")
    windows = json.loads(ended.out)
    assert [(window["kind"], window["start"], window["report_weeks"]) for window in windows] == [
        ("campaign", "2026-01-31", [2]),
        ("campaign", "2026-02-24", [3]),
        ("surge", "2026-03-16", []),
    ]


def test_a_year_whose_spring_festival_nobody_knows_says_so() -> None:
    ended = calendar("seasons", "--year", 2150, "--lang", "en")
    assert (ended.code, ended.out) == (0, "")
    assert "(2150) is not known" in ended.err


def test_check_names_where_the_sources_differ_and_until_when_they_are_certain() -> None:
    ended = calendar("check", "--on", "2026-06-01", "--lang", "en")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "differs: 2005-12-31 Saturday: holidays says worked, chinesecalendar says off",
        "The calendar is certain until 2026-12-31: 213 more days.",
    ]


def test_check_warns_sixty_days_before_the_end_and_fails_after_it() -> None:
    assert "Update" not in calendar("check", "--on", "2026-11-01", "--lang", "en").out
    soon = calendar("check", "--on", "2026-11-02", "--lang", "en")
    assert (soon.code, "Update the packages" in soon.out) == (0, True)
    over = calendar("check", "--on", "2027-01-01", "--lang", "zh")
    assert (over.code, "已到期" in over.out) == (3, True)


def test_check_fails_when_the_sources_differ_on_a_day_of_this_year(monkeypatch: pytest.MonkeyPatch) -> None:
    second = calendars._chinesecalendar
    monkeypatch.setattr(calendars, "_chinesecalendar", lambda: lambda day: str(day) != "2026-09-08" and second()(day))
    ended = calendar("check", "--on", "2026-06-01", "--json")
    assert ended.code == 3
    assert {"day": "2026-09-08", "holidays": True, "chinesecalendar": False} in json.loads(ended.out)["differences"]


def test_a_day_set_for_a_zone_moves_its_deadlines_and_taken_back_no_more(tmp_path: Path) -> None:
    opened = tmp_path / "open.jsonl"
    opened.write_text(
        '{"type":"DefinePlace","id":"z","zone":"town","at":"2026-03-02T00:00:00Z","place":"town","level":"district"}\n'
    )
    log = ("--zone", "town", "--data", tmp_path)
    assert paidan("import", "--commands", opened, "--data", tmp_path).code == 0
    assert calendar("set", "2026-03-03", "off", *log).code == 0
    asked = ("due", "--from", "2026-03-02", "--working-days", 1, "--json")
    assert json.loads(calendar(*asked, *log).out)["date"] == "2026-03-04"
    assert json.loads(calendar(*asked).out)["date"] == "2026-03-03"
    assert calendar("set", "2026-03-03", "national", *log).code == 0
    assert json.loads(calendar(*asked, *log).out)["date"] == "2026-03-03"
    assert calendar("set", "2026-03-03", "national", *log).code == 3


def test_the_days_of_a_zone_that_is_not_there_end_with_five(tmp_path: Path) -> None:
    asked = ("due", "--from", "2026-03-02", "--zone", "town", "--data", tmp_path)
    assert calendar(*asked).code == 5
    line = '{"type":"DefinePlace","id":"z","zone":"other","at":"2026-03-02T00:00:00Z","place":"o","level":"district"}\n'
    (tmp_path / "open.jsonl").write_text(line)
    paidan("import", "--commands", tmp_path / "open.jsonl", "--data", tmp_path)
    ended = calendar(*asked)
    assert (ended.code, "Zone (town) is not in this log" in ended.err) == (5, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("due", "--from", "yesterday"),
        ("due", "--from", "9999-12-30"),
        ("due", "--from", "2026-03-02", "--working-days", 0),
        ("due", "--from", "2026-03-02", "--zone", "town"),
        ("weeks", "--year", 2026, "--preset", "third"),
        ("weeks", "--year", 2026, "--theme", "13=x"),
        ("weeks", "--year", 2026, "--choose", "3=2026-04-13"),
        ("seasons", "--year", 2026, "--surge", "a,b"),
        ("set", "2026-03-02", "off", "--zone", "town"),
    ],
)
def test_what_cannot_be_asked_ends_with_two_and_names_the_option(arguments: tuple[object, ...]) -> None:
    ended = calendar(*arguments)
    assert ended.code == 2
    assert "Invalid value" in ended.err


def test_published_years_are_in_the_zones_log_and_its_deadlines_go_by_them(tmp_path: Path) -> None:
    opened = tmp_path / "open.jsonl"
    opened.write_text(
        '{"type":"DefinePlace","id":"z","zone":"town","at":"2026-03-02T00:00:00Z","place":"town","level":"district"}\n'
    )
    log = ("--zone", "town", "--data", tmp_path)
    assert paidan("import", "--commands", opened, "--data", tmp_path).code == 0
    ended = calendar("publish", *log, "--year", "2026", "--year", "2027")
    assert ended.code == 0, ended.err
    _, told = owndays.read(tmp_path, "town")
    assert [(year.year, year.certain) for year in told.values()] == [(2026, True), (2027, False)]
    assert date(2026, 2, 17) in told[2026].holidays
    assert date(2026, 2, 14) in told[2026].make_up
    asked = ("due", "--from", "2026-02-11", "--json")
    assert json.loads(calendar(*asked, *log).out) == json.loads(calendar(*asked).out)
    assert calendar("publish", *log, "--year", "1999").code == 2

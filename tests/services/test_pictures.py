"""The pictures of a planned week say what their numbers say, in both languages, in the same bytes each time."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import numpy as np
import pytest

from matcher.problem import PeopleArrays
from matcher.reasons import Unassigned
from matcher.weekly.week import Idle, Unfilled
from services.pictures import Subject, changing, plan_of_visits, standing_plan, write, write_service_list
from services.pictures.churn import Fate
from services.pictures.lettering import FILE
from services.pictures.sides import shown
from services.pictures.svg import wrapped
from services.pictures.ways import ways_of
from services.pictures.words import LANGUAGES, Words
from services.pictures.writing import pictures_of
from tests.benchmarks import weeks
from tests.benchmarks.week_nearest import nearest_first
from tests.pictures_font import LIST, characters
from tests.problems import HOUR, Need, Person
from tests.weekly.small import FROM, triples, week_of

FRIDAY = date(2023, 10, 13)
NAMES = ("map", "distances", "load", "unfilled", "duty", "churn", "days")


def synthetic(people=120, visits=60):
    """A week in which not everything can be filled, its nearest-first plan, and one that differs from it."""
    week = weeks.week(people, visits, 3000.0, 7, 0.3)
    after = nearest_first(week)
    columns = (
        after.requirement[1:],
        after.person[1:],
        after.start_s[1:] + (np.arange(len(after.start_s) - 1) % 3 == 0) * 60,
    )
    return (
        Subject(week=week, theme_day=FRIDAY, compounds=("阳光花园", "A & B <1>")),
        plan_of_visits(week, *columns),
        after,
    )


def nothing(week):
    return plan_of_visits(week, *triples([]))


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def by_name(subject, before, after):
    return {picture.name: picture for picture in pictures_of(shown(subject, before, after))}


def texts(svg):
    return " ".join(part for part in ElementTree.fromstring(svg).itertext())


def tips(svg):
    """What is said where a pointer rests on a bar."""
    root = ElementTree.fromstring(svg)
    return [title.text for title in root.findall(".//{*}rect/{*}title")]


def _until(metres):
    return f"–{metres} m" if metres else " m and more"


def small_week(**terms):
    """Three people at the centre and one far off, one visit each some hundred metres away."""
    people = [Person(id=f"p{n}", at=(0.0, 0.0), capacity=9) for n in range(4)]
    needs = [Need(id=f"r{n}", at=(300.0 * (n + 1), 0.0), earliest_s=FROM, latest_s=FROM + 48 * HOUR) for n in range(4)]
    return week_of(people, needs, **terms)


# --- bytes


@pytest.mark.slow
def test_the_same_week_gives_the_same_bytes_whatever_the_hash_seed():
    code = (
        "import hashlib, pathlib, tempfile; from tests.services import test_pictures as t;"
        "from services.pictures import write;"
        "subject, before, after = t.synthetic(60, 30);"
        "files = write(pathlib.Path(tempfile.mkdtemp()), subject, before=before, after=after);"
        "print(hashlib.sha256(b''.join(f.name.encode() + f.read_bytes() for f in files)).hexdigest(), len(files))"
    )
    said = set()
    for seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    assert len(said) == 1, said


def test_every_file_that_is_told_is_there_and_files_of_others_stay(tmp_path):
    subject, before, after = synthetic()
    (tmp_path / "notes.txt").write_text("mine")
    files = write(tmp_path / "deep" / "er", subject, before=before, after=after)
    assert files[0].name == "index.en.html"
    assert {file.name for file in files} == {file.name for file in (tmp_path / "deep" / "er").iterdir()}
    for name in NAMES:
        assert {f"{name}.en.svg", f"{name}.zh.svg", f"{name}.csv"} <= {file.name for file in files}
    write(tmp_path, subject, before=before, after=after, languages=("zh",))
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.glob("*.en.*"))


def test_a_place_that_is_no_folder_is_an_error_of_the_system(tmp_path):
    subject, before, after = synthetic(20, 6)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        write(tmp_path / "taken", subject, before=before, after=after)


# --- pictures say what their numbers say


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_picture_is_well_formed_and_says_its_sentence(language):
    subject, before, after = synthetic()
    words = Words(language)
    for picture in by_name(subject, before, after).values():
        root = ElementTree.fromstring(picture.svg(words))
        said = " ".join(node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text"))
        assert picture.sentence(words).replace(" ", "") in said.replace(" ", "")
        assert (re.search("[一-鿿]", said) is not None) == (language == "zh")
        assert "{" not in said


def test_the_columns_of_a_chart_are_the_numbers_beside_it():
    subject, before, after = synthetic()
    found = by_name(subject, before, after)
    words = Words("en")
    rows = table(found["load"].csv)
    assert tips(found["load"].svg(words)) == [
        f"{row['visits']}, {side}: {row[f'people_{side}']}" for row in rows for side in ("before", "after")
    ]
    rows = table(found["days"].csv)
    assert [tip for tip in tips(found["days"].svg(words)) if ":" in tip] == [
        f"{words.day(date.fromisoformat(row['day']))}, {side}: {row[f'visits_{side}']}"
        for row in rows
        for side in ("before", "after")
    ]
    assert [row["day"] for row in rows if row["theme_day"] == "1"] == ["2023-10-13"]
    rows = table(found["distances"].csv)
    assert tips(found["distances"].svg(words)) == [
        f"{row['from_m']}{_until(row['until_m'])}: {row[f'visits_{side}']} ({side})"
        for row in rows
        for side in ("before", "after")
    ]
    assert sum(int(row["visits_after"]) for row in rows) == len(after.person)


def test_the_changes_are_counted_as_they_are_listed():
    subject, before, after = synthetic()
    found = by_name(subject, before, after)["churn"]
    fates = [row["fate"] for row in table(found.csv)]
    words = Words("en")
    for tip in tips(found.svg(words)):
        label, number = tip.rsplit(", visits: ", 1)
        fate = next(one for one in Fate if words(f"fate.{one}") == label)
        assert int(number) == fates.count(fate)
    assert fates.count("new") + fates.count("kept") + fates.count("moved_time") == len(after.person)


def test_why_visits_moved_is_shown_where_it_is_known():
    week = small_week()
    before = plan_of_visits(week, *triples([(0, 0, FROM + HOUR), (1, 1, FROM + HOUR), (2, 2, FROM + HOUR)]))
    after = plan_of_visits(week, *triples([(0, 0, FROM + HOUR), (1, 3, FROM + HOUR), (2, 2, FROM + 2 * HOUR)]))
    key = (*week.problem.requirements.ids[1], "p1")
    why = {key: "CHEAPER", (*week.problem.requirements.ids[2], "p2"): "A<B"}
    picture = changing.picture(shown(Subject(week=week), before, after, why))
    assert [row["why"] for row in table(picture.csv)] == ["", "CHEAPER", "A<B"]
    said = texts(picture.svg(Words("zh")))
    assert "换个人整个方案更好" in said
    assert "A<B" in said
    assert Words("en")("churn.why") not in texts(
        changing.picture(shown(Subject(week=week), before, after)).svg(Words("en"))
    )


def test_the_map_draws_a_way_for_each_way_in_its_numbers():
    subject, before, after = synthetic()
    found = by_name(subject, before, after)["map"]
    rows = table(found.csv)
    ways = {(row["side"], row["way"]) for row in rows if row["what"] == "visit"}
    svg = ElementTree.fromstring(found.svg(Words("en")))
    lines = [node for node in svg.findall(".//{*}path") if re.fullmatch(r"(M-?\d+[ -]\d+l[-\d ]+z?)+", node.get("d"))]
    assert sum(line.get("d").count("M") for line in lines) == len(ways)
    crosses = [
        node.get("d").count("M")
        for node in svg.findall(".//{*}path")
        if "m0-8l" in node.get("d") or "m0-14l" in node.get("d")
    ]
    spots = {(row["side"], row["x_m"], row["y_m"]) for row in rows if row["what"] == "open"}
    assert sum(crosses) == len(spots)


def test_open_places_stand_by_reason_with_what_is_proven():
    week = small_week()
    after = replace(
        nothing(week),
        unfilled=[
            Unfilled(requirement=0, places=2, reason=Unassigned.MISSING_SKILL, proven=True),
            Unfilled(requirement=1, places=1, reason=Unassigned.OUTBID, proven=False),
            Unfilled(requirement=2, places=3, reason=Unassigned.OUTBID, proven=True),
        ],
    )
    picture = by_name(Subject(week=week), None, after)["unfilled"]
    assert table(picture.csv) == [
        {"reason": "OUTBID", "places": "4", "proven": "3"},
        {"reason": "MISSING_SKILL", "places": "2", "proven": "2"},
    ]
    assert picture.sentence(Words("en")).startswith("Open: 6 of 4 places. Proven to be so: 5")
    assert "没有人具备特长" in texts(picture.svg(Words("zh")))


def test_a_week_without_open_places_says_so():
    week = small_week()
    after = plan_of_visits(week, *triples([(n, n, FROM + HOUR) for n in range(4)]))
    picture = by_name(Subject(week=week), None, after)["unfilled"]
    assert picture.sentence(Words("en")) == "Every place is filled: 4 of 4."
    assert picture.sentence(Words("zh")) == "名额全部派满：4 个中的 4 个。"
    assert table(picture.csv) == []


def test_who_owes_a_visit_and_stays_at_home_is_counted_by_reason():
    week = small_week(owing=np.array([True, True, True, False]))
    after = replace(
        plan_of_visits(week, *triples([(0, 0, FROM + HOUR)])), idle={1: Idle.NO_DEMAND, 2: Idle.SERVED_BY_OTHERS}
    )
    picture = by_name(Subject(week=week), None, after)["duty"]
    assert {row["what"]: int(row["people"]) for row in table(picture.csv)} == {
        "come": 1, "NO_DEMAND": 1, "SERVED_BY_OTHERS": 1, "NOT_AVAILABLE": 0, "NO_HOURS": 0, "unknown": 0,
    }  # fmt: skip
    assert picture.sentence(Words("zh")).endswith("其余有 1 人没有合适的需求，不为他们编造任务。")


# --- figures


def figures_of(tmp_path, subject, before, after):
    write(tmp_path, subject, before=before, after=after)
    return json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))


def test_gini_is_that_of_a_calculation_by_hand(tmp_path):
    """Four people with 0, 0, 1 and 3 visits: 2 (1*0 + 2*0 + 3*1 + 4*3) / (4 * 4) - 5 / 4 = 0.625."""
    week = small_week()
    rows = [(0, 2, FROM + HOUR), (1, 3, FROM + HOUR), (2, 3, FROM + 3 * HOUR), (3, 3, FROM + 5 * HOUR)]
    told = figures_of(tmp_path, Subject(week=week), None, plan_of_visits(week, *triples(rows)))
    assert told["after"]["gini"] == 0.625
    assert told["after"]["most_visits"] == 3
    assert "Gini 0.62" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_metres_and_marks_are_those_of_the_ways(tmp_path):
    """One way past visits at 300 and 900 m, one to 1,200 m; at 1 m/s only the first is within 10 minutes."""
    week = small_week()
    rows = [(0, 0, FROM + HOUR), (2, 0, FROM + 3 * HOUR), (3, 1, FROM + HOUR)]
    after = plan_of_visits(week, *triples(rows))
    told = figures_of(tmp_path, Subject(week=week), None, after)["after"]
    assert told["metres"] == pytest.approx(300 + 600 + 900 + 2 * 1200, abs=6)
    assert (told["within_500_m"], told["within_10_minutes"]) == (1, 1)
    assert (told["filled"], told["open"], told["bound"]) == (3, 1, 4)


def test_metres_are_those_that_a_plan_says(tmp_path):
    subject, _, after = synthetic()
    assert figures_of(tmp_path, subject, None, after)["after"]["metres"] == after.objective["metres"]


def test_changes_are_kept_moved_new_and_dropped(tmp_path):
    week = small_week()
    before = plan_of_visits(week, *triples([(0, 0, FROM + HOUR), (1, 1, FROM + HOUR), (2, 2, FROM + HOUR)]))
    after = plan_of_visits(week, *triples([(0, 0, FROM + HOUR), (1, 1, FROM + 2 * HOUR), (3, 3, FROM + HOUR)]))
    told = figures_of(tmp_path, Subject(week=week), before, after)["changes"]
    assert told == {"kept": 1, "moved_time": 1, "moved_person": 0, "new": 1, "dropped": 1, "moved": 1}
    after = plan_of_visits(week, *triples([(0, 3, FROM + HOUR), (1, 1, FROM + HOUR), (2, 2, FROM + HOUR)]))
    assert figures_of(tmp_path, Subject(week=week), before, after)["changes"]["moved_person"] == 1


def test_a_promise_outside_of_hours_is_a_way_of_its_own():
    people = [Person(id="p0", capacity=3, hours=[(FROM + 8 * HOUR, FROM + 12 * HOUR)])]
    needs = [Need(id=f"r{n}", at=(300.0, 0.0), earliest_s=FROM, latest_s=FROM + 48 * HOUR) for n in range(3)]
    week = week_of(people, needs)
    plan = plan_of_visits(week, *triples([(0, 0, FROM + 9 * HOUR), (1, 0, FROM + 13 * HOUR), (2, 0, FROM + 15 * HOUR)]))
    assert plan.shift_from_s.tolist() == [FROM + 8 * HOUR, -1, -1]
    ways = ways_of(week, plan)
    assert sorted(ways.way.tolist()) == [0, 1, 2]
    assert sum(ways.metres.tolist()) == pytest.approx(600, abs=2)


def test_what_is_accepted_and_promised_is_the_plan_before():
    week = small_week(pinned=triples([(0, 0, FROM + HOUR)]), told=triples([(1, 2, FROM + HOUR)]))
    before = standing_plan(week)
    assert (before.requirement.tolist(), before.person.tolist()) == ([0, 1], [0, 2])
    assert standing_plan(small_week()) is None


# --- nothing, and almost nothing


@pytest.mark.parametrize("with_before", [False, True])
def test_an_empty_plan_is_shown(tmp_path, with_before):
    subject, before, _ = synthetic(30, 12)
    files = write(tmp_path, subject, before=before if with_before else None, after=nothing(subject.week))
    for file in files:
        if file.suffix == ".svg":
            ElementTree.fromstring(file.read_text(encoding="utf-8"))
    told = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["after"]
    assert (told["filled"], told["gini"], told["median_home_m"]) == (0, None, None)
    assert "Nobody goes out" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "nan" not in (tmp_path / "map.en.svg").read_text(encoding="utf-8").lower()


def test_a_week_without_people_and_requests_is_shown(tmp_path):
    week = week_of([], [])
    for file in write(tmp_path, Subject(week=week), before=None, after=nothing(week)):
        if file.suffix == ".svg":
            ElementTree.fromstring(file.read_text(encoding="utf-8"))


def test_many_visits_become_squares(monkeypatch):
    subject, before, after = synthetic()
    lines = by_name(subject, before, after)["map"].svg(Words("en"))
    monkeypatch.setattr("services.pictures.mapping.WAYS_MAX", 10)
    squares = by_name(subject, before, after)["map"].svg(Words("en"))
    assert Words("en")("map.cells.near") in texts(squares)
    assert Words("en")("map.cells.near") not in texts(lines)


# --- service lists


def test_a_service_list_names_place_time_request_and_people_by_id(tmp_path):
    people = [Person(id="p1", capacity=3), Person(id="p2", capacity=3), Person(id="p3", capacity=3)]
    needs = [
        Need(id="n1", request="crew", people=2, duration_s=HOUR),
        Need(id="n1", request="later"),
        Need(id="n1", request="elsewhere"),
        Need(id="n1", request="tomorrow"),
    ]
    week = week_of(people, needs, compound=np.array([0, 0, -1, 0], np.int32), crowd_max=0)
    subject = Subject(week=week, timezone="UTC", compounds=("阳光 <花园>",))
    day = subject.day_of(FROM + 12 * HOUR)
    noon = FROM + 12 * HOUR
    rows = [(0, 1, noon), (0, 0, noon), (1, 2, noon + 3 * HOUR), (2, 0, noon + 2 * HOUR), (3, 2, noon + 24 * HOUR)]
    names = [file.name for file in write_service_list(tmp_path, subject, plan_of_visits(week, *triples(rows)), day)]
    stem = f"service-list-{day.isoformat()}"
    assert sorted(names) == sorted([f"{stem}.en.html", f"{stem}.zh.html", f"{stem}.csv"])
    told = table((tmp_path / f"{stem}.csv").read_text(encoding="utf-8-sig"))
    assert [(row["compound"], row["request"], row["people"]) for row in told] == [
        ("阳光 <花园>", "crew", "p1 p2"),
        ("阳光 <花园>", "later", "p3"),
        ("", "elsewhere", "p1"),
    ]
    page = (tmp_path / f"{stem}.zh.html").read_text(encoding="utf-8")
    assert "阳光 &lt;花园&gt; · 上门 2 次" in page
    assert "（未登记小区）" in page
    assert "p1, p2" in page
    assert f"{subject.local(noon):%H:%M}–{subject.local(noon + HOUR):%H:%M}" in page
    assert "tomorrow" not in page


def test_a_list_says_nothing_of_people_but_their_ids(tmp_path):
    subject, _, after = synthetic()
    write_service_list(tmp_path, subject, after, FRIDAY)
    people: PeopleArrays = subject.week.problem.people
    for file in tmp_path.iterdir():
        said = file.read_text(encoding="utf-8")
        assert not any(f"{lat:.4f}" in said for lat in people.lat.tolist())


def test_an_id_is_no_formula_and_a_spreadsheet_is_told_of_utf8(tmp_path):
    week = week_of([Person(id="=p1")], [Need(id="n", request="-1+1")])
    subject = Subject(week=week, timezone="UTC")
    plan = plan_of_visits(week, *triples([(0, 0, FROM + 12 * HOUR)]))
    write_service_list(tmp_path, subject, plan, subject.day_of(FROM + 12 * HOUR))
    content = next(tmp_path.glob("*.csv")).read_bytes()
    assert content.startswith(b"\xef\xbb\xbfcompound,")
    assert b",'-1+1,n,'=p1" in content


# --- words and letters


def test_both_languages_have_the_same_words_and_every_reason_has_one():
    assert LANGUAGES["en"].keys() == LANGUAGES["zh"].keys()
    for code in LANGUAGES["en"]:
        fields = [set(re.findall(r"{(\w+)}", LANGUAGES[language][code])) for language in ("en", "zh")]
        assert fields[0] == fields[1], code
    assert {f"reason.{reason}" for reason in Unassigned} <= LANGUAGES["en"].keys()
    assert {f"idle.{reason}" for reason in Idle} <= LANGUAGES["en"].keys()
    assert {f"fate.{fate}" for fate in Fate} <= LANGUAGES["en"].keys()


def test_chinese_pictures_bring_every_character_of_our_words_along():
    assert LIST.read_text(encoding="utf-8") == characters() + "\n", "python -m tests.pictures_font"
    assert FILE.read_bytes()[:4] == b"wOF2"
    subject, before, after = synthetic(20, 6)
    picture = by_name(subject, before, after)["days"]
    assert "data:font/woff2;base64," in picture.svg(Words("zh"))
    assert "data:" not in picture.svg(Words("en"))


def test_sentences_are_broken_between_words_and_never_before_a_stop():
    assert wrapped("one two three", 10, 45) == ["one two", "three"]
    lines = wrapped("距离合适的人里，没有人来。", 10, 70)
    assert "".join(lines) == "距离合适的人里，没有人来。"
    assert not any(line[0] in "，。" for line in lines)
    assert wrapped("", 10, 70) == []

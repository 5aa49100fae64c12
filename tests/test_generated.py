"""The invented county and rosters: the reference sizes, the same bytes for the same seed, nothing the core refuses."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from matcher.commands import DefinePlace, DefinePost, DefineSkill, DefineTeam, DefineUnit, LinkUnit, RegisterVolunteer
from matcher.decisions import decide, evolve
from matcher.events import CommandRefused
from matcher.posts import post_list
from matcher.terms import PlaceLevel, TeamKind
from matcher.zone import Zone
from producers import asking, city, mapping, rows, sheets, tables
from producers.asking import definitions, registration, request_row, submit
from producers.roster import roster_like
from producers.rows import RequestRow
from tests.shell import paidan

DAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def county() -> list:
    return list(city.county(7))


def test_the_county_has_the_reference_sizes(county: list) -> None:
    kinds = Counter(type(command) for command in county)
    levels = Counter(command.level for command in county if isinstance(command, DefinePlace))
    assert (kinds[DefineUnit], levels["community"], levels["compound"], kinds[RegisterVolunteer]) == (69, 22, 223, 8636)
    assert kinds[DefineSkill] == 12
    assert (kinds[DefineTeam], kinds[DefinePost]) == (56, 446)
    assert len({command.id for command in county}) == len(county)


def test_places_and_units_say_what_placement_reads(county: list) -> None:
    places = {command.place: command for command in county if isinstance(command, DefinePlace)}
    compounds = [place for place in places.values() if place.level is PlaceLevel.COMPOUND]
    assert 150_000 < sum(place.residents for place in compounds) < 350_000
    assert all(place.needs for place in compounds)
    for above in (PlaceLevel.COMMUNITY, PlaceLevel.COMPOUND):
        for place in places.values():
            below = [one for one in places.values() if one.parent == place.place and one.residents]
            if place.level is above and below:
                assert sum(one.residents for one in below) == place.residents
    units = [command for command in county if isinstance(command, DefineUnit)]
    assert all(unit.point and unit.functions and unit.skills for unit in units)
    links = [command for command in county if isinstance(command, LinkUnit)]
    assert len(links) == len({link.unit for link in links}) == 69
    assert {places[link.place].level for link in links} == {PlaceLevel.COMMUNITY}


def test_everybody_has_both_registrations_a_unit_and_skills(county: list) -> None:
    level_of = {command.place: command.level for command in county if isinstance(command, DefinePlace)}
    for person in county:
        if isinstance(person, RegisterVolunteer):
            assert [level_of[place] for place in person.places] == ["compound", "community"]
            assert person.unit
            assert person.skills
            assert person.hours.weekly


def test_the_core_takes_the_whole_county_and_a_day_of_requests(county: list) -> None:
    zones: dict[str, Zone] = {}
    people = [command for command in county if isinstance(command, RegisterVolunteer)][:50]
    places = [command for command in county if not isinstance(command, RegisterVolunteer)]
    for command in [*places, *people, *city.requests(7, DAY, 100)]:
        for event in decide(zones, command):
            assert not isinstance(event, CommandRefused), event
            evolve(zones, event)


def test_teams_are_of_every_kind_and_posts_are_claimed_by_most_as_far_as_there_is_room(county: list) -> None:
    assert Counter(team.kind for team in county if isinstance(team, DefineTeam)) == dict.fromkeys(TeamKind, 14)
    people = [command for command in county if isinstance(command, RegisterVolunteer)]
    assert 1500 < sum(bool(person.teams) for person in people) < 4000
    zones: dict[str, Zone] = {}
    for command in county:
        if not isinstance(command, RegisterVolunteer) or command.posts:
            for event in decide(zones, command):
                assert not isinstance(event, CommandRefused), event
                evolve(zones, event)
    claimed = sum(bool(person.posts) for person in people)
    held = post_list(zones[city.ZONE])
    assert held.without == ()
    assert sum(len(post.claimed_by) for post in held.posts) == claimed
    assert 0.6 * len(people) < claimed < len(people)
    assert any(post.places_open == 0 for post in held.posts)


def test_a_day_of_requests_is_in_order_within_the_day_and_unique_over_days() -> None:
    days = [city.requests(3, DAY + timedelta(days=offset), 200) for offset in range(2)]
    for offset, asked in enumerate(days):
        assert [(r.at, r.request) for r in asked] == sorted((r.at, r.request) for r in asked)
        assert {r.at.astimezone(city.CLOCK).date() for r in asked} == {DAY + timedelta(days=offset)}
        assert all(
            r.earliest and r.latest and r.latest - r.earliest >= timedelta(minutes=r.duration_minutes) for r in asked
        )
    assert len({r.request for asked in days for r in asked}) == 400


DIGEST = """
import datetime, hashlib, msgspec
from producers import city
from producers.roster import roster_like
from producers.asking import request_row
asked = city.requests(5, datetime.date(2026, 6, 1), 50)
people = [command for _, command in zip(range(1900), city.county(5))]
roster = roster_like([request_row(r) for r in asked], 40, 2)
whole = msgspec.json.encode([asked, people, roster], order="deterministic")
print(hashlib.sha256(whole).hexdigest())
"""


def test_a_seed_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "77")
    }
    assert len(found) == 1


def test_another_seed_gives_another_county_and_other_requests() -> None:
    assert city.requests(1, DAY, 20) != city.requests(2, DAY, 20)
    first, second = (
        next(c for c in city.county(seed) if isinstance(c, DefinePlace) and c.place == "c01") for seed in (1, 2)
    )
    assert first != second


def test_generate_county_writes_files_that_are_read_back_unchanged(tmp_path: Path) -> None:
    ended = paidan("generate", "county", "--seed", 7, "--requests", 120, "--day", DAY, "--out", tmp_path)
    assert ended.code == 0
    assert "invented" in ended.err
    asked = rows.read_requests(tables.read(tmp_path / "requests.csv"), mapping.STANDARD)
    people = rows.read_volunteers(tables.read(tmp_path / "volunteers.csv"), mapping.STANDARD)
    assert (asked.rejections, people.rejections) == ([], [])
    expected = [asking.request_row(command) for command in city.requests(7, DAY, 120)]
    assert [unlined(row) for row in asked.rows] == [unlined(row) for row in expected]
    assert len(people.rows) == 8636
    assert hashlib.sha256((tmp_path / "commands.jsonl").read_bytes()).hexdigest()
    assert len((tmp_path / "commands.jsonl").read_bytes().splitlines()) == len(list(city.county(7))) + 120


def unlined(row: RequestRow) -> RequestRow:
    import msgspec

    return msgspec.structs.replace(row, line=0)


# --- rosters ----------------------------------------------------------------------------------------------------


def demand() -> list[RequestRow]:
    asked = [asking.request_row(command) for command in city.requests(4, DAY, 60)]
    import msgspec

    zones = ["north"] * 50 + ["south"] * 9 + ["lonely"]
    return [msgspec.structs.replace(row, zone=zone) for row, zone in zip(asked, zones, strict=True)]


def test_a_roster_draws_skills_places_and_zones_from_the_requests() -> None:
    asked = demand()
    people = roster_like(asked, 100, 1)
    needed = {skill.skill for row in asked for skill in row.skills}
    assert len({person.volunteer_id for person in people}) == 100
    assert {skill.skill for person in people for skill in person.skills} <= needed
    assert {person.zone for person in people} == {"north", "south", "lonely"}
    assert {person.capacity for person in people} == {1}
    assert {person.capacity for person in roster_like(asked, 10, 1, capacity=3)} == {3}
    for person in people:
        nearest = min(abs(person.point.lat - row.point.lat) + abs(person.point.lon - row.point.lon) for row in asked)
        assert nearest < 0.05


def test_even_a_small_roster_leaves_no_zone_without_people() -> None:
    assert {person.zone for person in roster_like(demand(), 3, 9)} == {"north", "south", "lonely"}


def test_a_roster_is_read_back_unchanged(tmp_path: Path) -> None:
    people = roster_like(demand(), 50, 3)
    sheets.write_volunteers(tmp_path / "roster.csv", people)
    read = rows.read_volunteers(tables.read(tmp_path / "roster.csv"), mapping.STANDARD)
    assert read.rejections == []
    assert [unlined(row) for row in read.rows] == people


def test_what_few_files_have_is_read_back_unchanged(tmp_path: Path) -> None:
    [person, *_], [asked, *_] = roster_like(demand(), 5, 3), demand()
    until = datetime(2026, 12, 31, 16, tzinfo=UTC)
    person = msgspec.structs.replace(
        person,
        posts=("clinic", "books"),
        certificates=((person.skills[0].skill, until), ("driving", until)),
        teams=(("清风队", None), ("east", TeamKind.EMERGENCY)),
    )
    sheets.write_volunteers(tmp_path / "roster.csv", [person])
    found = rows.read_volunteers(tables.read(tmp_path / "roster.csv"), mapping.STANDARD).rows
    assert [unlined(row) for row in found] == [person]
    teams = {"team": "east", "team_kind": TeamKind.ADVICE, "one_team": True, "preferred_team": "清风队"}
    asked = msgspec.structs.replace(asked, post="clinic", told=("v1", "v2"), **teams)
    sheets.write_requests(tmp_path / "requests.csv", [asked])
    read = rows.read_requests(tables.read(tmp_path / "requests.csv"), mapping.STANDARD).rows[0]
    assert (read.post, read.told) == (asked.post, asked.told)
    assert {name: getattr(read, name) for name in teams} == teams
    assert request_row(submit(read, "z")).team_kind is TeamKind.ADVICE
    named = definitions("z", [read], [person])
    defined = {command.team: command.kind for command in named if isinstance(command, DefineTeam)}
    assert defined == {"清风队": None, "east": TeamKind.EMERGENCY}
    held = {skill.skill: skill.expires for skill in registration(person, "z").skills}
    assert held["driving"] == held[person.skills[0].skill] == until


def test_generate_roster_gives_the_same_bytes_for_a_seed_and_says_what_it_could_not_read(tmp_path: Path) -> None:
    sheets.write_requests(tmp_path / "requests.csv", demand())
    like = ("generate", "roster", "--like", tmp_path / "requests.csv", "--people", 30, "--seed", 5)
    for name in ("a.csv", "b.csv"):
        assert paidan(*like, "--out", tmp_path / name).code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with (tmp_path / "requests.csv").open("a", encoding="utf-8") as file:
        file.write("broken,north,106.4,,,,,,,,,,,\n")
    ended = paidan(*like, "--out", tmp_path / "c.csv")
    assert (ended.code, "line 62: lat (north) is not a number" in ended.err) == (3, True)
    assert paidan(*like[:2], "--like", tmp_path / "no.csv", *like[4:], "--out", tmp_path / "d.csv").code == 5

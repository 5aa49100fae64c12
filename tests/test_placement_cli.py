"""`paidan placement` from a file and from a log: sentences, values, CSV, the commands that would do it, bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from matcher.commands import Command, DefinePlace, DefinePost, DefineSkill, DefineUnit, LinkUnit, RegisterVolunteer
from matcher.terms import HeldSkill, PlaceLevel, StatedNeed
from producers import sheets
from producers.asking import UNDATED, identified
from tests.shell import paidan
from tests.stories.story import east

SKILLS = (HeldSkill(skill="nursing"),)


def command(kind: type[Command], **fields: object) -> Command:
    return identified(kind(**{"id": "-", "zone": "town", "at": UNDATED, **fields}))


def town() -> list[Command]:
    compound, community = {"level": PlaceLevel.COMPOUND, "parent": "c"}, PlaceLevel.COMMUNITY
    needs = (StatedNeed(skill="nursing"),)
    return [
        command(DefinePlace, place="town", level=PlaceLevel.DISTRICT),
        command(DefineSkill, skill="nursing"),
        command(DefinePlace, place="c", level=community, parent="town", point=east(0), residents=900),
        command(DefinePlace, place="d", level=community, parent="town", point=east(4000), residents=100),
        command(DefinePlace, place="a", point=east(0), residents=1000, **compound),
        command(DefinePlace, place="b", point=east(500), residents=1000, needs=needs, **compound),
        command(DefineUnit, unit="u", point=east(100)),
        command(LinkUnit, unit="u", place="d"),
        command(DefinePost, post="patrol", place="b", capacity=1),
        *(
            command(
                RegisterVolunteer,
                volunteer=f"v{number}",
                point=east(10 * number),
                skills=SKILLS * (number == 1),
                unit="u",
                places=("a",),
            )
            for number in range(2)
        ),
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    sheets.write_commands(tmp_path / "town.jsonl", town())
    return tmp_path / "town.jsonl"


def test_the_suggestions_are_told_in_english_and_chinese(file):
    told = paidan("placement", "people", "--file", file, "--tolerance", 0)
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == [
        "Zone town: 2 people, 2 places of level compound.",
        "Now: 2 placed, mean way 5.0 m, 100.0 % within 500 m, 0.0 to 2.0 per 1,000 residents, "
        "2 too few or too many, 0 of 1 places of stated needs filled.",
        "Suggested: 2 placed, mean way 245.0 m, 100.0 % within 500 m, 1.0 to 1.0 per 1,000 residents, "
        "0 too few or too many, 1 of 1 places of stated needs filled.",
        "Suggestions: 1 (first registrations: 0). Nothing happens until the commands are sent.",
        "Proven: of all feasible placements none is better (-310 points, bound -310).",
        "v1: a -> b, 480 m farther, 2 fewer out of balance, 1 more needed place filled, for nursing.",
    ]
    chinese = paidan("placement", "people", "--file", file, "--tolerance", 0, "--lang", "zh")
    assert "v1：a → b，远 480 米，失衡减少 2，多满足 1 个所需名额，用其nursing。" in chinese.out
    assert paidan("placement", "people", "--file", file, "--tolerance", 0).out == told.out


def test_the_commands_do_what_was_suggested_and_then_nothing_is(file, tmp_path):
    data = tmp_path / "data"
    assert paidan("import", "--commands", file, "--data", data).code == 0
    for kind, more, suggested in (("people", ("--tolerance", 0), 1), ("units", (), 1), ("posts", (), 1)):
        where = ("--zone", "town", "--data", data, *more)
        out = tmp_path / f"{kind}.jsonl"
        values = paidan("placement", kind, *where, "--json", "--commands", out, "--csv", tmp_path / "moves.csv")
        said = json.loads(values.out)
        assert (said["kind"], said["report"]["optimal"]) == (kind, True)
        moves = said["report"]["moves"]
        assert len(moves) == suggested
        with (tmp_path / "moves.csv").open(encoding="utf-8-sig") as table:
            rows = list(csv.DictReader(table))
        assert [(row["member"], row["target"]) for row in rows] == [(move["member"], move["target"]) for move in moves]
        sent = paidan("import", "--commands", out, "--data", data)
        assert (sent.code, "0 refused" in sent.err) == (0, True)
        if kind != "posts":
            assert json.loads(paidan("placement", kind, *where, "--json").out)["report"]["moves"] == []


def test_a_command_of_the_file_that_is_refused_is_named_and_the_rest_is_placed(file):
    with file.open("ab") as more:
        unknown = command(DefinePlace, place="b", level=PlaceLevel.COMPOUND, needs=(StatedNeed(skill="magic"),))
        more.write(sheets.msgspec.json.encode(unknown) + b"\n{\n\n")
    told = paidan("placement", "people", "--file", file)
    assert told.code == 3
    assert "line 12: The skill (magic) is not known in this zone." in told.err
    assert "rejected: town.jsonl line 13" in told.err
    assert "Proven" in told.out


def test_bad_input_has_its_answer(file, tmp_path):
    lacking = tmp_path / "lacking.jsonl"
    sheets.write_commands(lacking, [town()[0]])
    for arguments, code, said in (
        (("people", "--file", tmp_path / "none.jsonl"), 5, "cannot be read"),
        (("people", "--file", file, "--zone", "elsewhere"), 2, "It opens: town."),
        (("people", "--file", file, "--data", tmp_path), 2, "one place to read from"),
        (("people", "--data", tmp_path), 2, "Name the zone"),
        (("people", "--file", lacking), 2, "nobody to place"),
        (("units", "--file", lacking, "--lang", "zh"), 2, "没有单位"),
        (("posts", "--file", lacking), 2, "no posts"),
        (("people", "--file", file, "--level", "grid"), 2, "no places of level (grid)"),
    ):
        ended = paidan("placement", *arguments)
        assert (ended.code, said in ended.err) == (code, True), (arguments, ended)

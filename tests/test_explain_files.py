"""`paidan explain` and `paidan diff` as a person at the shell has them: answers, languages, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.shell import Ended, paidan
from tests.test_match_files import FAR_RIGHT, REQUEST, VOLUNTEER, match, write

FAR = VOLUNTEER | FAR_RIGHT | {"volunteer_id": "v2"}


def explain(
    folder: Path,
    requests: list[dict[str, str]],
    volunteers: list[dict[str, str]],
    *more: object,
    zone: str = "Asia/Shanghai",
) -> Ended:
    files = (write(folder / "requests.csv", requests), write(folder / "volunteers.csv", volunteers))
    return paidan("explain", "--requests", files[0], "--volunteers", files[1], "--timezone", zone, *more)


def test_an_open_request_says_why_and_what_would_help(tmp_path: Path) -> None:
    rare = REQUEST | {"skills": "plumbing:4"}
    ended = explain(tmp_path, [rare], [VOLUNTEER], "--request", "r1")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "Request r1: 1 of 1 places open. Nobody holds the skills it needs at the level it needs.",
        "People left after each rule: registered 1, zone 1, skills 0.",
        "It would be filled if it asked for level 2 of plumbing, not 4; then v1 would come.",
        "Each change was checked by solving again; one step less does not help.",
    ]


def test_the_same_in_chinese(tmp_path: Path) -> None:
    rare = REQUEST | {"skills": "plumbing:4"}
    ended = explain(tmp_path, [rare], [VOLUNTEER], "--request", "r1", "--lang", "zh")
    assert ended.out.splitlines()[2] == "如果对 plumbing 的要求从 4 级降到 2 级，就能派成，由 v1 前往。"


def test_hours_beyond_all_windows_are_known_to_the_search_for_changes(tmp_path: Path) -> None:
    """The window ends before the people's hours begin: a later end must be found though no row asks for that time."""
    early = REQUEST | {"earliest": "2026-03-02T12:00:00+08:00", "latest": "2026-03-02T14:00:00+08:00"}
    ended = explain(tmp_path, [early], [VOLUNTEER], "--request", "r1", "--json")
    unfilled = json.loads(ended.out)["unfilled"]
    assert unfilled["reason"] == "NO_START_POSSIBLE"
    assert unfilled["what_would_help"] == [{"change": {"code": "LATER_END", "minutes": 300}, "people": ["v1"]}]
    later = early | {"latest": "2026-03-02T19:00:00+08:00"}
    assert match(tmp_path, [later], [VOLUNTEER], "--timezone", "Asia/Shanghai").code == 0
    less = early | {"latest": "2026-03-02T18:55:00+08:00"}
    assert match(tmp_path, [less], [VOLUNTEER], "--timezone", "Asia/Shanghai").code == 6


def test_a_filled_request_says_who_serves_it_and_why(tmp_path: Path) -> None:
    ended = explain(tmp_path, [REQUEST], [VOLUNTEER, FAR], "--request", "r1")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "v1 serves r1 from 2026-03-02 18:00:00, 73 m away (travel 73).",
        "That is part of the plan that fills most at the least cost in all.",
    ]


def test_a_pair_says_what_forcing_it_would_cost(tmp_path: Path) -> None:
    ended = explain(tmp_path, [REQUEST], [VOLUNTEER, FAR], "--request", "r1", "--person", "v2", "--json")
    pair = json.loads(ended.out)["pair"]
    assert (pair["in_plan"], pair["objections"]) == (False, [])
    assert pair["forced"]["filled_lost"] == 0
    assert pair["forced"]["points"] == pair["cost"]["travel"] - 73
    assert pair["forced"]["at_least_points"] <= pair["forced"]["points"]


def test_a_pair_that_cannot_be_says_why_not(tmp_path: Path) -> None:
    short = FAR | {"reach_m": "500", "skills": "tea"}
    ended = explain(tmp_path, [REQUEST], [VOLUNTEER, short], "--request", "r1", "--person", "v2")
    assert (
        ended.out == "v2 cannot serve r1: plumbing is needed at level 1 and held at 0; 1467 m away, agreed to 500 m.\n"
    )


def test_a_person_alone_says_what_fits_and_why_nothing_was_offered(tmp_path: Path) -> None:
    ended = explain(tmp_path, [REQUEST], [VOLUNTEER, FAR], "--person", "v2")
    first, second = ended.out.splitlines()
    assert first == "v2 gets nothing: for each request that v2 could serve, others serve better."
    assert second.startswith("r1: 1467 m, from 2026-03-02 18:00:00 (travel 1467); would cost the plan at least")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--request", "r11"), "Did you mean (r1)?"),
        (("--request", "r1", "--person", "nobody"), "(nobody) is in no row that was read."),
        ((), "is needed"),
        (("--request", "r1", "--lang", "fr"), "fr"),
    ],
)
def test_ids_and_options_that_are_wrong_are_usage(options: tuple[str, ...], word: str, tmp_path: Path) -> None:
    ended = explain(tmp_path, [REQUEST], [VOLUNTEER], *options)
    assert ended.code == 2
    assert word in " ".join(ended.err.replace("│", " ").split())


def test_rejected_rows_are_said_and_the_rest_explained(tmp_path: Path) -> None:
    ended = explain(tmp_path, [REQUEST, REQUEST | {"request_id": "r2", "lat": "x"}], [VOLUNTEER], "--request", "r1")
    assert ended.code == 3
    assert "v1 serves r1" in ended.out
    assert "line 3" in ended.err


def test_a_file_that_is_none_is_exit_5(tmp_path: Path) -> None:
    ended = paidan("explain", "--requests", tmp_path / "no.csv", "--volunteers", tmp_path / "no.csv", "--request", "r")
    assert ended.code == 5


# --- two plans --------------------------------------------------------------------------------------------------


def planned(folder: Path, requests: list[dict[str, str]], volunteers: list[dict[str, str]]) -> Path:
    folder.mkdir()
    match(folder, requests, volunteers, "--timezone", "Asia/Shanghai")
    return folder / "plan.jsonl"


def test_two_plans_differ_by_what_moved_and_what_it_costs(tmp_path: Path) -> None:
    before = planned(tmp_path / "a", [REQUEST], [VOLUNTEER, FAR])
    after = planned(tmp_path / "b", [REQUEST], [VOLUNTEER | {"skills": "tea"}, FAR])
    ended = paidan("diff", before, after, "--timezone", "Asia/Shanghai")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "0 kept, 1 moved, 0 new, 0 dropped. Points: travel +1394.",
        "moved   r1: v1 at 2026-03-02 18:00:00 (travel 73) -> v2 at 2026-03-02 18:00:00 (travel 1467)",
    ]
    said = json.loads(paidan("diff", before, after, "--json").out)
    assert (said["moved"][0]["before"]["person"], said["change"]) == ("v1", {"travel": 1394})


def test_a_plan_and_itself_are_kept_whole(tmp_path: Path) -> None:
    plan = planned(tmp_path / "a", [REQUEST], [VOLUNTEER])
    assert paidan("diff", plan, plan, "--lang", "zh").out == "不变 1，调整 0，新增 0，取消 0。代价变化：路程 +0 分。\n"


@pytest.mark.parametrize("content", ["", "no json\n", '{"request_id": "a", "people": []}\n', '{"people": []}\n'])
def test_a_file_that_is_no_plan_is_exit_5(content: str, tmp_path: Path) -> None:
    plan = planned(tmp_path / "a", [REQUEST], [VOLUNTEER])
    (tmp_path / "other.jsonl").write_text(content, encoding="utf-8")
    assert paidan("diff", plan, tmp_path / "other.jsonl").code == 5
    assert paidan("diff", plan, tmp_path / "missing.jsonl").code == 5

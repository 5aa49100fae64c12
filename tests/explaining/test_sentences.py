"""Every reason, rule, change and frame has its words in both languages, with the same values in them."""

from __future__ import annotations

import re
from dataclasses import replace
from string import Formatter
from typing import Any, get_args

import msgspec
import pytest

from matcher import costs
from matcher.duty import Owes
from matcher.explaining import bookings, difference, for_person, why, why_not
from matcher.explaining.answers import Idle, Selected
from matcher.explaining.changes import AnyChange
from matcher.explaining.sentences import LANGUAGES, Teller, code_of
from matcher.reasons import AnyPairReason, Unassigned
from matcher.rules import STAGES
from matcher.solvers import solve
from tests.problems import DAY, HOUR, NOW, Need, Person, problem, random_problem

CJK = re.compile(r"[\u4e00-\u9fff]")
KINDS = [*get_args(AnyPairReason), *get_args(AnyChange)]


def _codes() -> set[str]:
    tags = [str(kind.__struct_config__.tag) for kind in get_args(AnyPairReason)]
    return {
        *(f"reason.{reason}" for reason in Unassigned),
        *(f"stage.{stage}" for stage in STAGES),
        *(f"objection.{tag}" for tag in tags),
        *(f"barred.{tag}" for tag in tags),
        *(f"change.{kind.__struct_config__.tag}" for kind in get_args(AnyChange)),
        *(f"selected.{code}" for code in Selected),
        *(f"idle.{code}" for code in Idle),
        *(f"owes.{code}" for code in Owes),
        *(f"term.{term}" for term in costs.TERMS),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_words(language: str) -> None:
    assert _codes() - LANGUAGES[language].keys() == set()
    coded = {key for key in LANGUAGES[language] if key.split(".")[0] in {code.split(".")[0] for code in _codes()}}
    assert coded - _codes() == set()
    assert all(LANGUAGES[language].values())


def _values_in(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    english, chinese = LANGUAGES["en"], LANGUAGES["zh"]
    assert english.keys() == chinese.keys()
    for key in english:
        assert _values_in(english[key]) == _values_in(chinese[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_reason_and_change_makes_a_sentence(kind: Any, language: str) -> None:
    teller, value = Teller(language, "Asia/Shanghai"), _plain(kind)
    said = teller.change(value) if kind in get_args(AnyChange) else teller.objection(value)
    assert said
    assert "{" not in said
    assert code_of(value) not in said


def _plain(kind: Any) -> Any:
    """A value of the kind, whatever constraints its text fields carry."""
    made = {"minutes": 5, "person": "ana", "skill": "plumbing", "teams": ("清风队",)}
    numbers = {field.name: 1_700_000_000 if field.name.endswith("_s") else 3 for field in msgspec.structs.fields(kind)}
    return kind(**{name: made.get(name, number) for name, number in numbers.items()})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("seed", range(4))
def test_every_explanation_of_a_problem_can_be_told(seed: int, language: str) -> None:
    case = random_problem(seed, people=6, requirements=4)
    plan, teller = solve(case), Teller(language, "Asia/Shanghai")
    told = [line for short in plan.shortfalls for line in teller.unfilled(why_not(case, plan, short.requirement))]
    told += [line for r in range(4) for v in range(6) for line in teller.pair(why(case, plan, r, v))]
    told += [line for v in range(6) for line in teller.person(for_person(case, plan, v))]
    told += teller.difference(difference(bookings(case, plan), bookings(case, replace(plan, placements=[]))))
    assert all(line and "{" not in line for line in told)
    assert language != "zh" or all(CJK.search(line) for line in told)
    assert len(told) > 20


def test_no_word_of_chinese_explanations_is_english() -> None:
    for key, words in LANGUAGES["zh"].items():
        assert CJK.search(words) or key in {"join", "join.reasons", "cost"} or words.startswith("{"), key


def test_a_request_reads_as_it_should_in_english_and_chinese() -> None:
    crowd = [Person(id="ana", hours=[(NOW + HOUR, NOW + DAY)])]
    case = problem(crowd, [Need(id="r1", latest_s=NOW + HOUR + 1800)])
    said = why_not(case, solve(case), 0)
    assert Teller("en", "UTC").unfilled(said) == [
        "Request r1: 1 of 1 places open. "
        "Nobody in reach has a start that fits its window, their hours and the way there.",
        "People left after each rule: registered 1, zone 1, skills 1, certificates 1, reach 1, a start that fits 0.",
        "It would be filled if its window ended 30 minutes later; then ana would come.",
        "It would be filled if the visit were 30 minutes shorter; then ana would come.",
        "Each change was checked by solving again; one step less does not help.",
    ]
    assert Teller("zh", "UTC").unfilled(said)[2] == "如果服务时段推迟 30 分钟结束，就能派成，由 ana 前往。"


def test_an_explanation_survives_json() -> None:
    case = random_problem(1, people=6, requirements=4)
    plan = solve(case)
    for short in plan.shortfalls:
        said = why_not(case, plan, short.requirement)
        assert msgspec.json.decode(msgspec.json.encode(said), type=type(said)) == said

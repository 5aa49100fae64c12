"""Every refusal has a Chinese sentence: of whatever code, whatever thing, state or remedy the program can put in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import matcher
from matcher.explaining.refusals import sentence
from matcher.plans import PlanState
from matcher.reasons import AnyRefusal, ImpossibleValue, Unknown, WrongState
from matcher.zone import OfferState, RequestState, Status

CJK = re.compile(r"[\u4e00-\u9fff]")
FILES = sorted(Path(matcher.__path__[0]).rglob("*.py"))
REASONS = {kind.__name__ for kind in get_args(AnyRefusal)}
#: What stays English: names of fields and commands, ids, zones of time.
NAMES = re.compile(r"`[^`]*`|（[^（）]*）|Asia/Shanghai|IANA|DefinePlace|Idempotency-Key|ISO")


def english_left(told: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", NAMES.sub("", told))


def texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can give, with 7 for every value in them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)


def said(field: str) -> list[str]:
    """Return every text that the domain gives as this field of a reason: by keyword, or by a variable of that name."""
    found: list[str] = []
    for tree in (ast.parse(path.read_text()) for path in FILES):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REASONS:
                found += [text for word in node.keywords if word.arg == field for text in texts(word.value)]
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == field for t in node.targets):
                found += texts(node.value)
    return sorted(set(found))


def objections() -> list[str]:
    tree = ast.parse((Path(matcher.__path__[0]) / "policy.py").read_text())
    named = ("objection", "_objection_to_weeks")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in named]
    assert len(functions) == len(named)
    inside = [node for function in functions for node in ast.walk(function)]
    returns = [node.value for node in inside if isinstance(node, ast.Return) and node.value]
    return [text for value in returns for text in texts(value)]


def plain(kind: Any) -> Any:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    made = {"kind": "request", "value": "r1", "state": "closed", "needed": "open", "earliest": at, "latest": at}
    made |= {"post": "p1", "skill": "s1", "rematch": "w1", "running": "w2", "stage": "part"}
    made |= {"week": at.date(), "day": at.date(), "ended": at, "from_at": at, "until_at": at}
    made |= {"zone": "town", "field": "people", "remedy": "Submit a new request.", "command_id": "c1"}
    return kind(**{field.name: made.get(field.name, 3) for field in msgspec.structs.fields(kind)})


@pytest.mark.parametrize("kind", get_args(AnyRefusal), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_sentence_in_both_languages(kind: Any) -> None:
    told = sentence(plain(kind), "zh")
    assert CJK.search(told)
    assert english_left(told) == []
    assert sentence(plain(kind), "en") == plain(kind).message()


def test_every_remedy_that_the_domain_gives_is_there_in_chinese() -> None:
    remedies = said("remedy") + objections()
    assert len(remedies) > 10
    for remedy in remedies:
        told = sentence(ImpossibleValue(field="f", value="v", remedy=remedy), "zh")
        assert english_left(told) == [], (remedy, told)


def test_every_thing_and_state_that_a_refusal_names_is_there_in_chinese() -> None:
    kinds = [kind for kind in said("kind") if kind]
    states = [state.value for states in (RequestState, OfferState, Status) for state in states]
    states += [state.value for state in PlanState] + ["adopted", "not cut"]
    needed = [*said("needed"), "draft", "published", "draft, published or notified"]
    assert {"request", "place", "skill"} <= set(kinds)
    for kind in kinds:
        assert english_left(sentence(Unknown(kind=kind, value="v"), "zh")) == [], kind
    for state in states:
        for need in needed:
            told = sentence(WrongState(kind="offer", value="o", state=state, needed=need), "zh")
            assert english_left(told) == [], (state, need)


def test_every_state_that_is_needed_somewhere_is_in_the_list_above() -> None:
    calls = re.compile(r"(?:not_in_state|_wrong_status)\([^\n]*?\"([a-z_, ]+)\"\)")
    found = {text for path in FILES for text in calls.findall(path.read_text())}
    listed = {"open", "completed", "completed or closed", "committed", "committed or en_route", "on_site"}
    assert found == listed | {"open, with nobody on the way"}
    for need in found:
        assert english_left(sentence(WrongState(kind="offer", value="o", state="sent", needed=need), "zh")) == []


def test_a_remedy_of_an_unknown_version_stays_as_it_was_said() -> None:
    told = sentence(ImpossibleValue(field="f", value="v", remedy="Do something else."), "zh")
    assert told == "`f` 的值是（v）。Do something else."

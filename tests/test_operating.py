"""The operators' page: a row for each alarm there is, as bad as its rule says, and no command or metric that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.metrics import TABLE
from services.names import NAME
from tests.test_alerts import ALERTS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[(\w+)\]\(alerts\.md#(\w+)\) \| (\w+) \| (.+?) \| (.+?) \|$", re.M)


def test_each_alarm_has_its_row_in_the_order_of_the_rules_and_no_row_is_left_over() -> None:
    assert [row[0] for row in ROW.findall(PAGE)] == list(ALERTS)


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: row[0])
def test_a_row_says_how_bad_it_is_and_leads_to_the_paragraph_of_its_alarm(row: tuple[str, ...]) -> None:
    name, anchor, severity, notice, first = row
    assert severity == ALERTS[name]["labels"]["severity"]
    assert ALERTS[name]["annotations"]["runbook"] == f"docs/alerts.md#{anchor}"
    assert min(len(notice), len(first)) > 5


def test_every_metric_that_the_page_names_is_one_that_we_expose() -> None:
    named = set(re.findall(rf"\b{NAME}_(\w+)", PAGE))
    assert named
    assert named <= {row.name for row in TABLE}


def test_every_make_target_that_the_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"`make ([a-z-]+)", PAGE))
    assert named
    assert named <= targets


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_both_readmes_lead_here(readme: str) -> None:
    assert "docs/operating.md" in (ROOT / readme).read_text(encoding="utf-8")

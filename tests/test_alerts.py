"""The rules of Prometheus: known metrics only, each alert explained and shown to fire and to keep quiet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.metrics import TABLE
from services.names import NAME
from tests.outside import said_by

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "deploy" / "prometheus"
#: Routes of processes that catch up for long.
LATER = {"startupz"}
SEVERITIES = {"page", "ticket"}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def rules(name: str) -> list[dict[str, Any]]:
    return [rule for group in read(name)["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules("alerts.yml")}
FIGURES = {rule["record"]: rule for rule in rules("recording.yml")}


def test_every_metric_in_a_rule_is_one_that_we_expose() -> None:
    exposed = {
        f"{NAME}_{row.name}{ending}"
        for row in TABLE
        for ending in (("_bucket", "_sum", "_count") if row.kind == "histogram" else ("",))
    }
    for rule in [*ALERTS.values(), *FIGURES.values()]:
        named = set(re.findall(rf"(?<![\w:]){NAME}_\w+", rule["expr"]))
        assert named <= exposed, (rule, named - exposed)
        assert set(re.findall(r"[a-z_]*:[a-z_]+:\w+", rule["expr"])) <= set(FIGURES)


def test_every_label_value_that_a_rule_asks_for_is_one_that_the_code_gives() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "services").rglob("*.py"))
    source += "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "matcher").rglob("*.py"))
    source += (ROOT / "producers" / "calendars.py").read_text(encoding="utf-8")
    source += "\n".join(f'"{job["job_name"]}"' for job in read("prometheus.yml")["scrape_configs"])
    for rule in [*ALERTS.values(), *FIGURES.values()]:
        for values in re.findall(r'\w+(?:=|!=|=~|!~)"([\w|]+)"', rule["expr"]):
            for value in set(values.split("|")) - LATER:
                assert f'"{value}"' in source or f"def {value}(" in source, (rule, value)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_says_what_it_means_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in SEVERITIES
    notes = alert["annotations"]
    assert set(notes) == {"summary", "description", "runbook"}
    assert notes["summary"].endswith(".")
    assert notes["description"].endswith(".")
    page, _, anchor = notes["runbook"].partition("#")
    paragraphs = re.split(r"^## ", (ROOT / page).read_text(encoding="utf-8"), flags=re.M)[1:]
    titled = {paragraph.splitlines()[0].lower(): paragraph for paragraph in paragraphs}
    assert anchor == name.lower()
    assert len(titled[anchor].split()) > 25


def test_no_paragraph_explains_an_alert_that_is_gone() -> None:
    titles = re.findall(r"^## (\w+)$", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.M)
    assert titles == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_quiet(name: str) -> None:
    expected = [
        bool(case["exp_alerts"])
        for test in read("alerts_test.yml")["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert set(expected) == {True, False}


@pytest.mark.parametrize("name", [name for name, alert in ALERTS.items() if "for" in alert])
def test_an_alert_that_waits_is_looked_at_while_it_waits(name: str) -> None:
    [fires] = [test for test in read("alerts_test.yml")["tests"] if test["name"] == f"{name} fires"]
    assert [bool(case["exp_alerts"]) for case in fires["alert_rule_test"]] == [False, True]


def test_a_quiet_test_gives_what_the_alert_asks_for() -> None:
    """A quiet test without the alert's series would be quiet for nothing."""
    for test in read("alerts_test.yml")["tests"]:
        [case, *_] = test["alert_rule_test"]
        given = {re.split(r"[{ ]", series["series"])[0] for series in test["input_series"]}
        wanted = ALERTS[case["alertname"]]["expr"]
        for figure in FIGURES:
            wanted = wanted.replace(figure, FIGURES[figure]["expr"])
        assert given & set(re.findall(r"\b[a-z_]{2,}\b", wanted)), test["name"]


def test_promtool_finds_the_configuration_right() -> None:
    assert said_by("promtool", "check", "config", str(FOLDER / "prometheus.yml"))[0] == 0


@pytest.mark.parametrize("name", ["recording.yml", "alerts.yml"])
def test_promtool_finds_the_rules_right(name: str) -> None:
    code, said = said_by("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(FOLDER / name))
    assert code == 0, said


def test_every_alert_fires_when_it_should_and_is_quiet_when_it_should() -> None:
    code, said = said_by("promtool", "test", "rules", str(FOLDER / "alerts_test.yml"))
    assert code == 0, said

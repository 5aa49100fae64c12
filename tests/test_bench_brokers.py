"""The bench on brokers still works: a few hundred commands, no figure judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.brokers import mix, report, throughput
from tests.brokers import needs_kafka

FIGURES = {"a_second": 1000, "worst_a_second": 900, "a_core_second": 1200, "worst_a_core_second": 1100}


def found() -> dict[str, Any]:
    moments = {"answered": FIGURES, "told": FIGURES}
    case = {
        "commands": 6000,
        "repeats": 3,
        "load": [1.0, 2.0],
        "folded_a_core_second": {"median": 5, "worst": 4},
        "ways": dict.fromkeys(["embedded", "shipped", "matching", "consume", "decode", "send", "acked"], moments),
    }
    silence = {"silences": 4, "min": 1.0, "median": 2.0, "max": 3.0}
    return {
        "when": "2026-11-23",
        "machine": "a machine",
        "throughput": {"one zone": case},
        "moving": {
            "pace_ms": 50.0,
            "load": [1.0, 2.0],
            "ways": dict.fromkeys([*report.TAKEOVER, *report.ROLLING], silence),
        },
    }


def test_the_page_replaces_what_it_wrote_before_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    report.write(page, found() | {"when": "2025-01-01"})
    page.write_text(page.read_text() + "\n## By hand\n\nstays\n")
    report.write(page, found())
    text = page.read_text()
    assert "2026-11-23" in text
    assert "2025-01-01" not in text
    assert text.endswith("\n## By hand\n\nstays\n")
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_ours_and_the_plain_agent_stand_in_one_row_each_with_their_ratio() -> None:
    made = found()
    ways = made["throughput"]["one zone"]["ways"]
    ways["acked"] = {"answered": FIGURES | {"a_core_second": 300}}
    text = report.page(made)
    assert "| plain Faust agent, decodes, sends, awaits the acknowledgement | 1,000 | 900 | 300 | 1,100 |" in text
    assert "| ours, matching only / plain, decodes, sends, awaits | 4.00 |  |" in text


@pytest.mark.parametrize("way", ["shipped", "acked"])
@needs_kafka[0]
@needs_kafka[1]
@pytest.mark.redis
@pytest.mark.rabbitmq
@pytest.mark.slow
def test_a_way_answers_a_backlog(way: str) -> None:
    commands = mix.standing(["zone0", "zone1"], 300)
    measured = throughput._one(way, commands)
    assert measured["answered_s"] > 0
    assert measured["answered_cpu_s"] > 0

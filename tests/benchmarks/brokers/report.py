"""The figures as a page: `docs/figures.md` between its two marks, and the same on the screen. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.brokers import prose
from tests.benchmarks.brokers.prose import paragraph

BEGIN = "<!-- begin: written by `make bench-brokers` -->"
END = "<!-- end: written by `make bench-brokers` -->"
HEAD = """# Figures

The service on real brokers, each figure beside its comparison from the same run.
"""

WAYS = {
    "embedded": "ours embedded, one file, durable; the asking too",
    "shipped": "ours as shipped, answered",
    "shipped, told": "ours as shipped, board, jobs and metrics too",
    "matching": "ours, matching only",
    "consume": "confluent `consume()` and json, nothing else",
    "decode": "plain Faust agent, decodes a Record",
    "send": "plain Faust agent, decodes and sends a Record",
    "acked": "plain Faust agent, decodes, sends, awaits the acknowledgement",
}
TAKEOVER = {
    "kill -9": "one of two is killed, the other takes over",
    "kill -9, started again as the same member": "one is killed, and started again at once as the same member",
}
ROLLING = {
    "rolling restart": "SIGTERM, then a new process",
    "rolling restart, handed to the same member": "a new process takes the member's place, the old one ends by itself",
}
FIGURES = ("a_second", "worst_a_second", "a_core_second", "worst_a_core_second")
G17, G18, G20, G21 = 5.0, 0.5, 5_000, 100_000


def page(found: dict[str, Any]) -> str:
    """Return the generated part as Markdown."""
    parts = [paragraph(prose.INTRO, **found)]
    for name, told in (("throughput", _throughput), ("latency", _latency), ("moving", _moving)):
        if name in found:
            parts += told(found[name])
    return "\n\n".join(parts) + "\n"


def write(path: Path, found: dict[str, Any]) -> None:
    """Put the generated part in its place in the file; what stands around it stays."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{HEAD}\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{page(found)}{END}{after}", encoding="utf-8")


def _throughput(cases: dict[str, Any]) -> list[str]:
    parts = ["## Throughput", paragraph(prose.THROUGHPUT)]
    for name, case in cases.items():
        parts += [_case(name, case), _verdict(name, case)]
    return [*parts, paragraph(prose.WHY)]


def _case(name: str, case: dict[str, Any]) -> str:
    rows = []
    for way, words in WAYS.items():
        base, _, told = way.partition(", ")
        figures = case["ways"].get(base, {}).get(told or "answered")
        if figures:
            rows.append([words, *(f"{figures[key]:,}" for key in FIGURES)])
    head = ["way", "a second", "worst", "a core-second", "worst"]
    title = f"### {name.capitalize()}: {case['commands']:,} commands, {case['repeats']} repetitions, load {_load(case)}"
    return f"{title}\n\n{_table(head, rows)}"


def _verdict(name: str, case: dict[str, Any]) -> str:
    def core(way: str, moment: str = "answered") -> float:
        figure: float = case["ways"][way][moment]["a_core_second"]
        return figure

    fold = case["folded_a_core_second"]
    lines = [
        ["G17: ours, matching only / plain, decodes, a core", _ratio(core("matching"), core("decode")), f">= {G17:g}"],
        ["ours, matching only / plain, decodes and sends", _ratio(core("matching"), core("send")), ""],
        ["ours, matching only / plain, decodes, sends, awaits", _ratio(core("matching"), core("acked")), ""],
        [
            "ours as shipped and told / plain, decodes, sends, awaits",
            _ratio(core("shipped", "told"), core("acked")),
            "",
        ],
        ["G18: ours, matching only / `consume()` and json", _ratio(core("matching"), core("consume")), f">= {G18}"],
        ["G20: embedded, commands a second", f"{case['ways']['embedded']['answered']['a_second']:,}", f">= {G20:,}"],
        ["G21: fold, events a core-second", f"{fold['median']:,} (worst {fold['worst']:,})", f">= {G21:,}"],
    ]
    return _table(["goal", name, "asked"], lines)


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}"


def _latency(found: dict[str, Any]) -> list[str]:
    columns = {
        "p50_ms": "p50 ms",
        "p99_ms": "p99 ms",
        "max_ms": "max ms",
        "p99_from_asking_ms": "p99 from asking ms",
        "unanswered": "unanswered",
        "cores": "cores",
        "solver_cores": "solvers' cores",
        "asked_late_p99_ms": "asked late p99 ms",
    }
    rows = [[way, *(f"{figures[key]:,}" for key in columns)] for way, figures in found["ways"].items()]
    return [
        "## Latency",
        paragraph(prose.LATENCY, rate=found["rate"], seconds=found["seconds"], load=_load(found)),
        _table(["way", *columns.values()], rows),
        paragraph(prose.LATENCY_WHY),
    ]


def _moving(found: dict[str, Any]) -> list[str]:
    return [
        "## Takeover",
        paragraph(prose.TAKEOVER, pace_ms=found["pace_ms"], load=_load(found)),
        _silences(found, TAKEOVER),
        paragraph(prose.TAKEOVER_WHY),
        "## Rolling restart",
        paragraph(prose.ROLLING),
        _silences(found, ROLLING),
        paragraph(prose.ROLLING_WHY),
    ]


def _silences(found: dict[str, Any], ways: dict[str, str]) -> str:
    rows = []
    for way, words in ways.items():
        figures = found["ways"][way]
        rows.append([words, str(figures["silences"]), *(f"{figures[key]:.1f}" for key in ("min", "median", "max"))])
    return _table(["what happens", "silences", "least s", "median s", "worst s"], rows)


def _load(case: dict[str, Any]) -> str:
    load = case["load"]
    return f"{load[0]:g} to {load[1]:g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])

"""`make bench-brokers`: the figures on the brokers of `make services`; about eight minutes on two cores.

source .services/env
make bench-brokers                                   a page on the screen
make bench-brokers BENCH="--docs --json FILE"        also docs/figures.md, and everything to a file
make bench-brokers BENCH="--from FILE --docs"        the page again from a file, nothing measured
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.brokers import latency, machine, moving, report, throughput
from tests.shell import ROOT

PAGE = ROOT / "docs" / "figures.md"
NEEDED = ("PAIDAN_KAFKA", "PAIDAN_REDIS", "PAIDAN_AMQP")


def main() -> None:
    """Measure, print, write."""
    given = _arguments()
    if given.origin:
        found: dict[str, Any] = json.loads(given.origin.read_text(encoding="utf-8"))
    else:
        missing = [name for name in NEEDED if name not in os.environ]
        if missing:
            sys.exit(f"{', '.join(missing)}: not set. Run `make services` and `source .services/env`.")
        logging.getLogger("aiokafka").setLevel(logging.ERROR)  # it says of each new topic that it has no leader yet
        found = _measured(given)
    print(report.page(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if given.docs:
        report.write(PAGE, found)


def _measured(given: argparse.Namespace) -> dict[str, Any]:
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "throughput": lambda: throughput.measure(given.commands, given.repeats),
        "latency": lambda: latency.measure(given.rate, given.seconds),
        "moving": lambda: moving.measure(given.rounds),
    }
    found: dict[str, Any] = {"when": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine.described()}
    for name in given.parts.split(","):
        began = time.monotonic()
        found[name] = parts[name]()
        print(f"{name}: measured in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="throughput,latency,moving", help="some of: %(default)s")
    parser.add_argument("--commands", type=int, default=6000, help="of a backlog (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="of each way to answer a backlog (%(default)s)")
    parser.add_argument("--rate", type=int, default=500, help="commands a second, for the latency (%(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="measured of it (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of takeover; half as many restarts (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--docs", action="store_true", help="write docs/figures.md")
    parser.add_argument(
        "--from", dest="origin", type=Path, metavar="FILE", help="measure nothing, read what --json wrote"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

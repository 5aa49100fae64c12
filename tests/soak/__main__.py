"""`make soak MINUTES=10`: too much for as long as one likes; ends with 7 when something was lost, leaks or is not said.

make soak MINUTES=60                                    one process on SQLite
source .services/env; make soak MINUTES=10 SOAK="--brokers"    stream, worker and API on the brokers
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.soak.soaking import page, soak

WRONG = 7

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--brokers", action="store_true", help="on $PAIDAN_KAFKA, $PAIDAN_REDIS, $PAIDAN_AMQP")
    parser.add_argument("--seed", type=int, default=20261123)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paidan-soak-") as folder:
        say = partial(print, flush=True)
        made = asyncio.run(soak(Path(folder), given.minutes, brokers=given.brokers, seed=given.seed, say=say))
    print(page(made))
    sys.exit(WRONG if made.wrong() else 0)

"""Three Apache Kafka brokers of the tests' own, to be hurt: frozen, killed, started again. By deploy/services' code.

`three_brokers` in conftest.py starts them once a session, in a folder and on ports of their own, and stops them by id.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
# At the end: one of those scripts has the name of our own package.
sys.path.append(str(ROOT / "deploy/services"))

import brokers  # noqa: E402
import installing  # noqa: E402
from processes import Server  # noqa: E402

JARS = ROOT / ".services"
POLL_S = 0.05


class Cluster:
    """Brokers 0, 1, ... Everything that hurts one leaves its data and its port."""

    def __init__(self, folder: Path, count: int) -> None:
        self._jars = installing.kafka(JARS)
        self._nodes = [Server(folder, f"kafka-{n}") for n in range(1, count + 1)]

    @property
    def address(self) -> str:
        """The bootstrap servers."""
        return str(brokers.kafka_address(self._nodes))

    def start(self) -> None:
        """Start every broker that does not run, and wait until all are in the cluster."""
        brokers.kafka(self._nodes, self._jars)
        answers = brokers.kafka_answers(self._nodes)
        for node in self._nodes:
            node.wait(answers)

    def stop(self) -> None:
        """End them all; nobody wants their data any more."""
        self.kill()
        for node in self._nodes:
            node.stop()

    def kill(self, *which: int) -> None:
        """kill -9 some brokers; none named: all. Returns when they are gone."""
        self.send(signal.SIGKILL, which)
        for node in self._some(which):
            while node.running():
                time.sleep(POLL_S)

    @contextmanager
    def frozen(self, *which: int) -> Iterator[None]:
        """SIGSTOP some brokers; none named: all. SIGCONT at the end."""
        self.send(signal.SIGSTOP, which)
        try:
            yield
        finally:
            self.send(signal.SIGCONT, which)

    def send(self, number: int, which: Sequence[int] = ()) -> None:
        """Send a signal to those that run."""
        for node in self._some(which):
            if node.running():
                node.signal(number)

    def _some(self, which: Sequence[int]) -> list[Server]:
        return [self._nodes[n] for n in which] or self._nodes

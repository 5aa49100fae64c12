"""`paidan …` as processes of their own: started, asked over HTTP, signalled, and never left behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.shell import ROOT, clean_environment

#: A deadline, not a measure: processes start slowly where many tests share two cores.
WAIT_S = 120.0
RUN = "from services.cli import main; main()"


class Served:
    """One running command; what it prints goes to files, because a pipe would outlive it in its children."""

    #: What Python runs.
    program: tuple[str, ...] = ("-c", RUN)

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, *arguments],
                cwd=ROOT,
                env=clean_environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def said(self) -> str:
        """Everything that it has printed."""
        return self._out.read_text() + self._err.read_text()

    @property
    def url(self) -> str:
        """Where it serves; waits until it says so."""
        pattern = re.compile(r"is ready\b.*?(http://127\.0\.0\.1:\d+)", re.DOTALL)
        until(lambda: pattern.search(self.said) or self.process.poll() is not None, lambda: self.said)
        found = pattern.search(self.said)
        assert found, f"ended with {self.process.returncode}: {self.said}"
        return found[1]

    def ended(self) -> int:
        """Its exit code; waits for it."""
        return self.process.wait(WAIT_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


def until(true: Callable[[], Any], say: Callable[[], object] = lambda: "") -> Any:
    """Ask again and again until the answer is true, and return it; `say` is shown when time is up."""
    end_s = time.monotonic() + WAIT_S
    while not (found := true()):
        assert time.monotonic() < end_s, say()
        time.sleep(0.05)
    return found


def ready(url: str) -> bool:
    """Whether the process there takes work."""
    return httpx.get(f"{url}/readyz", timeout=30).status_code == 200

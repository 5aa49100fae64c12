"""Servers as processes of their own: started apart from the caller, found again by pid, stopped by pid.

Used by the servers of this folder. A server gets a session of its own, a closed stdin and a file for what it prints:
one that inherits a pipe keeps its caller waiting for ever. Knows nothing of what the servers do.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
ANSWER_S = 90.0
STOP_S = 15.0
POLL_S = 0.1
TAIL_LINES = 25


class Failed(Exception):
    """A server could not be installed, started or stopped; the text says which one and shows the end of its log."""


class Server:
    """One process by `name`, remembered as `name.json` in `folder` with its pid and ports."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder
        self.data = folder / "data" / name
        self.log = folder / "logs" / f"{name}.log"
        self._note = folder / f"{name}.json"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ports(self) -> list[int]:
        """Ports of the last start, so that a restart comes back where its clients look for it."""
        return list(self._known().get("ports", []))

    def running(self) -> bool:
        """Say whether the remembered process lives; a pid that was given to another process does not count."""
        known = self._known()
        runs = bool(known) and _began(known["pid"]) == known["began"]
        if not runs and self._process is not None:
            # Where we are its parent: its end is ours to take note of. Its first thread may be gone before the others.
            self._process.wait(STOP_S)
        return runs

    def pids(self) -> list[int]:
        """Return the ids of the process and of those it started, as far as they live."""
        return _group(int(str(self._known()["pid"]))) if self._known() else []

    def signal(self, number: int) -> None:
        """Send a signal to the process and those it started, by its id; it stays known. For tests that hurt servers."""
        os.killpg(int(str(self._known()["pid"])), number)

    def start(self, command: Sequence[str], ports: Sequence[int], environment: Mapping[str, str] | None = None) -> None:
        """Start the command and remember it."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            process = subprocess.Popen(
                list(command),
                cwd=self.data,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        self._note.write_text(
            json.dumps({"pid": process.pid, "began": _began(process.pid), "ports": list(ports)}), encoding="utf-8"
        )

    def wait(self, answers: Callable[[], object]) -> None:
        """Poll until `answers` raises nothing. Raises Failed when the process ends or 90 s have gone by."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                answers()
            except Exception as error:
                if not self.running():
                    raise Failed(f"{self.name} has ended. The end of {self.log}:\n{self.tail()}") from error
                if time.monotonic() > deadline:
                    words = f"{self.name} does not answer after {ANSWER_S:.0f} s ({error})"
                    raise Failed(f"{words}. The end of {self.log}:\n{self.tail()}") from error
                time.sleep(POLL_S)
            else:
                return

    def stop(self) -> None:
        """End the process and those it started, by its id; nothing when it does not run."""
        if self.running():
            pid = int(self._known()["pid"])
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                os.killpg(pid, signal_number)
                if _gone(pid):
                    break
            else:
                raise Failed(f"{self.name} (pid {pid}) does not end.")
        if self._process is not None:
            self._process.wait()  # where we are its parent, its end is ours to take note of
        self._note.unlink(missing_ok=True)

    def tail(self) -> str:
        """Return the last lines of what the server printed."""
        if not self.log.exists():
            return "(no output)"
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])

    def _known(self) -> dict[str, object]:
        return json.loads(self._note.read_text(encoding="utf-8")) if self._note.exists() else {}


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _began(pid: object) -> str | None:
    """Return when a process began, in the kernel's ticks; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        if not _group(pid):
            return True
        time.sleep(POLL_S)
    return False


def _group(pid: int) -> list[int]:
    """Return the living processes of a group."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _began(entry.name) is not None:
            try:
                if os.getpgid(int(entry.name)) == pid:
                    members.append(int(entry.name))
            except ProcessLookupError:
                continue
    return members

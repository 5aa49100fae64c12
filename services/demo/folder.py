"""The demo's folder: the log, the receipts, what is being played, and the summary once it is finished.

A run that was interrupted goes on; a finished one, or `--fresh`, begins again. Another input in the same folder is
refused rather than mixed in.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from services.exits import ExitCode, Stop

_FILES = ("log.sqlite", "log.sqlite-wal", "log.sqlite-shm", "receipts.jsonl", "summary.json", "played.json")


class Played(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decides a run: with the same values it is the same run. Files by the hash of their content."""

    seed: int
    beat_minutes: int
    policy: str
    requests_sha256: str = ""
    mapping: str = ""
    volunteers_sha256: str = ""
    people: int = 0
    zone_by: str = ""
    #: Before the names of the run's topics, keys and queues; "" for a run on this machine alone.
    prefix: str = ""


class Folder:
    """Paths in one folder, and whether there is a run to go on with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log.sqlite"
        self.receipts = path / "receipts.jsonl"
        self.summary = path / "summary.json"
        #: Output and data of the processes that the demo starts.
        self.processes = path / "processes"
        self._played = path / "played.json"

    def finished(self) -> bool:
        """Say whether the run here has come to its end."""
        return self.summary.exists()

    def begun(self) -> bool:
        """Say whether there is a run here at all."""
        return self.log.exists()

    def prefix(self) -> str:
        """Return the prefix of the unfinished run on brokers that is here; "" when there is none."""
        if self.finished() or not self._played.exists():
            return ""
        return msgspec.json.decode(self._played.read_bytes(), type=Played).prefix

    def clear(self) -> None:
        """Remove a run's own files, and nothing else."""
        shutil.rmtree(self.processes, ignore_errors=True)
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)

    def forget(self) -> None:
        """Let the next run begin anew; summary and processes' output stay to be looked at."""
        self.receipts.unlink(missing_ok=True)
        self._played.unlink(missing_ok=True)

    def claim(self, played: Played) -> None:
        """Note what is played here. Raises Stop(BAD_INPUT) when the folder holds another run."""
        self.path.mkdir(parents=True, exist_ok=True)
        if self._played.exists():
            if msgspec.json.decode(self._played.read_bytes()) != msgspec.to_builtins(played):
                raise Stop(
                    ExitCode.BAD_INPUT,
                    f"Folder ({self.path}) holds an unfinished run with other options. "
                    "Give the same options to go on with it, --fresh to begin again, or another --dir.",
                )
            return
        partial = self._played.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(played))
        partial.replace(self._played)

"""The workers' intents in one SQLite file, shared by the workers of one machine, kept over their deaths.

Chosen by `services/runtime.py` and `services/serve/worker.py`. Each statement is a transaction of its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from services.worker.intents import MESSAGES_MAX, Intent

#: How long one process waits for another.
BUSY_S = 10.0


class SqliteIntents:
    """See `Intents`. `messages_max`: how many are remembered, about."""

    def __init__(self, path: Path, messages_max: int = MESSAGES_MAX) -> None:
        self._lock = threading.Lock()
        self._messages_max = messages_max
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS intents (n INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT UNIQUE, intent TEXT)"
        )

    def of(self, message: str) -> Intent | None:
        """See `Intents.of`."""
        with self._lock:
            row = self._db.execute("SELECT intent FROM intents WHERE message = ?", (message,)).fetchone()
        return None if row is None else Intent(row[0])

    def note(self, message: str, intent: Intent | None) -> None:
        """See `Intents.note`."""
        with self._lock:
            if intent is None:
                self._db.execute("DELETE FROM intents WHERE message = ?", (message,))
                return
            written = self._db.execute(
                "INSERT OR REPLACE INTO intents (message, intent) VALUES (?, ?)", (message, intent.value)
            )
            self._db.execute("DELETE FROM intents WHERE n <= ?", ((written.lastrowid or 0) - 2 * self._messages_max,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

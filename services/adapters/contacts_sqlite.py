"""Contacts in one SQLite file, readable by its owner only. Erased rows are overwritten.

API and worker of one machine may share the file as two processes: each statement is a transaction of its own, and who
finds the file locked waits. It keeps a rollback journal and no WAL: what was erased would go on standing in a WAL.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.contacts import Contact, ContactsAway

#: How long one process waits for another.
BUSY_S = 10.0
#: The disk or another process is in the way; the statement has changed nothing.
IN_THE_WAY = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
    }
)


class SqliteContacts:
    """One connection under one lock: the API and the worker call from different threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS contacts (zone TEXT, person TEXT, webhook TEXT, mailbox TEXT,"
            " PRIMARY KEY (zone, person)) WITHOUT ROWID"
        )

    def put(self, zone: str, person: str, contact: Contact) -> None:
        """See `Contacts.put`."""
        row = (zone, person, contact.webhook, contact.mailbox)
        with self._at_work():
            self._db.execute("INSERT OR REPLACE INTO contacts VALUES (?, ?, ?, ?)", row)

    def get(self, zone: str, person: str) -> Contact | None:
        """See `Contacts.get`."""
        with self._at_work():
            row = self._db.execute(
                "SELECT webhook, mailbox FROM contacts WHERE zone = ? AND person = ?", (zone, person)
            ).fetchone()
        return None if row is None else Contact(webhook=row[0], mailbox=row[1])

    def erase(self, zone: str, person: str) -> None:
        """See `Contacts.erase`."""
        with self._at_work():
            self._db.execute("DELETE FROM contacts WHERE zone = ? AND person = ?", (zone, person))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Hold the lock; say what is in the way. Raises ContactsAway."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says which call it was
                if kind not in IN_THE_WAY:
                    raise
                why = "Its disk is full. Make room." if kind == sqlite3.SQLITE_FULL else f"{error}. See the disk."
                raise ContactsAway(f"({self._path}) cannot be used. {why}") from error

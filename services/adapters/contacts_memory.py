"""Contacts in memory: for tests, and for runs that tell nobody."""

from __future__ import annotations

from services.contacts import Contact


class MemoryContacts:
    """A dictionary; single operations on it are atomic in CPython, so any thread may call."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Contact] = {}

    def put(self, zone: str, person: str, contact: Contact) -> None:
        """See `Contacts.put`."""
        self._known[zone, person] = contact

    def get(self, zone: str, person: str) -> Contact | None:
        """See `Contacts.get`."""
        return self._known.get((zone, person))

    def erase(self, zone: str, person: str) -> None:
        """See `Contacts.erase`."""
        self._known.pop((zone, person), None)

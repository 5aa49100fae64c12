"""The port `Contacts`: where a person is told. The only place with anything personal; never logged, never in the log.

Filled by the API, read by the worker (from a thread: adapters are thread-safe and answer at once). A webhook or a
mailbox only; no names.
"""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

LENGTH_MAX = 2_000
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the two. Its text form shows neither."""

    webhook: str | None = None
    mailbox: str | None = None

    def __repr__(self) -> str:
        return f"Contact({'webhook' if self.webhook else 'mailbox'})"


class BadContact(Exception):
    """A contact that cannot be used; the text does not repeat it."""

    def __init__(self, field: str, trouble: str, remedy: str) -> None:
        super().__init__(f"`{field}` {trouble}. {remedy}")
        self.field = field
        self.remedy = remedy


class ContactsAway(Exception):
    """What keeps the contacts cannot be written or read now; nothing was changed. The text is for whoever runs it."""


class Contacts(Protocol):
    """Zone and person -> contact. Each raises ContactsAway."""

    def put(self, zone: str, person: str, contact: Contact) -> None:
        """Remember, replacing what was there."""

    def get(self, zone: str, person: str) -> Contact | None:
        """Return the contact, or None."""

    def erase(self, zone: str, person: str) -> None:
        """Forget; nothing happens where nothing was."""


def check(contact: Contact) -> None:
    """Raise BadContact unless it is exactly one webhook or one mailbox that can be written to."""
    if (contact.webhook is None) == (contact.mailbox is None):
        raise BadContact("webhook", "or `mailbox` must be given, and not both", "Give exactly one.")
    if contact.webhook is not None:
        _check_webhook(contact.webhook)
    elif contact.mailbox is not None and not (len(contact.mailbox) <= 254 and _MAILBOX.fullmatch(contact.mailbox)):
        raise BadContact("mailbox", "is no mail address", "Give one address such as ana@example.org.")


def _check_webhook(url: str) -> None:
    remedy = "Give an address such as https://example.org/hook."
    if len(url) > LENGTH_MAX or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise BadContact("webhook", f"is longer than {LENGTH_MAX} characters or holds blanks", remedy)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadContact("webhook", "is no address", remedy) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BadContact("webhook", "is no http or https address", remedy)
    if parts.username or parts.password or parts.fragment:
        raise BadContact("webhook", "holds a user, a password or a fragment", remedy)

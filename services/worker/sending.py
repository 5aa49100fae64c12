"""Telling one person: by webhook, by mail, or as a line on the console. The only user of Apprise, loaded when needed.

Called by `consumer.py`. Never raises for a receiver's fault: what became of it is an answer. A message holds ids, a
place's name and times; contacts are never logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from matcher.commands import JobOutcome
from services.contacts import Contact, Contacts
from services.jobs import Notify
from services.names import NAME
from services.worker.intents import Intent, Intents, MemoryIntents

log = logging.getLogger(__name__)


class Sender(Protocol):
    """One channel out."""

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        """Tell the person; say what became of it."""


class AppriseSender:
    """Webhook as a JSON POST with the message's own `Idempotency-Key`; mail through the operator's server."""

    def __init__(self, mail: str | None, timeout_s: float) -> None:
        self._mail = mail
        self._timeout_s = timeout_s

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        """See `Sender.send`. Waits at most two time-outs (connecting, reading)."""
        import apprise

        # Its warnings name hosts and addresses.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        target = self._target(contact, job)
        if target is None:
            return JobOutcome.FAILED
        service = apprise.Apprise.instantiate(target, suppress_exceptions=True)
        if service is None:
            return JobOutcome.FAILED
        sent = service.notify(title=title(job), body=sentence(job))
        return JobOutcome.SENT if sent else JobOutcome.FAILED

    def _target(self, contact: Contact, job: Notify) -> dict[str, Any] | str | None:
        if contact.webhook is not None:
            return {**_webhook(contact.webhook, job), "rto": self._timeout_s, "cto": self._timeout_s}
        if self._mail is None:
            return None
        joint = "&" if "?" in self._mail else "?"
        times = f"&rto={self._timeout_s}&cto={self._timeout_s}"
        return f"{self._mail}{joint}to={quote(contact.mailbox or '', safe='')}{times}"


def _webhook(url: str, job: Notify) -> dict[str, Any]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return {
        "schema": "jsons" if parts.scheme == "https" else "json",
        "host": host,
        "port": parts.port,
        "fullpath": unquote(parts.path) or "/",
        "params": dict(parse_qsl(parts.query, keep_blank_values=True)),
        "headers": {"Idempotency-Key": job.message},
        "payload": {
            "job": job.job,
            "about": job.about,
            "zone": job.zone,
            "offer": job.offer,
            "request": job.request,
            "place": job.place,
            "start": job.start.isoformat(),
            "end": job.end.isoformat(),
            "expires_at": job.expires_at.isoformat(),
        },
        "redirect": False,
    }


class Console:
    """One line a message, for the person at the terminal. `write` takes a line without its end."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def send(self, contact: Contact, job: Notify) -> JobOutcome:
        """See `Sender.send`."""
        self._write(f"[{NAME}] {job.person}: {sentence(job)}")
        return JobOutcome.SENT


class Telling:
    """Chooses the channel: the person's contact, else the console where there is one, else nobody is told.

    What a worker set about before it died is told again only where the receiver knows the message by its key.
    """

    def __init__(
        self, contacts: Contacts, sender: Sender, console: Sender | None, intents: Intents | None = None
    ) -> None:
        self._contacts = contacts
        self._sender = sender
        self._console = console
        self._intents = intents or MemoryIntents()

    def tell(self, job: Notify) -> tuple[JobOutcome, str]:
        """Tell the person of this job; return what became of it and the channel."""
        before = self._intents.of(_remembered(job))
        if before is Intent.SENT:
            return JobOutcome.SENT, "before"
        contact = self._contacts.get(job.zone, job.person)
        if contact is None and self._console is None:
            return JobOutcome.NO_CONTACT, "none"
        if before is Intent.BEGUN and (contact is None or contact.webhook is None):
            log.warning("a worker died while it told somebody; perhaps they know", extra={"job": job.job})
            return JobOutcome.SENT, "perhaps"
        return self._told(contact, job)

    def _told(self, contact: Contact | None, job: Notify) -> tuple[JobOutcome, str]:
        self._intents.note(_remembered(job), Intent.BEGUN)
        outcome = JobOutcome.FAILED
        try:
            if contact is not None:
                outcome = self._sender.send(contact, job)
            elif self._console is not None:
                outcome = self._console.send(Contact(), job)
        except Exception:
            self._intents.note(_remembered(job), None)
            raise
        self._intents.note(_remembered(job), Intent.SENT if outcome is JobOutcome.SENT else None)
        return outcome, _channel(contact)


def _remembered(job: Notify) -> str:
    """The message and its visit's start: a log made anew may give the same ids to other offers."""
    return f"{job.message} {job.start.isoformat()}"


def _channel(contact: Contact | None) -> str:
    if contact is None:
        return "console"
    return "webhook" if contact.webhook is not None else "mailbox"


def title(job: Notify) -> str:
    """The subject of a message."""
    return f"派单 offer {job.offer}" if job.about == "offer" else f"已由他人接单 stand down {job.offer}"


def sentence(job: Notify) -> str:
    """The message, without anything about who the person or the requester is."""
    where = f" at {job.place}" if job.place else ""
    when = f"{_clock(job.start)} to {_clock(job.end)}"
    if job.about == "offer":
        return f"Request {job.request}{where}, {when}. Please answer offer {job.offer} by {_clock(job.expires_at)}."
    return f"Request {job.request}{where}, {when}, needs nobody any more. Offer {job.offer} is withdrawn; thank you."


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M %Z")

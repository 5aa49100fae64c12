"""Who asks: command ids, the same for a client that repeats itself, fresh for one that gives no key (DESIGN 4.8);
and for whom an answer is meant.

Called by the routes. Reads the clock and chance, which no rule ever sees.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from starlette.requests import Request

from services.api.answers import Trouble
from services.explaining.questions import Audience

#: Who is asking, until there is a login: ids of different clients never meet.
CLIENT = "X-Client-Id"
KEY = "Idempotency-Key"
KEY_LENGTH_MAX = 200
#: For whom a front end on this machine asks, until there is a login; without it nobody's name is shown.
AUDIENCE = "X-Audience"


def audience(request: Request) -> Audience:
    """For whom the answer is meant. Raises Trouble (400) for a word that is none."""
    said = request.headers.get(AUDIENCE, Audience.RESIDENT.value)
    try:
        return Audience(said)
    except ValueError:
        message = f"`{AUDIENCE}` is ({said[:KEY_LENGTH_MAX]}). Give staff or resident."
        raise Trouble(400, "bad_header", message, field=AUDIENCE) from None


def staff_only(request: Request, why: str = "This answer names people. It is for staff") -> None:
    """Raise Trouble (403) unless staff ask: the answer names people and other people's requests, or it is their say."""
    if audience(request) is not Audience.STAFF:
        message = f"{why}: `{AUDIENCE}: staff`."
        raise Trouble(403, "staff_only", message)


def command_id(request: Request) -> str:
    """Id of the command in this HTTP request. Raises Trouble (400) for a key that is empty or too long."""
    key = request.headers.get(KEY)
    if key is None:
        return fresh(time.time_ns() // 1_000_000, secrets.token_bytes(10))
    client = request.headers.get(CLIENT, "anonymous")
    for name, value in ((KEY, key), (CLIENT, client)):
        if not 1 <= len(value) <= KEY_LENGTH_MAX:
            raise Trouble(
                400,
                "bad_header",
                f"`{name}` has ({len(value)}) characters. Give 1 to {KEY_LENGTH_MAX}.",
                field=name,
            )
    return derived(client, key)


def derived(client: str, key: str) -> str:
    """Hash of client and key, 32 hex digits; the length keeps ("ab", "c") and ("a", "bc") apart."""
    return hashlib.sha256(f"{len(client)}:{client}{key}".encode()).hexdigest()[:32]


def fresh(unix_ms: int, chance: bytes) -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of time, then chance, so that ids sort by age."""
    number = (unix_ms << 80) | int.from_bytes(chance[:10], "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

"""The digest of a command's body: what makes two commands under one id the same (DESIGN 4.8).

Used by the API before it appends and by the boards when they fold. The sender's id and clock are left out: a client
that repeats itself a minute later says the same thing.
"""

from __future__ import annotations

import hashlib

import msgspec

from matcher.commands import Command

_encoder = msgspec.json.Encoder(order="deterministic")


def digest(command: Command) -> str:
    """Hex digest (32 digits) of everything but `id` and `at`."""
    body = msgspec.to_builtins(command)
    del body["id"], body["at"]
    return hashlib.sha256(_encoder.encode(body)).hexdigest()[:32]

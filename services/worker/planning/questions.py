"""What a worker asks of its planning process and what that answers: frames of MessagePack over a pipe.

Made by `process.py`, answered by `answering.py`.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import msgspec

from services.jobs import Rematch
from services.reading import Chain

#: A frame beyond this is garbage.
FRAME_BYTES_MAX = 2**31
LENGTH = struct.Struct("<Q")

Records = list[tuple[int, bytes]]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the state that a job names is folded from: a snapshot of its zone, and the journal up to and with it."""

    chain: Chain
    #: the zone in the snapshot; None: it was not there, or there is no snapshot
    zone: bytes | None
    records: Records


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A job, with what it takes. `state` None: the process has kept it. `after`: the journal from there on."""

    job: Rematch
    state: State | None
    after: Records


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Commands to append, as bytes; sent as they come. The `last` one ends the job."""

    commands: list[bytes] = []
    last: bool = False


questions = msgspec.msgpack.Decoder(Question)
answers = msgspec.msgpack.Decoder(Answer)


def framed(message: Question | Answer) -> bytes:
    """Return a message as a frame."""
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


def frame(pipe: BinaryIO) -> bytes | None:
    """Return the next frame's content, None at the pipe's end."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    body = pipe.read(size)
    return body if len(body) == size else None

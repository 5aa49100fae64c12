"""The roles the services need filled. At most three methods each; every port has an in-memory adapter,
and all adapters of a port pass one contract suite (tests/contracts/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from matcher.problem import Plan, Problem
from services.exits import ExitCode, Stop


class Message(msgspec.Struct, frozen=True):
    """What is appended."""

    value: bytes
    headers: dict[str, str] = {}


class Record(msgspec.Struct, frozen=True):
    """What is read: a message at its place. `at_s`: the log's own append time, seconds since 1970."""

    offset: int
    at_s: float
    value: bytes
    headers: dict[str, str] = {}


class Bounds(msgspec.Struct, frozen=True):
    """Readable offsets are [start, end). `topic_id` changes when a topic is re-created."""

    start: int
    end: int
    topic_id: str


class LogUntrusted(Stop):
    """The log is not what this reader has read before (shortened, re-created). Exit code 7; never skip."""

    def __init__(self, message: str) -> None:
        super().__init__(ExitCode.LOG_UNTRUSTED, message)


class MessageTooLarge(Exception):
    """A message beyond the topic's limit; nothing was appended."""


class AppendUncertain(Exception):
    """The answer to an append was lost: the messages may be there, come later, or never. Only a fresh look tells."""


class Log(Protocol):
    """Topics of partitions of dense offsets; append-only, durable when `append` returns."""

    async def append(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Append all, in order; return the first one's offset. Raises MessageTooLarge, AppendUncertain."""

    async def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """Return up to `limit` records from `offset` on; [] at the end."""

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Say what can be read now."""


class Solver(Protocol):
    """Solves in a process of its own where it can; the caller's loop never waits on it."""

    async def solve(self, problem: Problem) -> Plan:
        """Return a plan that passed the parent's checks (`matcher.solvers.proof`)."""

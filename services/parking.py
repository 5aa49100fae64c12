"""Setting a command aside that could not be read or decided (DESIGN 4.6), so that its partition goes on.

Called by the Writer. Writes the original bytes to `parked`; what it writes beside them says nothing of the content.
A record may stand there twice (a crash before its entry), so its identity is (topic, partition, offset).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from matcher.events import Attempt, CommandParked
from services.names import COMMANDS
from services.ports import Message, Record

#: The zone of events that belong to the partition and to no zone. Folding leaves them out.
NO_ZONE = "*"


class Reason(StrEnum):
    """Why a command is set aside; also the label of the counter."""

    UNREADABLE = "unreadable"
    WRONG_PARTITION = "wrong_partition"
    CRASHES = "crashes"


class Parked(msgspec.Struct, frozen=True):
    """One command to be set aside. `detail` holds nothing of the content."""

    record: Record
    reason: Reason
    detail: str

    def message(self, partition: int) -> Message:
        """Return what goes to the topic `parked`."""
        headers = {
            "reason": f"{self.reason}: {self.detail}",
            "topic": COMMANDS,
            "partition": str(partition),
            "offset": str(self.record.offset),
        }
        return Message(self.record.value, headers)

    def event(self, partition: int) -> CommandParked:
        """Return what goes into the entry that answers the command."""
        return CommandParked(
            zone=NO_ZONE,
            at=appended_at(self.record),
            causation_id=place(partition, self.record.offset),
            offset=self.record.offset,
            reason=f"{self.reason}: {self.detail}",
        )


def attempt(partition: int, record: Record, n: int) -> Attempt:
    """Return the note that the command is about to be tried alone for the n-th time."""
    causation = place(partition, record.offset)
    return Attempt(zone=NO_ZONE, at=appended_at(record), causation_id=causation, offset=record.offset, n=n)


def place(partition: int, offset: int) -> str:
    """Name a command by where it stands, for want of an id."""
    return f"{COMMANDS}/{partition}/{offset}"


def appended_at(record: Record) -> datetime:
    """Return the log's own append time of a record."""
    return datetime.fromtimestamp(record.at_s, UTC)

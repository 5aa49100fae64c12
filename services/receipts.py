"""What became of a command, folded from its events. Shared by all boards; each bounds its own memory.

Called by `services/adapters/board_*.py`. Decides nothing.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from matcher.events import CommandParked, CommandRefused, Event
from matcher.reasons import IdempotencyConflict, UnknownZone
from matcher.zone import digest
from services.board import Receipt

#: Events that carry the command which caused them in full.
_CARRIER = "command"

#: (zone, id of the command) -> its receipt
Receipts = MutableMapping[tuple[str, str], Receipt]


def remember(receipts: Receipts, partition: int, offset: int, event: Event) -> bool:
    """Take one event of the entry at this journal place into the receipts; say whether a new one was made."""
    if not event.causation_id:
        return False
    key = (event.zone, event.causation_id)
    receipt = receipts.get(key)
    new = receipt is None
    if receipt is None:
        receipt = Receipt(command=event.causation_id, state="answered", partition=partition, offset=offset)
        receipts[key] = receipt
    elif _undecided(receipt) and not _another_body(event) and not _without_zone(event):
        _begin_again(receipt, partition, offset)
    elif (receipt.partition, receipt.offset) != (partition, offset) or _another_body(event):
        return False  # a later use of the id does not change what became of the first
    if isinstance(event, CommandRefused):
        receipt.state, receipt.reason, receipt.message = "refused", event.reason, event.reason.message()
    elif isinstance(event, CommandParked):
        receipt.state, receipt.reason = "parked", event.reason
    command = getattr(event, _CARRIER, None)
    if command is not None and not receipt.digest and command.id == event.causation_id:
        receipt.digest = digest(command).hex()
    return new


def _undecided(receipt: Receipt) -> bool:
    """Whether nobody remembers the command: there was no zone yet. The same, coming again, is decided anew."""
    return isinstance(receipt.reason, UnknownZone)


def _begin_again(receipt: Receipt, partition: int, offset: int) -> None:
    receipt.state, receipt.reason, receipt.message, receipt.digest = "answered", None, "", ""
    receipt.partition, receipt.offset = partition, offset


def _without_zone(event: Event) -> bool:
    return isinstance(event, CommandRefused) and isinstance(event.reason, UnknownZone)


def _another_body(event: Event) -> bool:
    return isinstance(event, CommandRefused) and isinstance(event.reason, IdempotencyConflict)

"""How large a message of each topic may be (DESIGN 4.9). Every adapter of `Log` asks here, so that all refuse alike."""

from __future__ import annotations

from collections.abc import Sequence

from services.names import COMMANDS
from services.ports import Message, MessageTooLarge
from services.wire import COMMAND_BYTES_MAX, MESSAGE_BYTES_MAX


def check(topic: str, messages: Sequence[Message]) -> None:
    """Refuse the whole append if one message is beyond its topic's limit. Raises MessageTooLarge."""
    limit_bytes = COMMAND_BYTES_MAX if topic == COMMANDS else MESSAGE_BYTES_MAX
    for message in messages:
        if len(message.value) > limit_bytes:
            raise MessageTooLarge(
                f"A message for ({topic}) is ({len(message.value)}) bytes, the limit is ({limit_bytes}). Send less."
            )

"""How many jobs wait at the broker, asked over a connection of its own.

Used by `consumer.py`, in its thread. On the consumer's own connection the answer would have to wait behind a delivery,
and with it behind that job's whole work. A broker that does not answer is the consumer's business: here it is unknown.
"""

from __future__ import annotations

from kombu import Connection, Queue
from kombu.exceptions import KombuError


class Depth:
    """Asks for one queue. `connection` is used as a pattern only."""

    def __init__(self, connection: Connection, queue: Queue) -> None:
        self._connection = connection.clone()
        self._queue = queue
        self._errors = (*self._connection.connection_errors, *self._connection.channel_errors, KombuError)

    def ask(self) -> int | None:
        """Return how many jobs wait, or None."""
        try:
            self._connection.connect()  # once; the channel alone would try for half a minute
            channel = self._connection.default_channel
            # Declared again, not passively: kombu takes an empty list in Redis for a queue that is not there.
            declared = channel.queue_declare(
                queue=self._queue.name,
                durable=True,
                auto_delete=False,
                arguments=channel.prepare_queue_arguments(self._queue.queue_arguments),
            )
            return int(declared.message_count)
        except self._errors:
            self.close()
            return None

    def close(self) -> None:
        """Close the connection, whatever state it is in; the next question opens it again."""
        try:
            self._connection.release()
        except self._errors:
            return

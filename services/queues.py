"""The queues of the jobs, the same words for every broker; a broker that does not know a word leaves it out.

Used by the publisher (`services/adapters/jobs_kombu.py`) and the worker. A queue whose arguments change gets a new
version in its name: a broker refuses other arguments under an old name (LANDMINES N13).
"""

from __future__ import annotations

from kombu import Exchange, Queue

from services.names import NAME

NOTIFY = f"{NAME}.notify.v1"
REMATCH = f"{NAME}.rematch.v1"
#: Before the prefix of the batch's own keys in Redis: jobs in hand there have a visibility time-out of their own (K3).
REMATCH_KEYS = "rematch."
#: Deaths of a worker with a job in hand before RabbitMQ sets the job aside.
DELIVERY_LIMIT = 5
#: Header with the seconds since 1970 at which a job was handed over.
PUBLISHED_AT = "published_at"
#: How long a worker may hold a job before Redis gives it to another: three times the longest job (two time-outs of
#: 10 s for connecting and reading, 30 s to report).
VISIBILITY_S = 150.0
#: The same for the parts of a batch. One that takes longer is done twice at most at a time: the first report wins.
REMATCH_VISIBILITY_S = 900.0


def rematch_queue(name: str = REMATCH) -> Queue:
    """The queue of the week's batch; as that of the notifications."""
    return notify_queue(name)


def notify_queue(name: str = NOTIFY) -> Queue:
    """The queue of notifications: durable and quorum; a job that kills its workers goes to the parked queue."""
    return _queue(
        name,
        {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": _parked(name),
            "x-dead-letter-routing-key": _parked(name),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


def parked_queue(of: Queue) -> Queue:
    """Where the jobs of a queue are set aside that nobody can read or survive. Nothing consumes it: a person looks."""
    return _queue(_parked(of.name), {})


def _parked(name: str) -> str:
    return f"{name}.parked"


def _queue(name: str, arguments: dict[str, object]) -> Queue:
    exchange = Exchange(name, type="direct", durable=True)
    arguments = {"x-queue-type": "quorum", **arguments}
    return Queue(name, exchange, routing_key=name, durable=True, queue_arguments=arguments)

"""What reading alone costs: `consume()` and json without any work, and the fold of a real journal (G18, G21).

    python -m tests.benchmarks.brokers.reading TOPIC PARTITIONS COUNT

Run by `throughput`. Faust is in neither of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from services.adapters.sqlite import SqliteLog
from services.core import Matching
from services.folding import Fold
from services.names import JOURNAL
from services.ports import Record

AT_ONCE = 500
POLL_S = 1.0


def consumed(topic: str, partitions: int, count: int) -> dict[str, float]:
    """Take in `count` records; return seconds and processor seconds."""
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["PAIDAN_KAFKA"],
            "group.id": "bench-reading",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    wall, cpu = time.perf_counter(), time.process_time()  # it reads ahead: what it did before the first one counts
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    seen = 0
    while seen < count:
        for message in consumer.consume(AT_ONCE, POLL_S):
            if message.error() is None:
                json.loads(message.value())
                seen += 1
    result = {"answered_s": time.perf_counter() - wall, "answered_cpu_s": time.process_time() - cpu}
    consumer.close()
    return result


def folded(file: Path, partitions: int) -> float:
    """Fold the journal in a file of the embedded spine; return events a processor second."""
    log = SqliteLog(file, partitions)
    journals = {partition: asyncio.run(_all(log, partition)) for partition in range(partitions)}
    log.close()
    cpu = time.process_time()
    events = 0
    for partition, records in journals.items():
        fold = Fold(Matching(), partition)
        events += sum(len(fold.accept(record.offset, record.value)[1]) for record in records)
    return events / (time.process_time() - cpu)


async def _all(log: SqliteLog, partition: int) -> Sequence[Record]:
    records: list[Record] = []
    while some := await log.read(JOURNAL, partition, len(records), AT_ONCE):
        records += some
    return records


if __name__ == "__main__":
    print(json.dumps(consumed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))), flush=True)

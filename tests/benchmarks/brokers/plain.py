"""A plain Faust agent with a Record on the same topic: what somebody would write first.

    python -m tests.benchmarks.brokers.plain decode|send|acked GROUP IN OUT COUNT   (COUNT 0: until it is ended)

Run by `throughput` and `latency`. Settings are ours (`services/stream/app.py`) but for the values, which Faust decodes
into a Record. `decode`: no more than that. `send`: one record for each into OUT, acknowledgement not awaited. `acked`:
awaited, as an answer that must not be lost. It keeps no state, decides nothing and survives no crash without repeats.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from typing import Any

import faust


class Asked(faust.Record, serializer="json"):
    """The fields that requests and people share; the rest stays in what the codec has read."""

    type: str
    id: str
    zone: str
    at: str
    point: dict = None


class Answered(faust.Record, serializer="json"):
    """An answer."""

    id: str
    zone: str
    at: str


def make(group: str, folder: str) -> faust.App:
    """Make the app."""
    return faust.App(
        group,
        broker=f"kafka://{os.environ['PAIDAN_KAFKA']}",
        datadir=folder,
        autodiscover=False,
        store="memory://",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        broker_commit_every=10_000,
        broker_max_poll_records=500,
        stream_buffer_maxsize=4096,
        stream_wait_empty=False,
        producer_acks=-1,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        cython_optimizations=True,
    )


async def run(how: str, group: str, source: str, target: str, count: int) -> dict[str, Any]:
    """Take in `count` records; return seconds and processor seconds from the first one on."""
    with tempfile.TemporaryDirectory() as folder:
        app = make(group, folder)
        app.loop = asyncio.get_running_loop()
        done = asyncio.Event()
        began: list[float] = []
        seen = 0
        out = app.topic(target, value_type=Answered)

        async def work(stream: Any) -> None:
            nonlocal seen
            async for asked in stream:
                if not began:
                    began.extend((time.perf_counter(), time.process_time()))
                if how != "decode":
                    sent = await out.send(value=Answered(id=asked.id, zone=asked.zone, at=asked.at))
                    if how == "acked":
                        await sent
                seen += 1
                if seen == count:
                    done.set()

        app.agent(app.topic(source, value_type=Asked), name="work")(work)

        async def assigned(_: Any, partitions: Any, **__: Any) -> None:
            print("assigned", flush=True)

        app.on_partitions_assigned.connect(assigned)
        app.finalize()
        await app.start()
        await done.wait()
        if how == "send":
            await app.producer.flush()
        result = {"answered_s": time.perf_counter() - began[0], "answered_cpu_s": time.process_time() - began[1]}
        await app.stop()
    return result


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(*sys.argv[1:5], int(sys.argv[5])))), flush=True)

"""Faust's way to Kafka with four changes: an idle fetch ends soon, a replaced member stays away, what was fetched is
handed over together, and a record that nobody has to wait for makes no tasks (`first_step`).

Used by `app` only. Faust asks the broker to hold an empty fetch for 1.5 s. The broker answers as soon as a record of
any partition in it comes, but a partition that is not in the fetch under way (just assigned, just emptied) waits.

Faust takes each record through four tasks, and its agent takes one a turn of the loop. In a loop that has other work a
turn is a millisecond and more: at 500 commands a second they came half a second late and later.
"""

from __future__ import annotations

from typing import Any

from faust.transport.drivers import aiokafka as driver

from services.stream.first_step import FirstStep
from services.stream.membership import guard

#: An empty fetch is answered after so long. 20 ms cost 4 % of a core when idle, 100 ms 1.6 %; under load all are alike.
FETCH_WAIT_MS = 100


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        """Connect; nothing has been subscribed to yet, so no JoinGroup was sent."""
        await super().on_start()
        conf = self.app.conf
        guard(
            self._consumer._coordinator,
            conf.consumer_group_instance_id or "",
            conf.broker_session_timeout,
            self.app.on_replaced,
        )


class _Consumer(FirstStep, driver.Consumer):  # type: ignore[misc]
    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        """Fetch, and hand all of it over in the app's loop; Faust takes it to the agents afterwards."""
        records, active = await super()._wait_next_records(timeout)
        if records:
            self.app.on_fetched(records)
        return records, active


class Transport(driver.Transport):  # type: ignore[misc]
    """Consumes as described above."""

    Consumer = _Consumer

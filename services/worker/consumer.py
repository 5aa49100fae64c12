"""The worker that tells people: tell, report, acknowledge; in that order. Runs in a thread.

Started by `services/runtime.py` and `services/serve/worker.py`. A failed try is acknowledged and reported: when to try
again is the journal's business. A log that is away is waited for with the job in hand.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from kombu import Connection, Queue
from kombu.message import Message

from matcher.commands import JobOutcome, ReportJob
from services.jobs import Notify
from services.metrics import Metrics
from services.queues import VISIBILITY_S
from services.worker.sending import Telling
from services.worker.taking import Taker

log = logging.getLogger(__name__)

#: Messages remembered with what became of them, so that a second delivery tells nobody twice.
DONE_MAX = 100_000


class Worker(Taker[Notify]):
    """Takes jobs one by one. `report` appends a command durably before it returns.

    It raises TimeoutError when the log does not answer: then it is called again. What else it raises ends the worker.
    """

    def __init__(
        self,
        connection: Connection,
        source: Queue,
        telling: Telling,
        report: Callable[[ReportJob], None],
        metrics: Metrics,
        visibility_s: float = VISIBILITY_S,
    ) -> None:
        super().__init__(connection, source, Notify, metrics, visibility_s, "notify")
        self._telling = telling
        self._report = report
        #: message -> its newest attempt here, and what became of it
        self._done: OrderedDict[str, tuple[int, JobOutcome]] = OrderedDict()

    def work(self, job: Notify, message: Message) -> None:
        """Tell the person unless they know, report, acknowledge."""
        if not self._told(job):
            self._tell(job)
        if self._logged(_reported(job, self._done[job.message][1])):
            message.ack()

    def _logged(self, report: ReportJob) -> bool:
        """Report until the log has it. False: the worker was told to stop first; its broker gives the job to another.

        The job is not given back meanwhile: it would come again at once, and RabbitMQ would count that as a death.
        """
        while True:
            try:
                self._report(report)
                return True
            except TimeoutError:
                if self.should_stop:
                    return False
                log.warning("the log takes no reports; the job in hand waits", extra={"job": report.job})
                self.hearing.began()  # it waits, it does not hang

    def _told(self, job: Notify) -> bool:
        """Whether this delivery would tell the person what they were told, or repeat an attempt that failed."""
        attempt, outcome = self._done.get(job.message, (0, JobOutcome.FAILED))
        return outcome is JobOutcome.SENT or attempt == job.attempt

    def _tell(self, job: Notify) -> None:
        try:
            outcome, channel = self._telling.tell(job)
        except Exception as error:  # whatever a receiver provokes must not stop the messages to everybody else
            log.warning("a message could not be sent", extra={"error": type(error).__name__, "job": job.job})
            outcome, channel = JobOutcome.FAILED, "error"
        self._metrics.count("notifications_total", channel=channel, outcome=outcome.value)
        self._done[job.message] = (job.attempt, outcome)
        if len(self._done) > DONE_MAX:
            self._done.popitem(last=False)


def _reported(job: Notify, outcome: JobOutcome) -> ReportJob:
    """The same command for every delivery of an attempt, but for the clock, which is no part of the comparison."""
    return ReportJob(
        id=job.report,
        zone=job.zone,
        at=datetime.now(UTC),
        job=job.job,
        attempt=job.attempt,
        outcome=outcome,
    )

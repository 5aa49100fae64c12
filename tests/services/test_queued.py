"""What a scrape says of the queue: how many wait, and how old the job in hand is."""

from __future__ import annotations

from services.metrics import Metrics
from services.worker.queued import ASK_S, Queued


class Bench:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.now_s = 1000.0
        self.queued = Queued(self.metrics, "notify", now_s=lambda: self.now_s, elapsed_s=lambda: self.now_s)

    def said(self) -> str:
        return self.metrics.exposition()[0].decode()

    def age(self) -> float:
        [line] = [line for line in self.said().splitlines() if line.startswith("paidan_queue_oldest_job_age_seconds{")]
        return float(line.split()[1])


def test_a_job_in_hand_grows_older_at_each_scrape_and_is_forgotten_when_it_is_done() -> None:
    bench = Bench()
    assert bench.age() == 0
    bench.queued.began(published_at=990.0)
    assert bench.age() == 10
    bench.now_s += 300
    assert bench.age() == 310
    bench.queued.ended()
    assert bench.age() == 0


def test_jobs_that_wait_with_nobody_taking_one_are_no_younger_than_it_says() -> None:
    bench = Bench()
    bench.queued.began(published_at=995.0)
    bench.queued.ended()
    bench.queued.asked(4)
    bench.now_s += 60
    assert 'paidan_queue_depth{queue="notify"} 4.0' in bench.said()
    assert bench.age() == 65


def test_a_job_without_a_time_counts_from_when_it_was_taken() -> None:
    bench = Bench()
    bench.queued.began(published_at="yesterday")
    bench.now_s += 5
    assert bench.age() == 5


def test_the_broker_is_asked_now_and_then_only() -> None:
    bench = Bench()
    assert bench.queued.is_due()
    bench.queued.asked(0)
    assert not bench.queued.is_due()
    bench.now_s += ASK_S
    assert bench.queued.is_due()

"""A worker that is deaf is said to be so within half a minute; one that is busy or cut off is not (I-23, K4)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from services.liveness import Liveness
from services.progress import PATIENCE_S
from services.queues import VISIBILITY_S
from services.readiness import Readiness
from services.worker.hearing import Hearing
from services.worker.probing import add_probes

LOOK_S = 1.0


class Bench:
    """A worker whose time is moved by hand, and the probes of its process, asked every five seconds."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.hearing = Hearing(self.now)
        self.worker: Any = SimpleNamespace(alive=True, away=None, hearing=self.hearing)
        self.readiness, self.liveness = Readiness(), Liveness(self.now)
        self.readiness.started = True
        add_probes(self.worker, self.readiness, self.liveness)

    def now(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float, turning: bool = True, waiting: int | None = 0) -> None:
        """Let time pass; `waiting`: what the broker says each second, where the loop turns."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += LOOK_S
            if turning:
                self.hearing.turned()
                self.hearing.asked(waiting)
            if self.now_s % 5 == 0:
                self.lives()

    def ready(self) -> bool:
        return all(check["ok"] for check in asyncio.run(self.readiness.report()).values())

    def lives(self) -> bool:
        return all(check["ok"] for check in asyncio.run(self.liveness.report()).values())


def test_an_idle_worker_is_well() -> None:
    bench = Bench()
    bench.pass_by(600)
    assert bench.ready()
    assert bench.lives()


def test_jobs_that_wait_and_are_not_taken_although_the_loop_turns_are_noticed_within_half_a_minute() -> None:
    bench = Bench()
    bench.pass_by(20, waiting=3)
    assert bench.ready()
    bench.pass_by(10, waiting=3)
    assert not bench.ready()
    assert bench.lives()
    bench.pass_by(30, waiting=3)
    assert not bench.lives()


def test_a_worker_that_takes_one_job_after_the_other_from_a_long_queue_is_well() -> None:
    bench = Bench()
    for _ in range(20):
        bench.hearing.began()
        bench.pass_by(9, turning=False)
        bench.hearing.ended()
        bench.pass_by(1, waiting=1000)
        assert bench.ready()
    assert bench.lives()


def test_a_job_that_is_taken_and_never_acknowledged_is_noticed_within_half_a_minute() -> None:
    bench = Bench()
    bench.hearing.began()
    bench.pass_by(30, turning=False)
    assert not bench.ready()
    bench.pass_by(VISIBILITY_S - PATIENCE_S - 30, turning=False)
    assert bench.lives(), "its broker would not give the job to another yet"
    bench.pass_by(2 * PATIENCE_S, turning=False)
    assert not bench.lives()


def test_a_worker_that_waits_for_the_log_with_a_job_in_hand_is_not_dead() -> None:
    bench = Bench()
    for _ in range(20):
        bench.hearing.began()  # as after each report that the log did not take
        bench.pass_by(PATIENCE_S, turning=False)
        assert bench.lives()


def test_a_loop_that_does_not_turn_is_noticed_within_half_a_minute_and_is_dead_after_a_minute() -> None:
    bench = Bench()
    bench.pass_by(30, turning=False)
    assert not bench.ready()
    bench.pass_by(30, turning=False)
    assert not bench.lives()


def test_a_worker_whose_broker_is_away_is_not_ready_and_not_dead() -> None:
    bench = Bench()
    bench.worker.away = "ConnectionRefusedError"
    bench.pass_by(600, waiting=None)
    assert not bench.ready()
    assert bench.lives()


def test_an_ended_worker_is_dead_at_once() -> None:
    bench = Bench()
    bench.worker.alive = False
    assert not bench.ready()
    assert not bench.lives()

"""What every test shares: where the real data are, and that CI may not skip them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real input ($PAIDAN_DATA); skip, saying so, where it is not set, and fail in CI."""
    folder = os.environ.get("PAIDAN_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    word = f"PAIDAN_DATA is ({folder}), which is no folder: tests on real data cannot run. Point it at the data."
    if os.environ.get("PAIDAN_REQUIRE_SERVICES"):
        pytest.fail(word)
    pytest.skip(word)


def pytest_sessionstart() -> None:
    """In CI a missing service is a failure, not a skip."""
    needed = ("PAIDAN_DATA", "PAIDAN_KAFKA", "PAIDAN_REDIS", "PAIDAN_AMQP")
    missing = [name for name in needed if not os.environ.get(name)]
    if os.environ.get("PAIDAN_REQUIRE_SERVICES") and missing:
        raise pytest.UsageError(f"PAIDAN_REQUIRE_SERVICES is set, but not {', '.join(missing)}. Run `make services`.")


def _service(key: str, what: str) -> str:
    url = os.environ.get(key)
    if url:
        return url
    pytest.skip(f"{key} is not set: tests on a real {what} cannot run. Set it to the URL of one.")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Return the URL of a Redis that tests may write to ($PAIDAN_REDIS); skip, saying so, where there is none."""
    return _service("PAIDAN_REDIS", "Redis")


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """Return the URL of a RabbitMQ that tests may write to ($PAIDAN_AMQP); skip, saying so, where there is none."""
    return _service("PAIDAN_AMQP", "RabbitMQ")


@pytest.fixture(scope="session")
def three_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start three Kafka brokers that a test may hurt; it leaves them running."""
    cluster = Cluster(tmp_path_factory.mktemp("brokers"), 3)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()

"""What the contracts of boards share: the journal of a small town that was played."""

from __future__ import annotations

import asyncio

import pytest

from services.adapters.memory import MemoryLog
from services.core import Matching
from services.demo.playing import Audience, play
from services.demo.receipts import Receipts
from services.solving import InlineSolver
from tests.towns import town

PARTITIONS = 4


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> MemoryLog:
    """A journal of some days of a small town, played to its end."""
    log = MemoryLog(PARTITIONS)

    async def whole() -> None:
        with Receipts(tmp_path_factory.mktemp("play") / "receipts.jsonl") as receipts:
            scenario = town(5)
            await play(scenario, log, Matching(), InlineSolver(), receipts, Audience(), partitions=PARTITIONS)

    asyncio.run(whole())
    return log

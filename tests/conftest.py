"""What every test shares: where the real data are, and that CI may not skip them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real input ($PAIDAN_DATA); skip, saying so, where it is not set, and fail in CI."""
    folder = os.environ.get("PAIDAN_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    word = f"PAIDAN_DATA is ({folder}), which is no folder: tests on real data cannot run. Point it at the data."
    if os.environ.get("PAIDAN_REQUIRE_DATA"):
        pytest.fail(word)
    pytest.skip(word)

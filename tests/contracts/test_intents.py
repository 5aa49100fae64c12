"""What every keeper of intents must do. A new adapter is one more line in KEEPERS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.adapters.intents_sqlite import SqliteIntents
from services.worker.intents import Intent, Intents, MemoryIntents

KEEPERS: dict[str, Callable[[Path], Intents]] = {
    "memory": lambda folder: MemoryIntents(),
    "sqlite": lambda folder: SqliteIntents(folder / "told.sqlite"),
}


@pytest.fixture(params=KEEPERS)
def intents(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Intents]:
    keeper = KEEPERS[request.param](tmp_path)
    yield keeper
    if isinstance(keeper, SqliteIntents):
        keeper.close()


def test_the_last_word_counts_and_none_forgets(intents: Intents) -> None:
    assert intents.of("m1") is None
    intents.note("m1", Intent.BEGUN)
    intents.note("m1", Intent.SENT)
    intents.note("m2", Intent.BEGUN)
    assert (intents.of("m1"), intents.of("m2")) == (Intent.SENT, Intent.BEGUN)
    intents.note("m1", None)
    intents.note("m1", None)
    assert intents.of("m1") is None


def test_another_process_finds_what_was_noted(tmp_path: Path) -> None:
    one, other = SqliteIntents(tmp_path / "told.sqlite"), SqliteIntents(tmp_path / "told.sqlite")
    one.note("m1", Intent.BEGUN)
    assert other.of("m1") is Intent.BEGUN
    one.close()
    other.close()


def test_the_oldest_are_forgotten_first(tmp_path: Path) -> None:
    intents = SqliteIntents(tmp_path / "told.sqlite", messages_max=3)
    for n in range(20):
        intents.note(f"m{n}", Intent.BEGUN)
        intents.note(f"m{n}", Intent.SENT)
    kept = [n for n in range(20) if intents.of(f"m{n}") is not None]
    assert kept == [17, 18, 19]
    intents.close()

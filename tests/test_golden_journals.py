"""The logs of every release fold to exactly what they folded to, whatever the hash seed; changed ones do not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from services import snapshots
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.cli import build
from services.exits import ExitCode, Stop
from services.names import JOURNAL, LOG_FILE, SNAPSHOTS
from services.ports import Message, Record
from services.reading import Chain
from services.replaying import Replayed, replay
from services.verify import verify
from services.wire import Entry, encode
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.golden.recording import PARTITIONS, expected, kinds, read, releases, stable
from tests.shell import ROOT, clean_environment
from tests.stories.story import BEGIN

VERSIONS = releases()


def log_of(version: str) -> MemoryLog:
    log = MemoryLog(PARTITIONS)
    asyncio.run(read(version, log))
    return log


def file_of(version: str, folder: Path) -> Path:
    async def main() -> None:
        log = SqliteLog(folder / LOG_FILE, PARTITIONS)
        try:
            await read(version, log)
        finally:
            log.close()

    asyncio.run(main())
    return folder


def folded(log: MemoryLog, **options: Any) -> Replayed:
    return asyncio.run(replay(log, range(PARTITIONS), **options))


def test_there_is_one_for_this_release():
    assert VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_todays_code_folds_the_log_to_exactly_these_states(version: str):
    found = folded(log_of(version))
    assert found.mismatches == []
    said = {name: value for name, value in expected(version).items() if name in stable(found)}
    assert stable(found) == said
    assert found.hashed_entries
    assert found.snapshots


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_sound_by_the_independent_checker(version: str):
    verdict = asyncio.run(verify(log_of(version), PARTITIONS))
    assert verdict.sound, verdict.findings
    assert verdict.parked


@pytest.mark.parametrize("version", VERSIONS)
def test_it_holds_the_kinds_of_events_that_it_says(version: str):
    found = asyncio.run(kinds(log_of(version)))
    assert sorted(found) == expected(version)["kinds"]
    assert len(found) >= 44


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_five_hash_seeds_give_the_same_states(version: str, tmp_path: Path):
    folder = file_of(version, tmp_path)
    asked = [sys.executable, "-m", "services.cli", "replay", str(folder), "--json"]
    children = [
        subprocess.Popen(
            asked, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=clean_environment(PYTHONHASHSEED=str(seed))
        )
        for seed in (0, 1, 2, 20261123, 4294967295)
    ]
    answers = [json.loads(child.communicate()[0]) for child in children]
    assert [child.returncode for child in children] == [0] * 5
    for answer in answers:
        del answer["seconds"]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["state_sha256"] == expected(version)["state_sha256"]


def changed(log: MemoryLog, topic: str, partition: int, offset: int, change: Callable[[bytes], bytes]) -> None:
    records = log._records[topic, partition]
    record = records[offset]
    value = change(record.value)
    assert value != record.value
    records[offset] = Record(record.offset, record.at_s, value, record.headers)


def places(log: MemoryLog, needle: bytes) -> list[tuple[int, int]]:
    return [
        (partition, record.offset)
        for partition in range(PARTITIONS)
        for record in log._records[JOURNAL, partition]
        if needle in record.value
    ]


def test_a_changed_event_is_found_at_the_next_hash_and_its_place_is_told():
    log = log_of(VERSIONS[-1])
    partition, offset = places(log, b'"reach_m":50000')[0]
    changed(log, JOURNAL, partition, offset, lambda value: value.replace(b'"reach_m":50000', b'"reach_m":49999', 1))
    [mismatch] = folded(log).mismatches
    assert mismatch.partition == partition
    assert mismatch.offset >= offset
    assert "zone-" in mismatch.words


def test_a_run_that_names_another_policy_is_found_where_it_stands():
    log = log_of(VERSIONS[-1])
    partition, offset = places(log, b"MatchRunFinished")[-1]

    def other(value: bytes) -> bytes:
        at = value.index(b'"policy_sha256":"', value.index(b"MatchRunFinished")) + 17
        return value[:at] + b"0" * 64 + value[at + 64 :]

    changed(log, JOURNAL, partition, offset, other)
    [mismatch] = folded(log).mismatches
    assert (mismatch.partition, mismatch.offset) == (partition, offset)
    assert "names policy (0000" in mismatch.words


def test_a_snapshot_of_another_state_is_found_and_one_that_is_damaged_is_left_alone():
    log = log_of(VERSIONS[-1])
    partition, _ = places(log, b"RequestSubmitted")[0]
    [(manifest, whole), *_] = [each for each in asyncio.run(_snapshots(log, partition)) if each[0].zones]
    assert whole
    before = folded(log)
    lying = msgspec.structs.replace(manifest, answered=manifest.answered + 1)
    asyncio.run(log.append(SNAPSHOTS, partition, [Message(msgspec.json.encode(lying))]))
    [mismatch] = folded(log).mismatches
    assert (mismatch.partition, mismatch.offset) == (partition, manifest.chain.next_offset - 1)
    log._records[SNAPSHOTS, partition].pop()
    damaged = msgspec.structs.replace(manifest, zones=dict.fromkeys(manifest.zones, "0" * 64))
    asyncio.run(log.append(SNAPSHOTS, partition, [Message(msgspec.json.encode(damaged))]))
    after = folded(log)
    assert after.mismatches == []
    assert after.snapshots_unusable == before.snapshots_unusable + 1


async def _snapshots(log: MemoryLog, partition: int) -> list[tuple[snapshots.Manifest, bool]]:
    return [each async for each in snapshots.each(log, partition)]


def test_a_lost_record_is_a_mismatch_and_not_a_crash():
    log = log_of(VERSIONS[-1])
    partition, offset = places(log, b"RequestSubmitted")[0]
    changed(log, JOURNAL, partition, offset, lambda value: b"gone")
    found = folded(log)
    assert [mismatch.partition for mismatch in found.mismatches] == [partition]


def test_from_a_snapshot_on_it_comes_to_the_same_state_and_reads_less():
    log = log_of(VERSIONS[-1])
    whole, tail = folded(log), folded(log, first=10**9)
    assert tail.state_sha256 == whole.state_sha256
    assert tail.records < whole.records
    assert folded(log, last=20).state_sha256 != whole.state_sha256
    assert folded(log, last=20).records <= 21 * PARTITIONS


def test_the_command_tells_in_words_and_ends_with_7_at_a_mismatch(tmp_path: Path):
    folder = file_of(VERSIONS[-1], tmp_path)
    said = CliRunner().invoke(build(), ["replay", str(folder)])
    assert said.exit_code == 0
    assert expected(VERSIONS[-1])["state_sha256"] in said.output
    log = SqliteLog(folder / LOG_FILE)
    fold = asyncio.run(_forged(log))
    log.close()
    broken = CliRunner().invoke(build(), ["replay", str(folder), "--partition", "0"])
    assert isinstance(broken.exception, Stop)
    assert broken.exception.code is ExitCode.LOG_UNTRUSTED
    assert f"offset ({fold})" in str(broken.exception)


@pytest.mark.kafka
@needs_kafka[1]
def test_on_kafka_the_same_log_folds_to_the_same_states_and_is_decided_the_same():
    async def main() -> None:
        async with fresh_topics(PARTITIONS) as prefix:
            async with opened(prefix, PARTITIONS) as log:
                await read(VERSIONS[-1], log)
            at = ["--kafka", kafka(), "--prefix", prefix]
            said = await asyncio.to_thread(CliRunner().invoke, build(), ["replay", *at, "--json"])
            assert json.loads(said.stdout)["state_sha256"] == expected(VERSIONS[-1])["state_sha256"]
            again = ["backtest", "--policy", "recorded", "--zone", "zone-fair", *at, "--json"]
            said = await asyncio.to_thread(CliRunner().invoke, build(), again)
            assert json.loads(said.stdout)["check"]["identical"] is True

    asyncio.run(main())


async def _forged(log: SqliteLog) -> int:
    """Append an entry that holds and carries wrong hashes; return its offset."""
    chain = Chain()
    for record in await log.read(JOURNAL, 0, 0, 10**9):
        chain.accept(record.offset, record.value)
    entry = Entry(id="x", after=chain.last, first=0, last=-1, at=BEGIN, hashes={"zone-fair": "0" * 64})
    return await log.append(JOURNAL, 0, [Message(encode(entry))])

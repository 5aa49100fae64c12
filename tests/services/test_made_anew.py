"""Topics made anew under a live writer and a live reader: both notice, nothing is told from old state, what is gone is
listed. On Apache Kafka, where somebody can do that."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from services.adapters import kafka_topics
from services.cli import build
from services.cursor import Cursor
from services.exits import ExitCode, Stop
from services.names import COMMANDS, JOURNAL, SNAPSHOTS, TOPICS
from services.ports import LogUntrusted, Record
from services.verify import Receipt, Verdict
from services.wire import encode
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.simulation import toy
from tests.simulation.bench import STORY_S, Bench

pytestmark = needs_kafka


async def made_anew(prefix: str, topics: tuple[str, ...]) -> None:
    """Delete topics and make them again, as somebody might who mends something."""
    admin = kafka_topics.connect(kafka())
    names = [prefix + topic for topic in topics]
    for future in admin.delete_topics(names).values():
        await asyncio.to_thread(future.result)
    async with asyncio.timeout(STORY_S):
        while await asyncio.to_thread(kafka_topics.describe, admin, names):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    options = {"partitions": 1, "replication": 1, "trial": True, "dry_run": False, "prefix": prefix}
    await asyncio.to_thread(lambda: kafka_topics.apply(admin, **options))


def verified(prefix: str, receipts: Path) -> tuple[int, Verdict]:
    """Let `journal verify` judge; return its exit code and verdict."""
    arguments = ["journal", "verify", "--kafka", kafka(), "--prefix", prefix, "--receipts", str(receipts), "--json"]
    result = CliRunner().invoke(build(), arguments)
    assert result.exception is None or isinstance(result.exception, Stop | SystemExit), result.exception
    code = int(result.exception.code) if isinstance(result.exception, Stop) else result.exit_code
    return code, msgspec.json.decode(result.stdout, type=Verdict)


@pytest.mark.parametrize("topics", [(JOURNAL,), (COMMANDS,), TOPICS], ids=["journal", "commands", "all"])
def test_the_writer_and_every_reader_notice_and_what_was_acknowledged_and_is_gone_is_listed(topics, tmp_path: Path):
    receipts = {f"register.p{n}": Receipt(f"register.p{n}", 0, n + 1) for n in range(5)}
    (tmp_path / "receipts").write_bytes(b"\n".join(map(msgspec.json.encode, receipts.values())) + b"\n")

    async def main(prefix: str) -> None:
        async with opened(prefix, 1) as log, asyncio.timeout(STORY_S):
            bench = Bench(log)
            # A session so long that nobody would see the end of a pause.
            writer = bench.writer(session_s=10 * STORY_S, idle_s=0.5)
            task = asyncio.ensure_future(writer.run())
            await bench.ask(toy.place("z"), *(toy.person("z", f"p{n}") for n in range(5)))
            writer.assigned()
            await writer.until_answered(5)
            reader = Cursor(log, JOURNAL, 0)
            await reader.recheck()
            await reader.take(100)
            told = len(bench.told)

            await made_anew(prefix, topics)
            late = toy.person("z", "late")
            end = await bench.ask(late)
            writer.deliver(end - 1, Record(end - 1, 0.0, encode(late)))
            with pytest.raises(LogUntrusted):
                await task
            assert len(bench.told) == told
            if JOURNAL in topics:
                with pytest.raises(LogUntrusted, match="made anew"):
                    await reader.recheck()

    async def whole() -> None:
        async with fresh_topics(1) as prefix:
            await main(prefix)
            code, verdict = await asyncio.to_thread(verified, prefix, tmp_path / "receipts")
            assert code == ExitCode.LOG_UNTRUSTED
            if JOURNAL in topics:
                assert verdict.gone == list(receipts.values())

    asyncio.run(whole())


def test_a_busy_writer_looks_at_its_topics_too():
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix, 1) as log, asyncio.timeout(STORY_S):
            bench = Bench(log)
            writer = bench.writer(idle_s=0.2, linger_s=0.005)
            task = asyncio.ensure_future(writer.run())
            end = await bench.ask(toy.place("z"))
            writer.assigned()
            await writer.until_answered(0)
            await made_anew(prefix, (COMMANDS,))
            while not task.done():
                # As if the new topic had been filled beyond what the old one held, and more came all the time.
                writer.deliver(end, Record(end, 0.0, encode(toy.person("z", f"p{end}"))))
                end += 1
                await asyncio.wait({task}, timeout=0.005)
            with pytest.raises(LogUntrusted, match="made anew"):
                await task

    asyncio.run(main())


def test_a_writer_that_leaves_before_it_has_noticed_keeps_no_state_in_the_new_topics():
    async def main() -> None:
        async with fresh_topics(1) as prefix, opened(prefix, 1) as log, asyncio.timeout(STORY_S):
            bench = Bench(log)
            writer = bench.writer(session_s=10 * STORY_S, idle_s=10 * STORY_S)
            task = asyncio.ensure_future(writer.run())
            await bench.ask(toy.place("z"), toy.person("z", "ana"))
            writer.assigned()
            await writer.until_answered(1)
            await made_anew(prefix, TOPICS)
            writer.stop()
            with pytest.raises(LogUntrusted, match="made anew"):
                await task
            async with opened(prefix, 1) as another:
                assert (await another.bounds(SNAPSHOTS, 0)).end == 0

    asyncio.run(main())


def test_journal_read_shows_what_stands_on_kafka():
    async def main() -> None:
        async with fresh_topics(1) as prefix:
            async with opened(prefix, 1) as log:
                bench = Bench(log)
                await bench.ask(toy.place("z"), toy.person("z", "ana"))
                await bench.finish(bench.writer())
            arguments = ["journal", "read", "--kafka", kafka(), "--prefix", prefix]
            shown = await asyncio.to_thread(CliRunner().invoke, build(), arguments)
            kinds = [msgspec.json.decode(line)["event"]["type"] for line in shown.stdout.splitlines()]
            assert kinds == ["PlaceDefined", "VolunteerRegistered"]

    asyncio.run(main())


@pytest.mark.parametrize("arguments", [[], ["log.sqlite", "--kafka", "127.0.0.1:1"]], ids=["none", "both"])
def test_journal_wants_one_log(arguments: list[str]):
    result = CliRunner().invoke(build(), ["journal", "verify", *arguments])
    assert isinstance(result.exception, Stop)
    assert result.exception.code == ExitCode.USAGE

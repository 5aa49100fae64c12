"""Explanations from a log: snapshots, limits, the process that works them out, the API's routes, the command."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services import snapshots
from services.adapters.memory import MemoryLog
from services.adapters.sqlite import SqliteLog
from services.core import Matching
from services.explaining import asking
from services.explaining.asking import Explaining
from services.explaining.process import InProcess, InThread, Unanswered
from services.explaining.questions import AboutRequest, Question
from services.explaining.reading import TooFar
from services.folding import Fold
from services.names import JOURNAL, LOG_FILE
from services.ports import Log, Message
from tests.brokers import fresh_topics, kafka, needs_kafka, opened
from tests.explaining.journals import history
from tests.serving import Town, open_zone, register, serving
from tests.shell import paidan
from tests.stories.story import BEGIN, ZONE, Story


def on_kafka(test: Callable[[], None]) -> Callable[[], None]:
    """Mark a test that needs brokers."""
    for mark in needs_kafka:
        test = mark(test)
    return test


STAFF = {"X-Audience": "staff"}


def contested() -> Story:
    """Two requests for one person; who says yes to the nearer one. Then a third that only just came in."""
    story = Story()
    story.volunteer("ana")
    story.request("far", at=3000)
    story.request("near", at=10)
    story.tick()
    story.accept(next(iter(story.offers())))
    story.request("new", at=20, latest=story.now(90))
    return story


async def logged(log: Log, story: Story, *, snapshots_at: tuple[int, ...] = ()) -> None:
    """Append the story's journal, with a snapshot before each of these offsets."""
    fold = Fold(Matching(), 0)
    topic_id = (await log.bounds(JOURNAL, 0)).topic_id
    for offset, value in history(story.events).records:
        if offset in snapshots_at:
            await snapshots.write(log, fold, f"s{offset}", BEGIN, {JOURNAL: topic_id})
        await log.append(JOURNAL, 0, [Message(value)])
        fold.accept(offset, value)


async def told(log: Log, **asked: Any) -> Any:
    return await Explaining(log, 1, InThread()).ask(ZONE, **asked)


def test_from_a_snapshot_and_from_the_beginning_the_answer_is_the_same():
    async def run() -> None:
        story = contested()
        whole, cut = MemoryLog(1), MemoryLog(1)
        await logged(whole, story)
        await logged(cut, story, snapshots_at=(5, 8))
        for asked in ({"request": "new"}, {"person": "ana"}, {"request": "far"}, {"request": "far", "person": "ana"}):
            assert await told(cut, **asked) == await told(whole, **asked), asked

    asyncio.run(run())


def test_a_run_before_the_snapshot_is_read_from_further_back():
    async def run() -> None:
        story = contested()
        log = MemoryLog(1)
        end = len(history(story.events).records)
        await logged(log, story, snapshots_at=(3, end - 1))
        said = await told(log, request="far")
        assert said.decided is not None
        assert said.decided.offset < end - 1
        assert said.as_of.offset == end

    asyncio.run(run())


def test_where_further_back_is_too_much_the_answer_is_as_of_now(monkeypatch: pytest.MonkeyPatch):
    async def run() -> None:
        story = contested()
        log = MemoryLog(1)
        end = len(history(story.events).records)
        await logged(log, story, snapshots_at=(end - 1,))
        monkeypatch.setattr(asking, "RECORDS_MAX", 3)
        said = await told(log, request="far")
        assert said.decided is None
        assert [pair.person for pair in said.pairs] == ["ana"]

    asyncio.run(run())


def test_a_journal_too_long_or_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch):
    async def run(name: str) -> None:
        log = MemoryLog(1)
        await logged(log, contested())
        monkeypatch.setattr(asking, name, 3)
        with pytest.raises(TooFar):
            await told(log, request="far")
        monkeypatch.undo()

    asyncio.run(run("RECORDS_MAX"))
    asyncio.run(run("BYTES_MAX"))


def test_a_snapshot_of_another_journal_is_not_used():
    async def run() -> None:
        story = contested()
        log = MemoryLog(1)
        await logged(log, story)
        fold = Fold(Matching(), 0)
        for offset, value in history(story.events).records:
            fold.accept(offset, value)
        await snapshots.write(log, fold, "s", BEGIN, {JOURNAL: "another"})
        said = await told(log, request="far")
        assert said.decided is not None

    asyncio.run(run())


# --- the process


def question(story: Story, **asked: Any) -> Question:
    return Question(zone=ZONE, history=history(story.events), **asked)


def test_a_process_of_its_own_answers_as_a_thread_does():
    async def run() -> None:
        asked = question(contested(), request="far")
        said = await InProcess(60).answer(asked)
        assert isinstance(said, AboutRequest)
        assert said == await InThread().answer(asked)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("child", "code"),
    [("import sys; sys.exit(3)", "failed"), ("import signal; signal.pause()", "too_slow")],
    ids=["dies", "hangs"],
)
def test_a_child_that_dies_or_hangs_is_refused_and_gone(child: str, code: str):
    async def run() -> None:
        explainer = InProcess(0.5, child=(sys.executable, "-c", child))
        with pytest.raises(Unanswered) as refused:
            await explainer.answer(question(contested(), request="far"))
        assert refused.value.code == code

    asyncio.run(run())


def test_more_questions_than_may_wait_are_refused_at_once():
    async def run() -> None:
        explainer = InProcess(30, waiting_max=1, child=(sys.executable, "-c", "import signal; signal.pause()"))
        asked = question(contested(), request="far")
        waiting = [asyncio.ensure_future(explainer.answer(asked)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unanswered, match="busy"):
            await explainer.answer(asked)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)

    asyncio.run(run())


# --- the API


def played(story: Callable[[Town], Awaitable[None]]) -> None:
    async def run() -> None:
        async with serving() as town:
            await open_zone(town)
            await story(town)

    asyncio.run(run())


async def one_lost(town: Town) -> None:
    """Ana is offered one of two requests; the other stays open."""
    await register(town, "ana")
    for name, lat in (("far", 31.48), ("near", 31.4701)):
        body = {
            "request": name,
            "point": {"lat": lat, "lon": 104.74},
            "requirements": [{"skills": [{"skill": "plumbing"}]}],
        }
        await town.post("/requests", body)
    await town.settled()
    await town.beat()


def test_staff_read_who_took_whom_and_residents_read_the_reason_without_names():
    async def story(town: Town) -> None:
        await one_lost(town)
        path = "/zones/z1/requests/far/explanation"
        staff = (await town.http.get(path, headers=STAFF)).json()["explanation"]
        assert staff["unfilled"][0]["lost"][0]["person"] == "ana"
        assert staff["decided"]["same_plan"] is True
        resident = await town.http.get(path, params={"lang": "zh"})
        assert resident.status_code == 200
        said = resident.json()["explanation"]
        assert said["kind"] == "resident"
        assert said["open_places"][0]["reason"] == "OUTBID"
        assert '"ana"' not in resident.text
        assert "near" not in resident.text
        assert "暂无人可派" in said["sentences"][0]
        assert said["as_of"] == staff["as_of"]

    played(story)


def test_pairs_and_what_fits_a_person_are_for_staff():
    async def story(town: Town) -> None:
        await one_lost(town)
        pair, fitting = "/zones/z1/requests/far/pairs/ana", "/zones/z1/people/ana/fitting"
        for path in (pair, fitting):
            refused = await town.http.get(path)
            assert (refused.status_code, refused.json()["error"]) == (403, "staff_only")
        said = (await town.http.get(pair, headers=STAFF)).json()["explanation"]
        assert said["pairs"][0]["forced"]["filled_lost"] == 0
        said = (await town.http.get(fitting, headers=STAFF)).json()["explanation"]
        assert [visit["request"] for visit in said["visits"]] == ["near"]
        assert said["fitting"]["serving"] == [["far", "1"]]

    played(story)


def test_what_is_unknown_is_404_and_a_wrong_header_or_language_is_said():
    async def story(town: Town) -> None:
        await one_lost(town)
        for path in ("/zones/z1/requests/nope/explanation", "/zones/nowhere/requests/far/explanation"):
            assert (await town.http.get(path)).status_code == 404
        path = "/zones/z1/requests/far/explanation"
        wrong = await town.http.get(path, headers={"X-Audience": "queen"})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "X-Audience")
        assert (await town.http.get(path, params={"lang": "xx"})).status_code == 422

    played(story)


def test_limits_are_413_and_an_answer_that_does_not_come_is_503(monkeypatch: pytest.MonkeyPatch):
    async def story(town: Town) -> None:
        await one_lost(town)
        path = "/zones/z1/requests/far/explanation"
        its = town.runtime.app.state.context.explaining
        monkeypatch.setattr(its, "_pairs_max", 1)
        assert (await town.http.get(path)).json()["error"] == "too_large"
        monkeypatch.setattr(its, "_records_max", -1)
        too_far = await town.http.get(path)
        assert (too_far.status_code, too_far.json()["error"]) == (413, "too_far")
        monkeypatch.undo()
        monkeypatch.setattr(its, "_explainer", InProcess(5, child=(sys.executable, "-c", "import sys; sys.exit(1)")))
        failed = await town.http.get(path)
        assert (failed.status_code, failed.json()["error"], failed.headers["Retry-After"]) == (503, "failed", "5")

    played(story)


# --- the command


def data_folder(folder: Path) -> Path:
    """Return a data folder that holds the contested story."""
    log = SqliteLog(folder / LOG_FILE, 1)
    try:
        asyncio.run(logged(log, contested(), snapshots_at=(4,)))
    finally:
        log.close()
    return folder


def test_the_command_explains_a_zone_of_a_data_folder(tmp_path: Path):
    folder = data_folder(tmp_path)
    ended = paidan("explain", "--zone", ZONE, "--data", folder, "--request", "far")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "Request far is open, with nobody found so far."
    assert lines[1].startswith(
        "As decided in beat 1 at 2026-03-02 00:01:00 (proven optimal); journal partition 0, offset "
    )
    assert "ana could come, but serves near." in lines
    chinese = paidan("explain", "--zone", ZONE, "--data", folder, "--request", "far", "--lang", "zh")
    assert chinese.out.splitlines()[0] == "需求 far 的状态：暂无人可派。"
    person = paidan("explain", "--zone", ZONE, "--data", folder, "--person", "ana")
    assert person.out.splitlines()[1].startswith("ana is committed to near from ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--zone", ZONE, "--request", "far"), 2),
        (("--request", "far"), 2),
        (("--zone", ZONE, "--request", "far", "--data", "{folder}", "--requests", "r.csv"), 2),
        (("--zone", ZONE, "--request", "nope", "--data", "{folder}"), 2),
        (("--zone", "nowhere", "--request", "far", "--data", "{folder}"), 2),
        (("--zone", ZONE, "--request", "far", "--data", "nowhere"), 5),
    ],
)
def test_the_command_says_what_is_missing(tmp_path: Path, arguments: tuple[str, ...], code: int):
    folder = str(data_folder(tmp_path))
    assert paidan("explain", *(each.replace("{folder}", folder) for each in arguments)).code == code


def test_the_command_lists_the_quarters_duty_of_a_zone(tmp_path: Path):
    folder, asked = data_folder(tmp_path), ("duty", "--zone", ZONE, "--data")
    ended = paidan(*asked, folder, "--quarter", "2026Q1", "--lang", "zh")
    assert (ended.code, ended.out.startswith(f"区域 {ZONE}，2026Q1，截至 2026-03-02")) == (0, True), ended.err
    said = json.loads(paidan(*asked, folder, "--json").out)
    assert (said["quarter"], said["owing"], said["requests"]) == ("2026Q1", [], 3)
    assert paidan(*asked, folder, "--quarter", "2027Q1").code == 2
    assert paidan(*asked, folder, "--quarter", "soon").code == 2
    assert paidan("duty", "--zone", "nowhere", "--data", folder).code == 2


def test_the_command_lists_the_posts_of_a_zone(tmp_path: Path):
    folder = data_folder(tmp_path)
    ended = paidan("posts", "--zone", ZONE, "--data", folder)
    assert (ended.code, ended.out) == (0, f"Zone {ZONE}: 0 posts; 0 of 0 cadres have claimed none.\n"), ended.err
    assert json.loads(paidan("posts", "--zone", ZONE, "--data", folder, "--json").out)["posts"] == []
    assert paidan("posts", "--zone", "nowhere", "--data", folder).code == 2


def test_the_command_prints_the_hours_of_a_person_as_a_calendar_says_them(tmp_path: Path):
    asked = ("hours", "--zone", ZONE, "--data", data_folder(tmp_path), "--person")
    ended = paidan(*asked, "ana")
    assert (ended.code, ended.out.splitlines()[2]) == (0, "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"), ended.err
    assert ended.out.startswith("DTSTART;TZID=UTC:20260302T000000\n")
    later = paidan(*asked, "ana", "--from", "2026-06-01")
    assert later.out.startswith("DTSTART;TZID=UTC:20260601T000000\n")
    assert paidan(*asked, "nobody").code == 2
    assert paidan(*asked, "ana", "--from", "soon").code == 2


@on_kafka
def test_a_zone_on_brokers_is_explained_and_two_of_its_runs_are_compared():
    """The command has an event loop of its own, so it runs in a thread."""

    async def run() -> None:
        async with fresh_topics(1) as prefix:
            async with opened(prefix, 1) as log:
                await logged(log, contested(), snapshots_at=(4,))
            place = ("--zone", ZONE, "--kafka", kafka(), "--prefix", prefix)
            told_of = await asyncio.to_thread(paidan, "explain", *place, "--request", "far")
            assert told_of.code == 0, told_of.err
            assert "ana could come, but serves near." in told_of.out.splitlines()
            alike = await asyncio.to_thread(paidan, "diff", 99, 99, *place)
            assert alike.out.splitlines()[2].startswith("1 kept, 0 moved, 0 new, 0 dropped.")

    asyncio.run(run())


def test_states_of_one_zone_are_read_from_the_newest_whole_snapshot():
    async def run() -> None:
        story = contested()
        log = MemoryLog(1)
        await logged(log, story, snapshots_at=(4, 8))
        newest = await snapshots.state_of(log, 0, ZONE)
        older = await snapshots.state_of(log, 0, ZONE, before=8)
        assert newest is not None
        assert older is not None
        assert (newest[0].chain.next_offset, older[0].chain.next_offset) == (8, 4)
        assert await snapshots.state_of(log, 0, ZONE, before=4) is None
        assert await snapshots.state_of(log, 0, "nowhere") == (newest[0], None)

    asyncio.run(run())

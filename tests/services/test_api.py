"""The API over real HTTP: what it takes, what it refuses, and that a repeat is a repeat."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from matcher.events import CommandParked
from matcher.policy import Policy
from services.adapters.contacts_sqlite import SqliteContacts
from services.api.identity import derived, fresh
from services.wire import BODY_BYTES_MAX, Entry
from tests.apart import apart
from tests.contracts.test_contacts import filled
from tests.serving import POINT, START, Town, open_zone, register, serving


def played(story: Callable[[Town], Awaitable[None]], **changes: Any) -> None:
    """Run a story against a fresh process."""

    async def run() -> None:
        async with serving(**changes) as town:
            await story(town)

    asyncio.run(run())


async def receipt(town: Town, location: str) -> dict[str, Any]:
    await town.settled()
    shown: dict[str, Any] = (await town.http.get(location)).json()["command"]
    return shown


Play = Callable[..., None]


@pytest.fixture(params=["one process", pytest.param("apart", marks=pytest.mark.redis)])
def anywhere(request: pytest.FixtureRequest) -> Play:
    """Plays a story where everything is one process, and where the API stands apart and has the board in Redis."""
    if request.param == "one process":
        return played
    url = request.getfixturevalue("redis_url")

    def play(story: Callable[[Town], Awaitable[None]], **changes: Any) -> None:
        async def run() -> None:
            async with apart(url, **changes) as town:
                await story(town)

        asyncio.run(run())

    return play


REQUEST = {"request": "r1", "point": POINT}


def test_a_repeat_under_the_same_key_changes_nothing_and_points_to_the_same_receipt(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        first = await town.post("/requests", REQUEST, headers={"Idempotency-Key": "k1"})
        at_once = await town.post("/requests", REQUEST, headers={"Idempotency-Key": "k1"})
        await town.settled()
        later = await town.post("/requests", REQUEST, headers={"Idempotency-Key": "k1"})
        assert [answer.status_code for answer in (first, at_once, later)] == [202, 202, 202]
        assert first.headers["Location"] == at_once.headers["Location"] == later.headers["Location"]
        assert first.json()["receipt"] == first.headers["Location"]
        assert (await receipt(town, first.headers["Location"]))["state"] == "answered"
        assert (await town.get())["zone"]["ordered"] == 1

    anywhere(story)


def test_a_calendar_day_is_set_and_one_that_says_nothing_of_work_is_not_taken() -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        taken = await town.post("/calendar", {"day": "2026-11-18", "working": False, "name": "县庆"})
        assert (await receipt(town, taken.headers["Location"]))["state"] == "answered"
        back = await town.post("/calendar", {"day": "2026-11-19", "working": None})
        assert (await receipt(town, back.headers["Location"]))["reason"]["code"] == "Unknown"
        silent = await town.post("/calendar", {"day": "2026-11-18"})
        assert (silent.status_code, silent.json()["field"]) == (422, "$.working")

    played(story)


def test_a_policy_that_is_sent_again_is_taken_again_whatever_the_order_of_its_keys(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        policy = msgspec.to_builtins(Policy())
        policy["modes"] = dict(reversed(policy["modes"].items()))
        for _ in range(2):
            taken = await town.post("/policy", {"policy": policy}, headers={"Idempotency-Key": "k1"})
            assert taken.status_code == 202, taken.text
            assert (await receipt(town, taken.headers["Location"]))["state"] == "answered"

    anywhere(story)


def test_another_body_under_the_same_key_is_refused_at_once(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        await town.post("/requests", REQUEST, headers={"Idempotency-Key": "k1"})
        for _ in range(2):  # while it waits for its answer, and after
            other = await town.post("/requests", {**REQUEST, "request": "r2"}, headers={"Idempotency-Key": "k1"})
            assert (other.status_code, other.json()["error"]) == (422, "idempotency_conflict")
            await town.settled()
        assert (await town.get())["zone"]["ordered"] == 1

    anywhere(story)


def test_the_same_key_of_another_client_is_another_command(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        for n, client in enumerate(("a", "b")):
            headers = {"Idempotency-Key": "k1", "X-Client-Id": client}
            answer = await town.post("/requests", {**REQUEST, "request": f"r{n}"}, headers=headers)
            assert answer.status_code == 202
        await town.settled()
        assert (await town.get())["zone"]["ordered"] == 2

    anywhere(story)


def test_a_home_reaches_the_log_to_a_hundred_metres_only() -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        exact = {"lat": 30.5432198, "lon": 106.4432198}
        await town.post("/requests", {"request": "home", "point": exact, "requester": "p9"})
        await town.settled()
        assert (await town.get("/requests/home"))["request"]["point"] == {"lat": 30.543, "lon": 106.443}

    played(story)


def test_a_refusal_is_in_the_receipt_with_its_code_its_values_and_a_sentence(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        answer = await town.post("/offers/nothing/accept")
        shown = await receipt(town, answer.headers["Location"])
        assert (shown["state"], shown["reason"]["code"]) == ("refused", "Unknown")
        assert "(nothing)" in shown["message"]
        chinese = await receipt(town, answer.headers["Location"] + "?lang=zh")
        assert chinese["message"] == "本区域没有派单（nothing）。请先定义，或核对编号。"

    anywhere(story)


def test_a_command_to_an_unknown_zone_is_taken_and_refused_in_the_receipt(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        answer = await town.post("/requests", REQUEST)
        assert answer.status_code == 202
        shown = await receipt(town, answer.headers["Location"])
        assert (shown["state"], shown["reason"]["code"]) == ("refused", "UnknownZone")
        assert (await town.http.get("/zones/z1/requests")).status_code == 404
        assert (await town.http.get("/zones/z1")).status_code == 404

    anywhere(story)


@pytest.mark.parametrize("chunked", [False, True])
def test_two_megabytes_get_413_and_are_counted(chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(200):
            yield b"x" * 10_000

    async def story(town: Town) -> None:
        answer = await town.http.post("/zones/z1/requests", content=pieces() if chunked else b"x" * 2_000_000)
        assert (answer.status_code, answer.json()["limit_bytes"]) == (413, BODY_BYTES_MAX)
        assert (await town.http.get("/livez")).status_code == 200
        assert "paidan_http_bodies_too_large_total 1.0" in (await town.http.get("/metrics")).text

    played(story)


def test_413_comes_before_the_body_was_sent() -> None:
    async def story(town: Town) -> None:
        host, port = town.http.base_url.host, town.http.base_url.port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST /zones/z1/requests HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n{")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()
        await writer.wait_closed()

    played(story)


def test_a_body_just_below_the_limit_is_read() -> None:
    async def story(town: Town) -> None:
        padded = b'{"skill": "a"}' + b" " * (BODY_BYTES_MAX - 14)
        assert (await town.http.post("/zones/z1/skills", content=padded)).status_code == 202
        assert (await town.http.post("/zones/z1/skills", content=padded + b" ")).status_code == 413

    played(story)


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/requests", b"{", 400, None),
        ("/requests", b"\xff\xfe", 400, None),
        ("/requests", b'{"request": "\xff", "point": {"lat": 1, "lon": 1}}', 400, None),
        ("/requests", b"[]", 422, "$"),
        ("/requests", b"", 422, "$.request"),
        ("/requests", b'{"request": "r", "point": {"lat": "x", "lon": 1}}', 422, "$.point.lat"),
        ("/requests", b'{"request": "r", "point": {"lat": 91, "lon": 1}}', 422, "$.point.lat"),
        ("/requests", b'{"request": "r", "point": {"lat": 1, "lon": 1}, "zone": "z9"}', 422, "$.zone"),
        ("/requests", b'{"request": "r", "point": {"lat": 1, "lon": 1}, "requirements": []}', 422, "$.requirements"),
        (
            "/requests",
            b'{"request": "r", "point": {"lat": 1, "lon": 1}, "requirements": [{"people": 0}]}',
            422,
            "$.requirements[0].people",
        ),
        (
            "/requests",
            b'{"request": "r", "point": {"lat": 1, "lon": 1}, "latest": "2026-01-01T00:00:00"}',
            422,
            "$.latest",
        ),
        ("/requests/r1/rate", b'{"effect": 6, "conduct": 1}', 422, "$.effect"),
        ("/offers/o1/decline", b'{"reason": "LAZY"}', 422, "$.reason"),
        ("/skills", b'{"skill": ' + b"[" * 5000 + b"]" * 5000 + b"}", 422, None),
    ],
)
def test_a_bad_body_is_refused_with_field_value_and_remedy(
    path: str, body: bytes, status: int, field: str | None
) -> None:
    async def story(town: Town) -> None:
        answer = await town.http.post(f"/zones/z1{path}", content=body)
        assert answer.status_code in ((status,) if field else (status, 400)), answer.text
        said = answer.json()
        assert said["message"]
        if field is not None:
            assert said["field"] == field, said
            assert said["remedy"]

    played(story)


def test_ids_with_slashes_and_chinese_can_be_asked_for(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        await register(town, "王/1")
        await town.settled()
        assert (await town.get("/volunteers/%E7%8E%8B%2F1"))["volunteer"]["volunteer"] == "王/1"
        assert (await town.get("/volunteers/%E7%8E%8B%2F1/offers"))["offers"] == []
        answer = await town.post("/volunteers/%E7%8E%8B%2F1/pause")
        assert (await receipt(town, answer.headers["Location"]))["state"] == "answered"
        assert (await town.get("/volunteers/%E7%8E%8B%2F1"))["volunteer"]["state"] == "paused"

    anywhere(story)


def test_readyz_says_503_while_draining_and_livez_goes_on(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        assert (await town.http.get("/readyz")).status_code == 200
        town.runtime.readiness.draining = True
        unready = await town.http.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["checks"]["draining"]["ok"] is False
        refused = await town.post("/requests", REQUEST)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert (await town.http.get("/livez")).status_code == 200
        town.runtime.readiness.draining = False

    anywhere(story)


def test_stopping_waits_for_what_was_taken_and_is_unready_meanwhile() -> None:
    async def story(town: Town) -> None:
        town.runtime.pending.take(("z9", "c1"), "digest")
        stopping = asyncio.create_task(town.runtime.stop())
        assert (await town.http.get("/readyz")).status_code == 503
        assert (await town.post("/requests", REQUEST)).status_code == 503
        assert not stopping.done()
        town.runtime.pending.drop(("z9", "c1"))
        await stopping

    played(story)


def test_readyz_says_503_while_catching_up_and_names_a_broken_check() -> None:
    async def story(town: Town) -> None:
        async def broken() -> str | None:
            raise OSError("disk")

        town.runtime.readiness.started = False
        assert (await town.http.get("/readyz")).json()["checks"]["catching_up"]["ok"] is False
        town.runtime.readiness.started = True
        town.runtime.readiness.add("disk", broken)
        unready = await town.http.get("/readyz")
        assert (unready.status_code, unready.json()["checks"]["disk"]["last_error"]) == (503, "OSError")

    played(story)


def test_too_much_unanswered_is_429_with_retry_after(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        town.runtime.pending.take(("z9", "somebody's"), "digest")
        refused = await town.post("/requests", REQUEST)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert (await town.http.get("/zones/z9/commands/somebody's")).json()["command"]["state"] == "pending"
        town.runtime.pending.drop(("z9", "somebody's"))
        assert (await town.post("/requests", REQUEST)).status_code == 202

    anywhere(story, unanswered_max=1)


def test_a_parked_command_says_so_in_its_receipt() -> None:
    async def story(town: Town) -> None:
        pending = town.runtime.pending
        pending.take(("z1", "c1"), "digest")
        pending.appended(("z1", "c1"), 3, 10_000)
        parked = CommandParked(zone="-", at=START, causation_id="x", offset=10_000, reason="attempts")
        pending.entry(3, 7, Entry(id="e", after="", first=10_000, last=10_000, at=START), [parked])
        shown = (await town.http.get("/zones/z1/commands/c1")).json()["command"]
        assert (shown["state"], shown["reason"]) == ("parked", "attempts")

    played(story)


def test_a_contact_is_put_and_erased_and_never_shown() -> None:
    async def story(town: Town) -> None:
        address = "/zones/z1/contacts/ana"
        put = await town.http.put(address, json={"webhook": "https://example.org/hook"})
        assert put.status_code == 204
        contact = town.runtime.contacts.get("z1", "ana")
        assert contact is not None
        assert contact.webhook == "https://example.org/hook"
        bad = await town.http.put(address, json={"mailbox": "secret words"})
        assert (bad.status_code, bad.json()["field"]) == (422, "mailbox")
        assert "secret" not in bad.text
        assert (await town.http.get(address)).status_code in (404, 405)
        assert (await town.http.delete(address)).status_code == 204
        assert town.runtime.contacts.get("z1", "ana") is None

    played(story)


def test_a_contact_that_a_full_disk_does_not_take_is_503_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(town: Town) -> None:
        contacts = SqliteContacts(tmp_path / "contacts.sqlite")
        town.runtime.app.state.context = replace(town.runtime.app.state.context, contacts=contacts)
        filled(contacts)
        address = "/zones/z1/contacts/ana"
        large = {"webhook": "https://example.org/" + "h" * 1900}
        full = [await town.http.put(address + str(n), json=large) for n in range(4)][-1]  # one page takes two
        assert (full.status_code, full.json()["error"]) == (503, "contacts_away")
        assert full.headers["Retry-After"] == "1"
        assert str(tmp_path) not in full.text
        contacts.close()

    played(story)
    assert "disk is full" in str([each.__dict__ for each in caplog.records])


def test_what_is_not_there_is_404_and_the_schema_is_served_without_pages_from_elsewhere(anywhere: Play) -> None:
    async def story(town: Town) -> None:
        await open_zone(town)
        for path in ("/requests/r9", "/volunteers/v9", "/offers/o9", "/assignments/a9", "/commands/c9"):
            assert (await town.http.get(f"/zones/z1{path}")).status_code == 404
        assert (await town.http.get("/docs")).status_code == 404
        assert (await town.http.get("/requests")).json()["error"] == "no_route"
        unfit = await town.http.get("/zones/z1/requests?limit=none")
        assert (unfit.status_code, unfit.json()["field"]) == (422, "limit")
        schema = (await town.http.get("/openapi.json")).json()
        submit = schema["paths"]["/zones/{zone}/requests"]["post"]
        named = submit["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        assert schema["components"]["schemas"][named]["required"] == ["request", "point"]
        asked = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema)))
        assert asked <= set(schema["components"]["schemas"])

    anywhere(story)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
def test_a_page_of_another_site_is_not_served(headers: dict[str, str]) -> None:
    async def story(town: Town) -> None:
        for answer in (
            await town.post("/requests", REQUEST, headers=headers),
            await town.http.get("/readyz", headers=headers),
        ):
            assert (answer.status_code, answer.json()["error"]) == (403, "not_local")
        own = f"http://127.0.0.1:{town.http.base_url.port}"
        assert (await town.post("/requests", REQUEST, headers={"Origin": own})).status_code == 202

    played(story)


def test_every_route_is_in_the_page_about_the_api() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    documented = re.sub(r"\{\w+\}", "{}", page)

    async def story(town: Town) -> None:
        for path in (await town.http.get("/openapi.json")).json()["paths"]:
            known = re.sub(r"{[^}]+}", "{}", path)
            assert re.search(rf"[` ]{re.escape(known)}[`?]", documented), path

    played(story)


def test_the_server_listens_on_this_machine_only() -> None:
    async def story(town: Town) -> None:
        assert socket.gethostbyname(town.http.base_url.host) == "127.0.0.1"

    played(story)


def test_command_ids_are_the_same_for_the_same_key_and_sort_by_age_without_one() -> None:
    assert derived("a", "k") == derived("a", "k")
    assert len({derived("ab", "c"), derived("a", "bc"), derived("", "abc")}) == 3
    early, late = fresh(1, b"\xff" * 10), fresh(2, b"\x00" * 10)
    assert early < late
    assert (early[14], late[14]) == ("7", "7")
    assert early[19] in "89ab"

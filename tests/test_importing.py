"""`paidan import` and `policy set`: files into an embedded log or a running API, once, however often they are sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from producers import city, sheets
from tests.shell import paidan

REQUESTS = """request_id,lat,lon,skills,submitted_at,zone,compound
r1,30.55,106.42,plumbing,2026-03-02T08:00:00+08:00,here,p1
r2,30.56,106.43,errands,2026-03-02T09:00:00+08:00,,
bad,north,106.43,errands,2026-03-02T09:00:00+08:00,here,
"""
VOLUNTEERS = """volunteer_id,lat,lon,skills,availability,unit,compound
v1,30.5512345,106.4212345,plumbing:2,Mon-Fri 18:00-21:00,u1,p1
v2,30.5512345,106.4212345,errands,Mon-Fri 18:00-21:00,u1,
"""


@dataclass
class Api:
    """A stand-in for the running API: notes what is posted, is busy once, refuses what it is told to."""

    url: str = ""
    posted: list[tuple[str, dict, str]] = field(default_factory=list)
    refuse: str = ""
    busy: int = 1


@pytest.fixture
def api() -> Iterator[Api]:
    its = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if its.busy:
                its.busy -= 1
                self.answer(429, {"message": "too much"}, {"Retry-After": "0"})
                return
            key = self.headers["Idempotency-Key"]
            its.posted.append((self.path, body, key))
            self.answer(202, {"receipt": f"{self.path.rpartition('/')[0]}/commands/{key}-{body.get('request', '')}"})

        def do_GET(self) -> None:
            refused = bool(its.refuse) and self.path.endswith(f"-{its.refuse}")
            receipt = {"state": "refused", "message": "Not today."} if refused else {"state": "answered"}
            self.answer(200, {"command": receipt})

        def answer(self, status: int, body: dict, headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    its.url = f"http://127.0.0.1:{server.server_port}"
    yield its
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "requests.csv").write_text(REQUESTS, encoding="utf-8")
    (tmp_path / "volunteers.csv").write_text(VOLUNTEERS, encoding="utf-8")
    return ["--requests", str(tmp_path / "requests.csv"), "--volunteers", str(tmp_path / "volunteers.csv")]


def test_a_dry_run_counts_and_sends_nothing(files: list[str], api: Api) -> None:
    ended = paidan("import", *files, "--zone", "here", "--dry-run", "--url", api.url)
    assert ended.code == 3
    assert (
        "2 DefinePlace, 1 DefineUnit, 2 DefineSkill, 2 RegisterVolunteer, 2 SubmitRequest; 1 rows rejected" in ended.err
    )
    assert "requests.csv, line 4: lat (north) is not a number" in ended.err
    assert api.posted == []


def test_everything_is_posted_definitions_first_with_points_coarse_enough_for_the_log(
    files: list[str], api: Api
) -> None:
    ended = paidan("import", *files, "--zone", "here", "--policy", "travel-only", "--url", api.url)
    assert ended.code == 3  # one row was rejected
    paths = [path for path, _, _ in api.posted]
    assert paths[:6] == [f"/zones/here/{name}" for name in ("places", "places", "units", "skills", "skills", "policy")]
    assert sorted(paths[6:]) == ["/zones/here/requests"] * 2 + ["/zones/here/volunteers"] * 2
    bodies = {body.get("volunteer") or body.get("request"): body for _, body, _ in api.posted[6:]}
    assert bodies["v1"]["point"] == {"lat": 30.5512, "lon": 106.4212}
    assert bodies["v2"]["point"] == {"lat": 30.551, "lon": 106.421}
    assert bodies["r1"]["place"] == "p1"
    assert not {"id", "zone", "at", "actor", "type"} & set(bodies["r1"])
    assert "10 commands: 10 taken" in ended.err


def test_sent_again_a_file_repeats_its_command_ids(files: list[str], api: Api) -> None:
    for _ in range(2):
        paidan("import", *files, "--zone", "here", "--url", api.url)
    keys = [key for _, _, key in api.posted]
    assert len(keys) == 2 * len(set(keys))


def test_a_refusal_is_said_and_is_exit_3(files: list[str], api: Api) -> None:
    api.refuse = "r2"
    ended = paidan("import", *files, "--zone", "here", "--url", api.url)
    assert ended.code == 3
    assert "refused: SubmitRequest (r2): Not today." in ended.err


def test_rows_without_any_zone_are_rejected(files: list[str], api: Api) -> None:
    ended = paidan("import", *files, "--url", api.url)
    assert ended.code == 3
    assert "requests.csv, line 3: zone () names no zone. Fill the zone column, or give --zone." in ended.err


def test_an_api_that_is_not_there_is_exit_4(files: list[str]) -> None:
    ended = paidan("import", *files, "--zone", "here", "--url", "http://127.0.0.1:9")
    assert ended.code == 4
    assert "cannot be reached" in ended.err


def test_no_place_to_send_to_two_places_and_no_file_are_usage(files: list[str], tmp_path: Path) -> None:
    assert paidan("import", *files, "--zone", "here").code == 2
    assert paidan("import", *files, "--zone", "here", "--url", "http://x", "--data", tmp_path).code == 2
    assert paidan("import", "--url", "http://x").code == 2


def test_commands_that_are_none_are_rejected_and_a_file_without_any_is_exit_5(tmp_path: Path, api: Api) -> None:
    sheets.write_commands(tmp_path / "c.jsonl", [next(city.county(1))])
    with (tmp_path / "c.jsonl").open("ab") as file:
        file.write(b'{"type": "Nonsense"}\nnot json\n')
    ended = paidan("import", "--commands", tmp_path / "c.jsonl", "--url", api.url)
    assert ended.code == 3
    assert "c.jsonl, line 2: command () is " in ended.err
    assert "c.jsonl, line 3: command () is not JSON" in ended.err
    assert len(api.posted) == 1
    (tmp_path / "none.jsonl").write_text("{}\n", encoding="utf-8")
    assert paidan("import", "--commands", tmp_path / "none.jsonl", "--url", api.url).code == 5
    assert paidan("import", "--commands", tmp_path / "absent.jsonl", "--url", api.url).code == 5


# --- into an embedded log ---------------------------------------------------------------------------------------


def test_an_embedded_log_takes_a_file_once(files: list[str], tmp_path: Path) -> None:
    into = ("import", *files, "--zone", "here", "--data", tmp_path / "log")
    first, second = paidan(*into), paidan(*into)
    assert "9 commands: 9 taken, 0 were there before, 0 refused" in first.err
    assert "4 commands: 0 taken, 4 were there before, 0 refused" in second.err  # what rows define is known by now


def test_an_embedded_log_takes_a_county_as_commands_and_its_policy(tmp_path: Path) -> None:
    county = [command for command, _ in zip(city.county(1), range(1700), strict=False)]
    sheets.write_commands(tmp_path / "c.jsonl", [*county, *city.requests(1, date(2026, 6, 1), 30)])
    ended = paidan("import", "--commands", tmp_path / "c.jsonl", "--data", tmp_path / "log")
    assert ended.code == 0, ended.err
    assert "1730 commands: 1730 taken" in ended.err
    ended = paidan("policy", "set", "travel-only", "--zone", city.ZONE, "--data", tmp_path / "log")
    assert (ended.code, "1 commands: 1 taken" in ended.err) == (0, True)
    ended = paidan("policy", "set", "travel-only", "--zone", "nowhere", "--data", tmp_path / "log")
    assert ended.code == 3
    assert "does not exist" in ended.err


def test_a_log_that_another_process_writes_is_exit_5(files: list[str], tmp_path: Path) -> None:
    from services.adapters.sqlite import SqliteLog
    from services.runtime import LOG_FILE

    (tmp_path / "log").mkdir()
    held = SqliteLog(tmp_path / "log" / LOG_FILE)
    try:
        assert paidan("import", *files, "--zone", "here", "--data", tmp_path / "log").code == 5
    finally:
        held.close()

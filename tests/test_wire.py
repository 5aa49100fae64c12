"""The bytes of the log: what was once written must be readable for ever, and a zone must live where it always lived."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from matcher.commands import AnyCommand, SetPolicy
from matcher.events import AnyEvent
from matcher.policy import Policy
from matcher.zone import digest
from services.wire import Unreadable, decode_command, decode_envelope, decode_events, encode, partition_of

GOLDEN = Path(__file__).parent / "golden"


def golden(family: str) -> dict[str, bytes]:
    """Return type -> one example as it was written once (a line of JSON each)."""
    lines = (GOLDEN / f"{family}.jsonl").read_bytes().splitlines()
    return {json.loads(line)["type"]: line for line in lines}


def test_every_event_type_has_a_golden_example():
    assert set(golden("events")) == {kind.__name__ for kind in get_args(AnyEvent)}


def test_every_command_type_has_a_golden_example():
    assert set(golden("commands")) == {kind.__name__ for kind in get_args(AnyCommand)}


@pytest.mark.parametrize("kind", [kind.__name__ for kind in get_args(AnyEvent)])
def test_a_golden_event_decodes_and_encodes_to_the_same_values(kind):
    line = golden("events")[kind]
    event = msgspec.json.decode(line, type=AnyEvent)
    assert json.loads(encode(event)) == json.loads(line)


@pytest.mark.parametrize("kind", [kind.__name__ for kind in get_args(AnyCommand)])
def test_a_golden_command_decodes_and_encodes_to_the_same_values(kind):
    line = golden("commands")[kind]
    assert json.loads(encode(decode_command(line))) == json.loads(line)


@pytest.mark.parametrize("line", (GOLDEN / "options.jsonl").read_bytes().splitlines(), ids=lambda line: line[9:20])
def test_a_command_with_every_optional_field_keeps_its_values(line: bytes):
    assert json.loads(encode(decode_command(line))) == json.loads(line)


@pytest.mark.parametrize(
    "line", (GOLDEN / "options_events.jsonl").read_bytes().splitlines(), ids=lambda line: line[9:20]
)
def test_an_event_with_every_optional_field_keeps_its_values(line: bytes):
    assert json.loads(encode(msgspec.json.decode(line, type=AnyEvent))) == json.loads(line)


def test_an_entry_with_events_from_the_future_keeps_its_place_in_the_chain():
    envelope = b'{"type":"Entry","id":"e","after":"s","first":0,"last":0,"at":"2026-01-01T00:00:00Z","events":%s}'
    entry = decode_envelope(envelope % b'[{"type":"New"}]')
    assert entry is not None
    with pytest.raises(msgspec.ValidationError):
        decode_events(entry)


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b"\xff\xfe", b'{"type":"Entry"}', b'{"type":"Other"}', b"[" * 50_000]
)
def test_a_record_without_a_readable_envelope_is_none(value):
    assert decode_envelope(value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff{", "not JSON"),
        (b'{"type":"Tick","id":"\xff"}', "not UTF-8"),
        (b'{"type":"Fly"}', "unknown type"),
        (b'{"type":"Tick","id":7}', "Expected `str`, got `int`"),
        (b'{"type":"AcceptOffer","id":"a","zone":"z","at":"2026-01-01T00:00:00","offer":"o"}', "timezone"),
        (b'{"type":"AcceptOffer","id":"a","zone":"z","at":"2026-01-01T00:00:00Z","offer":"o","x":1}', "unknown field"),
    ],
)
def test_an_unreadable_command_says_why(value, reason):
    with pytest.raises(Unreadable, match=reason.replace("`", ".")):
        decode_command(value)


def test_the_reason_for_an_unreadable_command_repeats_nothing_of_its_content():
    secret = "zhang-san-13800001111"
    for body in (
        f'{{"type":"{secret}"}}',
        f'{{"type":"DeclineOffer","id":"a","zone":"z","reason":"{secret}"}}',
        f'{{"{secret}',
    ):
        with pytest.raises(Unreadable) as caught:
            decode_command(body.encode())
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "partition"),  # golden: computed once; another answer would give a zone a second writer
    [("yuechi", 7), ("boston", 11), ("岳池县", 5), ("", 9), ("unplaced", 9), ("Dorchester", 9)],
)
def test_a_zone_lives_in_the_partition_of_kafkas_murmur2(zone, partition):
    assert partition_of(zone, 16) == partition
    assert _murmur2_partition(zone.encode(), 16) == partition


def _murmur2_partition(key: bytes, partitions: int) -> int:
    """Compute it again from the published description, apart from the client's code."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    whole = len(key) - len(key) % 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    tail = key[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return ((h ^ (h >> 15)) & 0x7FFFFFFF) % partitions


def test_what_makes_two_commands_the_same_does_not_hang_on_the_order_of_keys():
    policy = msgspec.to_builtins(Policy())
    policy["modes"] = dict(reversed(policy["modes"].items()))
    asked = SetPolicy(id="k", zone="z", at=datetime(2026, 1, 1, tzinfo=UTC), policy=msgspec.convert(policy, Policy))
    assert digest(asked) == digest(decode_command(encode(asked)))

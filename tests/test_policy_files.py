"""Policy files: a preset and what differs, every unknown key refused, shown as a file that reads back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from matcher.policy import DEFAULT, PRESETS, TRAVEL_ONLY, Costs, Policy, canonical, sha256, stated
from matcher.terms import Travel
from services.cli import policy as policies
from services.exits import Stop
from tests.shell import paidan

EXAMPLE = Path(__file__).parent.parent / "deploy" / "policy.toml"


def read(folder: Path, text: str) -> Policy:
    path = folder / "p.toml"
    path.write_text(text, encoding="utf-8")
    return policies.load(str(path))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_shown_policy_reads_back_as_itself(name: str, tmp_path: Path) -> None:
    shown = paidan("policy", "show", name)
    assert shown.code == 0
    assert read(tmp_path, shown.out) == PRESETS[name]


def test_the_example_names_every_value_and_is_the_default() -> None:
    assert policies.load(str(EXAMPLE)) == DEFAULT
    written = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    written.pop("preset")
    assert set(written) == set(Policy.__struct_fields__)
    assert written == msgspec.json.decode(msgspec.json.encode(stated(DEFAULT)))


def test_a_file_says_only_what_differs_from_its_preset(tmp_path: Path) -> None:
    policy = read(tmp_path, 'preset = "travel-only"\nname = "ours"\n[modes.bike]\nspeed_kmh = 15.0\n')
    bike = msgspec.structs.replace(TRAVEL_ONLY.modes[Travel.BIKE], speed_kmh=15.0)
    assert policy == msgspec.structs.replace(TRAVEL_ONLY, name="ours", modes=TRAVEL_ONLY.modes | {Travel.BIKE: bike})


def test_a_new_urgency_class_joins_the_known_ones(tmp_path: Path) -> None:
    policy = read(tmp_path, "[urgency.flood]\nweight = 9\n")
    assert set(policy.urgency) == {"urgent", "normal", "low", "flood"}
    assert (policy.urgency["flood"].weight, policy.name) == (9, "p")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("window_day = 3", "Did you mean (window_days)?"),
        ("[modes.bicycle]\nspeed_kmh = 12.0", "modes.bicycle"),
        ("[modes.bike]\nspeed = 12.0", "Did you mean (speed_kmh)?"),
        ("[urgency.normal]\nwait = 3", "urgency.normal.wait"),
        ("[budget]\nfirst_lists = 3", "Did you mean (first_list)?"),
        ("[costs]\nshould_point = 3", "Did you mean (should_points)?"),
        ("[costs]\nshould_points = 20000", "Lower the dearest"),
        ('preset = "travelonly"', "Did you mean (travel-only)?"),
        ("window_days = 0", "window_days"),
        ("window_days = 'x'", "window_days"),
        ("modes = 3", "modes"),
        ('timezone = "Mars/Olympus"', "Mars/Olympus"),
        ("window_days =", "not TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_key_and_a_hint(text: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(Stop) as stop:
        read(tmp_path, text)
    assert stop.value.code == 5
    assert word in str(stop.value)


def test_stating_what_is_the_default_anyway_changes_neither_policy_nor_hash(tmp_path: Path) -> None:
    policy = read(tmp_path, f'name = "default"\n[costs]\nshould_points = {Costs().should_points}\n')
    assert policy == DEFAULT
    assert sha256(stated(DEFAULT)) == sha256(DEFAULT)
    assert canonical(stated(DEFAULT)) == DEFAULT
    assert b"costs" not in msgspec.json.encode(DEFAULT)


def test_an_unknown_name_is_exit_5() -> None:
    ended = paidan("policy", "show", "defualt")
    assert ended.code == 5
    assert "Did you mean (default)?" in ended.err

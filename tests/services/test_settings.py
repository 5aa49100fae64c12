"""Settings: defaults, then environment, then flags; a wrong key or value says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.exits import ExitCode, Stop
from services.settings import Settings, document, load


def test_flags_win_over_the_environment_and_the_environment_over_defaults() -> None:
    environment = {"PAIDAN_PORT": "9000", "PAIDAN_BEAT_S": "0.5", "PAIDAN_CONSOLE": "false", "HOME": "/x"}
    chosen = load(environment, port=9001, beat_s=None, data_dir=Path("/tmp/x"))
    assert (chosen.port, chosen.beat_s, chosen.console) == (9001, 0.5, False)
    assert chosen.data_dir == Path("/tmp/x")
    assert chosen.partitions == Settings().partitions


def test_an_unknown_key_names_the_one_that_was_meant() -> None:
    with pytest.raises(Stop, match=r"PAIDAN_PROT.*Did you mean PAIDAN_PORT\?") as stopped:
        load({"PAIDAN_PROT": "1"})
    assert stopped.value.code is ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PAIDAN_PORT", "x"),
        ("PAIDAN_PORT", "70000"),
        ("PAIDAN_HOST", "0.0.0.0"),
        ("PAIDAN_LOG_FORMAT", "xml"),
        ("PAIDAN_JOBS", "confluentkafka://x"),
    ],
)
def test_a_wrong_value_names_its_field(key: str, value: str) -> None:
    with pytest.raises(Stop, match=key.removeprefix("PAIDAN_").lower()) as stopped:
        load({key: value})
    assert stopped.value.code is ExitCode.BAD_INPUT


def test_the_folder_of_the_test_data_is_no_setting() -> None:
    assert load({"PAIDAN_DATA": "/data"}).data_dir == Settings().data_dir


def test_the_page_of_settings_is_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    assert page == document(), "Run: python -m services.settings > docs/settings.md"

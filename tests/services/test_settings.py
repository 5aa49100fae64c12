"""Settings: defaults, then environment, then flags; a wrong key or value says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.exits import ExitCode, Stop
from services.settings import SECRETS, Settings, document, load


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
        ("PAIDAN_HOST", "10.0.0.5"),
        ("PAIDAN_LOG_FORMAT", "xml"),
        ("PAIDAN_AMQP", "confluentkafka://x"),
        ("PAIDAN_KAFKA", "localhost"),
        ("PAIDAN_KAFKA", "kafka://localhost:9092"),
        ("PAIDAN_PREFIX", "a b"),
        ("PAIDAN_GROUP", "a:b"),
    ],
)
def test_a_wrong_value_names_its_field(key: str, value: str) -> None:
    with pytest.raises(Stop, match=key.removeprefix("PAIDAN_").lower()) as stopped:
        load({key: value})
    assert stopped.value.code is ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    "environment",
    [
        {"PAIDAN_REDIS": "http://user:hidden@h/0"},
        {"PAIDAN_REDIS": "redis://user:hidden"},  # the password where the port should be
        {"PAIDAN_REDIS": "redis://hid den@h"},
        {"PAIDAN_AMQP": "amqp://user:hidden"},
        {"PAIDAN_REDIS": "redis://:hidden@h", "PAIDAN_REDIS_FILE": "/somewhere"},
        {"PAIDAN_MAIL": "mailtos://u:hidden@h", "PAIDAN_PORT": "x"},
    ],
)
def test_a_wrong_setting_never_shows_a_secret(environment: dict[str, str]) -> None:
    with pytest.raises(Stop) as stopped:
        load(environment)
    assert "hid" not in str(stopped.value)
    assert stopped.value.__cause__ is None


def test_secrets_do_not_show_themselves() -> None:
    chosen = load({"PAIDAN_REDIS": "redis://:hidden@h:1/0", "PAIDAN_AMQP": "amqp://u:hidden@h//"}, mail="hidden")
    assert "hidden" not in f"{chosen} {chosen!r} {[chosen]}"
    assert chosen.redis == "redis://:hidden@h:1/0"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    value = {"redis": "redis://:pw@h:1/0", "amqp": "amqp://u:pw@h:1//", "mail": "mailtos://u:pw@h"}[name]
    file, key = tmp_path / "secret", f"PAIDAN_{name.upper()}"
    file.write_text(f"{value}\n")
    assert getattr(load({f"{key}_FILE": str(file)}), name) == value
    with pytest.raises(Stop, match=f"{key} and {key}_FILE") as both:
        load({f"{key}_FILE": str(file), key: value})
    assert "pw" not in str(both.value)
    file.write_text(" \n")
    with pytest.raises(Stop, match="empty"):
        load({f"{key}_FILE": str(file)})
    with pytest.raises(Stop, match="cannot be read"):
        load({f"{key}_FILE": str(tmp_path / "none")})


def test_only_secrets_come_from_files() -> None:
    with pytest.raises(Stop, match="PAIDAN_KAFKA_FILE"):
        load({"PAIDAN_KAFKA_FILE": "/x"})


def test_an_empty_address_is_none_as_compose_files_give_it() -> None:
    chosen = load({"PAIDAN_KAFKA": "", "PAIDAN_REDIS": "", "PAIDAN_AMQP_FILE": ""})
    assert (chosen.kafka, chosen.redis, chosen.amqp) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "jobs"),
    [
        ({}, "memory://"),
        ({"redis": "redis://r"}, "redis://r"),
        ({"redis": "redis://r", "amqp": "amqp://a"}, "amqp://a"),
    ],
)
def test_jobs_travel_over_amqp_else_redis_else_in_memory(given: dict[str, str], jobs: str) -> None:
    assert load({}, **given).jobs == jobs


def test_the_folder_of_the_test_data_is_no_setting() -> None:
    assert load({"PAIDAN_DATA": "/data"}).data_dir == Settings().data_dir


def test_the_page_of_settings_is_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    assert page == document(), "Run: python -m services.settings > docs/settings.md"

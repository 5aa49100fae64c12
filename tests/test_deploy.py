"""The image and the composition: read by the programs they are made for, and true to what the product has.

No container runs here: hadolint and Docker Compose read the files; the rest compares them with the code.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services import cli
from services.adapters.kafka_topics import batch_bytes_max
from services.names import TOPICS
from services.settings import PREFIX, Settings, load
from tests.outside import said_by

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("paidan:")}
ROLES = ("stream", "worker", "api")


def passwords() -> ModuleType:
    spec = importlib.util.spec_from_file_location("passwords", DEPLOY / "passwords.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def steps(word: str) -> Iterator[list[str]]:
    """Return the words of each Dockerfile step of this kind; flags left out."""
    for line in re.sub(r"\\\n", " ", DOCKERFILE).splitlines():
        first, *others = line.split() or [""]
        if first == word:
            yield [other for other in others if not other.startswith("--")]


# --- the image -----------------------------------------------------------------------------------------------------


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert said_by("hadolint", str(DEPLOY / "Dockerfile")) == (0, "")


def test_the_image_copies_only_what_exists_and_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for words in steps("COPY") for source in words[:-1] if not source.startswith("/")}
    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_has_everything_that_the_wheel_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {source for words in steps("COPY") for source in words[:-1]}
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= copied
    for needed in (project["project"]["readme"], *project["project"]["license-files"]):
        assert needed in copied or Path(needed).parts[0] in copied, needed


def test_the_image_runs_the_command_as_a_user_with_a_fixed_number() -> None:
    [[user]] = steps("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert list(steps("ENTRYPOINT")) == [['["paidan"]']]
    assert list(steps("STOPSIGNAL")) == [["SIGTERM"]]


def test_the_image_takes_dependencies_by_hash_only() -> None:
    commands = re.findall(r"uv (?:pip install|build)[^&\n]*", DOCKERFILE)
    assert len(commands) == 3
    assert all("--require-hashes" in command or "--no-deps" in command for command in commands)


# --- the composition -----------------------------------------------------------------------------------------------


def test_docker_compose_reads_the_composition(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text((DEPLOY / "compose.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    passwords().write(tmp_path / "secrets")
    code, said = said_by("docker-compose", "--file", str(file), "config", "--quiet")
    assert (code, said) == (0, "")


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_is_one_that_there_is(name: str) -> None:
    command = OURS[name]["command"]
    if command[0] == "serve" and "serve" not in cli.COMMANDS:
        pytest.skip("`paidan serve` is not there yet")
    result = CliRunner().invoke(cli.build(), [*command, "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_ours_is_a_setting(name: str) -> None:
    fields = set(Settings.__struct_fields__) | {"kafka", "redis", "amqp", "trial"}
    known = {f"{PREFIX}{field.upper()}{ending}" for field in fields for ending in ("", "_FILE")}
    assert {key for key in OURS[name]["environment"] if key.startswith(PREFIX)} <= known
    assert set(re.findall(rf"{PREFIX}\w+", DOCKERFILE)) <= known


@pytest.mark.parametrize("name", ROLES)
def test_the_settings_of_every_role_are_valid_and_meet_the_servers(name: str, tmp_path: Path) -> None:
    if "kafka" not in Settings.__struct_fields__:
        pytest.skip("the settings of the brokers are not there yet")
    passwords().write(tmp_path / "secrets")
    environment = {key: str(value) for key, value in OURS[name]["environment"].items()}
    for key, value in environment.items():
        if key.endswith("_FILE"):
            source = COMPOSE["secrets"][Path(value).name]["file"]
            environment[key] = str(tmp_path / source)
    chosen: Any = load(environment)
    assert chosen.kafka == SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].removeprefix("PLAINTEXT://")
    demanded = (tmp_path / "secrets" / "redis.conf").read_text().split()[1]
    assert chosen.redis == f"redis://:{demanded}@redis:6379/0"
    user, password = re.findall(r"= (\w+)", (tmp_path / "secrets" / "rabbitmq.conf").read_text())
    assert chosen.amqp == f"amqp://{user}:{password}@rabbitmq:5672//"


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_a_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"v?\d+\.\d+", tag)


def test_the_image_is_as_old_as_the_product() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"paidan:{version}"}


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_listens_beyond_this_machine(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert SERVICES[name].get("network_mode") is None


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_bounds_and_can_be_started_twice(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["deploy"]["resources"]["limits"]["memory"])
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == ("no" if name == "topics" else "unless-stopped")
    assert "container_name" not in service
    assert "healthcheck" in service


@pytest.mark.parametrize("name", OURS)
def test_ours_write_nothing_but_their_data(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service
    assert "privileged" not in service


def test_stream_workers_can_be_many() -> None:
    assert "ports" not in SERVICES["stream"]
    assert "volumes" not in SERVICES["stream"]


def test_who_tells_people_and_who_takes_their_contacts_share_them() -> None:
    assert SERVICES["api"]["volumes"] == SERVICES["worker"]["volumes"] == ["contacts:/data"]


def test_what_is_mounted_is_there(tmp_path: Path) -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        for secret in service.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]
    passwords().write(tmp_path / "secrets")
    made = {f"./secrets/{file.name}" for file in (tmp_path / "secrets").iterdir()}
    assert made == {secret["file"] for secret in COMPOSE["secrets"].values()}


def test_no_password_stands_in_the_composition_or_the_image() -> None:
    for text in (DOCKERFILE, (DEPLOY / "compose.yaml").read_text(encoding="utf-8")):
        assert not re.search(r"\w+://[^\s/]*:[^\s/]*@", text)
        assert not re.search(r"(?i)(password|passwd|requirepass|secret)\s*[:=]\s*\w", text)
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_broker_is_set_as_the_log_needs_it() -> None:
    settings = SERVICES["kafka"]["environment"]
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert settings["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"] == "false"
    assert settings["KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE"] == "LogAppendTime"
    assert max(batch_bytes_max(topic) for topic in TOPICS) == settings["KAFKA_MESSAGE_MAX_BYTES"]


def test_topics_are_made_before_anybody_uses_them() -> None:
    for name in ROLES:
        assert SERVICES[name]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_prometheus_scrapes_every_role_where_it_answers() -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    found = {job["job_name"]: job["dns_sd_configs"] for job in jobs}
    assert set(found) == set(ROLES)
    for name, [discovery] in found.items():
        assert (discovery["names"], discovery["port"]) == ([name], Settings().port)


# --- passwords -----------------------------------------------------------------------------------------------------


def test_passwords_are_made_once_and_are_of_two_servers(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert passwords().write(folder)
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert not passwords().write(folder)
    assert {file.name: file.read_text() for file in folder.iterdir()} == first
    assert folder.stat().st_mode & 0o777 == 0o700
    found = {word for text in first.values() for word in re.findall(r"\b\w{32}\b", text)}
    assert len(found) == 2

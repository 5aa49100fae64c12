"""`paidan doctor`: can this machine run it, and if not, what to do. Reads; changes nothing but a probe file."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from services.cli import options
from services.exits import ExitCode, Stop
from services.names import LOG_FILE, NAME

if TYPE_CHECKING:
    from services.settings import Settings

DISK_BYTES_MIN = 1 << 30
#: How long a broker may take to answer.
BROKER_S = 5.0
#: The first second of the year this was written in: a clock before it is not set.
CLOCK_S_MIN = 1_767_225_600


@dataclass(frozen=True)
class Finding:
    """One check. `remedy` is empty when all is well; `code` is how the command ends if it is not."""

    check: str
    seen: str
    remedy: str = ""
    code: ExitCode = ExitCode.BAD_INPUT


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "doctor",
        help="Check Python, packages, clock, time zones, disk, data folder, port, log and brokers; say what to fix.",
        epilog=f"Example: {NAME} doctor --data ./{NAME}-data",
    )(doctor)


def doctor(
    data: options.Data = None,
    host: options.Host = None,
    port: options.Port = None,
    kafka: options.Kafka = None,
    redis: options.Redis = None,
    amqp: options.Amqp = None,
    trial: options.Trial = None,
) -> None:
    """Print one line a check; end with 0, 4 (port or log held, no broker) or 5 (this machine must be changed)."""
    from services import settings

    chosen = settings.load(
        os.environ, data_dir=data, host=host, port=port, kafka=kafka, redis=redis, amqp=amqp, trial=trial
    )
    findings = examine(chosen)
    for finding in findings:
        mark = "ok  " if not finding.remedy else "FIX "
        typer.echo(f"{mark} {finding.check:12} {finding.seen}" + (f"  ->  {finding.remedy}" if finding.remedy else ""))
    worst = max((finding.code for finding in findings if finding.remedy), default=ExitCode.OK)
    if worst is not ExitCode.OK:
        raise typer.Exit(int(worst))


def examine(chosen: Settings) -> list[Finding]:
    """Run every check."""
    data = chosen.data_dir
    checks: list[Callable[[], Finding]] = [
        _python,
        _packages,
        _clock,
        _time_zones,
        lambda: _disk(data),
        lambda: _writable(data),
        lambda: _log(data) if chosen.kafka is None else _topics(chosen),
        lambda: _port(chosen.host, chosen.port),
        lambda: _board(chosen),
        lambda: _jobs(chosen),
    ]
    return [check() for check in checks]


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", seen, "" if sys.version_info >= (3, 11) else "Install Python 3.11 or later.")


def _packages() -> Finding:
    """Every package that the distribution asks for is there."""
    try:
        asked = requires(NAME) or []
    except PackageNotFoundError:
        return Finding("packages", f"{NAME} is not installed", "Run `make setup`, or `pip install .`.")
    names = [_distribution(line) for line in asked if "extra ==" not in line]
    missing = [name for name in names if not _installed(name)]
    remedy = f"Run `make setup`, or `pip install {' '.join(missing)}`." if missing else ""
    return Finding("packages", f"{len(names) - len(missing)} of {len(names)}", remedy)


def _distribution(line: str) -> str:
    for end, sign in enumerate(line):
        if not (sign.isalnum() or sign in "-_."):
            return line[:end]
    return line


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _clock() -> Finding:
    now = time.time()
    seen = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return Finding("clock", seen, "" if now >= CLOCK_S_MIN else "Set the clock (NTP): offers expire by it.")


def _time_zones() -> Finding:
    try:
        zoneinfo.ZoneInfo("Asia/Shanghai")
    except zoneinfo.ZoneInfoNotFoundError:
        return Finding("time zones", "no data", "Install the package tzdata.")
    return Finding("time zones", "Asia/Shanghai is known")


def _disk(data: Path) -> Finding:
    free = shutil.disk_usage(_existing(data)).free
    remedy = "" if free >= DISK_BYTES_MIN else f"Free some space, or choose another folder: {DISK_BYTES_MIN} bytes."
    return Finding("disk", f"{free / 1e9:.1f} GB free", remedy)


def _existing(path: Path) -> Path:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path


def _writable(data: Path) -> Finding:
    folder = _existing(data)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("data folder", str(folder))
    except OSError as error:
        remedy = f"Make it writable for user {os.getuid()}, or choose another with --data."
        return Finding("data folder", f"{folder}: {error.strerror}", remedy)


def _log(data: Path) -> Finding:
    from services.adapters.sqlite import SqliteLog

    path = data / LOG_FILE
    if not path.exists():
        return Finding("log", "none yet")
    try:
        SqliteLog(path, read_only=True).close()
    except Stop as stop:
        return Finding("log", str(path), str(stop))
    try:
        SqliteLog(path).close()
    except Stop as stop:
        return Finding("log", "in use", str(stop), ExitCode.UNREACHABLE)
    return Finding("log", f"{path}, {path.stat().st_size / 1e6:.1f} MB, readable, not in use")


def _topics(chosen: Settings) -> Finding:
    """The cluster answers, and the log's topics are there and safe."""
    from services.adapters import kafka_topics

    admin = kafka_topics.connect(str(chosen.kafka))
    try:
        kafka_topics.check(admin, chosen.prefix, chosen.partitions, trial=chosen.trial)
    except Stop as stop:
        away = stop.code is ExitCode.UNREACHABLE
        remedy = f"Start it, or correct --kafka (or {NAME.upper()}_KAFKA)." if away else str(stop)
        return Finding("log", f"Kafka {chosen.kafka}{' does not answer' if away else ''}", remedy, stop.code)
    return Finding("log", f"Kafka {chosen.kafka} has the topics, {chosen.partitions} partitions each")


def _board(chosen: Settings) -> Finding:
    """The Redis of the board lets us in; its password is not shown."""
    if chosen.redis is None:
        needed = f"Kafka needs a board that processes share. Give --redis (or {NAME.upper()}_REDIS)."
        return Finding("board", "in memory", "" if chosen.kafka is None else needed)
    from redis import Redis
    from redis.exceptions import RedisError

    from services.addresses import without_secrets

    shown = without_secrets(chosen.redis)
    try:
        with Redis.from_url(chosen.redis, socket_timeout=BROKER_S, socket_connect_timeout=BROKER_S) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        remedy = f"Start it, or correct --redis (or {NAME.upper()}_REDIS; {type(error).__name__})."
        return Finding("board", f"{shown} does not answer", remedy, ExitCode.UNREACHABLE)
    return Finding("board", f"{shown} answers" + ("" if chosen.kafka else "; used for jobs only, without Kafka"))


def _jobs(chosen: Settings) -> Finding:
    """The broker of the jobs lets us in; its password is not shown."""
    if chosen.jobs.startswith("memory:"):
        return Finding("jobs", "in memory, no broker")
    from services.adapters.jobs_kombu import answers

    shown, trouble = answers(chosen.jobs)
    if trouble is None:
        return Finding("jobs", f"{shown} answers")
    name = "redis" if chosen.amqp is None else "amqp"
    remedy = f"Start it, or correct --{name} (or {NAME.upper()}_{name.upper()}; {trouble})."
    return Finding("jobs", f"{shown} does not answer", remedy, ExitCode.UNREACHABLE)


def _port(host: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            remedy = "Stop what listens there, or choose another with --port."
            return Finding("port", f"{port} on {host} is taken", remedy, ExitCode.UNREACHABLE)
    return Finding("port", f"{port} on {host} is free")

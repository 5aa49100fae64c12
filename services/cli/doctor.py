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
from typing import Annotated

import typer

from services.exits import ExitCode, Stop
from services.names import LOG_FILE, NAME

DISK_BYTES_MIN = 1 << 30
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
        help="Check Python, packages, clock, time zones, disk, data folder, port, log and job broker; say what to fix.",
        epilog=f"Example: {NAME} doctor --data ./{NAME}-data",
    )(doctor)


def doctor(
    data: Annotated[Path | None, typer.Option(help="Folder of the log and the contacts.")] = None,
    port: Annotated[int | None, typer.Option(help="Port that the API will take.")] = None,
) -> None:
    """Print one line a check; end with 0, 4 (port or log held, no broker) or 5 (this machine must be changed)."""
    from services import settings

    chosen = settings.load(os.environ, data_dir=data, port=port)
    findings = examine(chosen.data_dir, chosen.host, chosen.port, chosen.jobs)
    for finding in findings:
        mark = "ok  " if not finding.remedy else "FIX "
        typer.echo(f"{mark} {finding.check:12} {finding.seen}" + (f"  ->  {finding.remedy}" if finding.remedy else ""))
    worst = max((finding.code for finding in findings if finding.remedy), default=ExitCode.OK)
    if worst is not ExitCode.OK:
        raise typer.Exit(int(worst))


def examine(data: Path, host: str, port: int, jobs: str = "memory://") -> list[Finding]:
    """Run every check."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _packages,
        _clock,
        _time_zones,
        lambda: _disk(data),
        lambda: _writable(data),
        lambda: _log(data),
        lambda: _port(host, port),
        lambda: _jobs(jobs),
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


def _jobs(url: str) -> Finding:
    """The broker of the jobs lets us in; its password is not shown."""
    if url.startswith("memory:"):
        return Finding("jobs", "in memory, no broker")
    from services.adapters.jobs_kombu import answers

    shown, trouble = answers(url)
    if trouble is None:
        return Finding("jobs", f"{shown} answers")
    remedy = f"Start the broker, or set {NAME.upper()}_JOBS to one that answers ({trouble})."
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

"""Brings what the servers and the checks of deploy/ need, where it is missing.

Debian packages by apt-get, Apache Kafka by Maven, programs that Debian does not have from PyPI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from processes import Failed

HERE = Path(__file__).parent
KAFKA = "4.1.0"
#: program -> Debian package
PROGRAMS = {
    "java": "default-jre-headless",
    "mvn": "maven",
    "redis-server": "redis-server",
    "epmd": "erlang-base",
    "rabbitmq-server": "rabbitmq-server",
    "promtool": "prometheus",
}


def packages() -> None:
    """Install the Debian packages whose programs are not there. Raises Failed."""
    missing = sorted({package for program, package in PROGRAMS.items() if not _is_there(program)})
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (root and not shutil.which("sudo")):
        raise Failed(f"Missing: {', '.join(missing)}. Install them; this script knows apt-get as root only.")
    print(f"installing {', '.join(missing)}", flush=True)
    # RUNLEVEL=1 keeps Debian from starting what it installs, on ports and addresses of its own choice.
    quiet = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-qq", "-y"]
    _run("apt-get", [*quiet, "update"])
    _run("apt-get", [*quiet, "install", "--no-install-recommends", *missing])


def kafka(folder: Path) -> Path:
    """Return the folder of Apache Kafka's jars, fetched once. Raises Failed."""
    jars = folder / f"kafka-{KAFKA}"
    if not jars.exists():
        print(f"fetching Apache Kafka {KAFKA}", flush=True)
        half = folder / f"kafka-{KAFKA}.half"
        shutil.rmtree(half, ignore_errors=True)
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        _run("mvn", [*command, f"-DoutputDirectory={half.resolve()}"])
        half.rename(jars)
    return jars


def tools(folder: Path) -> None:
    """Put the programs of `tools.lock` into an environment of their own. Raises Failed."""
    lock, place = HERE / "tools.lock", folder / "tools"
    installed = place / "installed.lock"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    uv = Path(sys.executable).parent / "uv"
    shutil.rmtree(place, ignore_errors=True)
    _run("uv", [str(uv), "venv", "--quiet", "--python", sys.executable, str(place)])
    command = [str(uv), "pip", "install", "--quiet", "--python", str(place), "--require-hashes"]
    _run("uv", [*command, "--requirement", str(lock)])
    shutil.copyfile(lock, installed)


def _is_there(program: str) -> bool:
    return bool(shutil.which(program)) or Path(f"/usr/lib/rabbitmq/bin/{program}").exists()


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        end = done.stdout.decode(errors="replace").splitlines()[-25:]
        raise Failed(f"{name} failed ({done.returncode}):\n" + "\n".join(end))

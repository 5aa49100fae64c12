"""Programs of others that check our files: promtool, hadolint, docker-compose. All of them come by `make services`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

#: Where `make services` puts those that Debian does not have.
TOOLS = Path(__file__).parent.parent / ".services" / "tools" / "bin"


def program(name: str) -> str:
    """Return the program's path; skip, saying so, where it is not there, and fail in CI."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), str(TOOLS)]))
    if found:
        return found
    word = f"{name} is not installed: what it checks is not checked. Run `make services`."
    if os.environ.get("PAIDAN_REQUIRE_SERVICES"):
        pytest.fail(word)
    pytest.skip(word)


def said_by(name: str, *arguments: str, given: bytes | None = None) -> tuple[int, str]:
    """Run a program without a network's need; return its exit code and all that it prints."""
    done = subprocess.run(
        [program(name), *arguments],
        input=given,
        stdin=None if given is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout.decode()

"""Runs one command of `paidan` as the shell would: exit code, standard output, standard error.

Commands get an environment without settings: a shell that knows the tests' brokers must not change what they do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import typer
from typer.testing import CliRunner

from services.cli import (
    calendar,
    diff,
    duty,
    explain,
    generate,
    hours,
    importing,
    match,
    placement,
    plan,
    policy,
    posts,
    rematch,
)
from services.exits import Stop

ROOT = Path(__file__).parent.parent


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without any `PAIDAN_…`, with the checkout on the path, and with `more`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PAIDAN_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str


def paidan(*arguments: object) -> Ended:
    """Run the command with these arguments; a bug is raised, an expected end is returned."""
    app = typer.Typer()
    told = (match, rematch, plan, explain, diff, duty, posts, placement, hours, generate, importing, policy, calendar)
    for command in told:
        command.register(app)
    none = {key: None for key in os.environ if key.startswith("PAIDAN_")}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=none)
    if isinstance(result.exception, Stop):
        return Ended(int(result.exception.code), result.stdout, f"{result.stderr}{result.exception}")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)

"""Runs one command of `paidan` as the shell would: exit code, standard output, standard error."""

from __future__ import annotations

from dataclasses import dataclass

import typer
from typer.testing import CliRunner

from services.cli import calendar, diff, explain, generate, importing, match, policy
from services.exits import Stop


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str


def paidan(*arguments: object) -> Ended:
    """Run the command with these arguments; a bug is raised, an expected end is returned."""
    app = typer.Typer()
    for command in (match, explain, diff, generate, importing, policy, calendar):
        command.register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, Stop):
        return Ended(int(result.exception.code), result.stdout, f"{result.stderr}{result.exception}")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)

"""The command `paidan`: the only place that reads settings, builds adapters and chooses. One file a command.

Heavy imports (solver, API, Excel) stay inside the functions: `paidan --help` must answer at once.
"""

from __future__ import annotations

import importlib
import sys

import typer

from services.exits import ExitCode, Stop
from services.names import NAME

#: file in services/cli -> what it registers on the app with its own `register(app)`
COMMANDS = (
    "demo",
    "up",
    "serve",
    "match",
    "rematch",
    "plan",
    "explain",
    "diff",
    "duty",
    "posts",
    "placement",
    "hours",
    "generate",
    "importing",
    "policy",
    "calendar",
    "doctor",
    "journal",
    "parked",
    "replay",
    "backtest",
    "log",
    "board",
    "topics",
)

EPILOG = (
    "Exit codes: 0 ok, 1 bug, 2 usage, 3 finished with rejected rows, 4 a dependency cannot be reached, "
    "5 bad configuration or nothing readable, 6 requests were given and none could be assigned, "
    "7 the log cannot be trusted, 130 interrupted."
)


def build() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(name=NAME, no_args_is_help=True, add_completion=False, epilog=EPILOG)
    for name in COMMANDS:
        importlib.import_module(f"services.cli.{name}").register(app)
    return app


def main() -> None:
    """Run the command; every expected end has its exit code."""
    try:
        build()(standalone_mode=True)
    except Stop as stop:
        print(f"{NAME}: {stop}", file=sys.stderr)
        raise SystemExit(int(stop.code)) from None
    except KeyboardInterrupt:
        raise SystemExit(int(ExitCode.INTERRUPTED)) from None

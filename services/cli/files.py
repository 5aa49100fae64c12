"""What the file commands of the shell share: errors with their exit code, listed rejections, times as options.

Called by `match`, `generate`, `importing` and `policy`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from services.exits import ExitCode, Stop

if TYPE_CHECKING:
    from producers.rows import Rejection


@contextmanager
def readable() -> Iterator[None]:
    """Turn `Unusable` into the end with exit code 5."""
    from producers.tables import Unusable

    try:
        yield
    except Unusable as error:
        raise Stop(ExitCode.BAD_INPUT, str(error)) from None


def say(line: str) -> None:
    """Tell the person at the shell; standard output stays for results."""
    typer.echo(line, err=True)


def list_rejections(rejections: Iterable[Rejection], file: Path | None = None) -> int:
    """Say every rejected row, and write them to `file` as CSV where one is named; return how many."""
    from producers.rows import Rejection

    listed = list(rejections)
    for rejection in listed:
        say(f"rejected: {rejection.sentence()}")
    if file is not None:
        with writing(file), file.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(Rejection.__struct_fields__)
            writer.writerows([harmless(str(getattr(r, name))) for name in r.__struct_fields__] for r in listed)
    return len(listed)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of a file to be written; end with exit code 5 where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"File ({path}) cannot be written: {error.strerror}.") from None


def time_option(name: str, text: str | None, timezone: str | None) -> datetime | None:
    """Read a time given as an option; without an offset it is local time of `timezone`."""
    if text is None:
        return None
    from producers import mapping as mappings
    from producers.points import Fault
    from producers.rows import read_time

    try:
        return read_time(name, text, None if timezone is None else mappings.zone_info(timezone))
    except Fault as fault:
        raise typer.BadParameter(f"({fault.value}) {fault.reason}. {fault.remedy}.", param_hint=f"--{name}") from None


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking a value of the file for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text

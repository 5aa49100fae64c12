"""`paidan rematch --dry-run --plot DIR`: the folder of pictures of a planned week (`services/pictures`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.exits import ExitCode, Stop

if TYPE_CHECKING:
    from services.cli.rematch_here import Planned


def write(folder: Path, planned: Planned) -> str:
    """Write what stands now beside the plan; return a sentence. Raises Stop (exit 5) where the folder is no place."""
    from services.pictures import Subject, plan_of_visits
    from services.pictures import write as write_pictures

    posed = planned.posed
    week = posed.week
    before = [*zip(*(column.tolist() for column in week.pinned), strict=True)]
    before += [*zip(*(column.tolist() for column in week.told), strict=True)]
    subject = Subject(week=week, timezone=posed.timezone, compounds=tuple(posed.compounds), theme_day=_theme_day(planned))
    try:
        files = write_pictures(folder, subject, before=plan_of_visits(week, *_columns(before)), after=planned.plan)
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"Folder ({folder}) cannot be written: {error.strerror}.") from None
    return f"{len(files)} files in {folder}; begin with {files[0].name}."

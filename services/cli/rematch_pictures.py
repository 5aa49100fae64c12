"""`paidan rematch --dry-run --plot DIR`: the folder of pictures of a planned week (`services/pictures`)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.exits import ExitCode, Stop

if TYPE_CHECKING:
    from services.cli.rematch_here import Planned


def write(folder: Path, planned: Planned) -> str:
    """Write what stands now beside the plan; return a sentence. Raises Stop (exit 5) where the folder is no place."""
    from services.pictures import Subject, plan_of_visits
    from services.pictures import write as write_pictures

    posed = planned.posed
    week = posed.week
    subject = Subject(
        week=week, timezone=posed.timezone, compounds=tuple(posed.compounds), theme_day=theme_day(planned)
    )
    pinned, told = week.pinned, week.told
    stands = (np.concatenate((pinned[0], told[0])), np.concatenate((pinned[1], told[1])))
    try:
        before = plan_of_visits(week, *stands, np.concatenate((pinned[2], told[2])))
        files = write_pictures(folder, subject, before=before, after=planned.plan)
    except OSError as error:
        raise Stop(ExitCode.BAD_INPUT, f"Folder ({folder}) cannot be written: {error.strerror}.") from None
    return f"{len(files)} files in {folder}; begin with {files[0].name}."


def theme_day(planned: Planned) -> date | None:
    """Return the theme day of the report week that was planned, None where it is no report week."""
    from matcher.rematching import span

    zone = planned.zone
    at = planned.started.until_at
    for year, month in {(at.year, at.month), (planned.started.from_at.year, planned.started.from_at.month)}:
        week = zone.days().report_week(year, month)
        if span(zone, week.start, week.end)[1] == at:
            return week.theme_day
    return None

"""Pictures, numbers and service lists of a planned report week: SVG, CSV, HTML and JSON from a week and its plans.

`write` is the way in. Reads no log, no clock and no chance; the same values give the same bytes.
"""

from __future__ import annotations

from services.pictures.standing import plan_of_visits, standing_plan
from services.pictures.subject import Subject
from services.pictures.writing import write, write_service_list

__all__ = ["Subject", "plan_of_visits", "standing_plan", "write", "write_service_list"]

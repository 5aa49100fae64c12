"""Which files are given faults, and which tests are asked. A test that needs a broker, or is slow, is not."""

from __future__ import annotations

#: DESIGN 4: what decides, what folds, what reads, and what judges.
GROUPS: dict[str, tuple[str, ...]] = {
    "decide": (
        "matcher/decisions.py", "matcher/definitions.py", "matcher/requests.py", "matcher/changing.py",
        "matcher/volunteers.py", "matcher/visits.py", "matcher/lapses.py", "matcher/beats.py", "matcher/posing.py",
        "matcher/facts.py", "matcher/zone.py",
    ),
    "evolve": ("matcher/evolving.py",),
    "reading rule": ("services/reading.py",),
    "Cursor": ("services/cursor.py",),
    "checker": ("services/verify.py",),
}  # fmt: skip
FILES = tuple(file for files in GROUPS.values() for file in files)
MARKS = "not slow and not data and not kafka and not redis and not rabbitmq"
#: These ask the engines and the benchmarks, whose faults are none of these.
NOT_ASKED = ("tests/solvers", "tests/weekly", "tests/benchmarks", "tests/chaos", "tests/soak", "tests/mutation")

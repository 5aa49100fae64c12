"""Survivors that somebody looked at and that change nothing anybody could see: the mutant's name, and why.

A name holds as long as its line does; `python -m tests.mutation --show` prints what is left to be looked at.
"""

from __future__ import annotations

_CHOSEN = "a number that was chosen; its neighbour would do as well, and tests name the constant"

EQUIVALENT: dict[str, str] = {
    "59f706c4e1.1": _CHOSEN,  # Cursor: INBOX_MAX
    "04e17e5854.1": _CHOSEN,  # Cursor: INBOX_BYTES_MAX
    "a51c104a3d.1": _CHOSEN,
    "fa4017f64a.1": _CHOSEN,  # checker: CHUNK_RECORDS
    "f815edd759.1": _CHOSEN,  # checker: FINDINGS_MAX
    "acd6674c84.1": "either is the offset of nothing",
    "4a9ff9abe1.1": "the name of a type variable is read by nobody while the program runs",
    "ed117d5bb2.1": "when so many are free everything is posed because that costs less; the plan is the same",
}

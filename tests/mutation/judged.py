"""Survivors that somebody looked at and that change nothing anybody could see: the mutant's name, and why.

A name holds as long as its line does; `python -m tests.mutation --show` prints what is left to be looked at.
"""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}

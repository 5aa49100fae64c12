"""Explanations as data: why nobody, why her, what to change, what fits, what differs between two plans.

Called by `paidan explain` and `paidan diff`. Reads a posed problem and its plan, and solves changed copies of the
problem to check what it says; decides nothing and changes nothing. Sentences are made from the values (`sentences`).
"""

from __future__ import annotations

from matcher.explaining.differing import bookings, difference
from matcher.explaining.fitting import for_person
from matcher.explaining.pairs import why
from matcher.explaining.unfilled import why_not

__all__ = ["bookings", "difference", "for_person", "why", "why_not"]

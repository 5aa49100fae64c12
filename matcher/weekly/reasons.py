"""Why a place stays open, and why somebody who owes a visit has none.

stub
"""
from __future__ import annotations
def unfilled(week, laid, work): return []
def idle(week, laid, work): return {}

"""Refused commands as sentences in either language. Called by `sentences` and by the API's receipts.

A reason's own words are English (`Refusal.message`) and may stand in old logs, remedies included; the Chinese sentence
is made from its values, a remedy from its English words.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec

from matcher.explaining.chinese import NAMED, REFUSALS, REMEDIES
from matcher.reasons import Refusal


def sentence(reason: Refusal, language: str) -> str:
    """Return why a command was refused, and what to do, in English (`en`) or Chinese (`zh`)."""
    return _chinese(reason) if language == "zh" else reason.message()


def _chinese(reason: Refusal) -> str:
    said = {name: _named(name, value) for name, value in msgspec.structs.asdict(reason).items()}
    return REFUSALS[str(reason.__struct_config__.tag)].format(**said)


def _named(field: str, value: Any) -> Any:
    if field == "remedy":
        return _remedy(value)
    if isinstance(value, date):
        return value.isoformat()
    return NAMED.get(value, value) if field in {"kind", "state", "needed", "stage"} else value


def _remedy(english: str) -> str:
    """Return a remedy in Chinese; one that no version of the program has ever given stays as it is."""
    for words, chinese in REMEDIES.items():
        found = re.fullmatch(r"(\d+)".join(map(re.escape, words.split("{}"))), english)
        if found:
            return chinese.format(*found.groups())
    return english

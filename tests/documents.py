"""The documents that are made from the code: `python -m tests.documents` writes them, `test_documents.py` compares."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

import msgspec

from matcher.commands import AnyCommand
from matcher.events import AnyEvent
from matcher.reasons import AnyRefusal, Unassigned
from services.names import COMMANDS, JOURNAL, PARKED, SNAPSHOTS

DOCS = Path(__file__).parent.parent / "docs"
_COMMON = {"id", "zone", "at", "actor", "causation_id"}

_HEAD = f"""# The words of the log

Made from the code (`python -m tests.documents`); a test fails when they differ.

Topics: `{COMMANDS}` what is asked · `{JOURNAL}` what has happened · `{SNAPSHOTS}` folded states · `{PARKED}` what could
not be read or decided. A command carries `id`, `zone`, `at` (the sender's clock) and `actor`; an event carries `zone`,
`at` (the zone's time) and `causation_id` (the command). JSON, one object each, its `type` is the first column.
"""


def log_words() -> str:
    """Return docs/log.md."""
    parts = [_HEAD, "\n## Commands\n", _table(get_args(AnyCommand)), "\n## Events\n", _table(get_args(AnyEvent))]
    parts += ["\n## Refusals\n", _table(get_args(AnyRefusal))]
    parts += ["\n## Why nobody was assigned\n\n", " · ".join(f"`{reason.value}`" for reason in Unassigned), "\n"]
    return "".join(parts)


def _table(kinds: tuple[Any, ...]) -> str:
    lines = ["\n| type | what it says | fields |\n", "|---|---|---|\n"]
    for kind in kinds:
        text = " ".join((inspect.getdoc(kind) or "").split())
        fields = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(kind) if field.name not in _COMMON)
        lines.append(f"| `{kind.__name__}` | {text} | {fields} |\n")
    return "".join(lines)


if __name__ == "__main__":
    (DOCS / "log.md").write_text(log_words(), encoding="utf-8")

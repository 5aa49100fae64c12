"""What a command looks like without what it says: known field names, kinds and lengths. For eyes that may not see more.

Called by `paidan parked show`. Only words of our own vocabulary come through: a name or a phone number may stand
anywhere in bytes that nobody could read, as a value, as a key, as the type.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, get_args

import msgspec

from matcher.commands import AnyCommand

DEPTH_MAX = 8
Outline = dict[str, Any] | list[Any] | str


def outline(value: bytes) -> Outline:
    """Return the value's form, or in words why it has none."""
    try:
        value.decode()
        read = msgspec.json.decode(value)
    except UnicodeDecodeError as error:
        return f"not UTF-8, from byte {error.start} on"
    except (msgspec.MsgspecError, RecursionError):
        return "not JSON"
    return _formed(read, 0)


def _formed(value: Any, depth: int) -> Outline:
    if isinstance(value, dict | list) and depth >= DEPTH_MAX:
        return "nested deeper"
    if isinstance(value, dict):
        return _formed_fields(value, depth)
    if isinstance(value, list):
        return [f"{len(value)} elements", *(_formed(each, depth + 1) for each in value[:1])]
    if isinstance(value, str):
        return f"text of {len(value)}"
    return "nothing" if value is None else "true or false" if isinstance(value, bool) else "number"


def _formed_fields(fields: dict[Any, Any], depth: int) -> Outline:
    known = {name: _formed(value, depth + 1) for name, value in fields.items() if name in _names()}
    kind = fields.get("type")
    if isinstance(kind, str):
        known = {"type": kind if kind in _kinds() else "no type that this version knows", **_without_type(known)}
    unknown = sum(name not in _names() and name != "type" for name in fields)
    return {**known, "unknown fields": f"{unknown}"} if unknown else known


def _without_type(known: dict[str, Outline]) -> dict[str, Outline]:
    return {name: form for name, form in known.items() if name != "type"}


@cache
def _kinds() -> frozenset[str]:
    return frozenset(kind.__name__ for kind in get_args(AnyCommand))


@cache
def _names() -> frozenset[str]:
    """Return every field name that any command has, however deep."""
    found: dict[type, None] = {}
    _collect(get_args(AnyCommand), found)
    return frozenset(field.encode_name for kind in found for field in msgspec.structs.fields(kind))


def _collect(kinds: Iterable[Any], found: dict[type, None]) -> None:
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in found:
                found[kind] = None
                _collect((field.type for field in msgspec.structs.fields(kind)), found)
        else:
            _collect(get_args(kind), found)

"""Reading a body: never more than the limit, then into the shape that the route wants, with a path on error.

Called by the routes that take bodies. The wire structs are the schema; nothing is described twice.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request

from matcher.commands import Command
from services.api.answers import Trouble
from services.wire import BODY_BYTES_MAX

#: Fields of a command that never come from the body.
NOT_IN_BODY = ("id", "zone", "at", "actor")
SHOWN_LENGTH_MAX = 100


def shape(command: type[Command], in_path: tuple[str, ...] = ()) -> type[msgspec.Struct]:
    """The body of a command: its fields but those that path, header and clock give."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(command):
        if field.name in NOT_IN_BODY or field.name in in_path:
            continue
        if field.required:
            fields.append((field.name, field.type))
        elif field.default is not msgspec.NODEFAULT:
            fields.append((field.name, field.type, field.default))
        else:
            fields.append((field.name, field.type, msgspec.field(default_factory=field.default_factory)))
    return msgspec.defstruct(f"{command.__name__}Body", fields, kw_only=True, frozen=True, forbid_unknown_fields=True)


async def read(request: Request) -> bytes:
    """Read the body. Raises Trouble (413) as soon as the limit is passed, without reading the rest."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > BODY_BYTES_MAX:
        raise _too_large(int(declared))
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _too_large(size)
        parts.append(part)
    return b"".join(parts)


def decode(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Decode a body. Raises Trouble: 400 when it is no JSON, 422 with field, value and remedy when it does not fit."""
    body = body.strip() or b"{}"
    try:
        return decoder.decode(body)
    except UnicodeDecodeError as error:
        raise Trouble(400, "not_utf8", "The body is not UTF-8. Send JSON in UTF-8.") from error
    except msgspec.ValidationError as error:
        raise _unfit(body, str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Trouble(400, "not_json", f"The body is not JSON ({error}). Send a JSON object.") from error


def _too_large(size: int) -> Trouble:
    problem = Trouble(
        413,
        "too_large",
        f"The body is ({size}) bytes or more, the limit is ({BODY_BYTES_MAX}). Split it.",
        limit_bytes=BODY_BYTES_MAX,
    )
    problem.headers["Connection"] = "close"
    return problem


def _unfit(body: bytes, said: str) -> Trouble:
    what, _, where = said.partition(" - at ")
    path = where.strip("`") or "$"
    named = re.search(r"(?:required|unknown) field `([^`]+)`", what)
    if named:
        path = f"{path}.{named[1]}"
    value = _value_at(body, path)
    shown = "(absent)" if value is _ABSENT else msgspec.json.encode(value).decode()[:SHOWN_LENGTH_MAX]
    return Trouble(
        422,
        "unfit",
        f"`{path}` is {shown}: {what}.",
        field=path,
        value=None if value is _ABSENT else shown,
        remedy=_remedy(what),
    )


_ABSENT = object()


def _value_at(body: bytes, path: str) -> Any:
    """Follow msgspec's path (`$.a[0].b`); `[...]` stands for the keys of an object and cannot be followed."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _ABSENT  # what stands behind the bad field is worse still
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return value


def _remedy(what: str) -> str:
    if "missing required field" in what:
        return "Add the field."
    if "unknown field" in what:
        return "Remove the field, or check its spelling."
    if "Invalid enum value" in what:
        return "Use one of the values in /openapi.json."
    if "timezone" in what:
        return "Give the time as ISO 8601 with an offset, such as 2026-01-31T18:00:00+08:00."
    return f"{what}."

"""Fewer, longer Redis commands that do the same. Called by what writes the board, in and beside transactions.

Client and server pay for each command, not for each field: a thousand views are one HSET. Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: Commands whose arguments after the key may follow one another.
JOINABLE = frozenset({"HSET", "ZADD", "SADD", "GEOADD", "ZREM", "HDEL"})


def merged(commands: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Join commands on one key. Each key sees the same changes in the same order; keys may change places.

    Every command names its key first, and only one.
    """
    joined: list[list[Any]] = []
    last: dict[Any, list[Any]] = {}
    for command in commands:
        verb, key, *arguments = command
        before = last.get(key)
        if before is not None and before[0] == verb and verb in JOINABLE:
            before += arguments
        else:
            last[key] = [verb, key, *arguments]
            joined.append(last[key])
    return [tuple(command) for command in joined]

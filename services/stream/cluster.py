"""Where a stream finds its cluster and who it is in the group. Made by the entry points from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.names import NAME
from services.writer import SESSION_S


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """`member`: a name that stays over restarts (static membership); "" joins anew each time.

    A process that starts under the `member` of a living one takes its place at once; the living one ends by itself.
    """

    bootstrap: str
    #: Faust wants a folder; nothing of worth is in it.
    data_dir: Path
    #: Before every topic's name.
    prefix: str = ""
    group: str = NAME
    member: str = ""
    #: A silent process keeps its partitions so long.
    session_s: float = SESSION_S

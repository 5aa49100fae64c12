"""What one run was: its verdict, its times, and what keeps a run from being one. Made by `playing` and `alone`."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from tests.chaos.judging import Judged
from tests.chaos.proving import DidNotHappen

#: Commands that are taken before the fault, and after it.
BEFORE, AFTER = 20, 20


class Result(msgspec.Struct, kw_only=True):
    """One run. Counts are of this run, but what is wrong is counted over its whole town."""

    fault: str
    seed: int
    seconds: float = 0.0
    recovery_s: float | None = None
    judged: Judged = msgspec.field(default_factory=Judged)
    #: how often the client was answered how: 202, 503, … and 0 for no answer
    statuses: dict[int, int] = {}
    #: what shows that the fault took place, and seconds that it measured beside its recovery
    evidence: list[str] = []
    figures: dict[str, float] = {}
    #: why the run could not be finished
    error: str = ""
    #: the fault had no effect: the run proves nothing, neither way
    did_not_happen: str = ""

    @property
    def sound(self) -> bool:
        """Whether all is well."""
        return not self.error and not self.did_not_happen and self.judged.sound


@contextmanager
def caught(result: Result, ended: Callable[[], list[str]] = list) -> Iterator[None]:
    """Note in the result what keeps a run from its end: the fault had no effect, or something broke."""
    try:
        yield
    except DidNotHappen as why:
        result.did_not_happen = str(why)
    except Exception as error:
        result.error = "".join(traceback.format_exception(error, limit=-3))[-2000:] + "\n".join(ended())

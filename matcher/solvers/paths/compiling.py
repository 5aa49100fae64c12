"""How the kernel's functions are compiled, and where the compiled code is kept: inside the environment.

Imported by the kernel's modules only, so that nobody pays for numba who does not ask for the kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

#: Compiled code lives with the environment, as installed packages do; a new environment compiles afresh.
CACHE = Path(sys.prefix) / "var" / "paidan" / "compiled"

if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = str(CACHE)


def compiled(function: F) -> F:
    """Compile at the first call, or load what an earlier process compiled. One thread, no fast-math: same bits."""
    return cast(F, numba.njit(cache=True, nogil=True)(function))

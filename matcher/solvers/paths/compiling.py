"""How the kernel's functions are compiled, and where the compiled code is kept: inside the environment.

Imported by the kernel's modules only, so that nobody pays for numba who does not ask for the kernel.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

#: The modules whose functions end up in compiled code, here or inlined into each other.
KERNEL = (
    "values", "heap", "search", "trees", "worth", "forward", "auction", "release", "hall",
    "cells", "near", "arriving", "parting", "freeing",
)  # fmt: skip


def _place() -> str:
    """Return a folder named after the kernel's source: a caller's code is stale as soon as a callee's changes."""
    digest = blake2b(digest_size=8)
    for name in KERNEL:
        digest.update(pkgutil.get_data(__package__, f"{name}.py") or b"")
    return f"{sys.prefix}/var/paidan/compiled/{digest.hexdigest()}"


if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = _place()


def compiled(function: F) -> F:
    """Compile at the first call, or load what an earlier process compiled. One thread, no fast-math: same bits."""
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep it: compiled again in every process
        made = numba.njit(nogil=True)(function)
    return cast(F, made)

"""How this kernel is compiled and where that is kept: beside the other kernels, in a folder named after its source.

Imported by the kernel's module only.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def _place() -> str:
    digest = blake2b(pkgutil.get_data("matcher.linked", "kernel.py") or b"", digest_size=8)
    return f"{sys.prefix}/var/paidan/compiled/{digest.hexdigest()}"


def compiled(function: F) -> F:
    """Compile at the first call, or load what an earlier process compiled. One thread, no fast-math: same bits."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _place()
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep it: compiled again in every process
        made = numba.njit(nogil=True)(function)
    finally:
        numba.config.CACHE_DIR = before
    return cast(F, made)

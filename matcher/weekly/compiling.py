"""How the weekly kernel is compiled and where that is kept: as `paths.compiling`, in a folder named after both kernels.

Imported by the kernel's modules only.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar, cast

import numba

from matcher.solvers.paths import compiling

F = TypeVar("F", bound=Callable[..., Any])

#: The modules whose functions end up in compiled code, here or inlined into each other.
KERNEL = ("compiling", "tables", "clockwork", "pairs", "listing", "choosing", "crewing", "steps", "searching")


def _place() -> str:
    digest = blake2b(digest_size=8)
    for package, names in (("matcher.solvers.paths", compiling.KERNEL), ("matcher.weekly", KERNEL)):
        for name in names:
            digest.update(pkgutil.get_data(package, f"{name}.py") or b"")
    return f"{sys.prefix}/var/paidan/compiled/{digest.hexdigest()}"


def compiled(function: F) -> F:
    """Compile at the first call, or load what an earlier process compiled. One thread, no fast-math: same bits."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _PLACE
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep it: compiled again in every process
        made = numba.njit(nogil=True)(function)
    finally:
        numba.config.CACHE_DIR = before
    _any_number(made)
    return cast(F, made)


def _any_number(made: Any) -> None:
    """Compile one version for whole numbers, not another one for each constant that a caller hands over.

    Half of the compiling went into such copies. Where numba has no such method any more, they only come back.
    """
    asked = getattr(made, "get_call_template", None)
    if asked is not None:
        made.get_call_template = lambda args, kws: asked(tuple(map(numba.types.unliteral, args)), kws)


_PLACE = _place()

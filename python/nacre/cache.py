# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The coherent cache. Nobody needs these functions to see the truth; they free memory and measure."""

from __future__ import annotations

from . import _lib
from ._native import ffi, lib


def invalidate(pattern: str) -> None:
    """Forget what is known of an object, or of all objects below a path that ends with a slash."""
    err = ffi.new("nacre_error *")
    options = _lib.IOOptions()
    _lib.check(lib.nacre_cache_invalidate(_lib.encoded(pattern), options.pointer, err), err)


def invalidate_all() -> None:
    """Forget everything."""
    lib.nacre_cache_invalidate_all()


def stats() -> dict[str, int]:
    """What the cache holds and how often it helped."""
    out = ffi.new("nacre_cache_stats *")
    lib.nacre_cache_stats_get(out)
    return {name: getattr(out, name) for name, _ in ffi.typeof("nacre_cache_stats").fields}

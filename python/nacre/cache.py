# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The coherent cache. Nobody needs these functions to see the truth; they free memory and measure.

What is read through GDAL (``nacre.gdal``) has a cache of its own; all but ``stats`` and ``flush`` is said to both.
"""

from __future__ import annotations

import atexit

from . import _lib
from ._native import ffi, lib


def invalidate(pattern: str) -> None:
    """Forget what is known of an object, or of all objects below a path that ends with a slash."""
    err = ffi.new("nacre_error *")
    options = _lib.IOOptions()
    _lib.check(lib.nacre_cache_invalidate(_lib.encoded(pattern), options.pointer, err), err)
    if _lib.plugin is not None:
        _lib.plugin.invalidate(pattern)


def invalidate_all() -> None:
    """Forget everything."""
    lib.nacre_cache_invalidate_all()
    if _lib.plugin is not None:
        _lib.plugin.invalidate_all()


def policy(prefix: str, policy: str | None) -> None:
    """Set when what is cached of all objects whose paths begin with a prefix is believed, from the next open on.

    Parameters
    ----------
    prefix
        The beginning of a path, in any spelling: ``gs://bucket/folder/``. The longest one wins.
    policy
        "fresh" (proven with the store at each open), "ttl=SECONDS" (a proof is good for so long), "immutable" (these
        objects never change) or "offline" (no request at all); None takes back what was set for this prefix.

    Raises
    ------
    ValueError
        There is no such policy, or the prefix is not a path, or a local one.
    """
    err = ffi.new("nacre_error *")
    value = ffi.NULL if policy is None else ffi.new("char[]", _lib.encoded(policy))
    _lib.check(lib.nacre_cache_policy(_lib.encoded(prefix), value, err), err)
    _lib.policies[prefix] = policy
    if _lib.plugin is not None:
        _lib.plugin.policy(prefix, policy)


def stats() -> dict[str, int]:
    """What the cache holds and how often it helped."""
    out = ffi.new("nacre_cache_stats *")
    lib.nacre_cache_stats_get(out)
    return {name: getattr(out, name) for name, _ in ffi.typeof("nacre_cache_stats").fields}


def flush() -> None:
    """Wait until what was fetched is written into `cache.dir`, which happens behind the reads; done at exit too."""
    lib.nacre_cache_flush()


atexit.register(flush)

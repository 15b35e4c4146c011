# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The seam to the C library: calls, options, errors. What every module that touches ``_native`` needs."""

from __future__ import annotations

import os
import threading
from typing import Any, Mapping

from . import errors
from ._native import ffi, lib

_ERRORS = {
    lib.NACRE_ERROR_NOT_FOUND: errors.ObjectNotFoundError,
    lib.NACRE_ERROR_DENIED: errors.ObjectDeniedError,
    lib.NACRE_ERROR_EXISTS: errors.ObjectExistsError,
    lib.NACRE_ERROR_CHANGED: errors.ObjectChangedError,
    lib.NACRE_ERROR_UNSUPPORTED: errors.UnsupportedError,
    lib.NACRE_ERROR_UNAVAILABLE: errors.StoreUnavailableError,
    lib.NACRE_ERROR_MEMORY: MemoryError,
    lib.NACRE_ERROR_INVALID: ValueError,
}


def check(status: int, err: Any) -> None:
    """Raise the exception of a status that is not OK.

    Parameters
    ----------
    status
        What the call returned.
    err
        The ``nacre_error *`` that the call was given.
    """
    if status != lib.NACRE_OK:
        raise_status(status, ffi.string(err.message).decode("utf-8", "replace"))


def raise_status(status: int, message: str) -> None:
    """Raise the exception of a status that is not OK.

    Parameters
    ----------
    status
        What a call returned.
    message
        What it said.
    """
    if status != lib.NACRE_OK:
        raise _ERRORS.get(status, errors.RasterioIOError)(message)


def text(pointer: Any) -> str:
    """A C text as str; bytes that are not UTF-8 survive the way back through ``encoded``."""
    value: bytes = ffi.string(pointer)
    return value.decode("utf-8", "surrogateescape")


def encoded(value: str | os.PathLike[str]) -> bytes:
    """A path or text for C; keys that are not UTF-8 come back as they were given."""
    return os.fspath(value).encode("utf-8", "surrogateescape")


def shown(path: str) -> str:
    """A path as it may be shown to others: without the passwords and signatures of URLs."""
    out = ffi.new("char[]", lib.nacre_path_shown(encoded(path), ffi.NULL, 0) + 1)
    lib.nacre_path_shown(encoded(path), out, len(out))
    return text(out)


def sized(struct: str) -> Any:
    """A zeroed options struct with its size set."""
    pointer = ffi.new(struct + " *")
    pointer.size = ffi.sizeof(struct)
    return pointer


def config(options: Mapping[str, str]) -> Any:
    """A ``nacre_config`` with these keys.

    Raises
    ------
    ValueError
        There is no such key, or it does not take such a value.
    """
    out = ffi.gc(lib.nacre_config_new(), lib.nacre_config_free)
    if out == ffi.NULL:
        raise MemoryError("out of memory")
    err = ffi.new("nacre_error *")
    for key, value in options.items():
        check(lib.nacre_config_set(out, encoded(key), encoded(value), err), err)
    return out


class _Settings(threading.local):
    """What the innermost Env of this thread says: keys and values, and the same for C."""

    def __init__(self) -> None:
        self.options: dict[str, str] = {}
        self.config: Any = ffi.NULL


settings = _Settings()

# The GDAL plugin once nacre.gdal has loaded it, which has a cache of its own; and the policies it is told of then.
plugin: Any = None
policies: dict[str, str | None] = {}


class IOOptions:
    """Owns a ``nacre_io_options`` made of the thread's Env and a call's own arguments."""

    def __init__(self, cache: str | None = None) -> None:
        self.pointer = sized("nacre_io_options")
        self._config = settings.config  # stays alive when the Env ends in the middle of the call
        self.pointer.config = self._config
        if cache is not None:
            self._cache = ffi.new("char[]", cache.encode())
            self.pointer.cache = self._cache


def io_stats() -> dict[str, int]:
    """What the process did so far on the wire and in the cache: requests, rounds, bytes, hits."""
    out = ffi.new("nacre_io_stats *")
    lib.nacre_io_stats_total(out)
    return {name: getattr(out, name) for name, _ in ffi.typeof("nacre_io_stats").fields}

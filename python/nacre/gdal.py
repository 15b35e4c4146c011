# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""nacre's storage layer in the place of GDAL's own, for Rasterio and everything else in this process that uses GDAL.

One line in a program is enough::

    import rasterio
    import nacre.gdal

    nacre.gdal.install()

    with rasterio.open("gs://bucket/scene.tif") as dataset:  # Rasterio's own, coherent now
        ...

Importing this module changes nothing and does not import Rasterio.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import json
import os
import pathlib
import sys
import sysconfig
import threading
import warnings
from collections.abc import Callable, Iterable
from types import ModuleType, TracebackType
from typing import Any

from . import _lib, errors
from ._native import lib as _native

__all__ = ["PREFIXES", "Installation", "check", "install", "plugin_folder", "report", "stats", "uninstall"]

PREFIXES = ("/vsigs/", "/vsis3/", "/vsiaz/", "/vsicurl/")
"""What can be taken over, and is by default."""

_NAME = "gdal_nacre.so"


class _Error(ctypes.Structure):
    """nacre_error."""

    _fields_ = [("status", ctypes.c_int), ("http_status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


_COUNTERS = ("requests", "retries", "connections", "bytes_received", "bytes_sent")


class _Stats(ctypes.Structure):
    """nacre_gdal_stats."""

    _fields_ = [(name, ctypes.c_uint64) for name in _COUNTERS]


def _places() -> Iterable[pathlib.Path]:
    """Where the plugin may lie: beside the package in a wheel, in the build tree, in the libraries of a prefix."""
    package = pathlib.Path(__file__).resolve().parent
    yield package / "gdalplugins"
    yield package.parent.parent / "gdal"
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for parent in package.parents:
        if parent.name in ("lib", "lib64"):
            yield parent / multiarch / "nacre" / "gdalplugins"
            yield parent / "nacre" / "gdalplugins"


def _find() -> pathlib.Path:
    for place in _places():
        if (place / _NAME).exists():
            return place / _NAME
    raise errors.RasterioIOError(f"{_NAME} is not installed with this package of nacre; it was built without the plugin")


class _Plugin:
    """The loaded plugin, as ``nacre.cache`` knows it too. Synchronised."""

    def __init__(self, path: pathlib.Path) -> None:
        self.library = ctypes.CDLL(str(path))
        self.library.nacre_gdal_check.restype = ctypes.c_uint64
        self.library.nacre_gdal_check.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.library.nacre_gdal_report.restype = ctypes.c_size_t
        self.library.nacre_gdal_report.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def call(self, name: str, *arguments: str | None) -> None:
        """A function of texts that takes an error last; raises what it says."""
        error = _Error()
        texts = [None if text is None else _lib.encoded(text) for text in arguments]
        status = getattr(self.library, name)(*(ctypes.c_char_p(text) for text in texts), ctypes.byref(error))
        _lib.raise_status(status, error.message.decode("utf-8", "replace"))

    def policy(self, prefix: str, policy: str | None) -> None:
        """As ``nacre.cache.policy``."""
        self.call("nacre_gdal_cache_policy", prefix, policy)

    def invalidate(self, pattern: str) -> None:
        """As ``nacre.cache.invalidate``."""
        self.call("nacre_gdal_cache_invalidate", pattern)

    def invalidate_all(self) -> None:
        """As ``nacre.cache.invalidate_all``."""
        self.library.nacre_gdal_cache_invalidate_all()


_lock = threading.Lock()
_is_installed = False


def _plugin() -> _Plugin:
    """The plugin, loaded at the first call; from then on ``nacre.cache`` speaks to it too."""
    with _lock:
        loaded: _Plugin | None = _lib.plugin
        if loaded is None:
            loaded = _Plugin(_find())
            for prefix, policy in _lib.policies.items():
                loaded.policy(prefix, policy)
            _lib.plugin = loaded
    return loaded


# --- rasterio.cache ---


def _wrapper(name: str, original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> None:
        if name == "invalidate_all":
            _plugin().invalidate_all()
        else:
            _forget(*arguments, **named)
        original(*arguments, **named)

    wrapped._nacre_original = original  # type: ignore[attr-defined]
    return wrapped


def _forget(pattern: str) -> None:
    """Forget all objects whose paths begin with a pattern, and perhaps some that lie beside them."""
    scheme, separator, rest = pattern.partition("://")
    folder = rest.rpartition("/")[0] or rest
    try:
        _plugin().invalidate(f"{scheme}{separator}{folder}/" if separator else f"{pattern.rpartition('/')[0]}/")
    except (ValueError, errors.RasterioError):
        _plugin().invalidate_all()


def _rasterio_cache() -> ModuleType | None:
    """The module, where Rasterio is imported and has it (from 1.5 on)."""
    if "rasterio" not in sys.modules:
        return None
    try:
        return importlib.import_module("rasterio.cache")
    except ImportError:
        return None


def _wrap() -> None:
    module = _rasterio_cache()
    for name in ("invalidate", "invalidate_all"):
        original = getattr(module, name, None)
        if original is not None and not hasattr(original, "_nacre_original"):
            setattr(module, name, _wrapper(name, original))


def _unwrap() -> None:
    module = sys.modules.get("rasterio.cache")
    for name in ("invalidate", "invalidate_all"):
        original = getattr(getattr(module, name, None), "_nacre_original", None)
        if original is not None:
            setattr(module, name, original)


# --- What programs call ---


class Installation:
    """What ``install`` gives. As a context manager it ends the installation and raises what could not be uploaded.

    Where the prefixes were installed already before, leaving the block only raises.
    """

    def __init__(self, ends: bool) -> None:
        self._ends = ends

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ends:
            try:
                uninstall()
            except errors.UnsupportedError as error:
                warnings.warn(str(error), stacklevel=2)
        if kind is None:
            check()


def install(prefixes: Iterable[str] | str = PREFIXES, cache: str | None = "fresh") -> Installation:
    """Read and write through nacre what GDAL in this process opens below some prefixes, from the next open on.

    No other thread may be opening files with GDAL meanwhile. May be called again, for another policy, for more prefixes,
    or for a GDAL that was imported since.

    Parameters
    ----------
    prefixes
        Which of ``PREFIXES`` to take over: some of them, or one text with commas. Rasterio's ``gs://``, ``s3://``,
        ``az://`` and ``https://`` are the same.
    cache
        When what is cached is believed where ``nacre.cache.policy`` says nothing for the path: "fresh" (proven with the
        store at each open), "ttl=SECONDS", "immutable" or "offline"; None leaves it to the configuration.

    Returns
    -------
    Installation
        May be dropped, or used by ``with``: leaving the block uninstalls and raises what ``check`` would.

    Raises
    ------
    RuntimeError
        No GDAL is loaded in this process.
    ValueError
        There is no such prefix or policy.
    UnsupportedError
        The GDAL is too old, or lacks what is needed.
    """
    global _is_installed
    listed = prefixes if isinstance(prefixes, str) else ",".join(prefixes)
    try:
        _plugin().call("nacre_gdal_install", listed, cache)
    except errors.ObjectNotFoundError:
        message = "no GDAL is loaded in this process: import rasterio (or osgeo.gdal) first"
        raise RuntimeError(message) from None
    was_installed, _is_installed = _is_installed, True
    _wrap()
    return Installation(ends=not was_installed)


def uninstall() -> None:
    """Give all prefixes back to GDAL's own handlers. Datasets that are open go on, and may be closed.

    Raises
    ------
    UnsupportedError
        This GDAL does not export what is needed; nacre stays. The message names the library.
    """
    global _is_installed
    if not _is_installed:
        return
    _plugin().call("nacre_gdal_uninstall")
    _is_installed = False
    _unwrap()


def check() -> None:
    """Raise what failed when files were closed since the last call. Most of GDAL's formats drop that.

    Raises
    ------
    RasterioIOError
        An upload was not finished: the object is what it was before. Where several failed the message has them all.
    """
    if _lib.plugin is None:
        return
    failures = (_Error * 64)()
    count = _plugin().library.nacre_gdal_check(ctypes.cast(failures, ctypes.c_void_p), len(failures))
    if not count:
        return
    kept = failures[: min(count, len(failures))]
    messages = [failure.message.decode("utf-8", "replace") for failure in kept]
    if count > len(kept):
        messages.append(f"and {count - len(kept)} more")
    text = messages[0] if count == 1 else f"{count} files could not be written: {'; '.join(messages)}"
    _lib.raise_status(kept[0].status or _native.NACRE_ERROR_IO, text)


def report() -> dict[str, Any]:
    """Tell what is installed where.

    Returns
    -------
    dict
        "version" of the plugin and "hosts": for each libgdal its "library", its version ("gdal"), the "prefixes" that
        are taken over and the features that are "missing" in it, each with its reason.
    """
    library = _plugin().library
    size = 1 << 16
    while True:
        out = ctypes.create_string_buffer(size)
        length = library.nacre_gdal_report(ctypes.cast(out, ctypes.c_void_p), size)
        if not length:
            raise MemoryError("out of memory")
        if length < size:
            told: dict[str, Any] = json.loads(out.value)
            return told
        size = length + 1


def stats() -> dict[str, int]:
    """Requests and bytes of everything that was opened through GDAL so far."""
    out = _Stats()
    _plugin().library.nacre_gdal_stats_get(ctypes.byref(out))
    return {name: getattr(out, name) for name in _COUNTERS}


def plugin_folder() -> str:
    """Where the plugin lies: what ``GDAL_DRIVER_PATH`` must name for programs other than this one."""
    return os.fspath(_find().parent)

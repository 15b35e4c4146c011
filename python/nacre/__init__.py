# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Virtual rasters over object storage whose caches never lie, with Rasterio's interface."""

from __future__ import annotations

import os
from typing import Any

from . import (
    _later,
    cache,
    control,
    coords,
    crs,
    drivers,
    dtypes,
    enums,
    env,
    errors,
    io,
    plot,
    profiles,
    rpc,
    session,
    shutil,
    transform,
    vrt,
    warp,
    windows,
)
from ._batch import BatchItem, aread_batch, iter_batch, read_batch
from ._lib import io_stats
from ._lib import text as _text
from ._native import lib as _native
from .coords import BoundingBox
from .crs import CRS
from .dataset import DatasetReader, aopen_dataset, open_dataset
from .drivers import driver_from_extension, is_blacklisted
from .dtypes import (
    bool_,
    check_dtype,
    complex_,
    complex_int16,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    sbyte,
    ubyte,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .env import Env, ensure_env_with_credentials, gdal_version
from .errors import DriverCapabilityError, RasterioDeprecationWarning, RasterioIOError
from .profiles import default_gtiff_profile
from .transform import guard_transform

__version__ = _text(_native.nacre_version())

__all__ = [
    "CRS",
    "BatchItem",
    "BoundingBox",
    "DatasetReader",
    "DriverCapabilityError",
    "Env",
    "RasterioDeprecationWarning",
    "RasterioIOError",
    "aopen",
    "aread_batch",
    "bool_",
    "cache",
    "check_dtype",
    "complex_",
    "complex_int16",
    "control",
    "coords",
    "crs",
    "default_gtiff_profile",
    "driver_from_extension",
    "drivers",
    "dtypes",
    "ensure_env_with_credentials",
    "enums",
    "env",
    "errors",
    "float16",
    "float32",
    "float64",
    "gdal_version",
    "guard_transform",
    "int16",
    "int32",
    "int64",
    "int8",
    "io",
    "io_stats",
    "is_blacklisted",
    "iter_batch",
    "open",
    "plot",
    "profiles",
    "read_batch",
    "rpc",
    "sbyte",
    "session",
    "shutil",
    "transform",
    "ubyte",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "vrt",
    "warp",
    "windows",
]


def open(
    fp: str | os.PathLike[str],
    mode: str = "r",
    driver: str | None = None,
    *,
    cache: str | None = None,
    on_change: str = "error",
    sharing: bool = False,
    thread_safe: bool = False,
    **kwargs: Any,
) -> DatasetReader:
    """Open a raster for reading.

    The version of the object is proven with the store at each open. Datasets may be shared between threads.

    Parameters
    ----------
    fp
        A path, a URL (``gs://bucket/key``), GDAL's spelling of it (``/vsigs/bucket/key``), or the text of a VRT.
    mode
        "r"; writing is not built yet, but ``nacre.shutil.copy`` writes rasters.
    driver
        "GTiff" or "VRT": try no other format.
    cache
        When what is cached is believed: "fresh" (proven with the store at each open, the default), "ttl=SECONDS",
        "immutable" or "offline"; see ``nacre.cache.policy`` for all paths below a prefix.
    on_change
        What a read does where an object behind the dataset is no longer the version that was opened: "error" raises
        ``ObjectChangedError``; "refresh" (or "reopen") opens what there is now and reads once more, if size, bands,
        types, CRS and transform are as they were. A read never mixes versions.
    sharing, thread_safe
        Without effect: there is nothing that need be shared, and every dataset is safe.

    Raises
    ------
    RasterioIOError
        It cannot be opened. Subclasses are also ``FileNotFoundError``, ``PermissionError`` or ``ConnectionError``.
    """
    _check_open(fp, mode, driver, on_change, kwargs)
    return open_dataset(fp, driver, cache, on_change)


async def aopen(
    fp: str | os.PathLike[str], *, driver: str | None = None, cache: str | None = None, on_change: str = "error"
) -> DatasetReader:
    """Like ``open``, for asyncio: no thread waits. Cancelling the task cancels the open."""
    _check_open(fp, "r", driver, on_change, {})
    return await aopen_dataset(fp, driver, cache, on_change)


def _check_open(fp: Any, mode: str, driver: Any, on_change: str, kwargs: dict[str, Any]) -> None:
    if not isinstance(fp, (str, os.PathLike)):
        raise TypeError(f"invalid path or file: {fp!r}")
    if driver is not None and not isinstance(driver, str):
        raise TypeError(f"invalid driver: {driver!r}")
    if on_change not in ("error", "refresh", "reopen"):
        raise ValueError(f"on_change={on_change!r} is none of error, refresh, reopen")
    if mode not in ("r", "r+", "w", "w+"):
        raise ValueError(f"invalid mode: {mode!r}")
    if mode != "r":
        raise NotImplementedError(f"mode {mode!r} is not built yet; write with nacre.shutil.copy")
    if kwargs:
        raise NotImplementedError(f"options of open that are not built yet: {', '.join(sorted(kwargs))}")


__getattr__ = _later.names(
    __name__,
    "Affine Band FilePath MemoryFile Statistics band features fill mask merge pad sample serde show_versions",
)

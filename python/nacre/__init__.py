# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Virtual rasters over object storage whose caches never lie, with Rasterio's interface."""

from __future__ import annotations

import os
from typing import Any

from . import cache, crs, enums, errors, shutil, vrt, warp, windows
from ._lib import io_stats
from ._lib import text as _text
from ._native import lib as _native
from .coords import BoundingBox
from .crs import CRS
from .dataset import DatasetReader, open_dataset
from .env import Env
from .errors import RasterioIOError

__version__ = _text(_native.nacre_version())

__all__ = [
    "CRS",
    "BoundingBox",
    "DatasetReader",
    "Env",
    "RasterioIOError",
    "cache",
    "crs",
    "enums",
    "errors",
    "io_stats",
    "open",
    "shutil",
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
    **kwargs: Any,
) -> DatasetReader:
    """Open a raster: a path, a URL (``gs://bucket/key``), GDAL's spelling of it, or the text of a VRT.

    The version of the object is proven with the store at each open; ``cache="offline"`` uses the cache alone.

    Raises
    ------
    RasterioIOError
        It cannot be opened. Subclasses are also ``FileNotFoundError``, ``PermissionError`` or ``ConnectionError``.
    """
    if not isinstance(fp, (str, os.PathLike)):
        raise TypeError(f"invalid path or file: {fp!r}")
    if mode != "r":
        raise NotImplementedError(f"mode {mode!r} is not built yet; write with nacre.shutil.copy")
    if kwargs:
        raise NotImplementedError(f"options of open that are not built yet: {', '.join(sorted(kwargs))}")
    return open_dataset(fp, driver, cache)

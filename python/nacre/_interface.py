# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The functions of the package itself: ``nacre.open`` and its like."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal, NamedTuple, Sequence, overload

import numpy as np
from affine import Affine

from . import _lib
from ._native import lib
from ._open import check_arguments, open_any
from ._write import DatasetWriter
from .dataset import DatasetReader, DatasetReaderBase, aopen_dataset
from .env import gdal_version
from .transform import guard_transform, moved

VERSION = _lib.text(lib.nacre_version())
GDAL_VERSION = gdal_version()


@overload
def open(fp: Any, mode: Literal["r"] = "r", *args: Any, **kwargs: Any) -> DatasetReader: ...
@overload
def open(fp: Any, mode: Literal["r+", "w", "w+"], *args: Any, **kwargs: Any) -> DatasetWriter: ...
@overload
def open(fp: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any: ...
def open(
    fp: Any,
    mode: str = "r",
    driver: str | None = None,
    width: int | None = None,
    height: int | None = None,
    count: int | None = None,
    crs: Any = None,
    transform: Any = None,
    dtype: Any = None,
    nodata: float | None = None,
    sharing: bool = False,
    thread_safe: bool = False,
    opener: Any = None,
    *,
    cache: str | None = None,
    on_change: str = "error",
    **kwargs: Any,
) -> Any:
    """Open a raster, or make one.

    The version of the object is proven with the store at each open. Datasets may be shared between threads. What is
    written becomes visible when the dataset is closed, at once and whole.

    Parameters
    ----------
    fp
        A path, a URL (``gs://bucket/key``), GDAL's spelling of it (``/vsigs/bucket/key``), the text of a VRT, a
        ``MemoryFile``, or a file of Python's that is open for bytes, which is read or written whole.
    mode
        "r" to read; "r+" to change a GeoTIFF in place; "w" to make a raster, "w+" to read it too meanwhile.
    driver
        "r", "r+": the format to try, and no other. "w", "w+": GTiff, COG, PNG, or MEM for one that goes with its
        dataset; by default that of the path's ending.
    width, height, count, dtype
        Columns, rows, bands and the type of their values: needed to make a raster, else without effect.
    crs, transform, nodata
        Of a raster that is made.
    sharing, thread_safe
        Without effect: there is nothing that need be shared, and every dataset is safe.
    opener
        A function ``(path, mode)`` that opens files for bytes, or an object with such a method ``open`` (a file system
        of fsspec's, say). The file that it gives for ``fp`` is read whole, with ``.aux.xml``, ``.ovr`` and ``.msk``
        beside it, and written whole when the dataset is closed. The stores that nacre knows need none.
    cache
        When what is cached is believed: "fresh" (proven with the store at each open, the default), "ttl=SECONDS",
        "immutable" or "offline"; see ``nacre.cache.policy`` for all paths below a prefix.
    on_change
        What a read does where an object behind the dataset is no longer the version that was opened: "error" raises
        ``ObjectChangedError``; "refresh" (or "reopen") opens what there is now and reads once more, if size, bands,
        types, CRS and transform are as they were. A read never mixes versions.
    **kwargs
        Creation options under GDAL's names, ``gcps`` and ``rpcs``. Those that the format does not have warn.

    Returns
    -------
    DatasetReader or DatasetWriter

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type, or has a value that cannot be.
    DriverRegistrationError
        The format cannot be written.
    CRSError
        PROJ does not know the CRS.
    RasterioIOError
        It cannot be opened or made. Subclasses are also ``FileNotFoundError``, ``PermissionError`` or
        ``ConnectionError``.
    """
    check_arguments(fp, mode, driver, dtype, nodata)
    _check_change(on_change)
    told = {"width": width, "height": height, "count": count, "crs": crs, "transform": transform, "dtype": dtype,
            "nodata": nodata}  # fmt: skip
    told = {key: value for key, value in told.items() if value is not None}
    return open_any(fp, mode, driver, cache, on_change, opener, **told, **kwargs)


async def aopen(
    fp: str | os.PathLike[str], *, driver: str | None = None, cache: str | None = None, on_change: str = "error"
) -> DatasetReader:
    """Like ``open`` for reading, for asyncio: no thread waits. Cancelling the task cancels the open."""
    check_arguments(fp, "r", driver)
    _check_change(on_change)
    return await aopen_dataset(fp, driver, cache, on_change)


def _check_change(on_change: str) -> None:
    if on_change not in ("error", "refresh", "reopen"):
        raise ValueError(f"on_change={on_change!r} is none of error, refresh, reopen")


class Band(NamedTuple):
    """A dataset and one or more of its bands: what ``warp.reproject`` takes."""

    ds: Any
    bidx: Any
    dtype: Any
    shape: tuple[int, ...]


def band(ds: DatasetReaderBase, bidx: int | Sequence[int]) -> Band:
    """A dataset and one or more of its bands.

    Parameters
    ----------
    ds
        An open dataset.
    bidx
        A band number, or several.
    """
    if isinstance(bidx, int):
        return Band(ds, bidx, ds.dtypes[bidx - 1], ds.shape)
    types = {ds.dtypes[number - 1] for number in bidx}
    return Band(ds, bidx, types.pop() if len(types) == 1 else types, (len(bidx), *ds.shape))


def pad(array: Any, transform: Affine, pad_width: int, mode: Any = None, **kwargs: Any) -> tuple[Any, Affine]:
    """An array with more pixels on each side, and its transform.

    Parameters
    ----------
    array
        Shape (rows, columns).
    transform
        Of the array.
    pad_width
        How many pixels are added on each side.
    mode, **kwargs
        As of ``numpy.pad``.
    """
    if mode is not None:
        kwargs["mode"] = mode
    return np.pad(array, pad_width, **kwargs), moved(guard_transform(transform), -pad_width, -pad_width)


def show_versions() -> None:
    """Print the versions of nacre and of what it runs on."""
    print(f"nacre: {VERSION}")
    print(f"python: {sys.version}")
    print(f"numpy: {np.__version__}")
    print(f"as GDAL: {GDAL_VERSION}")

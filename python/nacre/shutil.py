# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Whole rasters: copy, delete, exists."""

from __future__ import annotations

import os
from typing import Any

from . import _lib
from ._native import ffi, lib
from .dataset import DatasetReaderBase, open_dataset
from .drivers import driver_from_extension  # noqa: F401 (Rasterio has it here, too)
from .errors import DriverRegistrationError, ObjectNotFoundError, RasterioIOError

# Formats that can be written, by GDAL's names.
_DRIVERS = frozenset(("COG", "GTIFF", "PNG", "VRT"))

# Items of a profile that are no creation options.
_OF_SOURCE = frozenset(("count", "crs", "dtype", "height", "nodata", "transform", "width"))


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether the object exists now; the store is asked.

    Raises
    ------
    RasterioIOError
        The store refuses to tell, or cannot be reached.
    """
    info = ffi.new("nacre_object_info *")
    err = ffi.new("nacre_error *")
    io = _lib.IOOptions()
    try:
        _lib.check(_lib.blocking(lib.nacre_stat, io, _lib.encoded(path), io.pointer, info, err), err)
    except ObjectNotFoundError:
        return False
    is_object = not info.is_prefix
    lib.nacre_object_info_free(info)
    return is_object


def delete(path: str | os.PathLike[str], driver: str | None = None) -> None:
    """Delete a raster with the files beside it that belong to it; every later open in the process sees it gone.

    Parameters
    ----------
    path
        Of the raster. A VRT's sources stay.
    driver
        Its format, by GDAL's name; what it is in truth is found out.

    Raises
    ------
    ObjectNotFoundError
        There is no such object.
    DriverRegistrationError
        There is no such format.
    RasterioIOError
        It is no raster, which is left alone, or the store refuses.
    """
    if driver is not None and driver.upper() not in _DRIVERS:
        raise DriverRegistrationError(f"{os.fspath(path)}: unknown format {driver}")
    with open_dataset(path) as dataset:
        beside = [] if dataset.driver == "VRT" else [name for name in dataset.files if name != dataset.name]
    for name in (os.fspath(path), *beside):
        err = ffi.new("nacre_error *")
        io = _lib.IOOptions()
        _lib.check(_lib.blocking(lib.nacre_delete, io, _lib.encoded(name), io.pointer, err), err)


def _refuse_itself(src: Any, dst: Any) -> None:
    name = src.name if isinstance(src, DatasetReaderBase) else os.fspath(src)
    here, there = (os.fspath(path).removeprefix("file://") for path in (name, dst))
    if here == there or (os.path.exists(here) and os.path.exists(there) and os.path.samefile(here, there)):
        raise RasterioIOError(f"{_lib.shown(str(name))}: source and destination are the same raster")


def _check_written(driver: str | None, dst: Any) -> None:
    if driver is not None and driver.upper() not in _DRIVERS:
        raise DriverRegistrationError(f"{dst}: the format {driver} cannot be written")


def copy(
    src: DatasetReaderBase | str | os.PathLike[str],
    dst: str | os.PathLike[str],
    driver: str | None = None,
    strict: bool = True,
    **creation_options: Any,
) -> None:
    """Write a dataset or view at ``dst``, whole or not at all; what is there is replaced.

    Parameters
    ----------
    src
        A dataset, or the path of one.
    dst
        A path or URL.
    driver
        GTiff, COG, PNG, or VRT: the last writes the view itself, with its sources named relative to ``dst`` where that
        can be. None: that of the source.
    strict
        Without effect; Rasterio has it.
    **creation_options
        GDAL's, for example ``compress="deflate"``. What else a profile has (width, dtype, ...) is the source's.

    Raises
    ------
    DriverRegistrationError
        The format cannot be written.
    ValueError
        There is no such creation option.
    UnsupportedError
        The format cannot hold the raster.
    RasterioIOError
        It cannot be read or written, the dataset is closed, or ``src`` and ``dst`` are the same.
    """
    _check_written(driver, dst)
    if dst is None:
        raise TypeError("dst: a path is expected, not None")
    _refuse_itself(src, dst)
    dataset = src if isinstance(src, DatasetReaderBase) else open_dataset(src)
    driver = dataset.driver if driver is None else driver
    _check_written(driver, dst)
    options = _lib.sized("nacre_save_options")
    options.overwrite = True
    name = ffi.new("char[]", driver.encode())
    options.format = name
    told = {key: value for key, value in creation_options.items() if key.lower() not in _OF_SOURCE}
    pairs = [ffi.new("char[]", _lib.encoded(f"{key.upper()}={value}")) for key, value in told.items()]
    creation = ffi.new("char const *[]", [*pairs, ffi.NULL])
    options.creation = creation
    io = _lib.IOOptions(dataset._cache)
    err = ffi.new("nacre_error *")
    handle, target = dataset._open_handle(), _lib.encoded(dst)
    _lib.check(_lib.blocking(lib.nacre_dataset_save, io, handle, target, options, io.pointer, err), err)


def copyfiles(src: str | os.PathLike[str], dst: str | os.PathLike[str]) -> None:
    """Copy a raster's file as it is, with the files beside it that belong to it.

    Parameters
    ----------
    src, dst
        Paths; files beside ``src`` that begin with its name, such as ``.ovr`` and ``.aux.xml``, keep their endings.

    Raises
    ------
    RasterioIOError
        It cannot be read or written, or ``src`` and ``dst`` are the same.
    """
    _refuse_itself(src, dst)
    io, options = _lib.IOOptions(), _lib.sized("nacre_write_options")
    for ending in ("", ".ovr", ".msk", ".msk.ovr", ".aux.xml"):
        source, target = f"{os.fspath(src)}{ending}", f"{os.fspath(dst)}{ending}"
        err = ffi.new("nacre_error *")
        names = _lib.encoded(source), _lib.encoded(target)
        try:
            _lib.check(_lib.blocking(lib.nacre_copy, io, *names, options, io.pointer, err), err)
        except ObjectNotFoundError:
            if not ending:
                raise

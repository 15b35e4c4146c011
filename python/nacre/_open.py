# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""How datasets are opened and made."""

from __future__ import annotations

import os
import warnings
from typing import Any, Mapping

import numpy as np

from . import _lib, _read
from ._creation import checked_blocks, creation_pairs, first_colors
from ._native import ffi, lib
from ._write import BufferedDatasetWriter, DatasetWriter, DatasetWriterBase
from .crs import CRS
from .dataset import DatasetReader, OpenOptions, open_dataset, warn_where_not_georeferenced
from .drivers import driver_from_extension
from .dtypes import check_dtype, in_dtype_range
from .errors import (
    DriverCapabilityError,
    DriverRegistrationError,
    ObjectNotFoundError,
    RasterioIOError,
)
from .rpc import RPC
from .transform import guard_transform

MODES = ("r", "r+", "w", "w+")

# Formats that are written, by their names in small letters; MEM is a raster that goes with its dataset.
_DRIVERS = {name.lower(): name for name in ("GTiff", "COG", "PNG", "MEM")}
_BUFFERED = ("COG", "PNG")

# Options of GDAL's drivers for opening that change nothing here.
_IDLE_OPTIONS = frozenset(("num_threads",))


def check_arguments(fp: Any, mode: Any, driver: Any, dtype: Any = None, nodata: Any = None) -> None:
    """Checks what does not depend on the mode.

    Raises
    ------
    TypeError
        Something is of a wrong type.
    ValueError
        There is no such mode; the nodata value is no number.
    """
    if not (isinstance(fp, (str, os.PathLike)) or hasattr(fp, "read") or hasattr(fp, "open")):
        raise TypeError(f"invalid path or file: {fp!r}")
    if not isinstance(mode, str):
        raise TypeError(f"invalid mode: {mode!r}")
    if driver is not None and not isinstance(driver, str):
        raise TypeError(f"invalid driver: {driver!r}")
    if mode in ("rb", "wb"):
        raise DriverCapabilityError(f"mode must be one of {MODES}, not {mode}")
    if mode not in MODES:
        raise ValueError(f"invalid mode: {mode!r}; there are {', '.join(MODES)}")
    if dtype is not None:
        dtype_name(dtype)
    if nodata is not None:
        float(nodata)


def dtype_name(dtype: Any) -> str:
    """The name of a type of pixels.

    Raises
    ------
    TypeError
        There is no such type.
    """
    if not check_dtype(dtype):
        raise TypeError(f"invalid dtype: {dtype!r}")
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    return "complex128" if name == "complex" else str(name)


def open_any(
    fp: Any,
    mode: str = "r",
    driver: str | None = None,
    cache: str | None = None,
    on_change: str = "error",
    opener: Any = None,
    **options: Any,
) -> Any:
    """Open or make a dataset; see ``nacre.open``."""
    if options.get("transform") is not None:
        guard_transform(options["transform"])
    if opener is not None and isinstance(fp, (str, os.PathLike)):
        from ._opener import open_by

        return open_by(opener, fp, mode, driver, {"cache": cache, "on_change": on_change, **options})
    if hasattr(fp, "open") and not isinstance(fp, os.PathLike):  # a MemoryFile, or what is like one
        return fp.open(driver=driver, **options)
    if not isinstance(fp, (str, os.PathLike)):
        return _open_file(fp, mode, driver, options)
    if not os.fspath(fp):
        raise ObjectNotFoundError("open: no path is given")
    if mode == "r":
        _check_open_options(options)
        more = {key: value for key, value in options.items() if key not in _DESCRIPTION}
        dataset = open_dataset(fp, driver, cache, on_change, more)
        return _overview_of(dataset, options) if _level_of(options) is not None else dataset
    if mode == "r+":
        return _update(fp, driver, cache)
    return _make(fp, mode, driver, cache, options)


# Arguments that describe a dataset to be made, and that opening for reading ignores.
_DESCRIPTION = ("width", "height", "count", "crs", "transform", "dtype", "nodata", "sharing", "thread_safe")


def _check_open_options(options: Mapping[str, Any]) -> None:
    for key in options:
        if key.lower() == "overview_level":
            continue
        if key.lower() == "georef_sources":
            raise NotImplementedError(f"the option {key} of open is not built yet")
        if key not in _DESCRIPTION and key.lower() not in _IDLE_OPTIONS:
            warnings.warn(f"the option {key} of open has no effect", UserWarning, stacklevel=_lib.outer_level())


def _level_of(options: Mapping[str, Any]) -> Any:
    """The value of the option OVERVIEW_LEVEL, in any case; None: the raster itself."""
    return next((value for key, value in options.items() if key.lower() == "overview_level"), None)


def _overview_of(dataset: DatasetReader, options: Mapping[str, Any]) -> DatasetReader:
    """The overview that options name, of a dataset that is not needed any longer."""
    from ._overview import OverviewReader

    with dataset:
        try:
            level = int(_level_of(options))
        except (TypeError, ValueError):
            raise ValueError(f"overview_level={_level_of(options)!r} is not a number") from None
        return OverviewReader(dataset, level)


def _open_file(fp: Any, mode: str, driver: str | None, options: dict[str, Any]) -> Any:
    """A dataset in a file of Python's, through one in memory."""
    from ._memory import MemoryFile

    if mode == "r":
        memory = MemoryFile(fp)
        try:
            dataset = memory.open(driver=driver, **options)
        except BaseException:
            memory.close()
            raise
    elif mode == "r+":
        raise TypeError(f"invalid path or file for mode {mode}: {fp!r}; a file cannot be changed in place, only a path")
    else:
        memory = MemoryFile()
        dataset = memory.open(driver=driver or "GTiff", **options)
        dataset._at_commit.append(lambda: fp.write(memory.getbuffer()))
    dataset._at_end.insert(0, memory.close)
    return dataset


def _update(fp: str | os.PathLike[str], driver: str | None, cache: str | None) -> DatasetWriterBase:
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    opening, io = OpenOptions(driver), _lib.IOOptions(cache)
    arguments = (_lib.encoded(fp), opening.pointer, io.pointer, out, err)
    _lib.check(_lib.blocking(lib.nacre_dataset_update, io, *arguments), err)
    dataset = DatasetWriter(out[0], "r+", "GTiff", cache)
    warn_where_not_georeferenced(dataset)
    return dataset


# --- Making ---


def writer_driver(fp: str | os.PathLike[str], driver: str | None) -> str:
    """GDAL's name of the format to write, by default that of the path's ending.

    Raises
    ------
    ValueError
        The ending names no format.
    DriverRegistrationError
        The format cannot be written.
    """
    driver = driver_from_extension(fp) if driver is None else driver
    if driver.lower() not in _DRIVERS:
        written = ", ".join(_DRIVERS.values())
        raise DriverRegistrationError(f"{_lib.shown(os.fspath(fp))}: {driver} cannot be written; there are {written}")
    return _DRIVERS[driver.lower()]


def _whole(*numbers: Any) -> bool:
    try:
        return all(int(number) == int(number) for number in numbers)
    except (TypeError, ValueError):
        return False


def _make(
    fp: str | os.PathLike[str], mode: str, driver: str | None, cache: str | None, options: dict[str, Any]
) -> DatasetWriterBase:
    told = {key: options.pop(key, None) for key in _DESCRIPTION}
    driver = writer_driver(fp, driver)
    if told["count"] is None or not _whole(told["count"]):
        raise TypeError("Integer band count is required.")
    if not _whole(told["width"], told["height"]):
        raise TypeError("Integer width and height are required.")
    if told["dtype"] is None:
        raise TypeError("A valid dtype is required.")
    dtype = dtype_name(told["dtype"])
    if told["nodata"] is not None and not _is_in_range(told["nodata"], dtype):
        raise ValueError(
            f"Given nodata value, {float(told['nodata'])}, is beyond the valid range of its data type, {dtype}."
        )
    gcps, rpcs = options.pop("gcps", None), options.pop("rpcs", None)
    if driver != "MEM":
        _check_folder(os.fspath(fp))
    transform = None if told["transform"] is None else guard_transform(told["transform"])
    size = (int(told["width"]), int(told["height"]), int(told["count"]))
    dataset = _created(fp, mode, driver, cache, size, dtype, options)
    try:
        _describe(dataset, told, transform, gcps, rpcs)
    except BaseException:
        dataset._give_up()
        raise
    if told["transform"] is None:
        warn_where_not_georeferenced(dataset)
    return dataset


def _check_folder(path: str) -> None:
    """What would fail at close fails at once where that is known: on the local disk.

    Raises
    ------
    RasterioIOError
        The folder does not exist, or the path is one.
    """
    if "://" in path or path.startswith("/vsi"):
        return
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise ObjectNotFoundError(f"{path}: the directory {folder} does not exist; make it first")
    if os.path.isdir(path):
        raise RasterioIOError(f"{path}: is a directory, not a file")


def _created(
    fp: str | os.PathLike[str], mode: str, driver: str, cache: str | None, size: tuple[int, int, int], dtype: str,
    options: dict[str, Any],
) -> DatasetWriterBase:  # fmt: skip
    is_kept = driver != "MEM"
    format_name = driver if is_kept else "GTiff"
    colors = first_colors(options, size[2], dtype) if format_name == "GTiff" else None
    pairs, unknown = creation_pairs(format_name, checked_blocks(options) if colors else options)
    for name in unknown:
        if is_kept and name.lower() not in ("affine", "sharing", "driver"):
            text = f"{_lib.shown(os.fspath(fp))}: {driver} has no creation option {name}, which has no effect"
            warnings.warn(text, UserWarning, stacklevel=_lib.outer_level())
    create = _lib.sized("nacre_create_options")
    name = ffi.new("char[]", format_name.encode())
    texts = [ffi.new("char[]", _lib.encoded(pair)) for pair in pairs]
    creation = ffi.new("char const *[]", [*texts, ffi.NULL])
    create.format, create.creation, create.overwrite = name, creation, True
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    io = _lib.IOOptions(cache)
    path = _lib.encoded(fp) if is_kept else b"mem://nacre/" + _lib.encoded(fp)
    arguments = (path, *size, _read.dtype_number(dtype), create, io.pointer, out, err)
    status = _lib.blocking(lib.nacre_dataset_create, io, *arguments)
    if status == lib.NACRE_ERROR_INVALID and min(size) < 1:
        status = lib.NACRE_ERROR_IO  # Rasterio tells such sizes as errors of the file
    _lib.check(status, err)
    kind = BufferedDatasetWriter if driver in _BUFFERED else DatasetWriter
    dataset = kind(out[0], mode, driver, cache, None if is_kept else os.fspath(fp))
    if colors:
        dataset._set("colorinterp", colors)
    return dataset


def _is_in_range(value: float, dtype: str) -> bool:
    return dtype.startswith("complex") or in_dtype_range(value, dtype)


def _describe(dataset: DatasetWriterBase, told: Mapping[str, Any], transform: Any, gcps: Any, rpcs: Any) -> None:
    """Sets what the arguments of open say."""
    if told["crs"] is not None and told["crs"] != "" and told["crs"] != {}:
        dataset._set("crs", told["crs"])
    if transform is not None:
        dataset._set("transform", transform)
    if told["nodata"] is not None:
        dataset._set("nodata", told["nodata"])
    if gcps:
        crs = None if told["crs"] is None else CRS.from_user_input(told["crs"])
        dataset._set("gcps", (gcps, crs))
    if rpcs is not None:
        dataset._set("rpcs", rpcs if hasattr(rpcs, "to_gdal") else RPC.from_gdal(rpcs))


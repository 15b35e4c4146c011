# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets that are made and changed, through the C functions of nacre/edit.h: a thin layer for tests."""

from __future__ import annotations

import os
from typing import Any, Iterable

import numpy as np
import rasterio.crs

from nacre import _lib
from nacre._native import ffi, lib


class Edit:
    """A writable dataset; leaving the block commits it, unless by an exception."""

    def __init__(self, handle: Any, io: Any = ffi.NULL) -> None:
        self.handle, self.io = handle, io

    def __enter__(self) -> Edit:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.close()

    def _call(self, function: Any, *arguments: Any) -> None:
        err = ffi.new("nacre_error *")
        _lib.check(function(self.handle, *arguments, err), err)

    def commit(self) -> None:
        self._call(lib.nacre_dataset_commit, ffi.NULL, ffi.NULL, self.io)

    def close(self) -> None:
        lib.nacre_dataset_close(self.handle)
        self.handle = ffi.NULL

    def _bands(self, options: Any, bands: Iterable[int] | None) -> Any:
        kept = ffi.new("int[]", list(bands)) if bands is not None else None
        if kept is not None:
            options.bands, options.band_count = kept, len(kept)
        return kept

    def write(
        self,
        pixels: np.ndarray,
        window: tuple[int, int, int, int] | None = None,
        bands: Iterable[int] | None = None,
        mask: bool = False,
    ) -> None:
        options = _lib.sized("nacre_dataset_write_options")
        if window:
            options.window = window
        kept = self._bands(options, bands)
        options.dataset_mask = mask
        options.dtype = lib.nacre_dtype_from_name(pixels.dtype.name.encode())
        pixels = np.ascontiguousarray(pixels)
        self._call(lib.nacre_dataset_write, options, ffi.NULL, ffi.from_buffer(pixels), pixels.nbytes)
        del kept

    def info(self) -> Any:
        out = ffi.new("nacre_dataset_info *")
        lib.nacre_dataset_info_get(self.handle, out)
        return out

    def read(self, dtype: str, window: tuple[int, int, int, int] | None = None, mask: bool = False) -> np.ndarray:
        info = self.info()
        options = _lib.sized("nacre_read_options")
        x, y, width, height = window or (0, 0, info.width, info.height)
        options.window = (x, y, width, height)
        options.dataset_mask = mask
        out = np.zeros((1 if mask else info.band_count, height, width), "uint8" if mask else dtype)
        self._call(lib.nacre_dataset_read, options, ffi.NULL, ffi.from_buffer(out), out.nbytes)
        return out

    def set_crs(self, crs: str | None) -> None:
        pointer = ffi.new("nacre_crs **")
        err = ffi.new("nacre_error *")
        if crs:
            _lib.check(lib.nacre_crs_from_text(crs.encode(), pointer, err), err)
        self._call(lib.nacre_dataset_set_crs, pointer[0])
        lib.nacre_crs_unref(pointer[0])

    def set_transform(self, *values: float) -> None:
        self._call(lib.nacre_dataset_set_transform, ffi.new("nacre_transform *", values) if values else ffi.NULL)

    def set_metadata(self, key: str, value: str | None, band: int = 0, domain: str = "") -> None:
        text = ffi.new("char[]", value.encode()) if value is not None else ffi.NULL
        self._call(lib.nacre_dataset_set_metadata, band, domain.encode(), key.encode(), text)

    def set_band(self, band: int, **values: Any) -> None:
        info = ffi.new("nacre_band_info *")
        which, kept = 0, []
        for name, value in values.items():
            if name == "nodata":
                which |= lib.NACRE_BAND_NODATA
                info.nodata.is_set = value is not None
                info.nodata.value = value or 0
            elif name in ("scale", "offset"):
                which |= lib.NACRE_BAND_SCALE
                setattr(info, name, value)
            elif name in ("unit", "description"):
                which |= lib.NACRE_BAND_UNIT if name == "unit" else lib.NACRE_BAND_DESCRIPTION
                kept.append(ffi.new("char[]", value.encode()))
                setattr(info, name, kept[-1])
            elif name == "color":
                which |= lib.NACRE_BAND_COLOR
                info.color = value
            else:
                which |= lib.NACRE_BAND_COLORS
                kept.append(ffi.new("nacre_color_entry[]", value))
                info.colors, info.color_count = kept[-1], len(value)
        self._call(lib.nacre_dataset_set_band, band, which, info)

    def build_overviews(self, factors: list[int], resampling: int) -> None:
        self._call(lib.nacre_dataset_build_overviews, ffi.new("int[]", factors), len(factors), resampling)


def create(
    path: str | os.PathLike[str],
    width: int,
    height: int,
    count: int,
    dtype: str,
    driver: str = "GTiff",
    overwrite: bool = False,
    **creation: Any,
) -> Edit:
    """As ``rasterio.open(path, "w+")``."""
    options = _lib.sized("nacre_create_options")
    name = ffi.new("char[]", driver.encode())
    pairs = [ffi.new("char[]", f"{key.upper()}={value}".encode()) for key, value in creation.items()]
    array = ffi.new("char const *[]", [*pairs, ffi.NULL])
    options.format, options.creation, options.overwrite = name, array, overwrite
    out, err = ffi.new("nacre_dataset **"), ffi.new("nacre_error *")
    kind = lib.nacre_dtype_from_name(dtype.encode())
    _lib.check(
        lib.nacre_dataset_create(_lib.encoded(path), width, height, count, kind, options, ffi.NULL, out, err), err
    )
    return Edit(out[0])


def update(path: str | os.PathLike[str]) -> Edit:
    """As ``rasterio.open(path, "r+")``."""
    out, err = ffi.new("nacre_dataset **"), ffi.new("nacre_error *")
    _lib.check(lib.nacre_dataset_update(_lib.encoded(path), ffi.NULL, ffi.NULL, out, err), err)
    return Edit(out[0])


def save_overviews(path: str | os.PathLike[str], factors: list[int], resampling: int, **creation: Any) -> None:
    """A `.ovr` beside a file."""
    pairs = [ffi.new("char[]", f"{key.upper()}={value}".encode()) for key, value in creation.items()]
    array = ffi.new("char const *[]", [*pairs, ffi.NULL])
    options = _lib.sized("nacre_save_options")
    options.creation = array
    out, err = ffi.new("nacre_dataset **"), ffi.new("nacre_error *")
    _lib.check(lib.nacre_dataset_open(_lib.encoded(path), ffi.NULL, ffi.NULL, out, err), err)
    name = _lib.encoded(os.fspath(path) + ".ovr")
    numbers = ffi.new("int[]", factors)
    status = lib.nacre_dataset_save_overviews(out[0], name, numbers, len(factors), resampling, options, ffi.NULL, err)
    lib.nacre_dataset_close(out[0])
    _lib.check(status, err)


def wkt(epsg: int) -> str:
    return str(rasterio.crs.CRS.from_epsg(epsg).to_wkt())

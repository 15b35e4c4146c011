# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What a dataset is, as plain values: they outlive the dataset, so a closed one still tells them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine

from . import _lib
from ._native import ffi, lib
from .crs import CRS
from .enums import ColorInterp, MaskFlags


@dataclass(frozen=True)
class BandInfo:
    """A band. Texts are "" where there are none."""

    dtype: str
    block_shape: tuple[int, int]  # rows, columns
    nodata: float | int | None
    scale: float
    offset: float
    unit: str
    description: str
    color: ColorInterp
    mask_flags: list[MaskFlags]
    colors: tuple[tuple[int, int, int, int], ...]  # the colour table


@dataclass(frozen=True)
class Point:
    """A ground control point."""

    id: str
    info: str
    row: float
    col: float
    x: float
    y: float
    z: float


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset. Texts are "" where there are none."""

    path: str
    driver: str
    width: int
    height: int
    transform: Affine | None
    crs: CRS | None
    gcps: tuple[Point, ...]
    gcp_crs: CRS | None
    compression: str
    interleave: str
    overview_widths: list[int]
    bands: list[BandInfo]

    @functools.cached_property
    def dtypes(self) -> tuple[str, ...]:
        """Of the bands, by numpy's names."""
        return tuple(band.dtype for band in self.bands)


def describe(handle: Any) -> DatasetInfo:
    """Everything of a ``nacre_dataset *`` that costs no I/O."""
    info = ffi.new("nacre_dataset_info *")
    lib.nacre_dataset_info_get(handle, info)
    t = info.transform
    return DatasetInfo(
        path=_lib.text(info.path),
        driver=_lib.text(info.driver),
        width=info.width,
        height=info.height,
        transform=Affine(t.a, t.b, t.c, t.d, t.e, t.f) if info.has_transform else None,
        crs=_crs(info.crs),
        gcps=tuple(_point(info.gcps[i]) for i in range(info.gcp_count)),
        gcp_crs=_crs(info.gcp_crs),
        compression=_lib.text(info.compression),
        interleave=_lib.text(info.interleave),
        overview_widths=[info.overviews[i][0] for i in range(info.overview_count)],
        bands=[_band(handle, number) for number in range(1, info.band_count + 1)],
    )


def _crs(pointer: Any) -> CRS | None:
    return CRS._of(lib.nacre_crs_ref(pointer)) if pointer else None


def _point(gcp: Any) -> Point:
    return Point(_lib.text(gcp.id), _lib.text(gcp.info), gcp.line, gcp.pixel, gcp.x, gcp.y, gcp.z)


def _band(handle: Any, number: int) -> BandInfo:
    band = ffi.new("nacre_band_info *")
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_dataset_band_get(handle, number, band, err), err)
    return BandInfo(
        dtype=_lib.text(lib.nacre_dtype_name(band.dtype)),
        block_shape=(band.block_height, band.block_width),
        nodata=_nodata(band),
        scale=band.scale,
        offset=band.offset,
        unit=_lib.text(band.unit),
        description=_lib.text(band.description),
        color=ColorInterp(band.color),
        mask_flags=[flag for flag in MaskFlags if band.mask_flags & flag],
        colors=tuple((c.red, c.green, c.blue, c.alpha) for c in band.colors[0 : band.color_count]),
    )


def _nodata(band: Any) -> float | int | None:
    if not band.nodata.is_set:
        return None
    if band.dtype == lib.NACRE_DTYPE_INT64:
        return int(band.nodata.int64_value)
    if band.dtype == lib.NACRE_DTYPE_UINT64:
        return int(band.nodata.uint64_value)
    return _held(float(band.nodata.value), _lib.text(lib.nacre_dtype_name(band.dtype)))


def _held(value: float, dtype: str) -> float | None:
    """A nodata value as a type has it: none beyond the integers, infinite beyond the numbers."""
    kind = np.dtype({"complex_int16": "int16", "complex_int32": "int32"}.get(dtype, dtype))
    if kind.kind == "i" or kind.kind == "u":
        limits = np.iinfo(kind)
        return value if limits.min <= value <= limits.max else None
    if kind.kind == "f" and math.isfinite(value) and abs(value) > np.finfo(kind).max:
        return math.copysign(math.inf, value)
    return value

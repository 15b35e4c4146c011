# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Grids of warped rasters."""

from __future__ import annotations

from typing import Any

from affine import Affine

from . import _lib
from ._native import ffi, lib
from .crs import CRS


def calculate_default_transform(
    src_crs: Any,
    dst_crs: Any,
    width: int,
    height: int,
    left: float,
    bottom: float,
    right: float,
    top: float,
    resolution: float | tuple[float, float] | None = None,
    dst_width: int | None = None,
    dst_height: int | None = None,
) -> tuple[Affine, int, int]:
    """The transform, width and height of the grid that GDAL suggests for a raster in another CRS."""
    source_crs, target_crs = CRS.from_user_input(src_crs), CRS.from_user_input(dst_crs)
    source = ffi.new("nacre_grid *")
    source.width, source.height = width, height
    source.transform = ((right - left) / width, 0, left, 0, (bottom - top) / height, top)
    options = _lib.sized("nacre_warp_options")
    options.src_crs, options.dst_crs = source_crs._handle, target_crs._handle
    options.width, options.height = dst_width or 0, dst_height or 0
    if resolution is not None:
        pair = resolution if isinstance(resolution, tuple) else (resolution, resolution)
        options.res_x, options.res_y = pair
    out = ffi.new("nacre_grid *")
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_warp_grid_of(source, options, out, err), err)
    t = out.transform
    return Affine(t.a, t.b, t.c, t.d, t.e, t.f), out.width, out.height

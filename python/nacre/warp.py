# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Grids of warped rasters."""

from __future__ import annotations

import math
from typing import Any

from affine import Affine

from . import _later, _lib
from ._native import ffi, lib
from .crs import CRS
from .transform import from_bounds


def calculate_default_transform(
    src_crs: Any,
    dst_crs: Any,
    width: int,
    height: int,
    left: float | None = None,
    bottom: float | None = None,
    right: float | None = None,
    top: float | None = None,
    gcps: Any = None,
    rpcs: Any = None,
    resolution: float | tuple[float, float] | None = None,
    dst_width: int | None = None,
    dst_height: int | None = None,
    src_geoloc_array: Any = None,
    **options: Any,
) -> tuple[Affine, int, int]:
    """The grid that GDAL suggests for a raster in another CRS.

    Parameters
    ----------
    src_crs, dst_crs
        Of the raster, and wanted.
    width, height
        Of the raster, in pixels.
    left, bottom, right, top
        Of the raster, in the units of ``src_crs``.
    resolution
        Size of the grid's pixels in the units of ``dst_crs``: one number, or width and height.
    dst_width, dst_height
        Size of the grid in pixels, instead of the resolution.

    Returns
    -------
    tuple
        Transform, width and height of the grid.

    Raises
    ------
    CRSError
        PROJ does not know a CRS.
    ValueError
        Bounds are missing, only one of ``dst_width`` and ``dst_height`` is given, or they come with a resolution.
    """
    if gcps is not None or rpcs is not None or src_geoloc_array is not None or options:
        raise NotImplementedError("grids of ground control points, RPCs and geolocation arrays are not built yet")
    if left is None or bottom is None or right is None or top is None:
        raise ValueError("the raster's bounds are needed")
    if (dst_width is None) != (dst_height is None):
        raise ValueError("give both dst_width and dst_height, or neither")
    if resolution is not None and dst_width is not None:
        raise ValueError("give a resolution or a size of the grid, not both")
    grid, cols, rows = _suggested(src_crs, dst_crs, width, height, from_bounds(left, bottom, right, top, width, height))
    if resolution is not None:
        xres, yres = resolution if isinstance(resolution, tuple) else (resolution, resolution)
        cols, rows = math.ceil(cols * grid.a / xres), math.ceil(rows * -grid.e / yres)
        return Affine(xres, 0, grid.c, 0, -yres, grid.f), cols, rows
    if dst_width is not None and dst_height is not None:
        x, y = cols / dst_width, rows / dst_height
        return Affine(grid.a * x, 0, grid.c, 0, grid.e * y, grid.f), dst_width, dst_height
    return grid, cols, rows


def _suggested(src_crs: Any, dst_crs: Any, width: int, height: int, transform: Affine) -> tuple[Affine, int, int]:
    source_crs, target_crs = CRS.from_user_input(src_crs), CRS.from_user_input(dst_crs)
    source = ffi.new("nacre_grid *")
    source.width, source.height = width, height
    source.transform = tuple(transform)[:6]
    options = _lib.sized("nacre_warp_options")
    options.src_crs, options.dst_crs = source_crs._handle, target_crs._handle
    out = ffi.new("nacre_grid *")
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_warp_grid_of(source, options, out, err), err)
    t = out.transform
    return Affine(t.a, t.b, t.c, t.d, t.e, t.f), out.width, out.height


__getattr__ = _later.names(
    __name__, "SUPPORTED_RESAMPLING aligned_target reproject transform transform_bounds transform_geom"
)

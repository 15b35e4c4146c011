# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warping: arrays, grids, points and geometries from one CRS to another."""

from __future__ import annotations

import math
import warnings
from typing import Any, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from affine import Affine

from . import _lib, _read
from ._destination import ArrayTarget, BandsTarget, Overlay, fill
from ._geometry import mapped, rounded
from ._native import ffi, lib
from ._warping import Source, View, fitting_nodata
from .crs import CRS
from .dtypes import in_dtype_range
from .enums import Resampling
from .errors import CRSError, RasterioDeprecationWarning, TransformError
from .transform import array_bounds, from_bounds, guard_transform

__all__ = [
    "SUPPORTED_RESAMPLING",
    "aligned_target",
    "calculate_default_transform",
    "reproject",
    "transform",
    "transform_bounds",
    "transform_geom",
]

Array = npt.NDArray[Any]

SUPPORTED_RESAMPLING = [method for method in Resampling if method != Resampling.gauss]


# --- Points ---


def transform(src_crs: Any, dst_crs: Any, xs: Sequence[float], ys: Sequence[float], zs: Any = None) -> Any:
    """Points in another CRS, exactly.

    Parameters
    ----------
    src_crs, dst_crs
        Of the points, and wanted.
    xs, ys
        Coordinates east (or longitude) and north (or latitude), in the units of ``src_crs``.
    zs
        Heights.

    Returns
    -------
    tuple of lists
        xs, ys, and zs where they are given. Points without a place in ``dst_crs`` are infinite.

    Raises
    ------
    TransformError
        There are not as many ys (or zs) as xs.
    """
    if len(xs) != len(ys) or (zs is not None and len(zs) != len(xs)):
        raise TransformError("xs, ys and zs must be of the same length")
    columns = [np.array(values, dtype=float) for values in (xs, ys, zs) if values is not None]
    _reproject_points(CRS.from_user_input(src_crs), CRS.from_user_input(dst_crs), columns)
    return tuple(column.tolist() for column in columns)


def _reproject_points(src_crs: CRS, dst_crs: CRS, columns: list[Array]) -> None:
    """Arrays x, y and perhaps z, in place."""
    if not src_crs or not dst_crs:
        raise CRSError("a CRS is empty")
    pointers = [ffi.cast("double *", column.ctypes.data) for column in columns] + [ffi.NULL]
    err = ffi.new("nacre_error *")
    arguments = (src_crs._handle, dst_crs._handle, columns[0].size, *pointers[:3], err)
    _lib.check(lib.nacre_points_reproject(*arguments), err)


def transform_bounds(
    src_crs: Any, dst_crs: Any, left: float, bottom: float, right: float, top: float, densify_pts: int = 21
) -> tuple[float, float, float, float]:
    """The smallest rectangle in another CRS around one.

    Parameters
    ----------
    left, bottom, right, top
        In the units of ``src_crs``.
    densify_pts
        On how many points between its corners each edge is looked at, 0 to 10000.

    Returns
    -------
    tuple
        left, bottom, right, top; left is greater than right where the rectangle crosses the antimeridian.

    Raises
    ------
    ValueError
        The rectangle has no place in ``dst_crs``, or ``densify_pts`` is out of range.
    """
    src, dst = CRS.from_user_input(src_crs), CRS.from_user_input(dst_crs)
    if src == dst:
        return left, bottom, right, top
    out = ffi.new("double[4]")
    err = ffi.new("nacre_error *")
    edges = ffi.new("double[4]", (left, bottom, right, top))
    _lib.check(lib.nacre_bounds_reproject(src._handle, dst._handle, edges, densify_pts, out, err), err)
    return tuple(out)


def transform_geom(
    src_crs: Any,
    dst_crs: Any,
    geom: Any,
    antimeridian_cutting: bool | None = None,
    antimeridian_offset: float | None = None,
    precision: int = -1,
) -> Any:
    """Geometries in another CRS, vertex by vertex.

    Parameters
    ----------
    geom
        One like GeoJSON's (a mapping, or an object with ``__geo_interface__``), or an iterable of them.
    antimeridian_cutting, antimeridian_offset
        Without effect, and deprecated as in Rasterio: geometries that cross the antimeridian are not cut there.
    precision
        To how many decimal places coordinates are rounded; negative: not at all.

    Returns
    -------
    dict or list of dicts

    Raises
    ------
    ValueError
        It is no geometry.
    """
    if antimeridian_cutting is not None or antimeridian_offset is not None:
        text = "antimeridian_cutting and antimeridian_offset have no effect"
        warnings.warn(text, RasterioDeprecationWarning, stacklevel=_lib.outer_level())
    src, dst = CRS.from_user_input(src_crs), CRS.from_user_input(dst_crs)

    def move(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        columns = [np.array(column, dtype=float) for column in zip(*points)]
        _reproject_points(src, dst, columns)
        return list(zip(*(column.tolist() for column in columns)))

    def one(geometry: Any) -> dict[str, Any]:
        moved = mapped(geometry, move)
        return rounded(moved, precision) if precision >= 0 else moved

    if isinstance(geom, Mapping) or hasattr(geom, "__geo_interface__"):
        return one(geom)
    return [one(each) for each in geom]


# --- Grids ---


def aligned_target(
    transform: Affine, width: int, height: int, resolution: float | tuple[float, float]
) -> tuple[Affine, int, int]:
    """A grid around another whose edges are multiples of its resolution, as ``gdalwarp -tap``.

    Returns
    -------
    tuple
        Transform, width and height.
    """
    xres, yres = _pair(resolution)
    left, bottom, right, top = array_bounds(height, width, transform)
    left, right = math.floor(left / xres) * xres, math.ceil(right / xres) * xres
    bottom, top = math.floor(bottom / yres) * yres, math.ceil(top / yres) * yres
    cols, rows = round((right - left) / xres), round((top - bottom) / yres)
    return Affine(xres, 0, left, 0, -yres, top), max(cols, 1), max(rows, 1)


def _pair(resolution: Any) -> tuple[float, float]:
    xres, yres = resolution if isinstance(resolution, Iterable) else (resolution, resolution)
    return float(xres), float(yres)


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
    **kwargs: Any,
) -> tuple[Affine, int, int]:
    """The grid that GDAL suggests for a raster in another CRS.

    Parameters
    ----------
    src_crs, dst_crs
        Of the raster, and wanted.
    width, height
        Of the raster, in pixels.
    left, bottom, right, top
        Of the raster, in the units of ``src_crs``; or one of the following instead.
    gcps
        Ground control points.
    rpcs
        Rational polynomial coefficients.
    resolution
        Size of the grid's pixels in the units of ``dst_crs``: one number, or width and height.
    dst_width, dst_height
        Size of the grid in pixels, instead of the resolution.
    **kwargs
        GDAL's options of transformers, such as ``RPC_HEIGHT`` or ``MAX_GCP_ORDER``.

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
    bounds = (left, bottom, right, top)
    has_bounds = any(edge is not None for edge in bounds)
    if sum((has_bounds, gcps is not None, rpcs is not None, src_geoloc_array is not None)) > 1:
        raise ValueError("give one of bounds, gcps, rpcs and src_geoloc_array")
    if (dst_width is None) != (dst_height is None):
        raise ValueError("give both dst_width and dst_height, or neither")
    if resolution is not None and dst_width is not None:
        raise ValueError("give a resolution or a size of the grid, not both")
    if gcps is None and rpcs is None and src_geoloc_array is None and None in bounds:
        raise ValueError("bounds, gcps, rpcs or src_geoloc_array are needed")
    placed = from_bounds(left, bottom, right, top, width, height) if has_bounds else None  # type: ignore[arg-type]
    # Polynomials are of longitudes and latitudes, whatever else is said.
    crs = CRS.from_user_input("EPSG:4326" if rpcs is not None else src_crs)
    source = Source.empty(width, height, crs, placed, gcps, rpcs, src_geoloc_array)
    grid, cols, rows = source.suggested(CRS.from_user_input(dst_crs), kwargs)
    if resolution is not None:
        return _at_resolution(grid, cols, rows, resolution)
    if dst_width is not None and dst_height is not None:
        return _of_size((grid, cols, rows), (dst_height, dst_width)), dst_width, dst_height
    return grid, cols, rows


def _of_size(grid: tuple[Affine, int, int], shape: tuple[int, int]) -> Affine:
    """The transform of a grid of other rows and columns over the same place."""
    place, cols, rows = grid
    return Affine(place.a * cols / shape[1], 0, place.c, 0, place.e * rows / shape[0], place.f)


def _at_resolution(grid: Affine, cols: int, rows: int, resolution: Any) -> tuple[Affine, int, int]:
    """A grid with the same upper left corner, and pixels of another size that cover it."""
    xres, yres = _pair(resolution)
    cols, rows = math.ceil(cols * grid.a / xres), math.ceil(rows * -grid.e / yres)
    return Affine(xres, 0, grid.c, 0, -yres, grid.f), cols, rows


# --- Arrays ---


def reproject(
    source: Any,
    destination: Any = None,
    src_transform: Affine | None = None,
    gcps: Any = None,
    rpcs: Any = None,
    src_crs: Any = None,
    src_nodata: float | None = None,
    dst_transform: Affine | None = None,
    dst_crs: Any = None,
    dst_nodata: float | None = None,
    dst_resolution: Any = None,
    src_alpha: int = 0,
    dst_alpha: int = 0,
    masked: bool = False,
    resampling: Resampling = Resampling.nearest,
    num_threads: int = 1,
    init_dest_nodata: bool = True,
    tolerance: float = 0.125,
    warp_mem_limit: int = 0,
    src_geoloc_array: Any = None,
    **kwargs: Any,
) -> tuple[Any, Affine]:
    """Warp an array, or bands of a dataset, to another CRS or grid.

    Parameters
    ----------
    source
        An array of shape (rows, columns) or (bands, rows, columns), masked or not, or ``nacre.band(dataset, indexes)``.
    destination
        An array, which is filled: as many bands, or those with the source's numbers; or bands of a dataset that is being
        made or changed; None: a new array on the grid that GDAL suggests.
    src_transform, gcps, rpcs, src_geoloc_array
        Where the source's pixels are: one of them, if it is an array. The last is a pair of arrays, x and y of every so
        many pixels.
    src_crs, dst_crs
        Coordinate systems; needed for arrays.
    src_nodata
        The source's value without data; a pixel is without data where all bands are.
    dst_transform
        Of the destination, if it is an array; by default the grid that GDAL suggests, of its size.
    dst_nodata
        What pixels without data become; by default the destination's own nodata value, ``src_nodata``, or 0.
    dst_resolution
        Of the pixels of a new destination, in the units of ``dst_crs``.
    src_alpha
        The band, from 1, that tells which of the source's pixels count; of a dataset any of its bands. 0: none.
    dst_alpha
        The band of the destination, from 1, that tells which pixels are data. 0: none.
    masked
        Give a masked array where there is no destination.
    resampling
        How values are resampled; not gauss.
    init_dest_nodata
        Pixels without data become ``dst_nodata``; False: they stay as they are in the destination.
    tolerance, num_threads, warp_mem_limit
        Without effect: nacre is within 0.001 source pixels of PROJ always, and uses its threads.
    **kwargs
        GDAL's options of transformers, such as ``RPC_HEIGHT``, and of warps: ``INIT_DEST``, ``CUTLINE`` and others as
        ``WarpedVRT`` has them.

    Returns
    -------
    tuple
        The destination, as it was given or as the array of it, and its transform.

    Raises
    ------
    CRSError
        A CRS is missing or unknown.
    RPCError
        ``rpcs`` of a source that is not in EPSG:4326.
    ValueError
        More than one thing places the source, shapes do not fit, a nodata value is none of the type's, or the resampling cannot be used.
    """
    _check_warp(resampling, (src_transform, gcps, rpcs, src_geoloc_array))
    if destination is None and dst_transform is not None:
        raise ValueError("dst_transform is given without a destination")
    method = Resampling(resampling)
    origin = Source.of(source, src_transform, gcps, rpcs, src_crs, max(src_alpha, 0), src_geoloc_array)
    if origin.needs_crs():
        raise CRSError("src_crs is missing")
    dataset = getattr(destination, "ds", None)
    crs = dataset.crs if dataset is not None and dataset.crs else CRS.from_user_input(dst_crs) if dst_crs else None
    if not crs:
        raise CRSError("dst_crs is missing")
    fitting_nodata("src_nodata", src_nodata, origin.dtype)
    if destination is None:
        destination, dst_transform = _new_destination(origin, crs, dst_resolution, masked, kwargs)
    target = ArrayTarget(destination) if dataset is None else BandsTarget(destination)
    fitting_nodata("dst_nodata", dst_nodata, target.dtype)
    if dataset is not None:
        dst_transform = dataset.transform
    elif dst_transform is None:
        dst_transform = _of_size(origin.suggested(crs, kwargs), target.shape)
    bands = _target_bands(origin, target)
    if dst_alpha > target.count:
        raise ValueError(f"dst_alpha={dst_alpha} is none of the destination's {target.count} bands")
    given = [value for name, value in kwargs.items() if name.upper() == "INIT_DEST"]
    keeps = not init_dest_nodata and not given
    has_density = keeps or target.is_masked or dst_alpha > 0
    nodata = _filling(dst_nodata, dataset, src_nodata, origin, target.dtype)
    view = View(
        origin, crs, guard_transform(dst_transform), target.shape, target.dtype, method, src_nodata, nodata, has_density, kwargs
    )  # fmt: skip
    if has_density:
        Overlay(view, target, bands, max(dst_alpha, 0), keeps, _initial(given, nodata, len(bands)), nodata).run()
    else:
        fill(view, target, bands)
    if isinstance(target, BandsTarget):
        return destination, dst_transform
    target.finish()
    return target.array, dst_transform


def _check_warp(resampling: Any, places: tuple[Any, ...]) -> None:
    if resampling not in SUPPORTED_RESAMPLING:
        names = ", ".join(f"Resampling.{method.name}" for method in SUPPORTED_RESAMPLING)
        raise ValueError(f"resampling must be one of: {names}")
    if sum(place is not None for place in places) > 1:
        raise ValueError("give one of src_transform, gcps, rpcs and src_geoloc_array")


def _target_bands(origin: Source, target: ArrayTarget | BandsTarget) -> list[int]:
    """The target's bands that the source's are warped into: all, or those with the same numbers.

    Raises
    ------
    ValueError
        There are fewer.
    """
    bands = target.bands if isinstance(target, BandsTarget) else list(range(1, target.count + 1))
    if len(bands) == origin.count:
        return bands
    if isinstance(target, BandsTarget) or max(origin.indexes) > target.count:
        raise ValueError(f"the destination has {len(bands)} bands, the source {origin.count}")
    return origin.indexes


def _filling(
    dst_nodata: float | None, dataset: Any, src_nodata: float | None, origin: Source, dtype: str
) -> float | None:
    """The destination's nodata value: given, its own, the source's; None: there is none, or its type cannot hold it."""
    own = None if dataset is None else dataset.nodata
    known = [value for value in (dst_nodata, own, src_nodata, origin.nodata) if value is not None]
    return known[0] if known and in_dtype_range(known[0], dtype) else None


def _initial(given: list[Any], nodata: float | None, count: int) -> Array:
    """What the bands' pixels are where nothing is: ``INIT_DEST``, whose last number is for all bands behind it, or
    nodata."""
    words = str(given[0]).split(",") if given else ["NO_DATA"]
    words += words[-1:] * count
    filling = 0 if nodata is None else nodata
    return np.array([filling if word.strip().upper() == "NO_DATA" else float(word) for word in words[:count]])


def _new_destination(
    origin: Source, crs: CRS, resolution: Any, masked: bool, options: dict[str, Any]
) -> tuple[Array, Affine]:
    grid, cols, rows = origin.suggested(crs, options)
    if resolution is not None:
        grid, cols, rows = _at_resolution(grid, cols, rows, resolution)
    make = np.ma.zeros if masked or origin.is_masked else np.zeros
    return make((origin.count, rows, cols), dtype=_read.AS_NUMPY.get(origin.dtype, origin.dtype)), grid

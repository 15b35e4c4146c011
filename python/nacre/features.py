# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Geometries (like GeoJSON's, or objects with ``__geo_interface__``) and the pixels that they cover."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any, Iterable, Iterator

import numpy as np
import numpy.typing as npt
from affine import Affine

from ._burn import covered
from ._geometry import points_of
from ._later import function
from ._lib import outer_level
from .dtypes import (
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .enums import MergeAlg
from .errors import InvalidShapeError, ShapeSkipWarning
from .windows import Window

Array = npt.NDArray[Any]

_IDENTITY = Affine.identity()
_PLACES = ("bbox", "coordinates", "geometries", "geometry", "features")
_SINGLE = ("Point", "LineString", "LinearRing", "Polygon")
_SEVERAL = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}
_TYPES = (uint8, uint16, int16, uint32, int32, uint64, int64, int8, float16, float32, float64)

dataset_features = function("features.dataset_features")
shapes = function("features.shapes")
sieve = function("features.sieve")


def is_valid_geom(geom: Any) -> bool:
    """Whether it is a geometry of a known type that is not empty; only the first coordinates of each list are seen."""
    value = getattr(geom, "__geo_interface__", geom)
    if not isinstance(value, dict) or "type" not in value:
        return False
    if value["type"] == "GeometryCollection":
        parts = value.get("geometries") or []
        return len(parts) > 0 and all(is_valid_geom(part) for part in parts)
    found = value.get("coordinates")
    if found is None or not hasattr(found, "__len__") or not len(found):
        return False
    if value["type"] in _SEVERAL:
        return all(_is_valid(_SEVERAL[value["type"]], part) for part in found)
    return value["type"] in _SINGLE and _is_valid(value["type"], found)


def _is_valid(kind: str, coordinates: Any) -> bool:
    try:
        if kind == "Point":
            return len(coordinates) in (2, 3)
        if kind == "Polygon":
            return _is_valid("LinearRing", coordinates[0])
        return len(coordinates) >= (4 if kind == "LinearRing" else 2) and len(coordinates[0]) in (2, 3)
    except (TypeError, IndexError):
        return False


def bounds(
    geometry: Any, north_up: bool = True, transform: Affine | None = None
) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a geometry, a feature or a collection of either.

    Parameters
    ----------
    north_up
        False gives top and bottom the other way round: y grows downwards.
    transform
        Applied to the coordinates first. Without it (and with ``north_up``) a "bbox" of the geometry is believed.

    Raises
    ------
    ValueError
        It is nothing of these, or has no coordinates.
    """
    value = getattr(geometry, "__geo_interface__", geometry)
    if not _is_located(value):
        raise ValueError(f"neither a geometry, a feature nor a collection: {value!r}")
    if "bbox" in value and north_up and transform is None:
        return tuple(value["bbox"])
    points = np.array([tuple(point)[:2] for point in _all_points(value)], float)
    if not len(points):
        raise ValueError("the geometry has no coordinates")
    if transform is not None:
        a, b, c, d, e, f = transform[:6]
        points = points @ np.array([[a, d], [b, e]]) + (c, f)
    (left, low), (right, high) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return (left, low, right, high) if north_up else (left, high, right, low)


def _is_located(value: Any) -> bool:
    """Whether something says where it is, in one of the ways that ``_all_points`` knows."""
    return isinstance(value, dict) and any(value.get(key) for key in _PLACES)


def _all_points(value: Any) -> Iterator[Any]:
    value = getattr(value, "__geo_interface__", value)
    if value.get("type") == "FeatureCollection" or "features" in value:
        for feature in value["features"]:
            yield from _all_points(feature)
    elif "geometry" in value:
        yield from _all_points(value["geometry"])
    else:
        yield from points_of(value)


def geometry_mask(
    geometries: Iterable[Any],
    out_shape: tuple[int, int],
    transform: Affine,
    all_touched: bool = False,
    invert: bool = False,
) -> Array:
    """A mask that is False where a geometry covers a pixel.

    Parameters
    ----------
    geometries
        Like GeoJSON's, in the coordinates of ``transform``.
    out_shape
        Rows and columns.
    transform
        From pixels to coordinates.
    all_touched
        Whether pixels count that a geometry enters; else those whose centre is inside a polygon.
    invert
        True where a geometry covers a pixel, instead.

    Returns
    -------
    array of bool, ``out_shape``

    Warns
    -----
    ShapeSkipWarning
        A geometry is not valid, and left out.

    Raises
    ------
    ValueError
        ``out_shape`` is without rows or columns.
    """
    fill, value = (0, 1) if invert else (1, 0)
    return rasterize(
        geometries, out_shape=out_shape, transform=transform, all_touched=all_touched, fill=fill, default_value=value,
        dtype="uint8",
    ).astype(bool)  # fmt: skip


def geometry_window(
    dataset: Any,
    shapes: Iterable[Any],
    pad_x: float = 0,
    pad_y: float = 0,
    north_up: bool | None = None,
    rotated: bool | None = None,
    pixel_precision: int | None = None,
    boundless: bool = False,
) -> Window:
    """The smallest window of whole pixels around geometries.

    Parameters
    ----------
    dataset
        An open dataset.
    shapes
        Like GeoJSON's, in the dataset's CRS.
    pad_x, pad_y
        Pixels around the geometries.
    north_up, rotated, pixel_precision
        Without effect.
    boundless
        Whether the window may lie beyond the dataset.

    Raises
    ------
    WindowError
        The geometries are outside of the dataset.
    ValueError
        There are none, or one has no coordinates.
    """
    boxes = [bounds(shape, transform=~dataset.transform) for shape in shapes]
    if not boxes:
        raise ValueError("there is no geometry")
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] for box in boxes) for axis in (2, 3))
    column, row = math.floor(left - pad_x), math.floor(top - pad_y)
    window = Window(column, row, math.ceil(right + pad_x) - column, math.ceil(bottom + pad_y) - row)
    return window if boundless else window.intersection(Window(0, 0, dataset.width, dataset.height))


def _with_values(
    shapes: Iterable[Any], fill: float, default: float, skip_invalid: bool
) -> Iterator[tuple[Any, float]]:
    """Geometries and their values; None for one that is left out."""
    for number, item in enumerate(shapes):
        shape, value = item if isinstance(item, (tuple, list)) else (item, default)
        shape = getattr(shape, "__geo_interface__", None) or shape
        if _is_burnable(shape):
            yield shape, fill if value is None else value
        elif skip_invalid:
            text = f"Invalid shape is left out: number {number} is not a valid geometry"
            warnings.warn(text, ShapeSkipWarning, stacklevel=outer_level())
            yield None, fill if value is None else value
        else:
            raise InvalidShapeError(f"shape {number} is not a valid geometry")


def _is_burnable(shape: Any) -> bool:
    """Whether there is something to burn: less is asked of it than of a valid geometry, as rings are closed anyway."""
    if not isinstance(shape, dict):
        return False
    if shape.get("type") == "GeometryCollection":
        return bool(shape.get("geometries")) and all(map(_is_burnable, shape["geometries"]))
    try:
        found = shape["coordinates"]
        return len(found) > 0 and all(len(point) > 1 for point in points_of(shape))
    except (KeyError, TypeError, ValueError):
        return False


def rasterize(
    shapes: Iterable[Any],
    out_shape: tuple[int, int] | None = None,
    fill: float = 0,
    nodata: float | None = None,
    masked: bool = False,
    out: Array | None = None,
    transform: Affine = _IDENTITY,
    all_touched: bool = False,
    merge_alg: MergeAlg = MergeAlg.replace,
    default_value: float = 1,
    dtype: Any = None,
    skip_invalid: bool = True,
    dst_path: str | os.PathLike[str] | None = None,
    dst_kwds: dict[str, Any] | None = None,
) -> Array:
    """Burn geometries into an array.

    Parameters
    ----------
    shapes
        Geometries, or pairs of a geometry and its value; None as a value is ``fill``.
    out_shape
        Rows and columns, where there is no ``out``.
    fill
        The value of pixels that no geometry covers.
    nodata, masked
        ``masked`` gives a masked array: masked where a pixel is ``nodata``.
    out
        An array of two dimensions to burn into.
    transform
        From pixels to the coordinates of the geometries.
    all_touched
        Whether pixels count that a geometry enters; else those whose centre is inside a polygon, and those of
        Bresenham's algorithm for lines.
    merge_alg
        Whether the last geometry's value stands where several cover a pixel, or their sum (``add``).
    default_value
        The value of geometries that come without.
    dtype
        By default numpy's for the values of the geometries. Values that it does not hold are clamped.
    skip_invalid
        Whether invalid geometries are left out, with a warning, rather than an error.
    dst_path, dst_kwds
        Not built yet.

    Returns
    -------
    array, ``out_shape``

    Raises
    ------
    InvalidShapeError
        A geometry is not valid, and ``skip_invalid`` is false. It is a ``ValueError``, too.
    ValueError
        Arguments that cannot be.
    """
    if dst_path is not None or dst_kwds:
        raise NotImplementedError("nacre.features.rasterize(dst_path=...) is not built yet; write the array")
    if not isinstance(merge_alg, MergeAlg):
        raise ValueError(f"merge_alg={merge_alg!r} is no MergeAlg")
    if np.ndim(fill) or not np.isreal(fill):
        raise ValueError(f"fill={fill!r} is not a number")
    burnt = list(_with_values(shapes, fill, default_value, skip_invalid))
    array = _canvas(out, out_shape, fill, np.array([value for _, value in burnt]).dtype if dtype is None else dtype)
    for shape, value in burnt:
        if shape is None:
            continue
        mask = covered(shape, array.shape, transform, all_touched)
        if merge_alg is MergeAlg.add:
            array[mask] += _clamped(value, array.dtype)
        else:
            array[mask] = _clamped(value, array.dtype)
    if masked:
        return np.ma.array(array, mask=False if nodata is None else array == nodata)
    return array


def _clamped(value: float, dtype: np.dtype[Any]) -> Any:
    """A value as the type holds it."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        value = min(max(int(value), int(info.min)), int(info.max))
    return dtype.type(value)


def _canvas(out: Array | None, shape: tuple[int, int] | None, fill: float, dtype: Any) -> Array:
    """The array to burn into."""
    wanted = out.dtype if out is not None else np.dtype(dtype)
    if wanted.name not in _TYPES:
        raise ValueError(f"rasters cannot be burnt with the type {wanted.name}")
    if out is not None:
        if out.ndim != 2:
            raise ValueError(f"out has {out.ndim} dimensions, not 2")
        return out
    if shape is None or len(shape) != 2:
        raise ValueError(f"Invalid out_shape={shape!r}: it is not two numbers, and there is no out")
    if min(shape) < 1:
        raise ValueError(f"Invalid out_shape={shape!r}: width and height must be > 0")
    return np.full(shape, _clamped(fill, wanted), wanted)

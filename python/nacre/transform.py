# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Affine transforms between pixels and coordinates. Pixels are counted from the upper left corner of the raster."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from affine import Affine

from . import _later
from .errors import TransformError

# Where in a pixel a coordinate lies: (right, down) in pixels from its upper left corner.
_OFFSETS = {"center": (0.5, 0.5), "ul": (0.0, 0.0), "ur": (1.0, 0.0), "ll": (0.0, 1.0), "lr": (1.0, 1.0)}


def from_origin(west: float, north: float, xsize: float, ysize: float) -> Affine:
    """The transform of a raster with this upper left corner and pixel size (both positive), rows going south."""
    return Affine(xsize, 0.0, west, 0.0, -ysize, north)


def from_bounds(west: float, south: float, east: float, north: float, width: int, height: int) -> Affine:
    """The transform of a raster of ``width`` columns and ``height`` rows that fills the bounds."""
    return Affine((east - west) / width, 0.0, west, 0.0, (south - north) / height, north)


def array_bounds(height: int, width: int, transform: Affine) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of an array of ``height`` rows and ``width`` columns.

    Where the array is turned, those of the smallest upright rectangle around it.
    """
    if transform.b == transform.d == 0:
        left, top = transform.c, transform.f
        return (left, top + transform.e * height, left + transform.a * width, top)
    return rectangle(transform, 0, 0, width, height)


def rectangle(
    transform: Affine, left: float, top: float, right: float, bottom: float
) -> tuple[float, float, float, float]:
    """Smallest and largest coordinates of the corners of an upright rectangle under a transform: x, y, x, y."""
    xs, ys = applied(transform, np.array([left, right, right, left]), np.array([top, top, bottom, bottom]))
    return (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def xy(transform: Affine, rows: Any, cols: Any, zs: Any = None, offset: str = "center") -> tuple[Any, Any]:
    """Coordinates of pixels: of their centres, or of a corner ("ul", "ur", "ll", "lr").

    Parameters
    ----------
    rows, cols
        Two numbers, or two sequences of the same length.

    Returns
    -------
    tuple
        x and y: two numbers, or two arrays.

    Raises
    ------
    TransformError
        There is no such offset.
    """
    if offset not in _OFFSETS:
        raise TransformError(f"no such offset: {offset!r}; there are {', '.join(_OFFSETS)}")
    right, down = _OFFSETS[offset]
    return applied(transform, np.asarray(cols) + right, np.asarray(rows) + down)


def rowcol(transform: Affine, xs: Any, ys: Any, zs: Any = None, op: Callable[[Any], Any] = np.floor) -> tuple[Any, Any]:
    """Rows and columns of the pixels that hold points; ``op`` makes whole numbers of fractions of pixels.

    Parameters
    ----------
    xs, ys
        Two numbers, or two sequences of the same length.

    Returns
    -------
    tuple
        Rows and columns: two ints, or two arrays of int64.
    """
    cols, rows = applied(~transform, np.asarray(xs), np.asarray(ys))
    if np.ndim(rows) == 0:
        return int(op(rows)), int(op(cols))
    return np.asarray(op(rows)).astype(np.int64), np.asarray(op(cols)).astype(np.int64)


def applied(transform: Affine, x: Any, y: Any) -> tuple[Any, Any]:
    """What a transform makes of coordinates, numbers or arrays."""
    t = transform
    return (t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f)


def moved(transform: Affine, col: float, row: float) -> Affine:
    """The transform of a raster whose upper left corner is at a pixel of another one's."""
    t = transform
    x, y = applied(t, col, row)
    return Affine(t.a, t.b, x, t.d, t.e, y)


__getattr__ = _later.names(
    __name__,
    "AffineTransformer GCPTransformer GDALTransformerBase GroundControlPoint RPC RPCTransformer TransformDirection"
    " TransformMethod TransformMethodsMixin TransformerBase from_gcps get_transformer guard_transform tastes_like_gdal",
)

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Affine transforms between pixels and coordinates. Pixels are counted from the upper left corner of the raster."""

from __future__ import annotations

import math
import warnings
from functools import partial
from typing import Any, Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from affine import Affine

from . import _lib
from ._native import ffi, lib
from .control import GroundControlPoint
from .enums import TransformMethod
from .errors import RasterioDeprecationWarning, TransformError
from .rpc import RPC

Array = npt.NDArray[Any]
Op = Callable[[Any], Any]

GDAL_IDENTITY = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

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


def tastes_like_gdal(seq: Sequence[float]) -> bool:
    """Whether six numbers are in GDAL's order (x origin, width, ...) and mean a raster that is not turned."""
    return tuple(seq) == GDAL_IDENTITY or (seq[2] == seq[4] == 0.0 and seq[1] > 0 and seq[5] < 0)


def guard_transform(transform: Any) -> Affine:
    """An ``Affine`` of one, or of its six numbers.

    Raises
    ------
    TypeError
        They are in GDAL's order.
    """
    if isinstance(transform, Affine):
        return transform
    if tastes_like_gdal(transform):
        raise TypeError("these six numbers are in GDAL's order; give Affine.from_gdal(*numbers)")
    return Affine(*transform)


def from_gcps(gcps: Iterable[GroundControlPoint]) -> Affine:
    """The affine transform that fits ground control points best, by least squares.

    Raises
    ------
    TransformError
        There are fewer than three, or all lie on one line.
    """
    points = list(gcps)
    if len(points) == 2:
        return _from_two(*points)
    pixels = np.array([(point.col, point.row, 1.0) for point in points]).reshape(-1, 3)
    if len(points) < 3 or np.linalg.matrix_rank(pixels) < 3:
        raise TransformError("an affine transform needs three ground control points that are not on one line")
    origin = np.append(pixels[:, :2].mean(axis=0), 0)  # sums of large numbers would lose digits
    places = np.array([(point.x, point.y) for point in points], float)
    middle = places.mean(axis=0)
    (a, d), (b, e), (c, f) = np.linalg.lstsq(pixels - origin, places - middle, rcond=None)[0].tolist()
    col, row = origin[:2].tolist()
    return Affine(a, b, middle[0] + c - a * col - b * row, d, e, middle[1] + f - d * col - e * row)


def _from_two(first: GroundControlPoint, second: GroundControlPoint) -> Affine:
    """Of two opposite corners: a raster that is not turned."""
    cols, rows = second.col - first.col, second.row - first.row
    if cols == 0 or rows == 0:
        raise TransformError("two ground control points must differ in row and column")
    width, height = (second.x - first.x) / cols, (second.y - first.y) / rows
    return Affine(width, 0.0, first.x - first.col * width, 0.0, height, first.y - first.row * height)


def xy(
    transform: Any, rows: Any, cols: Any, zs: Any = None, offset: str = "center", **rpc_options: Any
) -> tuple[Any, Any]:
    """Coordinates of pixels: of their centres, or of a corner ("ul", "ur", "ll", "lr").

    Parameters
    ----------
    transform
        An ``Affine``, a sequence of ground control points, or an ``RPC``.
    rows, cols
        Two numbers, or two sequences of the same length; one of them may be a number.
    zs
        Heights, for RPCs.
    **rpc_options
        GDAL's options of RPC transforms.

    Returns
    -------
    tuple
        x and y: two numbers, or two arrays.

    Raises
    ------
    TransformError
        There is no such offset, or the sequences do not fit.
    """
    with get_transformer(transform, **rpc_options)() as transformer:
        return transformer.xy(rows, cols, zs=zs, offset=offset)


def rowcol(
    transform: Any,
    xs: Any,
    ys: Any,
    zs: Any = None,
    op: Op | None = None,
    precision: int | None = None,
    **rpc_options: Any,
) -> tuple[Any, Any]:
    """Rows and columns of the pixels that hold points.

    Parameters
    ----------
    transform
        An ``Affine``, a sequence of ground control points, or an ``RPC``.
    xs, ys
        Two numbers, or two sequences of the same length; one of them may be a number.
    zs
        Heights, for RPCs.
    op
        What makes whole numbers of fractions of pixels, such as ``round``; by default they are rounded down.
    precision
        Without effect; Rasterio has it, and warns where it is given, as here.
    **rpc_options
        GDAL's options of RPC transforms.

    Returns
    -------
    tuple
        Rows and columns: two numbers, or two arrays (of int32, if there is no ``op``).

    Raises
    ------
    TransformError
        The sequences do not fit, or ``op`` cannot be used.
    """
    with get_transformer(transform, **rpc_options)() as transformer:
        return transformer.rowcol(xs, ys, zs=zs, op=op, precision=precision)


def get_transformer(transform: Any, **rpc_options: Any) -> Callable[[], TransformerBase]:
    """What makes a transformer: of an ``Affine``, a sequence of ground control points, or an ``RPC``.

    Raises
    ------
    ValueError
        It is none of them.
    """
    if isinstance(transform, Affine):
        return partial(AffineTransformer, transform)
    if isinstance(transform, RPC):
        return partial(RPCTransformer, transform, **rpc_options)
    if isinstance(transform, Sequence) and not isinstance(transform, str):
        return partial(GCPTransformer, transform)
    raise ValueError(f"not a transform: {transform!r}; give an Affine, ground control points or an RPC")


class TransformerBase:
    """Pixels to coordinates and back; for ``with``. A subclass tells how, for arrays of float64."""

    def _places(self, cols: Array, rows: Array, zs: Array) -> tuple[Array, Array]:
        raise NotImplementedError

    def _pixels(self, xs: Array, ys: Array, zs: Array) -> tuple[Array, Array]:
        raise NotImplementedError

    def __enter__(self) -> TransformerBase:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def xy(self, rows: Any, cols: Any, zs: Any = None, offset: str = "center") -> tuple[Any, Any]:
        """Coordinates of pixels; see ``nacre.transform.xy``."""
        if offset not in _OFFSETS:
            raise TransformError(f"no such offset: {offset!r}; there are {', '.join(_OFFSETS)}")
        right, down = _OFFSETS[offset]
        (row, col, z), is_one = _arrays(rows, cols, zs)
        x, y = self._places(col + right, row + down, z)
        return (x[0], y[0]) if is_one else (x, y)

    def rowcol(
        self, xs: Any, ys: Any, zs: Any = None, op: Op | None = None, precision: int | None = None
    ) -> tuple[Any, Any]:
        """Rows and columns of the pixels that hold points; see ``nacre.transform.rowcol``."""
        if precision is not None:
            warnings.warn("precision has no effect", RasterioDeprecationWarning, stacklevel=3)
        (x, y, z), is_one = _arrays(xs, ys, zs)
        col, row = self._pixels(x, y, z)
        row, col = _rounded(row, op), _rounded(col, op)
        return (row[0], col[0]) if is_one else (row, col)


def _rounded(values: Array, op: Op | None) -> Array:
    if op is None:
        return np.floor(values).astype(np.int32)
    if isinstance(op, np.ufunc):
        return np.asarray(op(values))
    if not callable(op):
        raise TransformError(f"op must be a function, not {op!r}")
    return np.array([op(value) for value in values.tolist()])


def _is_one(value: Any) -> bool:
    return value is None or isinstance(value, (int, float, np.number))


def _arrays(*values: Any) -> tuple[list[Array], bool]:
    """Flat arrays of float64 of one length, and whether all were single numbers. None is zero."""
    try:
        arrays = [np.atleast_1d(np.asarray(0.0 if value is None else value, dtype=float)).ravel() for value in values]
        arrays = [np.array(array) for array in np.broadcast_arrays(*arrays)]
    except TypeError as error:
        raise TransformError(f"coordinates must be numbers, or sequences of them: {error}") from None
    except ValueError as error:
        if "could not convert" in str(error):
            raise
        raise TransformError("sequences of coordinates must have the same length") from None
    return arrays, all(_is_one(value) for value in values)


class AffineTransformer(TransformerBase):
    """Transforms by an ``Affine``."""

    def __init__(self, affine_transform: Affine) -> None:
        if not isinstance(affine_transform, Affine):
            raise ValueError(f"not an affine transform: {affine_transform!r}")
        self._transform = affine_transform

    def _places(self, cols: Array, rows: Array, zs: Array) -> tuple[Array, Array]:
        return applied(self._transform, cols, rows)

    def _pixels(self, xs: Array, ys: Array, zs: Array) -> tuple[Array, Array]:
        return applied(~self._transform, xs, ys)


class GDALTransformerBase(TransformerBase):
    """Transforms by the library, until they are closed."""

    _handle: Any = None

    def _run(self, to_pixels: bool, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        if self.closed:
            raise ValueError("the transformer is closed")
        columns = [ffi.cast("double *", array.ctypes.data) for array in (x, y, z)]
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_placement_run(self._handle, to_pixels, x.size, *columns, err), err)
        return x, y

    def _places(self, cols: Array, rows: Array, zs: Array) -> tuple[Array, Array]:
        return self._run(False, cols, rows, zs)

    def _pixels(self, xs: Array, ys: Array, zs: Array) -> tuple[Array, Array]:
        return self._run(True, xs, ys, zs)

    @property
    def closed(self) -> bool:
        """Whether it cannot be used any longer."""
        return self._handle is None

    def close(self) -> None:
        """Give up the transform."""
        self._handle = None

    def __exit__(self, *args: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{'closed' if self.closed else 'open'} {type(self).__name__}>"


class GCPTransformer(GDALTransformerBase):
    """Transforms by polynomials through ground control points, or by thin plate splines, which meet them exactly.

    Parameters
    ----------
    gcps
        At least three points that are not on one line.
    tps
        Thin plate splines.

    Raises
    ------
    ValueError
        There are too few points.
    """

    def __init__(self, gcps: Sequence[GroundControlPoint], tps: bool = False) -> None:
        if len(gcps) and not isinstance(gcps[0], GroundControlPoint):
            raise ValueError("a GCPTransformer needs a sequence of GroundControlPoint")
        points, kept = _lib.gcps(gcps)
        out = ffi.new("nacre_placement **")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_placement_from_gcps(points, len(gcps), 0, tps, out, err), err)
        self._handle = ffi.gc(out[0], lib.nacre_placement_unref)
        del kept


class RPCTransformer(GDALTransformerBase):
    """Transforms by rational polynomial coefficients, to and from degrees of WGS 84.

    Parameters
    ----------
    rpcs
        The coefficients.
    **rpc_options
        GDAL's, in any case: ``RPC_HEIGHT`` (metres above the ellipsoid at which all pixels are), ``RPC_DEM`` (an elevation
        model: a path or a dataset) and the others that begin with ``RPC_``. Heights of single points add to them.

    Raises
    ------
    ValueError
        It is no ``RPC``, or a coefficient is missing; an option is unknown, or has no such value.
    """

    def __init__(self, rpcs: RPC, **rpc_options: Any) -> None:
        if not isinstance(rpcs, RPC):
            raise ValueError(f"an RPCTransformer needs an RPC, not {rpcs!r}")
        self._handle = _placed(rpcs, rpc_options)


def _placed(rpcs: RPC, options: dict[str, Any]) -> Any:
    from ._warp_options import WarpOptions, is_transformer  # a module that needs datasets, as this one does not

    later = sorted(name for name in options if not is_transformer(name))
    if later:
        raise NotImplementedError(f"options of RPC transforms that are not built yet: {', '.join(later)}")
    pixel = ffi.new("uint8_t *")
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    shape = (1, 1, 1, lib.NACRE_DTYPE_UINT8)
    _lib.check(lib.nacre_dataset_from_memory(*shape, pixel, 0, 0, 0, out, err), err)
    nothing = ffi.gc(out[0], lib.nacre_dataset_close)
    warp = WarpOptions()
    warp.transformer({**options, "rpcs": rpcs})
    placement = ffi.new("nacre_placement **")
    _lib.check(lib.nacre_placement_of(nothing, warp.pointer, placement, err), err)
    return ffi.gc(placement[0], lib.nacre_placement_unref)


class TransformMethodsMixin:
    """Coordinates of what has a ``transform``, or ``gcps`` or ``rpcs``."""

    def xy(
        self,
        row: Any,
        col: Any,
        z: Any = None,
        offset: str = "center",
        transform_method: TransformMethod = TransformMethod.affine,
        **rpc_options: Any,
    ) -> tuple[Any, Any]:
        """Coordinates of pixels: of their centres, or of a corner ("ul", "ur", "ll", "lr"). Sequences give arrays.

        Parameters
        ----------
        z
            Heights, for RPCs.
        transform_method
            The attribute to use: ``TransformMethod.affine``, ``gcps`` or ``rpcs``.
        **rpc_options
            GDAL's options of RPC transforms.

        Raises
        ------
        AttributeError
            The dataset has none.
        """
        return xy(self._placed_by(transform_method), row, col, zs=z, offset=offset, **rpc_options)

    def index(
        self,
        x: Any,
        y: Any,
        z: Any = None,
        op: Op | None = None,
        precision: int | None = None,
        transform_method: TransformMethod = TransformMethod.affine,
        **rpc_options: Any,
    ) -> tuple[int, int]:
        """Row and column of the pixel that holds a point; see ``xy``.

        Parameters
        ----------
        op
            What makes whole numbers of fractions of pixels; by default they are rounded down.
        precision
            Without effect; Rasterio has it.
        """
        method = self._placed_by(transform_method)
        row, col = rowcol(method, x, y, zs=z, op=op, precision=precision, **rpc_options)
        return int(row), int(col)

    def _placed_by(self, method: TransformMethod) -> Any:
        placed: Any = getattr(self, method.value)
        if method is TransformMethod.gcps:
            placed = placed[0]
        if not placed and not isinstance(placed, Affine):
            raise AttributeError(f"{self!r} has no {method.value}")
        return placed


def applied(transform: Affine, x: Any, y: Any) -> tuple[Any, Any]:
    """What a transform makes of coordinates, numbers or arrays."""
    t = transform
    return (t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f)


def moved(transform: Affine, col: float, row: float) -> Affine:
    """The transform of a raster whose upper left corner is at a pixel of another one's."""
    t = transform
    x, y = applied(t, col, row)
    return Affine(t.a, t.b, x, t.d, t.e, y)

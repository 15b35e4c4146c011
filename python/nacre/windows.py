# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rectangles of a raster, in pixels from its upper left corner."""

from __future__ import annotations

import functools
import math
import warnings
from collections import OrderedDict
from dataclasses import FrozenInstanceError
from typing import Any, Callable, Iterable

import numpy as np
from affine import Affine

from .errors import RasterioDeprecationWarning, WindowError
from .transform import applied, moved, rectangle


@functools.total_ordering
class Window:
    """A rectangle of a raster. Immutable.

    Parameters
    ----------
    col_off, row_off
        Its upper left corner in pixels; fractions are allowed.
    width, height
        Its size in pixels; fractions are allowed.

    Raises
    ------
    ValueError
        Width or height is negative.
    """

    __slots__ = ("col_off", "row_off", "width", "height")

    col_off: float
    row_off: float
    width: float
    height: float

    def __init__(self, col_off: float, row_off: float, width: float, height: float) -> None:
        for name, length in (("width", width), ("height", height)):
            validate_length_value(None, name, length)
        for name, value in zip(Window.__slots__, (col_off, row_off, width, height)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError("a window cannot be changed; make a new one")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError("a window cannot be changed; make a new one")

    def __reduce__(self) -> Any:
        return (Window, self.flatten())

    def __repr__(self) -> str:
        return f"Window(col_off={self.col_off}, row_off={self.row_off}, width={self.width}, height={self.height})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.flatten() == other.flatten()

    def __lt__(self, other: object) -> bool:
        return self.flatten() < other.flatten() if isinstance(other, Window) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.flatten())

    def flatten(self) -> tuple[float, float, float, float]:
        """Column offset, row offset, width, height."""
        return (self.col_off, self.row_off, self.width, self.height)

    def todict(self) -> OrderedDict[str, float]:
        """The four numbers by name."""
        return OrderedDict(zip(Window.__slots__, self.flatten()))

    def toranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((row start, row stop), (column start, column stop))."""
        return (
            (self.row_off, self.row_off + self.height),
            (self.col_off, self.col_off + self.width),
        )

    def toslices(self) -> tuple[slice, slice]:
        """Slices of rows and columns for a numpy array: of the pixels that the window touches, from 0 on."""
        rows, cols = ((max(math.floor(start), 0), max(math.ceil(stop), 0)) for start, stop in self.toranges())
        return (slice(*rows), slice(*cols))

    def round_lengths(self, **kwds: Any) -> Window:
        """The window with width and height rounded, halves up. Keyword arguments have no effect; Rasterio has them."""
        return Window(self.col_off, self.row_off, math.floor(self.width + 0.5), math.floor(self.height + 0.5))

    def round_shape(self, **kwds: Any) -> Window:
        """``round_lengths`` under its old name."""
        warnings.warn("round_shape is deprecated: use round_lengths", RasterioDeprecationWarning, stacklevel=2)
        return self.round_lengths(**kwds)

    def round_offsets(self, **kwds: Any) -> Window:
        """The window with its corner rounded down, where it is not within a tenth below a whole pixel.

        Keyword arguments have no effect; Rasterio has them.
        """
        col, row = math.floor(self.col_off + 0.1), math.floor(self.row_off + 0.1)
        return Window(col, row, self.width, self.height)

    def round(self, ndigits: int | None = None) -> Window:
        """The window with its four numbers rounded by Python's ``round``."""
        return Window(*(round(number, ndigits) for number in self.flatten()))

    def crop(self, height: int, width: int) -> Window:
        """What of the window lies inside a raster of this many rows and columns; it may be empty."""
        (row_start, row_stop), (col_start, col_stop) = self.toranges()
        row_start, row_stop = (min(max(row, 0), height) for row in (row_start, row_stop))
        col_start, col_stop = (min(max(col, 0), width) for col in (col_start, col_stop))
        return Window(col_start, row_start, col_stop - col_start, row_stop - row_start)

    def intersection(self, other: Window) -> Window:
        """What two windows have in common.

        Raises
        ------
        WindowError
            They have nothing in common.
        """
        col, row = max(self.col_off, other.col_off), max(self.row_off, other.row_off)
        width = min(self.col_off + self.width, other.col_off + other.width) - col
        height = min(self.row_off + self.height, other.row_off + other.height) - row
        if width <= 0 or height <= 0:
            raise WindowError(f"{self} and {other} do not intersect")
        return Window(col, row, width, height)

    @classmethod
    def from_slices(
        cls, rows: Any, cols: Any, height: float = -1, width: float = -1, boundless: bool = False
    ) -> Window:
        """A window from two slices or pairs (start, stop).

        Parameters
        ----------
        rows, cols
            Starts and stops; negative ones count from ``height`` and ``width``, missing ones are their ends.
        height, width
            Of the raster; needed for negative and missing bounds only.
        boundless
            Negative bounds lie before the raster.

        Raises
        ------
        WindowError
            They are no pairs, or height or width is needed.
        """
        row_start, row_stop = _range("rows", rows, "height", height, boundless)
        col_start, col_stop = _range("cols", cols, "width", width, boundless)
        return cls(col_start, row_start, max(col_stop - col_start, 0), max(row_stop - row_start, 0))


def validate_length_value(instance: Any, attribute: Any, value: float) -> None:
    """ValueError where a width or height is negative."""
    if value and value < 0:
        raise ValueError(f"a window's {getattr(attribute, 'name', attribute)} must not be negative")


def _range(name: str, part: Any, length_name: str, length: float | None, boundless: bool) -> tuple[float, float]:
    """Start and stop of rows or columns."""
    if isinstance(part, slice):
        part = (part.start, part.stop)
    if not isinstance(part, (tuple, list)):
        raise WindowError(f"{name} must be a slice or a pair (start, stop), not {part!r}")
    if len(part) != 2:
        raise WindowError(f"{name} must be a pair (start, stop), not {part!r}")
    start: Any = 0 if part[0] is None else part[0]
    stop: Any = part[1]
    needs_length = stop is None or (not boundless and (start < 0 or stop < 0))
    if needs_length and (length is None or length < 0):
        raise WindowError(f"{name} {part!r} need the raster's {length_name}")
    stop = length if stop is None else stop
    if boundless or not needs_length or length is None:
        return (start, stop)
    return (start + length if start < 0 else start, stop + length if stop < 0 else stop)


def evaluate(window: Any, height: float, width: float, boundless: bool = False) -> Window:
    """A Window of a Window or of nested tuples, for a raster of this many rows and columns.

    Raises
    ------
    WindowError
        It is neither.
    """
    if isinstance(window, Window):
        return window
    rows, cols = window
    return Window.from_slices(rows=rows, cols=cols, height=height, width=width, boundless=boundless)


def toranges(window: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """((row start, row stop), (column start, column stop)) of a Window, or of what already is such a tuple."""
    if isinstance(window, Window):
        return window.toranges()
    (row_start, row_stop), (col_start, col_stop) = window
    return ((row_start, row_stop), (col_start, col_stop))


def shape(window: Any, height: float = -1, width: float = -1) -> tuple[float, float]:
    """Rows and columns of a window of a raster of this height and width."""
    evaluated = evaluate(window, height, width)
    return evaluated.height, evaluated.width


def window_index(window: Any, height: int = 0, width: int = 0) -> tuple[slice, slice]:
    """Slices for a numpy array that holds a raster of this height and width."""
    return evaluate(window, height, width).toslices()


def crop(window: Any, height: int, width: int) -> Window:
    """What of a window lies inside a raster of this many rows and columns; it may be empty."""
    return evaluate(window, height, width).crop(height, width)


def iter_args(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which then takes its arguments also as one list or tuple."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        is_one = len(args) == 1 and isinstance(args[0], Iterable) and not isinstance(args[0], Window)
        return function(*args[0]) if is_one else function(*args)

    return wrapper


@iter_args
def union(*windows: Window) -> Window:
    """The smallest window that holds all of these."""
    col, row = min(w.col_off for w in windows), min(w.row_off for w in windows)
    col_stop, row_stop = max(w.col_off + w.width for w in windows), max(w.row_off + w.height for w in windows)
    return Window(col, row, col_stop - col, row_stop - row)


@iter_args
def intersection(*windows: Window) -> Window:
    """What all of these windows have in common.

    Raises
    ------
    WindowError
        They have nothing in common.
    """
    return functools.reduce(Window.intersection, windows)


@iter_args
def intersect(*windows: Window) -> bool:
    """Whether these windows have anything in common."""
    try:
        intersection(*windows)
    except WindowError:
        return False
    return True


def subdivide(window: Window, height: int, width: int) -> list[Window]:
    """The window, cut into parts of at most this many rows and columns: row by row, from the upper left."""
    return [
        Window(
            window.col_off + col,
            window.row_off + row,
            min(width, window.width - col),
            min(height, window.height - row),
        )
        for row in range(0, math.ceil(window.height), height)
        for col in range(0, math.ceil(window.width), width)
    ]


def round_window_to_full_blocks(
    window: Any, block_shapes: Iterable[tuple[int, int]], height: int = 0, width: int = 0
) -> Window:
    """The smallest window of whole blocks around a window; it may end beyond the raster.

    Parameters
    ----------
    block_shapes
        (rows, columns) of each band's blocks, as ``ds.block_shapes``.

    Raises
    ------
    WindowError
        The bands have blocks of different shapes.
    """
    shapes = set(block_shapes)
    if len(shapes) != 1:
        raise WindowError("all bands must have blocks of one shape")
    rows, cols = shapes.pop()
    (row_start, row_stop), (col_start, col_stop) = evaluate(window, height, width).toranges()
    row, col = int(row_start // rows) * rows, int(col_start // cols) * cols
    return Window(col, row, math.ceil(col_stop / cols) * cols - col, math.ceil(row_stop / rows) * rows - row)


def get_data_window(arr: Any, nodata: float | None = None) -> Window:
    """The smallest window that holds all valid pixels of an array.

    Parameters
    ----------
    arr
        Shape (rows, columns) or (bands, rows, columns), or one column of rows, whose window has no width. Masked
        pixels are not valid.
    nodata
        The value of pixels that are not valid; NaN means itself.

    Raises
    ------
    WindowError
        The array has no dimension, or more than three.
    """
    if arr.ndim not in (1, 2, 3):
        raise WindowError(f"an array of one, two or three dimensions is expected, not of {arr.ndim}")
    is_valid: Any = ~np.ma.getmaskarray(arr)
    if nodata is not None:
        values = np.ma.getdata(arr)
        is_valid &= ~np.isnan(values) if np.isnan(nodata) else values != nodata
    if is_valid.ndim == 3:
        is_valid = is_valid.any(axis=0)
    if not is_valid.any():
        return Window(0, 0, 0, 0)
    rows, cols, *_ = [*((found.min(), found.max() + 1) for found in is_valid.nonzero()), (0, 0)]
    return Window.from_slices(rows, cols)


def transform(window: Any, transform: Affine) -> Affine:
    """The transform of a window of a raster that has this transform."""
    evaluated = evaluate(window, height=0, width=0)
    return moved(transform, evaluated.col_off or 0.0, evaluated.row_off or 0.0)


def bounds(window: Any, transform: Affine, height: int = 0, width: int = 0) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a window of a raster that has this transform, height and width.

    Where the raster is turned, those of the smallest upright rectangle around the window.
    """
    (row_start, row_stop), (col_start, col_stop) = evaluate(window, height, width).toranges()
    if transform.b == transform.d == 0:
        left, top = applied(transform, col_start, row_start)
        right, bottom = applied(transform, col_stop, row_stop)
        return (left, bottom, right, top)
    return rectangle(transform, col_start, row_start, col_stop, row_stop)


def from_bounds(
    left: float,
    bottom: float,
    right: float,
    top: float,
    transform: Affine | None = None,
    height: int | None = None,
    width: int | None = None,
    precision: int | None = None,
) -> Window:
    """The window that covers a rectangle; it may have fractions and lie outside the raster.

    Parameters
    ----------
    left, bottom, right, top
        In the units of the CRS. For a raster whose rows go north, bottom is the larger one.
    transform
        Of the raster.
    height, width, precision
        Without effect; Rasterio has them, and warns where they are given, as here.

    Raises
    ------
    WindowError
        There is no transform, or the bounds are the wrong way round for it.
    """
    if height is not None or width is not None or precision is not None:
        warnings.warn("height, width and precision have no effect", RasterioDeprecationWarning, stacklevel=2)
    if not isinstance(transform, Affine):
        raise WindowError("a transform is needed")
    if (right - left) * transform.a < 0 or (bottom - top) * transform.e < 0:
        raise WindowError(f"bounds {(left, bottom, right, top)} are the wrong way round for {transform!r}")
    col, row, col_stop, row_stop = rectangle(~transform, left, top, right, bottom)
    return Window(col, row, col_stop - col, row_stop - row)


class WindowMethodsMixin:
    """Windows of what has a ``transform``, a ``height`` and a ``width``."""

    transform: Any
    height: Any
    width: Any

    def window(self, left: float, bottom: float, right: float, top: float, precision: int | None = None) -> Window:
        """The window that covers a rectangle; see ``from_bounds``."""
        if precision is not None:
            warnings.warn("precision has no effect", RasterioDeprecationWarning, stacklevel=2)
        return from_bounds(left, bottom, right, top, transform=self.transform)

    def window_transform(self, window: Any) -> Affine:
        """The transform of a window. Negative starts of slices are places before the raster, as in Rasterio."""
        return transform(window, self.transform)

    def window_bounds(self, window: Any) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a window."""
        return bounds(evaluate(window, self.height, self.width), self.transform)

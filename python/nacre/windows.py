# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rectangles of a raster, in pixels from its upper left corner."""

from __future__ import annotations

import math
from typing import Any, Iterator

from affine import Affine

from . import _later
from .errors import WindowError
from .transform import applied, moved, rectangle


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
        if width < 0 or height < 0:
            raise ValueError("a window's width and height must not be negative")
        for name, value in zip(Window.__slots__, (col_off, row_off, width, height)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a window cannot be changed; make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a window cannot be changed; make a new one")

    def __reduce__(self) -> Any:
        return (Window, self.flatten())

    def __repr__(self) -> str:
        return f"Window(col_off={self.col_off}, row_off={self.row_off}, width={self.width}, height={self.height})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.flatten() == other.flatten()

    def __hash__(self) -> int:
        return hash(self.flatten())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.flatten())

    def flatten(self) -> tuple[float, float, float, float]:
        """Column offset, row offset, width, height."""
        return (self.col_off, self.row_off, self.width, self.height)

    def todict(self) -> dict[str, float]:
        """The four numbers by name."""
        return dict(zip(Window.__slots__, self.flatten()))

    def toranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((row start, row stop), (column start, column stop))."""
        return (
            (self.row_off, self.row_off + self.height),
            (self.col_off, self.col_off + self.width),
        )

    def toslices(self) -> tuple[slice, slice]:
        """Slices of rows and columns for a numpy array: of the pixels that the window touches, from 0 on."""
        rows, cols = ((max(math.floor(start), 0), math.ceil(stop)) for start, stop in self.toranges())
        return (slice(*rows), slice(*cols))

    def round_lengths(self) -> Window:
        """The window with width and height rounded, halves up."""
        return Window(self.col_off, self.row_off, math.floor(self.width + 0.5), math.floor(self.height + 0.5))

    def round_offsets(self) -> Window:
        """The window with its corner rounded down."""
        return Window(math.floor(self.col_off), math.floor(self.row_off), self.width, self.height)

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
        cls, rows: Any, cols: Any, height: float | None = None, width: float | None = None, boundless: bool = False
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
        row_start, row_stop = _bounds("rows", rows, "height", height, boundless)
        col_start, col_stop = _bounds("cols", cols, "width", width, boundless)
        return cls(col_start, row_start, max(col_stop - col_start, 0), max(row_stop - row_start, 0))


def _bounds(
    name: str, part: Any, length_name: str, length: float | None, boundless: bool = False
) -> tuple[float, float]:
    if isinstance(part, slice):
        part = (part.start, part.stop)
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise WindowError(f"{name} must be a slice or a pair (start, stop), not {part!r}")
    start, stop = part
    start = 0 if start is None else start
    if boundless and stop is not None:
        return (start, stop)
    if length is None:
        if stop is None or start < 0 or stop < 0:
            raise WindowError(f"{name} {part!r} need the raster's {length_name}")
        return (start, stop)
    stop = length if stop is None else stop
    if boundless:
        return (start, stop)
    return (start + length if start < 0 else start, stop + length if stop < 0 else stop)


def as_window(value: Any, height: float | None, width: float | None, boundless: bool = False) -> Window:
    """A Window of a Window or of nested tuples, for a raster of this many rows and columns."""
    if isinstance(value, Window):
        return value
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise WindowError(f"not a window: {value!r}; give a Window or ((row, row), (column, column))")
    return Window.from_slices(value[0], value[1], height=height, width=width, boundless=boundless)


def transform(window: Window, transform: Affine) -> Affine:
    """The transform of a window of a raster that has this transform."""
    return moved(transform, window.col_off, window.row_off)


def bounds(window: Window, transform: Affine) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a window of a raster that has this transform.

    Where the raster is turned, those of the smallest upright rectangle around the window.
    """
    (row_start, row_stop), (col_start, col_stop) = window.toranges()
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
        Without effect; Rasterio has them.

    Raises
    ------
    WindowError
        There is no transform, or the bounds are the wrong way round for it.
    """
    if transform is None:
        raise WindowError("a transform is needed")
    if (right - left) * transform.a < 0 or (bottom - top) * transform.e < 0:
        raise WindowError(f"bounds {(left, bottom, right, top)} are the wrong way round for {transform!r}")
    col, row, col_stop, row_stop = rectangle(~transform, left, top, right, bottom)
    return Window(col, row, col_stop - col, row_stop - row)


__getattr__ = _later.names(
    __name__,
    "WindowMethodsMixin crop evaluate get_data_window intersect intersection iter_args round_window_to_full_blocks"
    " shape subdivide toranges union validate_length_value window_index",
)

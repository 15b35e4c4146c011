# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rectangles of a raster, in pixels."""

from __future__ import annotations

from typing import Any, Iterator

from affine import Affine


class Window:
    """A rectangle: offsets from the upper left corner, width and height, in pixels, fractions allowed."""

    __slots__ = ("col_off", "row_off", "width", "height")

    def __init__(self, col_off: float, row_off: float, width: float, height: float) -> None:
        if width < 0 or height < 0:
            raise ValueError("a window's width and height must not be negative")
        self.col_off, self.row_off, self.width, self.height = col_off, row_off, width, height

    def __repr__(self) -> str:
        return (
            f"Window(col_off={self.col_off}, row_off={self.row_off}, width={self.width}, height={self.height})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.flatten() == other.flatten()

    def __hash__(self) -> int:
        return hash(self.flatten())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.flatten())

    def flatten(self) -> tuple[float, float, float, float]:
        """Column offset, row offset, width, height."""
        return (self.col_off, self.row_off, self.width, self.height)

    def toranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((row start, row stop), (column start, column stop))."""
        return (
            (self.row_off, self.row_off + self.height),
            (self.col_off, self.col_off + self.width),
        )

    @classmethod
    def from_slices(
        cls, rows: Any, cols: Any, height: float | None = None, width: float | None = None
    ) -> Window:
        """A window from two slices or pairs; negative and missing bounds count from height and width."""
        row_start, row_stop = _bounds(rows, height)
        col_start, col_stop = _bounds(cols, width)
        return cls(col_start, row_start, max(col_stop - col_start, 0), max(row_stop - row_start, 0))


def _bounds(part: Any, length: float | None) -> tuple[float, float]:
    start, stop = (part.start, part.stop) if isinstance(part, slice) else part
    start = 0 if start is None else start
    if (stop is None or start < 0 or stop < 0) and length is None:
        raise ValueError("open or negative bounds need the raster's size")
    stop = length if stop is None else stop
    return (start + length if start < 0 else start, stop + length if stop < 0 else stop)


def as_window(value: Any, height: int, width: int) -> Window:
    """A Window of a Window or of nested tuples."""
    return value if isinstance(value, Window) else Window.from_slices(*value, height=height, width=width)


def transform(window: Window, transform: Affine) -> Affine:
    """The affine transform of a window of a raster with this transform."""
    return transform * Affine.translation(window.col_off, window.row_off)


def bounds(window: Window, transform: Affine) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a window."""
    corners = [
        transform * (window.col_off + i * window.width, window.row_off + j * window.height)
        for i in (0, 1)
        for j in (0, 1)
    ]
    xs, ys = zip(*corners)
    return (min(xs), min(ys), max(xs), max(ys))

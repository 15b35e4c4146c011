# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Arrays and bands that are warped into, strip by strip."""

from __future__ import annotations

from typing import Any, Iterator, Protocol

import numpy as np
import numpy.typing as npt

from . import _lib, _read
from ._warping import View, as_array, full_alpha
from .enums import Resampling
from .windows import Window

Array = npt.NDArray[Any]

# Memory for the values of a strip; three or four arrays of that size are there at once.
_STRIP_BYTES = 16 << 20
# Warps compute in cells of so many rows.
_CELL_ROWS = 64


class Target(Protocol):
    """What is warped into.

    Attributes
    ----------
    count, dtype, shape
        Its bands, their type, rows and columns.
    is_masked
        It has a mask of its own, which says where data is.
    """

    count: int
    dtype: str
    shape: tuple[int, int]
    is_masked: bool

    def read(self, bands: list[int], first: int, rows: int) -> Array:
        """A copy of some rows of some bands."""

    def write(self, bands: list[int], first: int, values: Array) -> None:
        """Put rows into bands."""

    def valid(self, first: int, rows: int) -> Array:
        """Where its own mask says that data is."""

    def set_valid(self, bands: list[int], first: int, valid: Array) -> None:
        """Say so."""


class ArrayTarget:
    """An array, masked or not, of two or three dimensions, with whatever strides."""

    def __init__(self, value: Any) -> None:
        self.array = as_array(value, "destination")
        self.pixels: Array = np.ma.getdata(self.array)
        if self.pixels.ndim == 2:
            self.pixels = self.pixels[np.newaxis]
        if not self.pixels.flags.writeable:
            raise ValueError("the destination is read-only")
        self.count, *size = self.pixels.shape
        self.shape = (size[0], size[1])
        self.dtype = self.pixels.dtype.name
        self.is_masked = isinstance(self.array, np.ma.MaskedArray)
        self._mask: Array | None = None
        if self.is_masked:
            self._mask = np.array(np.ma.getmaskarray(self.array)).reshape(self.pixels.shape)

    def read(self, bands: list[int], first: int, rows: int) -> Array:
        """A copy of some rows of some bands."""
        return np.array(self.pixels[[band - 1 for band in bands], first : first + rows])

    def write(self, bands: list[int], first: int, values: Array) -> None:
        """Put rows into bands."""
        self.pixels[[band - 1 for band in bands], first : first + values.shape[1]] = values

    def valid(self, first: int, rows: int) -> Array:
        """Where nothing is masked."""
        assert self._mask is not None
        valid: Array = ~np.any(self._mask[:, first : first + rows], axis=0)
        return valid

    def set_valid(self, bands: list[int], first: int, valid: Array) -> None:
        """Mask what is not valid, at ``finish``."""
        assert self._mask is not None
        self._mask[[band - 1 for band in bands], first : first + valid.shape[0]] = ~valid

    def finish(self) -> None:
        """The mask is set."""
        if isinstance(self.array, np.ma.MaskedArray) and self._mask is not None:
            self.array.mask = self._mask.reshape(self.array.shape)


class BandsTarget:
    """Bands of a dataset that is being written, whatever its mode."""

    is_masked = False

    def __init__(self, band: Any) -> None:
        self.dataset = band.ds
        if not hasattr(self.dataset, "write"):
            raise ValueError(f"{_lib.shown(self.dataset.name)}: it was opened for reading and cannot be warped into")
        self.bands = _read.listed(band.bidx, self.dataset.count)
        for number in self.bands:
            if number not in self.dataset.indexes:
                raise IndexError(f"band index {number} out of range (not in {self.dataset.indexes})")
        self.count, self.dtype, self.shape = self.dataset.count, self.dataset.dtypes[0], self.dataset.shape

    def read(self, bands: list[int], first: int, rows: int) -> Array:
        """A copy of some rows of some bands, with what was written before."""
        out: Array = np.empty((len(bands), rows, self.shape[1]), self.dtype)
        window = Window(0, first, self.shape[1], rows)
        request = _read.Request(self.dataset.dtypes, self.shape, bands, window, None, Resampling.nearest)
        with self.dataset._computing() as handle:
            request.fill(handle, None, out, _lib.shown(self.dataset.name))
        return out

    def write(self, bands: list[int], first: int, values: Array) -> None:
        """Put rows into bands."""
        self.dataset._put(values, (0, first, self.shape[1], values.shape[1]), bands)

    def valid(self, first: int, rows: int) -> Array:
        """There is no mask of its own."""
        raise NotImplementedError

    def set_valid(self, bands: list[int], first: int, valid: Array) -> None:
        """There is no mask of its own."""
        raise NotImplementedError


def _strips(target: Target, count: int) -> Iterator[tuple[int, int]]:
    """First row and rows of strips whose values fit the memory for them."""
    height, width = target.shape
    row_bytes = max(1, width * count * np.dtype(target.dtype).itemsize)
    rows = max(1, _STRIP_BYTES // (row_bytes * _CELL_ROWS)) * _CELL_ROWS
    for first in range(0, height, rows):
        yield first, min(rows, height - first)


def fill(view: View, target: Target, bands: list[int]) -> None:
    """Warp over whatever there is; the view has no density."""
    indexes = list(range(1, len(bands) + 1))
    if isinstance(target, ArrayTarget):
        for index, band in zip(indexes, bands):
            view.read(target.pixels[band - 1 : band], 0, [index])
        return
    for first, rows in _strips(target, len(bands)):
        values: Array = np.empty((len(bands), rows, target.shape[1]), target.dtype)
        view.read(values, first, indexes)
        target.write(bands, first, values)


class Overlay:
    """Warping with density: into what stays where nothing is, a mask or a band of alpha.

    Parameters
    ----------
    view
        With a density band.
    bands, alpha
        Of the target; alpha 0: none.
    keeps
        What the target holds stays where nothing is; else that becomes ``filling``.
    nodata
        The target's; values that equal it are moved by one step, and there is nothing below its own. None: none.
    """

    def __init__(
        self, view: View, target: Target, bands: list[int], alpha: int, keeps: bool, filling: Array, nodata: float | None
    ) -> None:
        self._view, self._target, self._bands, self._alpha = view, target, bands, alpha
        self._keeps, self._filling, self._nodata = keeps, filling, nodata

    def run(self) -> None:
        """All strips, one after the other."""
        for first, rows in _strips(self._target, len(self._bands) + 1):
            self._strip(first, rows)

    def _strip(self, first: int, rows: int) -> None:
        target, bands, count = self._target, self._bands, len(self._bands)
        values: Array = np.empty((count + 1, rows, target.shape[1]), target.dtype)
        self._view.read(values, first, [*range(1, count + 1), self._view.density])
        density = np.clip(values[-1].astype(float) / full_alpha(target.dtype), 0, 1)
        values = values[:-1]
        below = target.read(bands, first, rows) if self._keeps else self._initial(values.shape)
        there = self._density_below(first, rows, below)
        self._mix(values, density, below, there)
        np.copyto(values, below, where=density == 0)
        total = density + there * (1 - density)
        if self._alpha:
            full = full_alpha(target.dtype)
            target.write([self._alpha], first, _rounded(total * full, target.dtype)[np.newaxis])
        target.write(bands, first, values)
        if target.is_masked:
            target.set_valid(bands, first, total > 0)

    def _initial(self, shape: tuple[int, ...]) -> Array:
        below: Array = np.empty(shape, self._target.dtype)
        below[...] = self._filling[:, np.newaxis, np.newaxis]
        return below

    def _density_below(self, first: int, rows: int, below: Array) -> Array:
        """How much of each pixel is covered already."""
        target = self._target
        if not self._keeps and (self._alpha or target.is_masked):
            return np.zeros(below.shape[1:])
        if self._alpha:
            alpha = target.read([self._alpha], first, rows)[0]
            there: Array = np.clip(alpha.astype(float) / full_alpha(target.dtype), 0, 1)
            return there
        if target.is_masked:
            return target.valid(first, rows).astype(float)
        if self._nodata is None:
            return np.ones(below.shape[1:])
        holes: Array = np.all(_equal(below, self._nodata), axis=0)
        return 1.0 - holes

    def _mix(self, values: Array, density: Array, below: Array, there: Array) -> None:
        partly = (density > 0) & (density < 1) & (there > 0)
        if partly.any():
            own, other = density[partly], there[partly] * (1 - density[partly])
            mixed = (values[:, partly] * own + below[:, partly] * other) / (own + other)
            values[:, partly] = _rounded(mixed, self._target.dtype)
        if self._nodata is not None:
            hits = _equal(values, self._nodata).all(axis=0) & (density > 0)
            values[:, hits] = _beside(self._nodata, self._target.dtype)


def _equal(values: Array, number: float) -> Array:
    equal: Array = np.isnan(values) if number != number else values == number
    return equal


def _rounded(values: Array, dtype: str) -> Array:
    """Values as a type, halves up."""
    rounded: Array = np.floor(values + 0.5) if np.dtype(dtype).kind in "iu" else values
    return rounded.astype(dtype)


def _beside(number: float, dtype: str) -> Any:
    """The value that data gets instead of the nodata value."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        return int(number) + (1 if number == np.iinfo(kind).min else -1)
    return np.nextafter(kind.type(number), kind.type(np.inf if number == np.finfo(kind).min else -np.inf))

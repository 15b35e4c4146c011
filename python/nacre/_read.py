# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Reads of pixels and masks into numpy arrays."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import numpy.typing as npt

from . import _lib, windows
from ._native import ffi, lib
from .enums import Resampling
from .errors import DatasetIOShapeError, RasterioIOError, ResamplingAlgorithmError
from .windows import Window

Array = npt.NDArray[Any]

# Types of GDAL that numpy has not, and what their values are read as.
AS_NUMPY = {"complex_int16": "complex64", "complex_int32": "complex64"}


class Request:
    """What is to be read: bands, window, the output's shape, resampling. Checked when it is made.

    Parameters
    ----------
    dtypes
        Of all bands of the dataset, by name.
    size
        Rows and columns of the dataset.
    indexes
        A band number for a two-dimensional result, or several; None for all bands.
    window
        A Window or nested tuples, which may reach over the raster's edge; None for the whole raster.
    out_shape
        Rows and columns, or bands, rows and columns; None for those of what lies in the window.
    resampling
        How values are resampled where the output's size is another than the window's.
    boundless
        A window is not cut at the raster's edges.
    fill
        What lies beyond them; None for the bands' nodata values, or 0.
    """

    def __init__(
        self,
        dtypes: Sequence[str],
        size: tuple[int, int],
        indexes: int | Sequence[int] | None,
        window: Any,
        out_shape: tuple[int, ...] | None,
        resampling: Resampling,
        boundless: bool = False,
        fill: float | None = None,
    ) -> None:
        self.is_single = isinstance(indexes, int)
        self.bands = _as_bands(indexes, len(dtypes))
        self.dtypes = [AS_NUMPY.get(dtypes[band - 1], dtypes[band - 1]) for band in self.bands]
        self.boundless, self.filling = boundless and window is not None, fill
        whole = Window(0, 0, size[1], size[0])
        window = whole if window is None else windows.evaluate(window, *size, boundless=self.boundless)
        self.window = window if self.boundless else window.crop(*size)
        self.resampling = _checked(resampling)
        self.shape = self._shape(out_shape)

    def _shape(self, out_shape: tuple[int, ...] | None) -> tuple[int, ...]:
        """That of the result: (rows, columns) for a single band, else (bands, rows, columns)."""
        count = len(self.bands)
        if out_shape is None:
            lengths = self.window.round_lengths()
            rows, columns = int(lengths.height), int(lengths.width)
        elif len(out_shape) == 2 or (len(out_shape) == 3 and out_shape[0] == count):
            rows, columns = out_shape[-2:]
        else:
            raise DatasetIOShapeError(f"an array of shape {tuple(out_shape)} does not fit {count} bands")
        return (rows, columns) if self.is_single else (count, rows, columns)

    def values_array(self, out_dtype: Any) -> Array:
        """A new array for the pixels' values; by default of the bands' type.

        Raises
        ------
        ValueError
            The bands have several types, and none was asked for.
        """
        if out_dtype is None and len(set(self.dtypes)) > 1:
            raise ValueError(f"more than one dtype: {', '.join(self.dtypes)}; read them apart or give out_dtype")
        return np.empty(self.shape, self.dtypes[0] if out_dtype is None else out_dtype)

    def fitted(self, out: Array) -> Array:
        """The caller's array, without the axis of bands where one band is read into it.

        Raises
        ------
        ValueError
            It does not fit the bands, or cannot be written.
        """
        view = out[0] if self.is_single and out.ndim == 3 and out.shape[0] == 1 else out
        if view.ndim != len(self.shape) or view.shape[:-2] != self.shape[:-2]:
            raise ValueError(f"an array of shape {out.shape} does not fit {len(self.bands)} bands")
        if not view.flags.writeable:
            raise ValueError("the array to read into is read-only")
        return view

    def start(
        self, handle: Any, cache: str | None, out: Array, name: str, kind: str = "values", waits: bool = True
    ) -> Reading | None:
        """Start to read into ``out``; ``kind`` is values, masks or dataset_mask. None: there is nothing to read.

        ``waits``: the caller is going to wait for it, so that what needs no fetching may be done at once.

        Raises
        ------
        TypeError
            nacre does not read into arrays of this type.
        """
        if 0 in out.shape:
            return None
        options = self.options(out.shape, out.dtype.name, name, kind)
        return Reading(handle, _lib.IOOptions(cache, begins_here=waits), out, *options)

    def fill(self, handle: Any, cache: str | None, out: Array, name: str, kind: str = "values") -> None:
        """Read into ``out``, as ``start``, and wait."""
        reading = self.start(handle, cache, out, name, kind)
        if reading:
            reading.wait()

    def options(self, shape: tuple[int, ...], dtype: str, name: str, kind: str) -> tuple[Any, Any]:
        """A ``nacre_read_options`` for an array, and what it points to."""
        if self.window.width == 0 or self.window.height == 0:
            raise RasterioIOError(f"{name}: the window lies outside the raster, there is nothing to read from")
        options = _lib.sized("nacre_read_options")
        options.window = self.window.flatten()
        options.out_height, options.out_width = shape[-2:]
        numbers = ffi.new("int[]", self.bands)
        options.bands, options.band_count = numbers, len(self.bands)
        options.masks, options.dataset_mask = kind == "masks", kind == "dataset_mask"
        options.resampling, options.boundless = int(self.resampling), self.boundless
        if self.boundless and self.filling is not None:
            options.has_fill, options.fill = True, self.filling
        options.dtype = dtype_number(dtype)
        return options, numbers


class Target:
    """Where the library writes the values of an array: without gaps and in the machine's byte order."""

    def __init__(self, out: Array) -> None:
        self._out = out
        is_plain = out.flags.c_contiguous and out.dtype.isnative
        self._array = out if is_plain else np.empty(out.shape, out.dtype.newbyteorder("="))
        self.size = self._array.nbytes
        self.buffer = ffi.from_buffer(self._array, require_writable=True)

    def finish(self) -> None:
        """The values are there."""
        if self._array is not self._out:
            self._out[...] = self._array


class Reading:
    """A read that goes on without a thread of Python's."""

    def __init__(self, handle: Any, io: _lib.IOOptions, out: Array, options: Any, keeps: Any) -> None:
        self._target = Target(out)
        self._call = _lib.Started(
            lib.nacre_dataset_read_start, handle, options, io.pointer, self._target.buffer, self._target.size,
            keeps=(keeps, io),
        )  # fmt: skip

    def wait(self) -> None:
        """Wait for the values; signals are handled meanwhile."""
        self._call.wait()
        self._target.finish()

    async def awaited(self) -> None:
        """Await the values."""
        await self._call.awaited()
        self._target.finish()


# Resamplings that only views have.
_OF_VIEWS = frozenset(
    (Resampling.max, Resampling.min, Resampling.med, Resampling.q1, Resampling.q3, Resampling.sum)
)  # fmt: skip


def _checked(resampling: Resampling) -> Resampling:
    method = Resampling(resampling.value)
    if method in _OF_VIEWS:
        raise ResamplingAlgorithmError(f"{method!r} can be used by views, but not by reads and writes")
    return method


def dtype_number(name: str) -> int:
    """The library's number of a type.

    Raises
    ------
    TypeError
        It has no such type.
    """
    number = int(lib.nacre_dtype_from_name(name.encode()))
    if number == lib.NACRE_DTYPE_UNKNOWN:
        raise TypeError(f"unsupported data type: {name}")
    return number


def listed(indexes: int | Sequence[int] | None, count: int) -> list[int]:
    """Band numbers as a list, unchecked: one, several, or (None) all of ``count``."""
    if indexes is None:
        return list(range(1, count + 1))
    return [indexes] if isinstance(indexes, int) else list(indexes)


def _as_bands(indexes: int | Sequence[int] | None, count: int) -> list[int]:
    numbers = range(1, count + 1)
    bands = listed(indexes, count)
    if not bands:
        raise ValueError("no band is asked for")
    for band in bands:
        if band not in numbers:
            raise IndexError(f"band index {band} out of range (not in {tuple(numbers)})")
    return bands

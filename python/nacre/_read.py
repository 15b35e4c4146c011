# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Reads of pixels and masks into numpy arrays."""

from __future__ import annotations

import functools
import math
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

    # Small reads of cached pixels take a few microseconds, of which half are spent here and in ``start``.
    __slots__ = ("is_single", "bands", "boundless", "filling", "resampling", "box", "shape", "_dtypes")

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
        self._dtypes = dtypes
        self.boundless, self.filling = boundless and window is not None, fill
        self.resampling = resampling if resampling is Resampling.nearest else _checked(resampling)
        #: Column and row offset, width and height of what is read: of the window, what lies in the raster.
        self.box = (0, 0, size[1], size[0]) if window is None else self._box(window, *size)
        self.shape = self._shape(out_shape)

    def _box(self, window: Any, rows: int, columns: int) -> tuple[float, float, float, float]:
        if type(window) is not Window:
            window = windows.evaluate(window, rows, columns, boundless=self.boundless)
        box = column, row, width, height = window.col_off, window.row_off, window.width, window.height
        if column >= 0 and row >= 0 and column + width <= columns and row + height <= rows:
            return box
        return box if self.boundless else Window(*box).crop(rows, columns).flatten()

    @property
    def dtypes(self) -> list[str]:
        """Of the bands that are read, by numpy's names."""
        return [AS_NUMPY.get(name, name) for name in [self._dtypes[band - 1] for band in self.bands]]

    def _shape(self, out_shape: tuple[int, ...] | None) -> tuple[int, ...]:
        """That of the result: (rows, columns) for a single band, else (bands, rows, columns)."""
        count = len(self.bands)
        if out_shape is None:
            rows, columns = math.floor(self.box[3] + 0.5), math.floor(self.box[2] + 0.5)
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
        if out_dtype is not None:
            return np.empty(self.shape, out_dtype)
        if self.is_single:
            name = self._dtypes[self.bands[0] - 1]
            return np.empty(self.shape, AS_NUMPY.get(name, name))
        dtypes = self.dtypes
        if len(dtypes) > 1 and len(set(dtypes)) > 1:
            raise ValueError(f"more than one dtype: {', '.join(dtypes)}; read them apart or give out_dtype")
        return np.empty(self.shape, dtypes[0])

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
        """Start to read into ``out``; ``kind`` is values, masks or dataset_mask. None: there is nothing to wait for.

        ``waits``: the caller is going to wait for it, so that what needs no fetching may be done at once.

        Raises
        ------
        TypeError
            nacre does not read into arrays of this type.
        """
        rows, columns = out.shape[-2:]
        if 0 in out.shape:
            return None
        self._check_box(name)
        target, bands, fill = Target(out), self.bands, self.filling if self.boundless else None
        status = lib.nacre_py_read_start(
            handle, *self.box, columns, rows, band_numbers(bands), len(bands), dtype_number(out.dtype), self.resampling,
            _KINDS[kind], self.boundless, fill is not None, 0 if fill is None else fill, target.buffer, target.size,
            _lib.settings().config, ffi.NULL if cache is None else cache.encode(), waits,
        )  # fmt: skip
        if not status:
            target.finish()
            return None
        started = lib.nacre_py_started_of_thread()
        if status != lib.NACRE_PY_GOES_ON:
            _lib.raise_status(status, _lib.text(started.error.message))
        return Reading(target, _lib.Started.of(started.future, (handle, target)))

    def _check_box(self, name: str) -> None:
        if self.box[2] == 0 or self.box[3] == 0:
            told = _lib.shown(name)
            raise RasterioIOError(f"{told}: the window lies outside the raster, there is nothing to read from")

    def fill(self, handle: Any, cache: str | None, out: Array, name: str, kind: str = "values") -> None:
        """Read into ``out``, as ``start``, and wait."""
        reading = self.start(handle, cache, out, name, kind)
        if reading:
            reading.wait()

    def options(self, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, kind: str) -> tuple[Any, Any]:
        """A ``nacre_read_options`` for an array, and what it points to."""
        self._check_box(name)
        options = _lib.sized("nacre_read_options")
        numbers = band_numbers(self.bands)
        has_fill = self.boundless and self.filling is not None
        lib.nacre_py_read_options(
            options, *self.box, shape[-1], shape[-2], numbers, len(self.bands), dtype_number(dtype),
            int(self.resampling), _KINDS[kind], self.boundless, has_fill, self.filling if has_fill else 0,
        )  # fmt: skip
        return options, numbers


class Target:
    """Where the library writes the values of an array: without gaps and in the machine's byte order."""

    __slots__ = ("_out", "_array", "size", "buffer")

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

    __slots__ = ("_target", "_call")

    def __init__(self, target: Target, call: _lib.Started) -> None:
        self._target, self._call = target, call

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


_KINDS = {"values": 0, "masks": 1, "dataset_mask": 2}


@functools.lru_cache(maxsize=256)
def band_numbers(bands: tuple[int, ...]) -> Any:
    """Band numbers for the library, which only reads them."""
    return ffi.new("int[]", bands)


def _checked(resampling: Resampling) -> Resampling:
    if resampling is Resampling.nearest:
        return resampling
    method = Resampling(resampling.value)
    if method in _OF_VIEWS:
        raise ResamplingAlgorithmError(f"{method!r} can be used by views, but not by reads and writes")
    return method


@functools.lru_cache(maxsize=256)
def dtype_number(dtype: np.dtype[Any] | str) -> int:
    """The library's number of a type, by itself or its name.

    Raises
    ------
    TypeError
        It has no such type.
    """
    name = dtype if isinstance(dtype, str) else dtype.name
    number = int(lib.nacre_dtype_from_name(name.encode()))
    if number == lib.NACRE_DTYPE_UNKNOWN:
        raise TypeError(f"unsupported data type: {name}")
    return number


def listed(indexes: int | Sequence[int] | None, count: int) -> list[int]:
    """Band numbers as a list, unchecked: one, several, or (None) all of ``count``."""
    if indexes is None:
        return list(range(1, count + 1))
    return [indexes] if isinstance(indexes, int) else list(indexes)


def _as_bands(indexes: int | Sequence[int] | None, count: int) -> tuple[int, ...]:
    if isinstance(indexes, int) and 1 <= indexes <= count:
        return (indexes,)
    bands = tuple(listed(indexes, count))
    if not bands:
        raise ValueError("no band is asked for")
    for band in bands:
        if band not in range(1, count + 1):
            raise IndexError(f"band index {band} out of range (not in {tuple(range(1, count + 1))})")
    return bands

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets that are made, or changed in place."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import weakref
from types import TracebackType
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from . import _lib, _read, windows
from ._describing import DescribingMixin
from ._info import DatasetInfo, describe
from ._measure import STATISTICS_TAGS, Statistics
from ._native import ffi, lib
from ._read import Array
from .dataset import DatasetReaderBase, _in_thread
from .enums import Resampling
from .errors import InvalidArrayError, OverviewCreationError, RasterioIOError, UnsupportedOperation

# Writers that nobody has closed: the end of the process closes them.
_open_writers: weakref.WeakSet[DatasetWriterBase] = weakref.WeakSet()


def _close_all() -> None:
    for writer in list(_open_writers):
        writer._close_at_last()


atexit.register(_close_all)


class DatasetWriterBase(DescribingMixin, DatasetReaderBase):
    """A raster that is made (modes w and w+) or changed in place (r+).

    What is written becomes visible at once and whole when the dataset is closed, and not before: a ``with`` block that
    is left by an exception leaves what was there. Threads may share one dataset; their calls come one after the other.

    Parameters
    ----------
    handle
        The library's dataset, which it takes over.
    mode
        "r+", "w" or "w+".
    driver
        GDAL's name of the format.
    cache
        As for ``nacre.open``.
    name
        Of a dataset that closing does not write, but forget; None: it is written, and named by its path.
    """

    def __init__(
        self, handle: Any, mode: str, driver: str, cache: str | None = None, name: str | None = None
    ) -> None:
        self._lock = threading.RLock()
        self._is_stale = False  # the info is from before the last change
        self._name = name
        self._ended = name is not None  # nothing is to be committed any longer
        self._process = os.getpid()
        self._factors: list[int] = []  # of overviews to make
        self._at_commit: list[Callable[[], None]] = []  # what is to be done with what was written
        super().__init__(handle, cache)
        self.mode = mode
        self._format = driver
        self._options = None
        _open_writers.add(self)

    # --- what it is ---

    @property
    def name(self) -> str:
        """The path that it is written to."""
        return super().name if self._name is None else self._name

    @property
    def driver(self) -> str:
        """GDAL's name of the format."""
        return self._format

    @property
    def _info(self) -> DatasetInfo:
        with self._lock:
            handle = self._state.handle
            if self._is_stale and handle is not None:
                self._state = self._state._replace(info=describe(handle))
                self._is_stale = False
            return self._state.info

    @property
    def files(self) -> list[str]:
        """The files that it consists of, and is going to.

        Raises
        ------
        RasterioIOError
            The dataset is closed.
        """
        return super().files or [self.name]

    def _overview_widths(self) -> list[int]:
        """With those that closing is going to make."""
        made = [-(-self.width // factor) for factor in self._factors]
        return sorted({*super()._overview_widths(), *made}, reverse=True)

    @contextlib.contextmanager
    def _computing(self) -> Iterator[Any]:
        with self._lock:
            yield self._open_handle()

    def _change(self, call: Callable[..., int], *arguments: Any) -> None:
        """Calls one of the library's functions that change the dataset: the handle before, the error behind."""
        err = ffi.new("nacre_error *")
        with self._computing() as handle:
            self._is_stale = True
            _lib.check(call(handle, *arguments, err), err)

    # --- reading ---

    def _check_readable(self) -> None:
        if self.mode == "w" and not self._is_closed:
            raise UnsupportedOperation(f"{_lib.shown(self.name)}: not readable: open it with w+ or r+")

    def _request(self, *arguments: Any) -> _read.Request:
        self._check_readable()
        return super()._request(*arguments)

    def _filled(self, fill: Callable[[Any], None]) -> None:
        self._check_readable()
        with self._lock:
            super()._filled(fill)

    async def aread(self, *arguments: Any, **options: Any) -> Array:
        """Like ``read``, for asyncio; another thread waits."""
        result: Array = await _in_thread(lambda: self.read(*arguments, **options))
        return result

    def refresh(self) -> bool:
        """Nothing can be opened anew below what is being changed.

        Raises
        ------
        UnsupportedOperation
        """
        raise UnsupportedOperation(f"{_lib.shown(self.name)}: it is open for writing; close it and open it again")

    # --- pixels ---

    def write(
        self, arr: Any, indexes: int | Sequence[int] | None = None, window: Any = None, masked: bool = False
    ) -> None:
        """Write pixels.

        Parameters
        ----------
        arr
            An array of shape (rows, columns) for one band, else (bands, rows, columns). Values are cast to the bands'
            type as numpy's ``astype`` does. Where rows and columns are others than the window's, the nearest are taken.
        indexes
            A band number, or several; None for all bands.
        window
            A Window or nested tuples; fractions of pixels are cut off. None for the whole raster.
        masked
            Write the mask of a masked array as the mask of the dataset, where a pixel is valid if it is in any band.
            Else what is masked is the nodata value, or the array's own ``fill_value``.

        Raises
        ------
        InvalidArrayError
            This is no array.
        ValueError
            The array does not fit the bands, or the dataset is closed.
        IndexError
            There is no such band.
        RasterioIOError
            The window reaches beyond the raster; there is no space left.
        """
        if self._is_closed:
            raise ValueError(f"{_lib.shown(self.name)}: the dataset is closed and cannot be written")
        if not hasattr(arr, "__array__") and not hasattr(arr, "__array_interface__"):
            raise InvalidArrayError(f"{_lib.shown(self.name)}: {type(arr).__name__} is no array")
        values, bands = self._fitted(np.asanyarray(arr), indexes)
        rect = self._rect(window)
        valid = None
        if isinstance(values, np.ma.MaskedArray):
            if masked:
                valid = ~np.ma.getmaskarray(values).all(axis=0)
                values = values.data
            else:
                values = values.filled(None if self.nodata is None else self.nodata)
        stored = _read.AS_NUMPY.get(self.dtypes[0], self.dtypes[0])
        self._put(_resized(values.astype(stored, copy=False), rect), rect, bands)
        if valid is not None:
            mask: Any = valid.astype(np.uint8) * np.uint8(255)
            self._put(_resized(mask, rect), rect, None)

    def _fitted(self, values: Array, indexes: int | Sequence[int] | None) -> tuple[Array, list[int]]:
        """The values with an axis of bands, and the bands."""
        if isinstance(indexes, int):
            values = values[np.newaxis]
        bands = _read.listed(indexes, self.count)
        if values.ndim != 3 or len(values) != len(bands):
            raise ValueError(f"Source shape {values.shape} is inconsistent with given indexes {len(bands)}")
        for band in bands:
            if band not in self.indexes:
                raise IndexError(f"band index {band} out of range (not in {self.indexes})")
        return values, bands

    def _rect(self, window: Any) -> tuple[int, int, int, int]:
        """Column, row, columns and rows of a window to write.

        Raises
        ------
        RasterioIOError
            It reaches beyond the raster.
        """
        if window is None:
            return (0, 0, self.width, self.height)
        part = windows.evaluate(window, *self.shape)
        column, row, width, height = (int(number) for number in part.flatten())
        if column < 0 or row < 0 or column + width > self.width or row + height > self.height:
            raise RasterioIOError(f"{_lib.shown(self.name)}: {part} reaches beyond the raster")
        return (column, row, width, height)

    def _put(self, values: Array, rect: tuple[int, int, int, int], bands: Sequence[int] | None) -> None:
        """Writes values into bands, or into the mask (None)."""
        if 0 in values.shape or 0 in rect[2:]:
            return
        plain = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
        options = _lib.sized("nacre_dataset_write_options")
        options.window = rect
        options.dataset_mask = bands is None
        numbers = ffi.new("int[]", bands or [])
        options.bands, options.band_count = numbers, len(numbers)
        options.dtype = _read.dtype_number(plain.dtype.name)
        buffer = ffi.from_buffer(plain)
        io = _lib.IOOptions(self._cache)
        err = ffi.new("nacre_error *")
        with self._computing() as handle:
            self._is_stale = True
            arguments = (handle, options, io.pointer, buffer, plain.nbytes, err)
            _lib.check(_lib.blocking(lib.nacre_dataset_write, io, *arguments), err)

    def write_band(self, bidx: int, src: Any, window: Any = None) -> None:
        """Write one band; ``write`` with a band number."""
        self.write(src, bidx, window=window)

    def write_mask(self, mask_array: Any, window: Any = None) -> None:
        """Write the mask of the dataset.

        Parameters
        ----------
        mask_array
            An array of shape (rows, columns): 0 or False is invalid, others are valid. True or False for all pixels.
        window
            A Window or nested tuples; None for the whole raster.

        Raises
        ------
        ValueError
            The array has other than two dimensions.
        RasterioIOError
            The dataset is closed, or the window reaches beyond the raster.
        """
        self._open_handle()
        rect = self._rect(window)
        if mask_array is True or mask_array is False:
            values = np.full((rect[3], rect[2]), 255 if mask_array else 0, np.uint8)
        else:
            values = (mask_array.astype(np.uint8) != 0) * np.uint8(255)
        if values.ndim != 2:
            raise ValueError(f"{_lib.shown(self.name)}: a mask has rows and columns; this one has shape {values.shape}")
        self._put(_resized(values, rect), rect, None)

    # --- overviews ---

    def build_overviews(self, factors: Sequence[int], resampling: Resampling = Resampling.nearest) -> None:
        """Make overviews when the dataset is closed; those that there are already are made anew.

        Parameters
        ----------
        factors
            How much smaller each is, from 2.
        resampling
            How values are resampled; of several calls that of the last counts for all.

        Raises
        ------
        OverviewCreationError
            More than one of them would have a single pixel.
        ValueError
            A factor or resampling that overviews cannot have.
        RasterioIOError
            The dataset is closed.
        """
        method = resampling.value
        wanted = [int(factor) for factor in factors]
        whole = [factor for factor in wanted if factor > 0 and max(self.width, self.height) <= factor]
        if len(whole) > 1:
            raise OverviewCreationError(f"{_lib.shown(self.name)}: overviews {whole} would all have one pixel")
        if not wanted:
            return
        all_factors = sorted({*self._factors, *wanted})
        self._change(lib.nacre_dataset_build_overviews, ffi.new("int[]", all_factors), len(all_factors), method)
        self._factors = all_factors

    # --- statistics ---

    def update_stats(
        self,
        *,
        stats: Sequence[Statistics] | None = None,
        indexes: int | Sequence[int] | None = None,
        approx: bool = False,
    ) -> None:
        """Store statistics of bands in the metadata.

        Parameters
        ----------
        stats
            One for each band; None: they are computed.
        indexes
            A band number, or several; None for all bands.
        approx
            Those of an overview, or of some of the blocks, will do.

        Raises
        ------
        IndexError
            There is no such band.
        RasterioIOError
            The dataset is closed, or cannot be read.
        """
        bands = _read.listed(indexes, self.count)
        given: Sequence[Statistics | None] = [None] * len(bands) if stats is None else stats
        for band, one in zip(bands, given):
            tags = {}
            if one is None:
                found = self._compute_statistics(band, approx)
                one = found.statistics
                tags["STATISTICS_VALID_PERCENT"] = f"{found.valid_percent:.4g}"
                if not found.is_whole:
                    tags["STATISTICS_APPROXIMATE"] = "YES"
            values = (one.min, one.max, one.mean, one.std)
            self.update_tags(band, **{key: f"{value:.14g}" for key, value in zip(STATISTICS_TAGS, values)}, **tags)

    def clear_stats(self) -> None:
        """Remove the statistics of all bands from the metadata.

        Raises
        ------
        RasterioIOError
            The dataset is closed.
        """
        for band in self.indexes:
            for key in self.tags(band):
                if key.startswith("STATISTICS_"):
                    self._set_item(band, "", key, None)

    # --- life ---

    def close(self) -> None:
        """Write the raster: visible at once and whole when this returns. After a failure it may be tried again.

        Raises
        ------
        ObjectChangedError
            Another has changed what was opened with r+: it stays as it is now.
        RasterioIOError
            It cannot be written.
        """
        with self._lock:
            if self._is_closed:
                return
            if not self._ended and self._process == os.getpid():
                self._ended = True  # the destructor does not try again what fails here
                self._commit()
            self._info  # what it has become, for those who ask a closed dataset
            super().close()

    def _commit(self) -> None:
        io = _lib.IOOptions(self._cache)
        err = ffi.new("nacre_error *")
        arguments = (self._state.handle, ffi.NULL, ffi.NULL, io.pointer, err)
        try:
            _lib.check(_lib.blocking(lib.nacre_dataset_commit, io, *arguments), err)
            for call in self._at_commit:
                call()
        except BaseException:
            self._ended = False
            _open_writers.discard(self)
            raise

    def _give_up(self) -> None:
        """Closes without writing."""
        with self._lock:
            self._ended = True
            self.close()

    def _close_at_last(self) -> None:
        """What nobody closed is written all the same, as Rasterio does."""
        if self in _open_writers and not self._is_closed:
            self.close()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, (SystemExit, GeneratorExit)):
            self.close()
        else:
            self._give_up()

    def __del__(self) -> None:
        if hasattr(self, "_format") and not sys.is_finalizing():
            self._close_at_last()

    def __reduce__(self) -> Any:
        raise TypeError(f"{_lib.shown(self.name)}: a dataset that is open for writing cannot be pickled")


def _resized(values: Array, rect: tuple[int, int, int, int]) -> Array:
    """Values for a window's columns and rows: the nearest ones, where there are more or fewer."""
    _, _, columns, rows = rect
    height, width = values.shape[-2:]
    if (height, width) == (rows, columns) or 0 in values.shape or not rows or not columns:
        return values
    # By the step as a float, as GDAL does: a pixel whose place is a whole number may get the one before.
    at_rows, at_columns = np.floor(np.arange(rows) / (rows / height)), np.floor(np.arange(columns) / (columns / width))
    resized: Array = values[..., at_rows.astype(np.intp)[:, np.newaxis], at_columns.astype(np.intp)]
    return resized


class DatasetWriter(DatasetWriterBase):
    """A raster that is made or changed in place."""


class BufferedDatasetWriter(DatasetWriterBase):
    """A raster in a format that is written whole (COG, PNG)."""

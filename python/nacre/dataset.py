# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets opened for reading."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from types import TracebackType
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Sequence, TypeVar

import numpy as np

from . import _lib, _read
from ._describe import DatasetBase
from ._info import DatasetInfo, describe
from ._measure import MeasuresMixin
from ._native import ffi, lib
from ._read import Array
from .enums import ColorInterp, MaskFlags, Resampling
from .errors import NodataShadowWarning, NotGeoreferencedWarning, ObjectChangedError, ObjectNotFoundError, RasterioIOError

_Self = TypeVar("_Self", bound="DatasetReaderBase")


class _State(NamedTuple):
    """What a reader has open: replaced as a whole by a refresh."""

    handle: Any  # the library's dataset, closed when nobody holds it any longer
    info: DatasetInfo
    source: "_State | None" = None  # what a view was made of


class DatasetReaderBase(MeasuresMixin, DatasetBase):
    """What can be read: a snapshot of each object behind it. Threads may share one dataset.

    Sizes and windows are in pixels, counted from the upper left corner; bands count from 1. A closed dataset still
    tells what it is, but gives no pixels and no tags.
    """

    mode = "r"

    def __init__(
        self,
        handle: Any,
        cache: str | None = None,
        driver: str | None = None,
        on_change: str = "error",
        options: dict[str, Any] | None = None,
    ) -> None:
        self._cache, self._driver, self._on_change = cache, driver, on_change
        self._options = options
        self._is_closed = False
        self._refreshing = threading.Lock()
        self._at_end: list[Callable[[], None]] = []  # what close has to do besides, last first
        self._state = self._state_of(handle)

    def _state_of(self, handle: Any) -> _State:
        """Takes over a handle of the library."""
        owned = ffi.gc(handle, lib.nacre_dataset_close)
        return _State(owned, describe(owned))

    @property
    def _info(self) -> DatasetInfo:
        return self._state.info

    def _open_handle(self) -> Any:
        """The library's dataset. Whoever holds it keeps it alive, even while another thread closes this object."""
        return self._open_state().handle

    def _open_state(self) -> _State:
        state = self._state
        if self._is_closed or state.handle is None:
            raise RasterioIOError(f"{_lib.shown(self.name)}: the dataset is closed")
        return state

    @contextlib.contextmanager
    def _computing(self) -> Iterator[Any]:
        """The library's dataset for a call that reads."""
        yield self._open_handle()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._is_closed

    # --- reading ---

    def read(
        self,
        indexes: int | Sequence[int] | None = None,
        out: Array | None = None,
        window: Any = None,
        masked: bool = False,
        out_shape: tuple[int, ...] | None = None,
        boundless: bool = False,
        resampling: Resampling = Resampling.nearest,
        fill_value: float | None = None,
        out_dtype: Any = None,
    ) -> Array:
        """Read pixels.

        Parameters
        ----------
        indexes
            A band number gives an array of shape (rows, columns); a sequence, or None for all, (bands, rows, columns).
        out
            An array to fill instead of a new one; its rows and columns may differ from the window's.
        window
            A Window or ((row start, row stop), (column start, column stop)); None for the whole raster. What reaches
            over the raster's edge is cut off, unless ``boundless``.
        masked
            Return a masked array with the bands' masks.
        out_shape
            (rows, columns) or (bands, rows, columns). Where it differs from the window's the values are resampled,
            from overviews where there are some.
        boundless
            What of the window lies beyond the raster is filled, and invalid.
        resampling
            How values are resampled: all but max, min, med, q1, q3 and sum, which only views have.
        fill_value
            What lies beyond the raster, and without ``masked`` what is invalid otherwise; ``fill_value`` of the masked
            array. By default the nodata value; beyond the raster 0 where there is none.
        out_dtype
            Type of the result; values are clamped and rounded. By default the bands'.

        Returns
        -------
        numpy.ndarray or numpy.ma.MaskedArray

        Raises
        ------
        IndexError
            There is no such band.
        ValueError, DatasetIOShapeError
            ``out`` or ``out_shape`` does not fit the bands; the bands have several types and none was asked for.
        WindowError
            This is no window.
        ObjectChangedError
            An object behind the dataset is no longer the version that was opened.
        RasterioIOError
            The dataset is closed, its content is damaged, or the store failed.
        """
        self._refuse_boundless(boundless)
        request = self._request(indexes, out, window, out_shape, resampling, boundless, fill_value)
        values, valid = self._arrays(request, out, out_dtype, masked, fill_value)

        def fill(handle: Any) -> None:
            for reading in self._readings(handle, request, values, valid):
                reading.wait()

        self._filled(fill)
        return self._filled_in(request, values, valid, masked, fill_value)

    async def aread(
        self,
        indexes: int | Sequence[int] | None = None,
        out: Array | None = None,
        window: Any = None,
        masked: bool = False,
        out_shape: tuple[int, ...] | None = None,
        boundless: bool = False,
        resampling: Resampling = Resampling.nearest,
        fill_value: float | None = None,
        out_dtype: Any = None,
    ) -> Array:
        """Like ``read``, for asyncio: no thread waits. Any number of reads may be awaited at once.

        Cancelling the task cancels the read; the task goes on when nothing is written to ``out`` any longer.
        """
        self._refuse_boundless(boundless)
        request = self._request(indexes, out, window, out_shape, resampling, boundless, fill_value)
        values, valid = self._arrays(request, out, out_dtype, masked, fill_value)
        state = self._open_state()
        try:
            await _all_of(self._readings(state.handle, request, values, valid, waits=False))
        except ObjectChangedError as error:
            if self._on_change == "error" or not await _in_thread(self._go_on, state):
                raise error
            await _all_of(self._readings(self._open_handle(), request, values, valid, waits=False))
        return self._filled_in(request, values, valid, masked, fill_value)

    def _arrays(
        self, request: _read.Request, out: Array | None, out_dtype: Any, masked: bool, fill_value: float | None
    ) -> tuple[Array, Array | None]:
        """Where a read puts its values, and their masks where something is done with them."""
        values = request.values_array(out_dtype) if out is None else request.fitted(out)
        if (masked or (fill_value is not None and not request.boundless)) and self._has_mask(request):
            return values, np.empty(values.shape, np.uint8)
        return values, None

    def _filled_in(
        self, request: _read.Request, values: Array, valid: Array | None, masked: bool, fill_value: float | None
    ) -> Array:
        """What a read gives, of both: pixels that are not valid are masked, or have the fill value."""
        if masked:
            return self._masked(request, values, valid, fill_value)
        if valid is not None:
            values[valid == 0] = fill_value
        return values

    def _has_mask(self, request: _read.Request) -> bool:
        flags = (self._info.bands[band - 1].mask_flags for band in request.bands)
        return request.boundless or any(flag != [MaskFlags.all_valid] for flag in flags)

    def _readings(
        self, handle: Any, request: _read.Request, values: Array, valid: Array | None, waits: bool = True
    ) -> list[_read.Reading]:
        """Starts to read the values, and where they are wanted the masks."""
        name = self._info.path
        if valid is None:
            reading = request.start(handle, self._cache, values, name, waits=waits)
            return [reading] if reading else []
        readings = (
            request.start(handle, self._cache, values, name, waits=waits),
            request.start(handle, self._cache, valid, name, "masks", waits),
        )
        return [reading for reading in readings if reading]

    def _masked(self, request: _read.Request, values: Array, valid: Array | None, fill_value: float | None) -> Array:
        mask: Any = np.ma.nomask if valid is None else valid == 0
        filling = self._info.bands[request.bands[0] - 1].nodata if fill_value is None else fill_value
        return np.ma.MaskedArray(values, mask=mask, fill_value=filling)

    def read_masks(
        self,
        indexes: int | Sequence[int] | None = None,
        out: Array | None = None,
        out_shape: tuple[int, ...] | None = None,
        window: Any = None,
        boundless: bool = False,
        resampling: Resampling = Resampling.nearest,
    ) -> Array:
        """Read the bands' masks: arrays of uint8, 0 invalid, 255 valid. Arguments, shapes and errors as in ``read``."""
        self._refuse_boundless(boundless)
        self._warn_of_shadow()
        return self._masks(self._request(indexes, out, window, out_shape, resampling, boundless), out, "masks")

    def dataset_mask(
        self,
        out: Array | None = None,
        out_shape: tuple[int, ...] | None = None,
        window: Any = None,
        boundless: bool = False,
        resampling: Resampling = Resampling.nearest,
    ) -> Array:
        """Read the mask of the whole dataset: uint8 of shape (rows, columns). Arguments and errors as in ``read``.

        It is the per-dataset mask or alpha band where there is one; else, of four bands of which the first is red, the
        mask of the fourth, as Rasterio's; else valid where any band is valid.
        """
        self._refuse_boundless(boundless)
        self._warn_of_shadow()
        size = None if out_shape is None else tuple(out_shape[-2:])
        bands = self._info.bands
        if len(bands) == 4 and bands[0].color == ColorInterp.red and MaskFlags.per_dataset not in bands[0].mask_flags:
            return self._masks(self._request(4, out, window, size, resampling, boundless), out, "masks")
        return self._masks(self._request(1, out, window, size, resampling, boundless), out, "dataset_mask")

    def _warn_of_shadow(self) -> None:
        bands = self._info.bands
        if MaskFlags.nodata in bands[0].mask_flags and any(band.color == ColorInterp.alpha for band in bands):
            warnings.warn(NodataShadowWarning(), stacklevel=_lib.outer_level())

    def sample(
        self, xy: Iterable[Sequence[float]], indexes: int | Sequence[int] | None = None, masked: bool = False
    ) -> Iterator[Array]:
        """Values at positions, of the nearest pixel; see ``nacre.sample.sample_gen``."""
        from .sample import sample_gen

        return sample_gen(self, xy, indexes, masked)

    def _request(
        self,
        indexes: int | Sequence[int] | None,
        out: Array | None,
        window: Any,
        out_shape: tuple[int, ...] | None,
        resampling: Resampling,
        boundless: bool = False,
        fill_value: float | None = None,
    ) -> _read.Request:
        info = self._open_state().info
        if out is not None and out_shape is not None:
            raise ValueError("give out or out_shape, not both")
        size = (info.height, info.width)
        return _read.Request(info.dtypes, size, indexes, window, out_shape, resampling, boundless, fill_value)

    def _masks(self, request: _read.Request, out: Array | None, kind: str) -> Array:
        valid = np.empty(request.shape, np.uint8) if out is None else request.fitted(out)
        if valid.dtype != np.uint8:
            raise ValueError(f"masks are uint8, the array is {valid.dtype}")
        self._filled(lambda handle: request.fill(handle, self._cache, valid, self._info.path, kind))
        return valid

    def _filled(self, fill: Callable[[Any], None]) -> None:
        """Runs a read; once more on what there is now, where an object has changed and the user wants that."""
        state = self._open_state()
        try:
            fill(state.handle)
            return
        except ObjectChangedError as error:
            if self._on_change == "error" or not self._go_on(state):
                raise error
        fill(self._open_state().handle)

    def _go_on(self, state: _State) -> bool:
        """Replaces what has changed by what there is now, unless another thread has; False: there is nothing new.

        Raises
        ------
        ObjectChangedError
            What there is now differs in more than its pixels.
        """
        with self._refreshing:
            if self._state is not state:
                return True
            try:
                new = self._refreshed(state)
            except ObjectNotFoundError:
                return False
            if new is None:
                return False
            err = ffi.new("nacre_error *")
            _lib.check(lib.nacre_dataset_check_alike(state.handle, new.handle, err), err)
            self._state = new
            return True

    def _refuse_boundless(self, boundless: bool) -> None:
        """Views refuse it, as Rasterio's."""

    # --- life ---

    def refresh(self) -> bool:
        """Ask whether what was opened is still the same; where it is not, go on with what there is now.

        Every object behind the dataset is asked for, in one round, whatever the cache policy would believe. Reads of
        other threads that have begun go on with the version that was open, or raise ``ObjectChangedError``.

        Returns
        -------
        bool
            Whether anything had changed. Then size, bands and all else may have too.

        Raises
        ------
        RasterioIOError
            The dataset is closed, or what there is now cannot be opened: then it stays as it was.
        """
        with self._refreshing:
            new = self._refreshed(self._open_state())
            if new is not None:
                self._state = new
            return new is not None

    def _refreshed(self, state: _State) -> _State | None:
        """What there is now instead; None: the same."""
        out = ffi.new("nacre_dataset **")
        err = ffi.new("nacre_error *")
        options, io = OpenOptions(self._driver), _lib.IOOptions(self._cache)
        arguments = (state.handle, options.pointer, io.pointer, out, err)
        _lib.check(_lib.blocking(lib.nacre_dataset_refresh, io, *arguments), err)
        return None if out[0] == ffi.NULL else DatasetReaderBase._state_of(self, out[0])

    def close(self) -> None:
        """Let go of the dataset. Reads of other threads that have begun end well."""
        self._is_closed = True
        self._state = self._state._replace(handle=None, source=None)
        while self._at_end:
            self._at_end.pop()()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from ._html import page

        return page(self)

    def stop(self) -> None:
        """As ``close``."""
        self.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class DatasetReader(DatasetReaderBase):
    """A raster opened for reading."""

    def __reduce__(self) -> Any:
        version = self.provenance[0]["version"]
        return (_reopened, (self.name, self._driver, self._cache, self._on_change, self._options, version))


def _reopened(
    path: str, driver: str | None, cache: str | None, on_change: str, options: dict[str, Any] | None, version: str
) -> DatasetReader:
    """What a pickled dataset becomes: the same version of the same object.

    Raises
    ------
    ObjectChangedError
        There is another version now.
    """
    from ._open import open_any

    dataset: DatasetReader = open_any(path, "r", driver, cache, on_change, None, **(options or {}))
    now = dataset.provenance[0]["version"]
    if version and now != version and on_change == "error":
        dataset.close()
        raise ObjectChangedError(f"{_lib.shown(path)}: it is {now} now, and {version} was pickled; open it again")
    return dataset


async def _all_of(readings: list[_read.Reading]) -> None:
    """Awaits reads that go on beside one another: all have ended when one of them fails."""
    if len(readings) == 1:
        await readings[0].awaited()
        return
    import asyncio

    results = await asyncio.gather(*(reading.awaited() for reading in readings), return_exceptions=True)
    for result in results:
        if result is not None:
            raise result


async def _in_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    import asyncio

    return await asyncio.get_running_loop().run_in_executor(None, call, *arguments)


class OpenOptions:
    """A ``nacre_open_options`` with what it points to."""

    def __init__(self, driver: str | None) -> None:
        self.pointer = _lib.sized("nacre_open_options")
        if driver:
            self._name = ffi.new("char[]", driver.encode())
            self._names = ffi.new("char const *[]", [self._name, ffi.NULL])
            self.pointer.drivers = self._names


class _Opening:
    """An open that goes on without a thread of Python's."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        driver: str | None,
        cache: str | None,
        on_change: str,
        more: dict[str, Any] | None,
    ) -> None:
        self._rest = (cache, driver, on_change, {} if more is None else more)
        self._out = ffi.new("nacre_dataset **")
        options, io = OpenOptions(driver), _lib.IOOptions(cache)
        arguments = (_lib.encoded(path), options.pointer, io.pointer, self._out)
        self.call = _lib.Started(lib.nacre_dataset_open_start, *arguments, keeps=(options, io))

    def dataset(self) -> DatasetReader:
        """What was opened, once the call has ended well."""
        dataset = DatasetReader(self._out[0], *self._rest)
        warn_where_not_georeferenced(dataset)
        return dataset


def warn_where_not_georeferenced(dataset: DatasetReaderBase) -> None:
    """Warns as Rasterio does."""
    if dataset._info.transform is None and not dataset._info.gcps and not dataset.tags(ns="RPC"):
        warnings.warn(
            "Dataset has no geotransform, gcps, or rpcs. The identity matrix will be returned.",
            NotGeoreferencedWarning,
            stacklevel=_lib.outer_level(),
        )


def open_dataset(
    path: str | os.PathLike[str],
    driver: str | None = None,
    cache: str | None = None,
    on_change: str = "error",
    options: dict[str, Any] | None = None,
) -> DatasetReader:
    """Open a raster for reading; see ``nacre.open``."""
    opening = _Opening(path, driver, cache, on_change, options)
    opening.call.wait()
    return opening.dataset()


async def aopen_dataset(
    path: str | os.PathLike[str], driver: str | None = None, cache: str | None = None, on_change: str = "error"
) -> DatasetReader:
    """Open a raster for reading, for asyncio; see ``nacre.aopen``."""
    opening = _Opening(path, driver, cache, on_change, None)
    await opening.call.awaited()
    return opening.dataset()

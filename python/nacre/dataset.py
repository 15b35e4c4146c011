# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets opened for reading."""

from __future__ import annotations

import math
import os
import threading
import warnings
from types import TracebackType
from typing import Any, Callable, NamedTuple, Sequence

import numpy as np
from affine import Affine

from . import _lib, _read
from . import transform as _transform
from ._info import DatasetInfo, describe
from ._native import ffi, lib
from ._read import Array
from .coords import BoundingBox
from .crs import CRS
from .enums import ColorInterp, Compression, Interleaving, MaskFlags, PhotometricInterp, Resampling
from .errors import (
    DatasetAttributeError,
    NotGeoreferencedWarning,
    ObjectChangedError,
    ObjectNotFoundError,
    RasterioIOError,
)
from .transform import TransformMethodsMixin
from .windows import WindowMethodsMixin

# What GDAL adds to the name of JPEG compression where the blocks hold another colour space.
_PHOTOMETRIC = {"YCbCr JPEG": PhotometricInterp.ycbcr}

# Attributes that Rasterio lets its writers set.
_SETTABLE = frozenset(
    ("colorinterp", "crs", "descriptions", "gcps", "nodata", "offsets", "rpcs", "scales", "transform", "units")
)

# What Rasterio's datasets have and these have not.
_LATER = frozenset(
    (
        "block_size block_window block_windows checksum colormap files gcps get_gcps get_nodatavals get_tag_item"
        " get_transform lnglat options read_crs read_transform rpcs sample start statistics stats stop subdatasets"
        " write_transform"
    ).split()
)


class _State(NamedTuple):
    """What a reader has open: replaced as a whole by a refresh."""

    handle: Any  # the library's dataset, closed when nobody holds it any longer
    info: DatasetInfo
    source: "_State | None" = None  # what a view was made of


class DatasetReader(WindowMethodsMixin, TransformMethodsMixin):
    """A raster opened for reading: a snapshot of each object behind it. Threads may share one dataset.

    Sizes and windows are in pixels, counted from the upper left corner; bands count from 1. A closed dataset still
    tells what it is, but gives no pixels and no tags.
    """

    mode = "r"

    def __init__(
        self, handle: Any, cache: str | None = None, driver: str | None = None, on_change: str = "error"
    ) -> None:
        self._cache, self._driver, self._on_change = cache, driver, on_change
        self._is_closed = False
        self._refreshing = threading.Lock()
        self._state = self._state_of(handle)

    def _state_of(self, handle: Any) -> _State:
        """Takes over a handle of the library."""
        owned = ffi.gc(handle, lib.nacre_dataset_close)
        return _State(owned, describe(owned))

    @property
    def _info(self) -> DatasetInfo:
        return self._state.info

    def __getattr__(self, name: str) -> Any:
        if name in _LATER:
            raise AttributeError(f"{type(self).__name__}.{name} is not built yet")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SETTABLE:
            raise DatasetAttributeError(f"{name} cannot be set: the dataset is open for reading")
        super().__setattr__(name, value)

    def _open_handle(self) -> Any:
        """The library's dataset. Whoever holds it keeps it alive, even while another thread closes this object."""
        return self._open_state().handle

    def _open_state(self) -> _State:
        state = self._state
        if self._is_closed or state.handle is None:
            raise RasterioIOError(f"{_lib.shown(self.name)}: the dataset is closed")
        return state

    # --- what it is ---

    @property
    def name(self) -> str:
        """The path it was opened from."""
        return self._info.path

    @property
    def driver(self) -> str:
        """GDAL's name of the format: "GTiff" or "VRT"."""
        return self._info.driver

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._is_closed

    @property
    def width(self) -> int:
        """Columns."""
        return self._info.width

    @property
    def height(self) -> int:
        """Rows."""
        return self._info.height

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.height, self.width)

    @property
    def count(self) -> int:
        """Bands."""
        return len(self._info.bands)

    @property
    def indexes(self) -> tuple[int, ...]:
        """Band numbers, from 1."""
        return tuple(range(1, self.count + 1))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Numpy's name of each band's type."""
        return tuple(band.dtype for band in self._info.bands)

    @property
    def transform(self) -> Affine:
        """Pixel corners (column, row) to coordinates; the identity where there is none."""
        return Affine.identity() if self._info.transform is None else self._info.transform

    @property
    def crs(self) -> CRS | None:
        """The coordinate reference system, or None."""
        return self._info.crs

    @property
    def bounds(self) -> BoundingBox:
        """Left, bottom, right, top in the units of the CRS."""
        return BoundingBox(*_transform.array_bounds(self.height, self.width, self.transform))

    @property
    def res(self) -> tuple[float, float]:
        """Width and height of a pixel in the units of the CRS."""
        t = self.transform
        return (math.hypot(t.a, t.d), math.hypot(t.b, t.e))

    @property
    def nodatavals(self) -> tuple[float | int | None, ...]:
        """The nodata value of each band, None where there is none."""
        return tuple(band.nodata for band in self._info.bands)

    @property
    def nodata(self) -> float | int | None:
        """The nodata value of the first band."""
        return self._info.bands[0].nodata if self._info.bands else None

    @property
    def scales(self) -> tuple[float, ...]:
        """Factor of each band; reads do not apply it."""
        return tuple(band.scale for band in self._info.bands)

    @property
    def offsets(self) -> tuple[float, ...]:
        """Offset of each band; reads do not apply it."""
        return tuple(band.offset for band in self._info.bands)

    @property
    def units(self) -> tuple[str | None, ...]:
        """Unit of each band's values."""
        return tuple(band.unit or None for band in self._info.bands)

    @property
    def descriptions(self) -> tuple[str | None, ...]:
        """Description of each band."""
        return tuple(band.description or None for band in self._info.bands)

    @property
    def colorinterp(self) -> tuple[ColorInterp, ...]:
        """What each band shows."""
        return tuple(band.color for band in self._info.bands)

    @property
    def mask_flag_enums(self) -> tuple[list[MaskFlags], ...]:
        """Where each band's mask comes from."""
        return tuple(list(band.mask_flags) for band in self._info.bands)

    @property
    def block_shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of each band's blocks."""
        return [band.block_shape for band in self._info.bands]

    @property
    def is_tiled(self) -> bool:
        """Whether blocks are narrower or wider than the raster."""
        return bool(self.block_shapes) and self.block_shapes[0][1] != self.width

    @property
    def compression(self) -> Compression | str | None:
        """How blocks are compressed, or None."""
        name = self._info.compression
        return Compression.__members__.get(name, name or None)

    @property
    def interleaving(self) -> Interleaving | None:
        """How bands are stored, or None."""
        return Interleaving.__members__.get(self._info.interleave)

    @property
    def photometric(self) -> PhotometricInterp | None:
        """The colour space of the blocks where it is another than that of the bands, or None."""
        return _PHOTOMETRIC.get(self.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", ""))

    @property
    def meta(self) -> dict[str, Any]:
        """What is needed to make a raster like this one."""
        return {
            "driver": self.driver,
            "dtype": self.dtypes[0],
            "nodata": self.nodata,
            "width": self.width,
            "height": self.height,
            "count": self.count,
            "crs": self.crs,
            "transform": self.transform,
        }

    @property
    def profile(self) -> dict[str, Any]:
        """``meta`` and how blocks are stored.

        Raises
        ------
        RasterioIOError
            The dataset is closed.
        """
        rows, columns = self.block_shapes[0]
        more: dict[str, Any] = {"blockxsize": columns, "blockysize": rows, "tiled": self.is_tiled}
        if self.compression is not None:
            more["compress"] = getattr(self.compression, "name", self.compression)
        if self.interleaving is not None:
            more["interleave"] = self.interleaving.name
        if self.photometric is not None:
            more["photometric"] = self.photometric.name
        return {**self.meta, **more}

    def overviews(self, bidx: int) -> list[int]:
        """Factors by which the overviews of a band are smaller, rounded as GDAL does.

        Raises
        ------
        IndexError
            There is no such band.
        """
        if bidx not in self.indexes:
            raise IndexError(f"no such band: {bidx}")
        return [int(0.5 + self.width / width) for width in self._info.overview_widths]

    def _metadata(self, bidx: int) -> list[tuple[str, str, str]]:
        """Domain, key and value of each item of the dataset (0) or a band."""
        if bidx != 0 and bidx not in self.indexes:
            raise IndexError(f"no such band: {bidx}")
        handle = self._open_handle()
        out = [ffi.new("char const **") for _ in range(3)]
        items: list[tuple[str, str, str]] = []
        while lib.nacre_dataset_metadata(handle, bidx, len(items), *out):
            domain, key, value = (_lib.text(pointer[0]) for pointer in out)
            items.append((domain, key, value))
        return items

    def tags(self, bidx: int = 0, ns: str | None = None) -> dict[str, str]:
        """Metadata of the dataset (0) or a band, in the default or the named domain.

        Raises
        ------
        IndexError
            There is no such band.
        RasterioIOError
            The dataset is closed.
        """
        return {key: value for domain, key, value in self._metadata(bidx) if domain == (ns or "")}

    def tag_namespaces(self, bidx: int = 0) -> list[str]:
        """Domains of metadata that the dataset (0) or a band has, without the default one."""
        return list(dict.fromkeys(domain for domain, _, _ in self._metadata(bidx) if domain))

    @property
    def provenance(self) -> list[dict[str, str]]:
        """Each object behind the dataset, its own first: path, the version that was read, and whether it is proven.

        ``version`` and ``snapshot`` are "" for an object that was not opened yet.
        """
        handle = self._open_handle()
        out = ffi.new("nacre_source_info *")
        sources: list[dict[str, str]] = []
        while lib.nacre_dataset_source(handle, len(sources), out):
            sources.append({name: _lib.text(getattr(out, name)) for name in ("path", "version", "snapshot")})
        return sources

    # --- places ---

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
        fills = masked or (fill_value is not None and not request.boundless)
        return values, np.empty(values.shape, np.uint8) if fills and self._has_mask(request) else None

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
        name = _lib.shown(self.name)
        readings = [request.start(handle, self._cache, values, name, waits=waits)]
        if valid is not None:
            readings.append(request.start(handle, self._cache, valid, name, "masks", waits))
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

        It is the per-dataset mask or alpha band where there is one, else valid where any band is valid.
        """
        self._refuse_boundless(boundless)
        return self._masks(self._request(1, out, window, out_shape, resampling, boundless), out, "dataset_mask")

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
        self._open_handle()
        if out is not None and out_shape is not None:
            raise ValueError("give out or out_shape, not both")
        return _read.Request(self.dtypes, self.shape, indexes, window, out_shape, resampling, boundless, fill_value)

    def _masks(self, request: _read.Request, out: Array | None, kind: str) -> Array:
        valid = np.empty(request.shape, np.uint8) if out is None else request.fitted(out)
        if valid.dtype != np.uint8:
            raise ValueError(f"masks are uint8, the array is {valid.dtype}")
        self._filled(lambda handle: request.fill(handle, self._cache, valid, _lib.shown(self.name), kind))
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
        return None if out[0] == ffi.NULL else DatasetReader._state_of(self, out[0])

    def close(self) -> None:
        """Let go of the dataset. Reads of other threads that have begun end well."""
        self._is_closed = True
        self._state = self._state._replace(handle=None, source=None)

    def __enter__(self) -> DatasetReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<{state} {type(self).__name__} name={_lib.shown(self.name)!r} mode={self.mode!r}>"


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

    def __init__(self, path: str | os.PathLike[str], driver: str | None, cache: str | None, on_change: str) -> None:
        self._rest = (cache, driver, on_change)
        self._out = ffi.new("nacre_dataset **")
        options, io = OpenOptions(driver), _lib.IOOptions(cache)
        arguments = (_lib.encoded(path), options.pointer, io.pointer, self._out)
        self.call = _lib.Started(lib.nacre_dataset_open_start, *arguments, keeps=(options, io))

    def dataset(self) -> DatasetReader:
        """What was opened, once the call has ended well."""
        dataset = DatasetReader(self._out[0], *self._rest)
        if dataset._info.transform is None and not dataset._info.gcp_count:
            warnings.warn(
                "Dataset has no geotransform, gcps, or rpcs. The identity matrix will be returned.",
                NotGeoreferencedWarning,
                stacklevel=4,
            )
        return dataset


def open_dataset(
    path: str | os.PathLike[str], driver: str | None = None, cache: str | None = None, on_change: str = "error"
) -> DatasetReader:
    """Open a raster for reading; see ``nacre.open``."""
    opening = _Opening(path, driver, cache, on_change)
    opening.call.wait()
    return opening.dataset()


async def aopen_dataset(
    path: str | os.PathLike[str], driver: str | None = None, cache: str | None = None, on_change: str = "error"
) -> DatasetReader:
    """Open a raster for reading, for asyncio; see ``nacre.aopen``."""
    opening = _Opening(path, driver, cache, on_change)
    await opening.call.awaited()
    return opening.dataset()

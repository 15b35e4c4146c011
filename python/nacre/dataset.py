# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets opened for reading."""

from __future__ import annotations

import math
import os
import warnings
from types import TracebackType
from typing import Any, Sequence

import numpy as np
from affine import Affine

from . import _lib, windows
from ._native import ffi, lib
from .coords import BoundingBox
from .crs import CRS
from .enums import ColorInterp, Compression, Interleaving, MaskFlags, Resampling
from .errors import NotGeoreferencedWarning, RasterioIOError
from .windows import Window


def _dtype_name(dtype: int) -> str:
    return _lib.text(lib.nacre_dtype_name(dtype))


class DatasetReader:
    """A raster opened for reading: a snapshot of each object behind it. Threads may share one dataset."""

    mode = "r"

    def __init__(self, handle: Any, cache: str | None = None) -> None:
        self._handle = ffi.gc(handle, lib.nacre_dataset_close)
        self._cache = cache
        self._closed = False
        info = ffi.new("nacre_dataset_info *")
        lib.nacre_dataset_info_get(handle, info)
        self._info = info
        self._bands = [self._band(index) for index in range(1, info.band_count + 1)]

    def _band(self, index: int) -> Any:
        band = ffi.new("nacre_band_info *")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_dataset_band_get(self._handle, index, band, err), err)
        return band

    # --- what it is ---

    @property
    def name(self) -> str:
        """The path it was opened from."""
        return _lib.text(self._info.path)

    @property
    def driver(self) -> str:
        """GDAL's name of the format."""
        return _lib.text(self._info.driver)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

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
        return self._info.band_count

    @property
    def indexes(self) -> tuple[int, ...]:
        """Band numbers, from 1."""
        return tuple(range(1, self.count + 1))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Numpy's name of each band's type."""
        return tuple(_dtype_name(band.dtype) for band in self._bands)

    @property
    def transform(self) -> Affine:
        """Pixel corners to coordinates; the identity where there is none."""
        if not self._info.has_transform:
            return Affine.identity()
        t = self._info.transform
        return Affine(t.a, t.b, t.c, t.d, t.e, t.f)

    @property
    def crs(self) -> CRS | None:
        """The coordinate reference system, or None."""
        return CRS._of(lib.nacre_crs_ref(self._info.crs)) if self._info.crs else None

    @property
    def bounds(self) -> BoundingBox:
        """Left, bottom, right, top."""
        t, width, height = self.transform, self.width, self.height
        if t.b == t.d == 0:
            return BoundingBox(t.c, t.f + t.e * height, t.c + t.a * width, t.f)
        corners = [t * corner for corner in ((0, 0), (width, 0), (0, height), (width, height))]
        xs, ys = zip(*corners)
        return BoundingBox(min(xs), min(ys), max(xs), max(ys))

    @property
    def res(self) -> tuple[float, float]:
        """Width and height of a pixel."""
        t = self.transform
        return (math.hypot(t.a, t.d), math.hypot(t.b, t.e))

    @property
    def nodatavals(self) -> tuple[float | int | None, ...]:
        """The nodata value of each band, None where there is none."""
        return tuple(_nodata(band) for band in self._bands)

    @property
    def nodata(self) -> float | int | None:
        """The nodata value of the first band."""
        return self.nodatavals[0] if self._bands else None

    @property
    def scales(self) -> tuple[float, ...]:
        """Factor of each band; reads do not apply it."""
        return tuple(band.scale for band in self._bands)

    @property
    def offsets(self) -> tuple[float, ...]:
        """Offset of each band; reads do not apply it."""
        return tuple(band.offset for band in self._bands)

    @property
    def units(self) -> tuple[str | None, ...]:
        """Unit of each band."""
        return tuple(_lib.text(band.unit) or None for band in self._bands)

    @property
    def descriptions(self) -> tuple[str | None, ...]:
        """Description of each band."""
        return tuple(_lib.text(band.description) or None for band in self._bands)

    @property
    def colorinterp(self) -> tuple[ColorInterp, ...]:
        """What each band shows."""
        return tuple(ColorInterp(band.color) for band in self._bands)

    @property
    def mask_flag_enums(self) -> tuple[list[MaskFlags], ...]:
        """Where each band's mask comes from."""
        return tuple([flag for flag in MaskFlags if band.mask_flags & flag] for band in self._bands)

    @property
    def block_shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of each band's blocks."""
        return [(band.block_height, band.block_width) for band in self._bands]

    @property
    def is_tiled(self) -> bool:
        """Whether blocks are tiles rather than strips."""
        return self._info.is_tiled

    @property
    def compression(self) -> Compression | str | None:
        """How blocks are compressed."""
        name = _lib.text(self._info.compression)
        if not name:
            return None
        return Compression[name] if name in Compression.__members__ else name

    @property
    def interleaving(self) -> Interleaving | None:
        """How bands are stored."""
        name = _lib.text(self._info.interleave)
        return Interleaving[name] if name in Interleaving.__members__ else None

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
        """``meta`` and how blocks are stored."""
        rows, columns = self.block_shapes[0]
        more: dict[str, Any] = {"blockxsize": columns, "blockysize": rows, "tiled": self.is_tiled}
        if self.compression is not None:
            more["compress"] = getattr(self.compression, "name", self.compression)
        if self.interleaving is not None:
            more["interleave"] = self.interleaving.name
        return {**self.meta, **more}

    def overviews(self, bidx: int) -> list[int]:
        """Factors by which the overviews are smaller, rounded as GDAL does."""
        if not 1 <= bidx <= self.count:
            raise IndexError(f"no band {bidx}")
        sizes = [self._info.overviews[i] for i in range(self._info.overview_count)]
        return [int(0.5 + self.width / size[0]) for size in sizes]

    def tags(self, bidx: int = 0, ns: str | None = None) -> dict[str, str]:
        """Metadata of the dataset (0) or a band, in the default or the named domain."""
        out = [ffi.new("char const **") for _ in range(3)]
        items: dict[str, str] = {}
        index = 0
        while lib.nacre_dataset_metadata(self._handle, bidx, index, *out):
            domain, key, value = (_lib.text(pointer[0]) for pointer in out)
            if domain == (ns or ""):
                items[key] = value
            index += 1
        return items

    @property
    def provenance(self) -> list[dict[str, str]]:
        """Each object behind the dataset with the version that was read."""
        out = ffi.new("nacre_source_info *")
        sources = []
        while lib.nacre_dataset_source(self._handle, len(sources), out):
            sources.append({name: _lib.text(getattr(out, name)) for name in ("path", "version", "snapshot")})
        return sources

    # --- places ---

    def xy(self, row: float, col: float, offset: str = "center") -> tuple[float, float]:
        """Coordinates of a pixel's centre, or of a corner ("ul", "ur", "ll", "lr")."""
        moves = {"center": (0.5, 0.5), "ul": (0, 0), "ur": (1, 0), "ll": (0, 1), "lr": (1, 1)}
        if offset not in moves:
            raise ValueError(f"no such offset: {offset!r}")
        right, down = moves[offset]
        return self.transform * (col + right, row + down)

    def index(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the pixel that holds a point."""
        col, row = ~self.transform * (x, y)
        return (math.floor(row), math.floor(col))

    def window_transform(self, window: Window) -> Affine:
        """The transform of a window."""
        return windows.transform(window, self.transform)

    def window_bounds(self, window: Window) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of a window."""
        return windows.bounds(window, self.transform)

    # --- reading ---

    def read(
        self,
        indexes: int | Sequence[int] | None = None,
        out: np.ndarray | None = None,
        window: Any = None,
        masked: bool = False,
        out_shape: tuple[int, ...] | None = None,
        boundless: bool = False,
        resampling: Resampling = Resampling.nearest,
        out_dtype: Any = None,
        fill_value: float | None = None,
    ) -> np.ndarray:
        """Read pixels.

        Parameters
        ----------
        indexes
            A band number gives an array of shape (rows, columns); a sequence, or None for all, (bands, rows, columns).
        out
            An array to fill instead of a new one.
        window
            A Window or ((row start, row stop), (column start, column stop)); None for the whole raster.
        masked
            Return a masked array, with the bands' masks.
        out_shape
            Shape of the result; where it differs from the window's the values are resampled, from overviews.
        resampling
            How values are resampled.
        out_dtype
            Type of the result; values are clamped and rounded. By default that of the first band.

        Raises
        ------
        ObjectChangedError
            An object behind the dataset is no longer the version that was opened.
        """
        if boundless or fill_value is not None:
            raise NotImplementedError("boundless reads and fill_value are not built yet")
        bands = _as_bands(indexes, self.count)
        values = self._fill(bands, isinstance(indexes, int), out, window, out_shape, resampling, out_dtype)
        if not masked:
            return values
        valid = self._fill(bands, isinstance(indexes, int), None, window, values.shape, resampling, None, masks=True)
        return np.ma.MaskedArray(values, mask=valid == 0, fill_value=self.nodata)

    def read_masks(
        self,
        indexes: int | Sequence[int] | None = None,
        out: np.ndarray | None = None,
        window: Any = None,
        out_shape: tuple[int, ...] | None = None,
        resampling: Resampling = Resampling.nearest,
    ) -> np.ndarray:
        """Read the bands' masks, uint8: 0 invalid, 255 valid. Arguments as in ``read``."""
        bands = _as_bands(indexes, self.count)
        return self._fill(bands, isinstance(indexes, int), out, window, out_shape, resampling, None, masks=True)

    def dataset_mask(self, out: np.ndarray | None = None, window: Any = None) -> np.ndarray:
        """Read the mask of the whole dataset, uint8, of shape (rows, columns)."""
        return self._fill([1], True, out, window, None, Resampling.nearest, None, dataset_mask=True)

    def _fill(
        self,
        bands: list[int],
        is_single: bool,
        out: np.ndarray | None,
        window: Any,
        out_shape: tuple[int, ...] | None,
        resampling: Resampling,
        out_dtype: Any,
        masks: bool = False,
        dataset_mask: bool = False,
    ) -> np.ndarray:
        if self._closed:
            raise RasterioIOError(f"{self.name}: the dataset is closed")
        window = Window(0, 0, self.width, self.height) if window is None else windows.as_window(window, *self.shape)
        is_mask = masks or dataset_mask
        if out is None:
            dtype = np.uint8 if is_mask else out_dtype or self.dtypes[bands[0] - 1]
            out = np.empty(_result_shape(len(bands), is_single, window, out_shape), dtype)
        if out.ndim != (2 if is_single else 3) or (not is_single and out.shape[0] != len(bands)):
            raise ValueError(f"an array of shape {out.shape} does not fit {len(bands)} bands")
        if min(out.shape) == 0:
            return out
        options = _lib.sized("nacre_read_options")
        options.window = window.flatten()
        options.out_height, options.out_width = out.shape[-2:]
        numbers = ffi.new("int[]", bands)
        options.bands, options.band_count = numbers, len(bands)
        options.masks, options.dataset_mask = masks, dataset_mask
        options.dtype = lib.NACRE_DTYPE_UINT8 if is_mask else lib.nacre_dtype_from_name(str(out.dtype).encode())
        options.resampling = int(resampling)
        return self._read_into(out, options)

    def _read_into(self, out: np.ndarray, options: Any) -> np.ndarray:
        # The library writes the machine's byte order and whole, positive strides.
        target = out if out.flags.c_contiguous and out.dtype.isnative else np.empty(out.shape, out.dtype.newbyteorder("="))
        io = _lib.IOOptions(self._cache)
        err = ffi.new("nacre_error *")
        buffer = ffi.from_buffer(target, require_writable=True)
        status = lib.nacre_dataset_read(self._handle, options, io.pointer, buffer, target.nbytes, err)
        _lib.check(status, err)
        if target is not out:
            out[...] = target
        return out

    # --- life ---

    def close(self) -> None:
        """Let go of the dataset."""
        self._closed = True

    def __enter__(self) -> DatasetReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<{state} {type(self).__name__} name={self.name!r} mode={self.mode!r}>"


def _nodata(band: Any) -> float | int | None:
    if not band.nodata.is_set:
        return None
    if band.dtype == lib.NACRE_DTYPE_INT64:
        return band.nodata.int64_value
    if band.dtype == lib.NACRE_DTYPE_UINT64:
        return band.nodata.uint64_value
    return band.nodata.value


def _as_bands(indexes: int | Sequence[int] | None, count: int) -> list[int]:
    bands = list(range(1, count + 1)) if indexes is None else [indexes] if isinstance(indexes, int) else list(indexes)
    for band in bands:
        if not 1 <= band <= count:
            raise IndexError(f"band index {band} out of range (not in {tuple(range(1, count + 1))})")
    return bands


def _result_shape(
    bands: int, is_single: bool, window: Window, out_shape: tuple[int, ...] | None
) -> tuple[int, ...]:
    if out_shape is None:
        rows, columns = math.ceil(window.height), math.ceil(window.width)
    else:
        rows, columns = out_shape[-2:]
    return (rows, columns) if is_single else (bands, rows, columns)


def open_dataset(path: str | os.PathLike[str], driver: str | None = None, cache: str | None = None) -> DatasetReader:
    """Open a raster for reading; see ``nacre.open``."""
    options = _lib.sized("nacre_open_options")
    names = [ffi.new("char[]", driver.encode()), ffi.NULL] if driver else None
    keep = ffi.new("char const *[]", names) if names else ffi.NULL
    options.drivers = keep
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    io = _lib.IOOptions(cache)
    _lib.check(lib.nacre_dataset_open(_lib.encoded(path), options, io.pointer, out, err), err)
    dataset = DatasetReader(out[0], cache)
    if not dataset._info.has_transform and not dataset._info.gcp_count:
        warnings.warn(
            "Dataset has no geotransform, gcps, or rpcs. The identity matrix will be returned.",
            NotGeoreferencedWarning,
            stacklevel=3,
        )
    return dataset

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Arrays and bands as sources of warps, and the views between."""

from __future__ import annotations

import contextlib
from typing import Any, ContextManager, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from affine import Affine

from . import _lib, _read
from ._native import ffi, lib
from ._warp_options import WarpOptions
from .crs import CRS
from .dtypes import in_dtype_range
from .enums import Resampling
from .errors import CRSError, RPCError
from .transform import guard_transform
from .windows import Window

Array = npt.NDArray[Any]


def as_array(value: Any, name: str) -> Array:
    """An array, masked or not, of two or three dimensions; or what stands for one.

    Raises
    ------
    ValueError
        It is none.
    """
    if not hasattr(value, "__array__") and not hasattr(value, "__array_interface__"):
        raise ValueError(f"{name} must be an array or bands of a dataset, not {type(value).__name__}")
    array: Array = np.asanyarray(value)
    if array.ndim not in (2, 3):
        raise ValueError(f"{name} must be (rows, columns) or (bands, rows, columns), not {array.shape}")
    return array


def fitting_nodata(name: str, value: float | None, dtype: str) -> None:
    """Refuse a nodata value that is none of the type's.

    Raises
    ------
    ValueError
    """
    if value is not None and not in_dtype_range(value, dtype):
        raise ValueError(f"{name} must be in the range of {dtype}, not {value}")


class Source:
    """A dataset of the library's, and what it is made of.

    Attributes
    ----------
    indexes
        The bands that are warped, by their numbers in what they come from.
    size
        Rows and columns.
    band_count
        Those of ``handle``: that of alpha, or of the mask, may lie behind the ones that are warped.
    alpha
        The band of ``handle`` by which pixels count; 0: none, or that of the mask.
    is_masked
        The last band is the mask of an array.
    nodata
        Of the bands that it was made from, or None.
    rpcs, geoloc
        What places it, or None.
    """

    def __init__(self, handle: Any, indexes: Sequence[int], dtype: str, crs: CRS | None, keep: Any = None) -> None:
        self.handle, self.indexes, self.dtype, self.crs = handle, list(indexes), dtype, crs
        self.size = (0, 0)
        self.band_count = len(self.indexes)
        self.alpha, self.is_masked = 0, False
        self.nodata: float | None = None
        self.transform: Affine | None = None
        self.rpcs: Any = None
        self.geoloc: Source | None = None
        self._keep = keep  # pixels that the library borrows
        self._dataset: Any = None

    @property
    def count(self) -> int:
        """Bands that are warped."""
        return len(self.indexes)

    @classmethod
    def of(
        cls, source: Any, transform: Any, gcps: Any, rpcs: Any, crs: Any, alpha: int = 0, geoloc: Any = None
    ) -> Source:
        """What ``reproject`` takes: an array, masked or not, or ``nacre.band(dataset, indexes)``."""
        given = None if crs is None else CRS.from_user_input(crs)
        if hasattr(source, "ds"):
            made = cls._of_bands(source, given, alpha, gcps)
        else:
            made = cls._of_array(source, given, alpha, gcps)
        made._place(transform, rpcs, geoloc)
        return made

    @classmethod
    def _of_bands(cls, band: Any, crs: CRS | None, alpha: int, gcps: Any) -> Source:
        dataset, indexes = band.ds, _read.listed(band.bidx, band.ds.count)
        _check_band("src_alpha", alpha, dataset.count)
        points = dataset.gcps
        crs = crs or dataset.crs or points[1] or None
        source = cls(None, indexes, dataset.dtypes[indexes[0] - 1], crs, keep=dataset)
        read = [*indexes, alpha] if alpha and alpha not in indexes else indexes
        with dataset._computing() as whole:
            source.handle = _with_bands(whole, read)
        source.band_count, source.alpha = len(read), read.index(alpha) + 1 if alpha else 0
        source.size, source.nodata = dataset.shape, dataset.nodatavals[indexes[0] - 1]
        source._dataset = dataset
        source._set_gcps(gcps)
        return source

    @classmethod
    def _of_array(cls, value: Any, crs: CRS | None, alpha: int, gcps: Any) -> Source:
        array = as_array(value, "source")
        if crs is None:
            raise CRSError("src_crs is missing")
        bands = array if array.ndim == 3 else array[np.newaxis]
        _check_band("src_alpha", alpha, len(bands))
        is_masked = not alpha and isinstance(bands, np.ma.MaskedArray) and bands.mask is not np.ma.nomask
        indexes = range(1, len(bands) + 1)
        if is_masked:
            valid = ~np.ma.getmaskarray(bands).any(axis=0)  # as Rasterio
            full = np.iinfo(bands.dtype).max if bands.dtype.kind in "iu" else 255
            mask = np.where(valid, min(full, 255), 0).astype(bands.dtype)
            bands = np.concatenate([np.ma.getdata(bands), mask[np.newaxis]])
        plain = np.ma.getdata(bands)
        pixels = np.ascontiguousarray(plain, plain.dtype.newbyteorder("="))
        source = cls(_memory(pixels), indexes, pixels.dtype.name, crs, keep=pixels)
        source.size = pixels.shape[1:]
        source._set_gcps(gcps)
        source.band_count, source.alpha, source.is_masked = len(pixels), alpha, is_masked
        if is_masked:
            _mark_alpha(source.handle, len(pixels))
        return source

    @classmethod
    def empty(
        cls, width: int, height: int, crs: CRS, transform: Affine | None, gcps: Any, rpcs: Any, geoloc: Any = None
    ) -> Source:
        """One that has a place, and nothing to read."""
        pixel = np.zeros(1, np.uint8)
        source = cls(_memory(pixel, (1, height, width), (1, 0, 0)), [1], "uint8", crs, keep=pixel)
        source.size = (height, width)
        source._set_gcps(gcps)
        source._place(transform, rpcs, geoloc)
        return source

    def _set_gcps(self, gcps: Any) -> None:
        if gcps:
            points, texts = _lib.gcps(list(gcps))
            err = ffi.new("nacre_error *")
            crs = self.crs._handle if self.crs else ffi.NULL
            _lib.check(lib.nacre_dataset_set_gcps(self.handle, points, len(gcps), crs, err), err)
            del texts  # the library has copies

    def _place(self, transform: Any, rpcs: Any, geoloc: Any) -> None:
        self.rpcs = rpcs
        self.transform = None if transform is None else guard_transform(transform)
        if rpcs is not None:
            self.crs = _crs_of_rpcs(self.crs)
        if geoloc is not None:
            self.geoloc = _arrays(geoloc)

    def needs_crs(self) -> bool:
        """Whether nothing tells the CRS."""
        if self.crs is not None or self._dataset is None:
            return self.crs is None
        return not {"RPC", "GEOLOCATION"} & set(self._dataset.tag_namespaces())

    def reading(self) -> ContextManager[Any]:
        """Around reads of the source: a dataset that is being written serves one thread at a time."""
        return contextlib.nullcontext() if self._dataset is None else self._dataset._computing()

    def options(self, dst_crs: CRS, options: Mapping[str, Any]) -> WarpOptions:
        """Options of a warp from here."""
        warp = WarpOptions()
        warp.crs("src_crs", self.crs)
        warp.crs("dst_crs", dst_crs)
        warp.transform("src_transform", self.transform)
        warp.transformer({**options, **({} if self.rpcs is None else {"rpcs": self.rpcs})})
        if self.geoloc is not None:
            rows, columns = self.geoloc.size
            steps = {"PIXEL_STEP": self.size[1] / columns, "LINE_STEP": self.size[0] / rows}
            warp.geoloc(self.geoloc.handle, steps)
        return warp

    def suggested(self, dst_crs: CRS, options: Mapping[str, Any]) -> tuple[Affine, int, int]:
        """The grid that GDAL suggests: transform, width, height."""
        warp = self.options(dst_crs, options)
        out = ffi.new("nacre_grid *")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_warp_grid(self.handle, warp.pointer, out, err), err)
        t = out.transform
        return Affine(t.a, t.b, t.c, t.d, t.e, t.f), out.width, out.height


def full_alpha(dtype: str) -> float:
    """The value of full density in a band of alpha."""
    return {"uint16": 65535.0, "int16": 32767.0, "int8": 127.0}.get(dtype, 255.0)


def _check_band(name: str, number: int, count: int) -> None:
    if number > count:
        raise ValueError(f"{name} is {number}, but there are {count} bands")


def _crs_of_rpcs(crs: CRS | None) -> CRS:
    """Polynomials are of longitudes and latitudes of WGS 84.

    Raises
    ------
    RPCError
        Another CRS was given.
    """
    if crs is not None and crs.to_epsg() != 4326:
        raise RPCError("rational polynomials are in EPSG:4326, and the source has another CRS")
    return crs or CRS.from_epsg(4326)


def _arrays(pair: Any) -> Source:
    """Geolocation arrays, x and y, as a dataset of two bands.

    Raises
    ------
    ValueError
        They are no two arrays of the same size.
    """
    planes = [np.asarray(each, dtype=float) for each in pair]
    if len(planes) != 2 or planes[0].ndim != 2 or planes[0].shape != planes[1].shape:
        raise ValueError("src_geoloc_array must be two arrays of x and y, of the same rows and columns")
    pixels = np.ascontiguousarray(planes)
    arrays = Source(_memory(pixels), [1, 2], "float64", None, keep=pixels)
    arrays.size = pixels.shape[1:]
    return arrays


def _memory(pixels: Array, shape: tuple[int, ...] | None = None, strides: tuple[int, ...] = (0, 0, 0)) -> Any:
    """A dataset over an array, which must be kept."""
    count, height, width = pixels.shape if shape is None else shape
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    where = ffi.cast("void *", pixels.ctypes.data)
    dtype = _read.dtype_number(pixels.dtype.name)
    _lib.check(lib.nacre_dataset_from_memory(width, height, count, dtype, where, *reversed(strides), out, err), err)
    return ffi.gc(out[0], lib.nacre_dataset_close)


def _with_bands(handle: Any, indexes: list[int]) -> Any:
    """A view of some bands."""
    options = _lib.sized("nacre_translate_options")
    numbers = ffi.new("int[]", indexes)
    options.bands, options.band_count = numbers, len(indexes)
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_view_translate(handle, options, out, err), err)
    return ffi.gc(out[0], lib.nacre_dataset_close)


def _mark_alpha(handle: Any, number: int) -> None:
    values = ffi.new("nacre_band_info *", {"color": lib.NACRE_COLOR_ALPHA})
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_dataset_set_band(handle, number, lib.NACRE_BAND_COLOR, values, err), err)


class View:
    """What of a source is read on the destination's grid.

    Parameters
    ----------
    shape
        Rows and columns of the grid.
    dtype
        Of the values.
    nodata
        What pixels without data are, or None; values that equal it are moved by one step.
    with_density
        There is a band, ``density``, of how much of each pixel is covered, and nodata is not set.
    """

    def __init__(
        self, source: Source, crs: CRS, transform: Affine, shape: tuple[int, int], dtype: str, resampling: Resampling,
        src_nodata: float | None, nodata: float | None, with_density: bool, options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        warp = source.options(crs, options)
        pointer = warp.pointer
        pointer.resampling = int(resampling)
        pointer.height, pointer.width = shape
        warp.transform("transform", transform)
        pointer.unified_nodata = True
        pointer.dtype = _read.dtype_number(dtype)
        pointer.src_alpha = 0 if source.is_masked else source.alpha or -1
        pointer.no_alpha = not with_density
        pointer.add_alpha = with_density and not source.is_masked
        if src_nodata is not None:
            warp.number("src_nodata", src_nodata)
        if nodata is None or with_density:
            pointer.no_dst_nodata = True
        else:
            warp.number("dst_nodata", nodata)
        given = {name.upper(): value for name, value in options.items()}
        if with_density:
            given.pop("INIT_DEST", None)
            given["DST_ALPHA_MAX"] = full_alpha(dtype)
        warp.rules({"INIT_DEST": "NO_DATA", **given}, False)
        warp.cutline(options)
        out = ffi.new("nacre_dataset **")
        err = ffi.new("nacre_error *")
        with source.reading():
            _lib.check(lib.nacre_view_warp(source.handle, pointer, out, err), err)
        self.handle = ffi.gc(out[0], lib.nacre_dataset_close)
        self.shape, self.dtype, self._source = shape, dtype, source
        self.density = source.band_count + (not source.is_masked)
        self._count = self.density if with_density else source.band_count

    def read(self, out: Array, first: int, indexes: list[int]) -> None:
        """Read rows of some bands, from row ``first`` on, as many as ``out`` has."""
        window = Window(0, first, self.shape[1], out.shape[-2])
        request = _read.Request([self.dtype] * self._count, self.shape, indexes, window, None, Resampling.nearest)
        with self._source.reading():
            request.fill(self.handle, None, out, "reproject")

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Arrays and bands as sources of warps, and warps into arrays."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import numpy.typing as npt
from affine import Affine

from . import _lib, _read
from ._native import ffi, lib
from ._warp_options import WarpOptions
from .crs import CRS
from .dtypes import in_dtype_range
from .enums import Resampling
from .transform import guard_transform
from .windows import Window

Array = npt.NDArray[Any]

# Pixels that are read at once into a destination whose own pixels shine through; each takes a byte more than its value.
_STRIP_PIXELS = 1 << 22


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
    count
        Bands that are warped: those that were given, without the one that a mask became.
    band_count
        All bands.
    is_masked
        There is a mask, as a band of alpha behind the others.
    alpha
        The band that tells which pixels count; 0: none, or that of the mask.
    rpcs
        Coefficients that place it, or None.
    """

    def __init__(self, handle: Any, count: int, dtype: str, crs: CRS | None, keep: Any = None) -> None:
        self.handle, self.count, self.dtype, self.crs = handle, count, dtype, crs
        self.band_count = count
        self.is_masked = False
        self.alpha = 0
        self.transform: Affine | None = None
        self.rpcs: Any = None
        self._keep = keep  # pixels that the library borrows

    @classmethod
    def of(cls, source: Any, transform: Any, gcps: Any, rpcs: Any, crs: Any, alpha: int) -> Source:
        """What ``reproject`` takes: an array, masked or not, or ``nacre.band(dataset, indexes)``."""
        given = None if crs is None else CRS.from_user_input(crs)
        made = cls._of_bands(source, given, alpha) if hasattr(source, "ds") else cls._of_array(source, given, alpha)
        made._place(transform, gcps, rpcs)
        return made

    @classmethod
    def _of_bands(cls, band: Any, crs: CRS | None, alpha: int) -> Source:
        dataset, indexes = band.ds, _read.listed(band.bidx, band.ds.count)
        read = [*indexes, alpha] if alpha and alpha not in indexes else indexes
        with dataset._computing() as whole:
            handle = _with_bands(whole, read)
        source = cls(handle, len(indexes), dataset.dtypes[indexes[0] - 1], crs or dataset.crs, keep=dataset)
        source.band_count, source.alpha = len(read), read.index(alpha) + 1 if alpha else 0
        return source

    @classmethod
    def _of_array(cls, array: Any, crs: CRS | None, alpha: int) -> Source:
        values = np.asanyarray(array)
        if values.ndim not in (2, 3):
            raise ValueError(f"an array to warp is (rows, columns) or (bands, rows, columns), not {values.shape}")
        bands = values if values.ndim == 3 else values[np.newaxis]
        is_masked = isinstance(bands, np.ma.MaskedArray) and bands.mask is not np.ma.nomask
        if is_masked:
            valid = ~np.ma.getmaskarray(bands).any(axis=0)  # as Rasterio
            full = np.iinfo(bands.dtype).max if bands.dtype.kind in "iu" else 255
            weight = np.where(valid, min(full, 255), 0).astype(bands.dtype)
            bands = np.concatenate([np.ma.getdata(bands), weight[np.newaxis]])
        pixels = np.ascontiguousarray(bands)
        source = cls(_memory(pixels), len(pixels) - is_masked, pixels.dtype.name, crs, keep=pixels)
        source.band_count, source.is_masked = len(pixels), is_masked
        if is_masked:
            _mark_alpha(source, len(pixels))
        else:
            source.alpha = alpha
        return source

    @classmethod
    def empty(cls, width: int, height: int, crs: CRS, transform: Affine | None, gcps: Any, rpcs: Any) -> Source:
        """One that has a place, and nothing to read."""
        pixel = np.zeros(1, np.uint8)
        source = cls(_memory(pixel, (1, height, width), (1, 0, 0)), 1, "uint8", crs, keep=pixel)
        source._place(transform, gcps, rpcs)
        return source

    def _place(self, transform: Any, gcps: Any, rpcs: Any) -> None:
        self.rpcs = rpcs
        self.transform = None if transform is None else guard_transform(transform)
        if gcps:
            points, texts = _lib.gcps(list(gcps))
            err = ffi.new("nacre_error *")
            crs = self.crs._handle if self.crs else ffi.NULL
            _lib.check(lib.nacre_dataset_set_gcps(self.handle, points, len(gcps), crs, err), err)
            del texts  # the library has copies

    def options(self, dst_crs: CRS, options: Mapping[str, Any]) -> WarpOptions:
        """Options of a warp from here."""
        warp = WarpOptions()
        warp.crs("src_crs", self.crs)
        warp.crs("dst_crs", dst_crs)
        warp.transform("src_transform", self.transform)
        warp.transformer({**options, **({} if self.rpcs is None else {"rpcs": self.rpcs})})
        return warp

    def suggested(self, dst_crs: CRS, options: Mapping[str, Any]) -> tuple[Affine, int, int]:
        """The grid that GDAL suggests: transform, width, height."""
        warp = self.options(dst_crs, options)
        out = ffi.new("nacre_grid *")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_warp_grid(self.handle, warp.pointer, out, err), err)
        t = out.transform
        return Affine(t.a, t.b, t.c, t.d, t.e, t.f), out.width, out.height


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


def _mark_alpha(source: Source, number: int) -> None:
    values = ffi.new("nacre_band_info *", {"color": lib.NACRE_COLOR_ALPHA})
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_dataset_set_band(source.handle, number, lib.NACRE_BAND_COLOR, values, err), err)


def warped(
    source: Source,
    destination: Array,
    dst_crs: CRS,
    dst_transform: Affine,
    resampling: Resampling,
    *,
    src_nodata: float | None,
    dst_nodata: float | None,
    dst_alpha: int,
    keeps: bool,
    options: Mapping[str, Any],
) -> None:
    """Fill an array of shape (bands, rows, columns), masked or not, of at least as many bands as the source.

    Parameters
    ----------
    dst_alpha
        The band behind the source's that tells what is data; 0, or another: none.
    keeps
        Pixels without data stay as they are in the destination.
    """
    is_masked = isinstance(destination, np.ma.MaskedArray)
    alpha = destination[dst_alpha - 1] if source.count < dst_alpha <= len(destination) else None
    needs_mask = keeps or is_masked or alpha is not None
    warp = source.options(dst_crs, options)
    pointer = warp.pointer
    pointer.resampling = int(resampling)
    pointer.height, pointer.width = destination.shape[1:]
    warp.transform("transform", dst_transform)
    pointer.unified_nodata = True
    pointer.src_alpha = source.alpha
    pointer.dtype = _read.dtype_number(destination.dtype.name)
    if src_nodata is not None:
        warp.number("src_nodata", src_nodata)
    filling = dst_nodata if dst_nodata is not None else src_nodata
    if needs_mask:
        pointer.add_alpha = not source.is_masked
        pointer.no_dst_nodata = True
    elif filling is None:
        pointer.no_dst_nodata = True
    else:
        warp.number("dst_nodata", filling)
    out = ffi.new("nacre_dataset **")
    err = ffi.new("nacre_error *")
    _lib.check(lib.nacre_view_warp(source.handle, pointer, out, err), err)
    view = ffi.gc(out[0], lib.nacre_dataset_close)
    bands = destination if len(destination) == source.count else destination[: source.count]
    if not needs_mask:
        _fill(view, np.ma.getdata(bands), 0, list(range(1, source.count + 1)))
        return
    valid_band = source.band_count if source.is_masked else source.band_count + 1
    _fill_masked(view, bands, valid_band, 0 if filling is None else filling, keeps, alpha)
    if isinstance(destination, np.ma.MaskedArray) and bands is not destination:  # a part's mask is its own where the whole has none
        mask = np.array(np.ma.getmaskarray(destination))
        mask[: source.count] = np.ma.getmaskarray(bands)
        destination.mask = mask


def _fill(view: Any, out: Array, first: int, indexes: list[int]) -> None:
    """Read rows of some bands, from row ``first`` on, as many as ``out`` has."""
    info = ffi.new("nacre_dataset_info *")
    lib.nacre_dataset_info_get(view, info)
    window = Window(0, first, info.width, out.shape[-2])
    types = [out.dtype.name] * info.band_count
    request = _read.Request(types, (info.height, info.width), indexes, window, None, Resampling.nearest)
    request.fill(view, None, out, "reproject")


def _fill_masked(
    view: Any, destination: Array, valid_band: int, filling: float, keeps: bool, alpha: Array | None
) -> None:
    """Fill an array strip by strip by what is valid, as a band of the view tells; the array may be masked."""
    pixels: Array = np.ma.getdata(destination)
    mask: Array | None = None
    if isinstance(destination, np.ma.MaskedArray):
        mask = np.array(np.broadcast_to(np.ma.getmaskarray(destination), pixels.shape))
    count, height, width = pixels.shape
    rows = max(1, _STRIP_PIXELS // width)
    for first in range(0, height, rows):
        part = np.s_[:, first : min(first + rows, height)]
        values, strongest = np.empty(pixels[part].shape, pixels.dtype), np.empty(pixels[part].shape[1:], pixels.dtype)
        _fill(view, values, first, list(range(1, count + 1)))
        _fill(view, strongest[np.newaxis], first, [valid_band])
        valid = np.broadcast_to(strongest > 0, values.shape)
        if not keeps:
            pixels[part] = filling
        np.copyto(pixels[part], values, where=valid)
        if mask is not None:
            mask[part] = ~valid & (mask[part] if keeps else True)
        if alpha is not None:
            np.copyto(np.ma.getdata(alpha)[part[1]], strongest, where=strongest > 0 if keeps else True)
    if isinstance(destination, np.ma.MaskedArray) and mask is not None:
        destination.mask = mask

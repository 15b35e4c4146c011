# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warped virtual rasters."""

from __future__ import annotations

from typing import Any

from affine import Affine

from . import _lib
from ._native import ffi, lib
from .crs import CRS
from .dataset import DatasetReader
from .enums import Resampling

_UNSET = object()


class WarpedVRT(DatasetReader):
    """A view of a dataset in another CRS or on another grid; pixels are computed when they are read.

    Parameters
    ----------
    src_dataset
        The dataset to warp; it is kept open.
    src_crs, src_transform
        Instead of the dataset's own.
    crs
        Of the view; by default the source's.
    resampling
        How values are resampled.
    src_nodata, nodata
        Values without data in the source and in the view; by default the source's. None: none.
    transform, width, height
        The view's grid, all three, or width and height alone; by default as GDAL suggests it.
    tolerance
        Kept for GDAL; nacre is within 0.001 source pixel of PROJ always.
    add_alpha
        Add a band of alpha instead of a nodata value.
    dtype
        Type of the view's bands.
    """

    def __init__(
        self,
        src_dataset: DatasetReader,
        src_crs: Any = None,
        crs: Any = None,
        resampling: Resampling = Resampling.nearest,
        tolerance: float = 0.125,
        src_nodata: Any = _UNSET,
        nodata: Any = _UNSET,
        width: int | None = None,
        height: int | None = None,
        src_transform: Affine | None = None,
        transform: Affine | None = None,
        add_alpha: bool = False,
        dtype: Any = None,
    ) -> None:
        options = _lib.sized("nacre_warp_options")
        keep: list[Any] = []

        def set_crs(name: str, value: Any) -> None:
            if value is not None:
                keep.append(CRS.from_user_input(value))
                setattr(options, name, keep[-1]._handle)

        def set_pointer(name: str, kind: str, value: Any) -> None:
            keep.append(ffi.new(kind, value))
            setattr(options, name, keep[-1])

        set_crs("src_crs", src_crs)
        set_crs("dst_crs", crs)
        if src_transform is not None:
            set_pointer("src_transform", "nacre_transform *", tuple(src_transform)[:6])
        if transform is not None:
            set_pointer("transform", "nacre_transform *", tuple(transform)[:6])
        options.width, options.height = width or 0, height or 0
        options.resampling = int(resampling)
        options.tolerance = tolerance
        options.add_alpha = add_alpha
        if src_nodata is None:
            options.ignore_src_nodata = True
        elif src_nodata is not _UNSET:
            set_pointer("src_nodata", "double *", float(src_nodata))
        if nodata is not _UNSET and nodata is not None:
            set_pointer("dst_nodata", "double *", float(nodata))
        if dtype is not None:
            options.dtype = lib.nacre_dtype_from_name(str(dtype).encode())
        out = ffi.new("nacre_dataset **")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_view_warp(src_dataset._handle, options, out, err), err)
        super().__init__(out[0], src_dataset._cache)
        self.src_dataset = src_dataset
        self.resampling = resampling
        self.tolerance = tolerance

    @property
    def name(self) -> str:
        """The name of a view that was not saved."""
        return f"WarpedVRT({self.src_dataset.name})"

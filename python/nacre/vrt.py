# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warped virtual rasters."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
from affine import Affine

from . import _lib, _read
from ._native import ffi, lib
from ._warp_options import WarpOptions, is_rule, is_transformer
from .crs import CRS
from .dataset import DatasetReaderBase, _State
from .enums import ColorInterp, Resampling
from .errors import WarpOptionsError

_UNSET: Any = object()

# GDAL's warp options that say how it works, not what comes out: memory, threads and chunks are the library's own affair.
_WITHOUT_EFFECT = frozenset(
    ("num_threads", "warp_mem_limit", "source_extra", "sample_grid", "sample_steps", "skip_nosource", "write_flush")
    + ("optimize_size", "streamable_output")
)
# Those that change what comes out, and are not built.
_LATER = frozenset(
    ("cutline_all_touched", "coordinate_operation", "insert_center_long", "force_longlat_180", "mode_ties", "dst_method")
    + ("excluded_values", "excluded_values_pct_threshold", "nodata_values_pct_threshold", "multiplicative_alpha")
    + ("src_coord_precision", "dst_coord_precision", "area_of_interest", "strip_vert_cs", "src_srs", "dst_srs")
)


class WarpedVRT(DatasetReaderBase):
    """A view of a dataset in another CRS or on another grid; pixels are computed when they are read.

    Parameters
    ----------
    src_dataset
        The dataset to warp; closing it leaves the view as it is.
    src_crs, src_transform
        Instead of the dataset's own.
    crs
        Of the view; by default the source's.
    resampling
        How values are resampled: nearest, bilinear or cubic.
    tolerance
        In source pixels; kept in a VRT that is saved. nacre is within 0.001 of PROJ always.
    init_dest_nodata
        Pixels without a source get the nodata value; else those of ``INIT_DEST``, by default 0.
    src_nodata
        The value without data in the source; by default the source's own. None: every value is data.
    nodata
        The value of pixels without data in the view; by default ``src_nodata``. None: none, they are 0.
    width, height, transform
        The view's grid: all three, or width and height alone; by default as GDAL suggests it.
    src_alpha
        A band of the source by which its pixels count, instead of its band of alpha; it is warped as the others are.
    dst_alpha
        The band of the view that is alpha: the one behind the source's bands, or that of the source's alpha.
    add_alpha
        Add a band of alpha; then no nodata value is set.
    dtype
        Type that is computed in and of the view's bands; by default the source's, or a wider one that holds ``nodata``.
    **options
        GDAL's transformer options in any case: ``METHOD``, ``MAX_GCP_ORDER``, ``RPC_DEM`` (a path or a dataset), ``RPC_HEIGHT`` and
        others that begin with ``RPC_``. ``rpcs``: rational polynomials in place of the dataset's, as a mapping of the
        items of its domain RPC, or an object of Rasterio's. ``CUTLINE``: a polygon as WKT or GeoJSON, in pixels of
        the source; ``CUTLINE_BLEND_DIST``: source pixels over which it fades. Of GDAL's warp options ``INIT_DEST``,
        ``UNIFIED_SRC_NODATA``, ``XSCALE``, ``YSCALE``, ``SRC_ALPHA_MAX``, ``DST_ALPHA_MAX``; as in Rasterio
        ``init_dest`` counts instead of ``init_dest_nodata`` in small letters only. Those that say how GDAL works have no effect.

    Attributes
    ----------
    dst_crs, dst_nodata, dst_width, dst_height, dst_transform
        What was asked for; the transform also where width and height were.
    src_dataset, src_crs, src_transform, src_nodata, resampling, tolerance, working_dtype, add_alpha
        The same.
    warp_extras
        The options, and what the view is filled with as ``init_dest``.

    Warns
    -----
    UserWarning
        An option is none of GDAL's that nacre knows, and has no effect.

    Raises
    ------
    CRSError
        PROJ does not know a CRS.
    WarpOptionsError
        ``add_alpha`` where the source has alpha.
    ValueError
        The source has no CRS or transform, or the transform comes without width and height.
    NotImplementedError
        An option of GDAL's would change what comes out, and is not built.
    UnsupportedError
        A resampling, complex values, ground control points: what nacre does not warp by.
    RasterioIOError
        The source is closed.
    """

    def __init__(
        self,
        src_dataset: DatasetReaderBase,
        src_crs: Any = None,
        crs: Any = None,
        resampling: Resampling = Resampling.nearest,
        tolerance: float = 0.125,
        src_nodata: float | None = _UNSET,
        nodata: float | None = _UNSET,
        width: int | None = None,
        height: int | None = None,
        src_transform: Affine | None = None,
        transform: Affine | None = None,
        init_dest_nodata: bool = True,
        src_alpha: int = 0,
        dst_alpha: int = 0,
        add_alpha: bool = False,
        warp_mem_limit: int = 0,
        dtype: str | None = None,
        **options: Any,
    ) -> None:
        _refuse(options)
        if add_alpha and ColorInterp.alpha in src_dataset.colorinterp:
            raise WarpOptionsError(f"{_lib.shown(src_dataset.name)}: it has an alpha band; a second one cannot be added")
        self.src_dataset = src_dataset
        self.src_crs = src_dataset.crs if src_crs is None else CRS.from_user_input(src_crs)
        self.dst_crs = self.src_crs if crs is None else CRS.from_user_input(crs)
        self.resampling = Resampling(resampling)
        self.tolerance = tolerance
        self.src_nodata = src_dataset.nodata if src_nodata is _UNSET else src_nodata
        self.dst_nodata = self.src_nodata if nodata is _UNSET else nodata
        self.warp_extras = dict(options)
        if init_dest_nodata:
            self.warp_extras.setdefault("init_dest", "0" if self.dst_nodata is None else "NO_DATA")
        self.src_transform = src_dataset.transform if src_transform is None else src_transform
        self.dst_transform = transform
        self.dst_width, self.dst_height = width, height
        self.working_dtype = dtype
        self.add_alpha = add_alpha
        warp = WarpOptions()
        warp.crs("src_crs", src_crs)
        warp.crs("dst_crs", crs)
        warp.transform("src_transform", src_transform)
        warp.transform("transform", transform)
        warp.pointer.src_alpha, warp.pointer.dst_alpha = src_alpha, dst_alpha
        self._set_values(warp.pointer)
        self._set_nodata(warp, src_nodata, nodata)
        warp.transformer(options)
        warp.cutline(options)
        warp.rules(options, init_dest_nodata)
        self._warp = warp
        source = src_dataset._open_state()
        super().__init__(self._view_of(source), src_dataset._cache, None, src_dataset._on_change)
        self._state = self._state_over(source, self._state)
        if width and height:
            self.dst_transform = self.transform
        if add_alpha:
            self.dst_nodata = None

    def _view_of(self, source: _State) -> Any:
        """A new view of a dataset, for who takes it over."""
        out = ffi.new("nacre_dataset **")
        err = ffi.new("nacre_error *")
        _lib.check(lib.nacre_view_warp(source.handle, self._warp.pointer, out, err), err)
        return out[0]

    @staticmethod
    def _state_over(source: _State, state: _State) -> _State:
        # Decimated reads are warped from the source's overviews.
        width = state.info.width
        widths = [max(1, int(0.5 + width * each / source.info.width)) for each in source.info.overview_widths]
        return _State(state.handle, dataclasses.replace(state.info, overview_widths=widths), source)

    def _refreshed(self, state: _State) -> _State | None:
        """The same view of what the source is now; the source's own object stays as it is."""
        assert state.source is not None
        source = self.src_dataset._refreshed(state.source)
        if source is None:
            return None
        return self._state_over(source, self._state_of(self._view_of(source)))

    def _set_values(self, pointer: Any) -> None:
        pointer.resampling = int(self.resampling)
        pointer.tolerance = self.tolerance
        pointer.add_alpha = self.add_alpha
        if self.dst_transform is not None or (self.dst_width and self.dst_height):  # one alone has no effect
            pointer.width, pointer.height = self.dst_width or 0, self.dst_height or 0
        pointer.unified_nodata = True  # as Rasterio: a pixel is without data where all bands are
        if self.working_dtype is not None:
            pointer.dtype = pointer.working_dtype = _read.dtype_number(str(self.working_dtype))
        else:
            wider = _dtype_for(self.src_dataset.dtypes[0], self.dst_nodata)
            pointer.dtype = lib.NACRE_DTYPE_UNKNOWN if wider is None else _read.dtype_number(wider)

    def _set_nodata(self, warp: WarpOptions, src_nodata: float | None, nodata: float | None) -> None:
        if src_nodata is None:
            warp.pointer.ignore_src_nodata = True
        elif src_nodata is not _UNSET:
            warp.number("src_nodata", src_nodata)
        if self.dst_nodata is None:
            warp.pointer.no_dst_nodata = True
        elif src_nodata is not _UNSET or nodata is not _UNSET:
            warp.number("dst_nodata", self.dst_nodata)

    @property
    def name(self) -> str:
        """The name of a view that was not saved."""
        return f"WarpedVRT({_lib.shown(self.src_dataset.name)})"

    def _refuse_boundless(self, boundless: bool) -> None:
        if boundless:
            raise ValueError("a view cannot be read beyond its edges; give it another grid")


def _refuse(options: dict[str, Any]) -> None:
    """Refuses what would change the result, and warns of what nobody knows."""
    later = sorted(name for name in options if name.lower() in _LATER)
    if later:
        raise NotImplementedError(f"options of WarpedVRT that are not built yet: {', '.join(later)}")
    for name in options:
        is_known = name == "rpcs" or name.lower() in _WITHOUT_EFFECT or is_rule(name) or is_transformer(name)
        if not is_known:
            warnings.warn(f"the option {name} of WarpedVRT has no effect", UserWarning, stacklevel=_lib.outer_level())


def _dtype_for(dtype: str, nodata: float | None) -> str | None:
    """A type wider than a dataset's that holds a nodata value, as GDAL finds it; None where its own does."""
    own = np.dtype(dtype)
    if nodata is None or own.kind not in "iuf":
        return None
    is_single = float(np.float32(nodata)) == nodata
    if own.kind == "f":
        return None if is_single or own.itemsize == 8 or not math.isfinite(nodata) else "float64"
    if not math.isfinite(nodata):
        return "float64"
    if nodata != int(nodata):
        return "float32" if is_single and own.itemsize <= 2 else "float64"
    if np.iinfo(own).min <= nodata <= np.iinfo(own).max:
        return None
    wider = np.promote_types(own, np.min_scalar_type(int(nodata)))
    return wider.name if wider.kind in "iu" else "float64"

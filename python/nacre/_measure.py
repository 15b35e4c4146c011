# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What is computed of a dataset's pixels, and where they lie in its file."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import TYPE_CHECKING, Any, ContextManager, NamedTuple, Sequence

from . import _lib, _read, windows
from ._describe import DatasetBase
from ._native import ffi, lib
from .errors import BandOverviewError, RasterBlockError, RasterioDeprecationWarning, StatisticsError


class Statistics:
    """Statistics of a band.

    Attributes
    ----------
    min, max, mean, std
        In the units of the band's values, which are not scaled. ``std`` is the deviation of all valid values.
    """

    __slots__ = ("min", "max", "mean", "std")

    def __init__(self, min: float, max: float, mean: float, std: float) -> None:
        self.min, self.max, self.mean, self.std = min, max, mean, std

    def __repr__(self) -> str:
        return f"Statistics(min={self.min}, max={self.max}, mean={self.mean}, std={self.std})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistics) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[float, float, float, float]:
        return (self.min, self.max, self.mean, self.std)


# Where GDAL keeps them.
STATISTICS_TAGS = ("STATISTICS_MINIMUM", "STATISTICS_MAXIMUM", "STATISTICS_MEAN", "STATISTICS_STDDEV")


class Found(NamedTuple):
    """Statistics that were computed."""

    statistics: Statistics
    valid_percent: float  # 0: there is no valid value
    is_whole: bool  # all values were looked at


class MeasuresMixin(DatasetBase):
    """Statistics, checksums and places of blocks."""

    _cache: str | None

    if TYPE_CHECKING:

        def _computing(self) -> ContextManager[Any]: ...

    def _compute_statistics(self, bidx: int, approx: bool) -> Found:
        """Reads the band."""
        out = ffi.new("nacre_statistics *")
        err = ffi.new("nacre_error *")
        io = _lib.IOOptions(self._cache)
        with self._computing() as handle:
            arguments = (handle, self._checked(bidx), approx, io.pointer, out, err)
            _lib.check(_lib.blocking(lib.nacre_dataset_statistics, io, *arguments), err)
        found = Statistics(out.minimum, out.maximum, out.mean, out.standard_deviation)
        percent = 100.0 * out.valid_count / out.count if out.count else 0.0
        return Found(found, percent, out.count == self.width * self.height)

    def _stored_statistics(self, bidx: int, approx: bool) -> Statistics | None:
        """Those that the metadata has; approximate ones only where such will do."""
        tags = self.tags(bidx)
        if not all(key in tags for key in STATISTICS_TAGS) or (
            not approx and tags.get("STATISTICS_APPROXIMATE", "").upper() == "YES"
        ):
            return None
        with contextlib.suppress(ValueError):
            return Statistics(*(float(tags[key]) for key in STATISTICS_TAGS))
        return None

    def stats(self, *, indexes: int | Sequence[int] | None = None, approx: bool = False) -> list[Statistics]:
        """Statistics of bands: those that the metadata has, else computed. A band without a valid pixel has zeros.

        Parameters
        ----------
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
        return [
            self._stored_statistics(band, approx) or self._compute_statistics(band, approx).statistics for band in bands
        ]

    def statistics(self, bidx: int, approx: bool = False, clear_cache: bool = False) -> Statistics:
        """Statistics of a band; ``stats`` is their new name. Unlike Rasterio's it writes nothing.

        Parameters
        ----------
        bidx
            The band.
        approx
            Those of an overview, or of some of the blocks, will do.
        clear_cache
            Compute them anew, whatever the metadata says.

        Raises
        ------
        StatisticsError
            The band has no valid pixel.
        """
        text = "statistics() will be removed in 2.0.0. Please switch to stats()."
        warnings.warn(text, RasterioDeprecationWarning, stacklevel=2)
        self._checked(bidx)
        stored = None if clear_cache else self._stored_statistics(bidx, approx)
        if stored is not None:
            return stored
        found = self._compute_statistics(bidx, approx)
        if not found.valid_percent:
            raise StatisticsError(f"{_lib.shown(self.name)}: band {bidx} has no valid pixel")
        return found.statistics

    def checksum(self, bidx: int, window: Any = None) -> int:
        """GDAL's checksum of a band: 16 bits, a cross-check and not a proof.

        Parameters
        ----------
        bidx
            The band.
        window
            A Window or nested tuples, cut to whole pixels inside the raster; None for all of it.

        Raises
        ------
        IndexError
            There is no such band.
        RasterioIOError
            The dataset is closed, or cannot be read.
        """
        rect = ffi.NULL if window is None else self._whole_window(window)
        out = ffi.new("int *")
        err = ffi.new("nacre_error *")
        io = _lib.IOOptions(self._cache)
        with self._computing() as handle:
            if rect is None:
                return 0
            arguments = (handle, self._checked(bidx), rect, io.pointer, out, err)
            _lib.check(_lib.blocking(lib.nacre_dataset_checksum, io, *arguments), err)
        return int(out[0])

    def _whole_window(self, window: Any) -> Any:
        """A ``nacre_window`` of whole pixels inside the raster; None: there are none."""
        part = windows.evaluate(window, *self.shape)
        left, top = int(part.col_off), int(part.row_off)
        width, height = min(int(part.width), self.width - left), min(int(part.height), self.height - top)
        if left < 0 or top < 0 or width < 1 or height < 1:
            return None
        return ffi.new("nacre_window *", (left, top, width, height))

    # --- places ---

    def _block(self, bidx: int, overview: int, i: int, j: int) -> Any:
        """Where a block of the image (0) or an overview is; None: there is no such block, or it is in no TIFF."""
        out = ffi.new("nacre_block_place *")
        err = ffi.new("nacre_error *")
        io = _lib.IOOptions(self._cache)
        with self._computing() as handle:
            arguments = (handle, bidx, overview, j, i, io.pointer, out, err)
            status = _lib.blocking(lib.nacre_dataset_block_find, io, *arguments)
        if status in (lib.NACRE_ERROR_INVALID, lib.NACRE_ERROR_UNSUPPORTED):
            return None
        _lib.check(status, err)
        return out

    def block_size(self, bidx: int, i: int, j: int) -> int:
        """Bytes of a block as it is stored in a TIFF.

        Parameters
        ----------
        bidx
            The band.
        i, j
            Row and column of blocks, from 0.

        Raises
        ------
        IndexError
            There is no such band.
        RasterBlockError
            There is no such block, or it is not stored.
        """
        self._open_handle()
        place = self._block(self._checked(bidx), 0, i, j)
        if place is None or not place.size:
            raise RasterBlockError(f"{_lib.shown(self.name)}: block i={i}, j={j} is not stored: it has no size")
        return int(place.size)

    def get_tag_item(self, ns: str, dm: str | None = None, bidx: int = 0, ovr: int | None = None) -> str | None:
        """One item of metadata; in the domain "TIFF" of a band, where its image and blocks lie in the file.

        Parameters
        ----------
        ns
            The key. In the domain "TIFF": ``IFD_OFFSET``, ``BLOCK_OFFSET_x_y`` and ``BLOCK_SIZE_x_y``.
        dm
            The domain; None for the default one.
        bidx
            The band; 0 for the dataset.
        ovr
            An overview of the band, from 0.

        Returns
        -------
        str or None
            None where there is no such item.

        Raises
        ------
        IndexError
            There is no such band.
        ValueError
            An overview, but no band, is given.
        BandOverviewError
            There is no such overview.
        """
        if ovr and not bidx:
            raise ValueError(f"{_lib.shown(self.name)}: overview {ovr} is one of a band: give bidx too")
        if bidx:
            self._checked(bidx)
        if ovr is not None and not 0 <= ovr < len(self._info.overview_widths):
            raise BandOverviewError(f"{_lib.shown(self.name)}: there is no overview {ovr}")
        if dm == "TIFF" and (bidx or ovr is not None):
            return self._tiff_item(ns, bidx or 1, 0 if ovr is None else ovr + 1)
        return None if ovr is not None else self.tags(bidx, ns=dm).get(ns)

    def _tiff_item(self, key: str, bidx: int, overview: int) -> str | None:
        wanted = re.fullmatch(r"BLOCK_(OFFSET|SIZE)_(\d+)_(\d+)", key)
        column, row = (int(wanted[2]), int(wanted[3])) if wanted else (0, 0)
        if not wanted and key != "IFD_OFFSET":
            return None
        place = self._block(bidx, overview, row, column)
        if place is None:
            return None
        if not wanted:
            return str(place.directory_offset)
        number = place.offset if wanted[1] == "OFFSET" else place.size
        return str(number) if place.size else None

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Values of a dataset at positions."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Sequence

import numpy as np

from . import _lib, _read
from ._read import Array
from .enums import MaskFlags, Resampling
from .transform import rowcol
from .windows import Window

if TYPE_CHECKING:
    from .dataset import DatasetReaderBase

# Positions whose blocks are read together.
_TOGETHER = 512


def sort_xy(xy: Iterable[Sequence[float]]) -> list[tuple[Any, ...]]:
    """Positions by x, then y: neighbours are read together then.

    Parameters
    ----------
    xy
        Pairs of x and y.
    """
    return sorted((tuple(point) for point in xy), key=lambda point: (point[0], point[1]))


def sample_gen(
    dataset: DatasetReaderBase,
    xy: Iterable[Sequence[float]],
    indexes: int | Sequence[int] | None = None,
    masked: bool = False,
) -> Iterator[Array]:
    """Values at positions: those of the nearest pixel, one array for each position.

    Positions are read 512 at a time, in the round trips of one.

    Parameters
    ----------
    dataset
        A dataset that is open for reading.
    xy
        Pairs of x and y in the units of the CRS.
    indexes
        A band number, or several; None for all bands.
    masked
        Give masked arrays: masked by the bands' masks, and beyond the raster.

    Yields
    ------
    numpy.ndarray or numpy.ma.MaskedArray
        The values of the bands, of shape (bands,). Beyond the raster the nodata value, or 0 where there is none.

    Raises
    ------
    IndexError
        There is no such band.
    RasterioIOError
        The dataset is closed, or cannot be read.
    """
    bands = _read.listed(indexes, dataset.count)
    beyond = 0 if dataset.nodata is None else dataset.nodata
    points = iter(xy)
    while some := list(itertools.islice(points, _TOGETHER)):
        xs, ys = [point[0] for point in some], [point[1] for point in some]
        rows, columns = rowcol(dataset.transform, xs, ys)
        values, valid = _values(dataset, bands, np.asarray(rows), np.asarray(columns), beyond, masked)
        for index in range(len(some)):
            if valid is None:
                yield values[index].copy()
            else:
                yield np.ma.MaskedArray(values[index].copy(), mask=valid[index] == 0)


def _values(
    dataset: DatasetReaderBase, bands: list[int], rows: Array, columns: Array, beyond: float, masked: bool
) -> tuple[Array, Array | None]:
    """Values of positions, of shape (positions, bands); and whether they are valid, where that is asked for."""
    parts = list(_parts(dataset, rows, columns))
    requests = [
        _read.Request(dataset.dtypes, dataset.shape, bands, window, None, Resampling.nearest) for window, _ in parts
    ] or [_read.Request(dataset.dtypes, dataset.shape, bands, Window(0, 0, 1, 1), None, Resampling.nearest)]
    kind = requests[0].values_array(None).dtype
    arrays = [np.empty(request.shape, kind) for request in requests[: len(parts)]]
    masks = [np.empty(array.shape, np.uint8) for array in arrays] if masked else []
    name = dataset.name

    def fill(handle: Any) -> None:
        readings = []
        for request, array in zip(requests, arrays):
            readings.append(request.start(handle, dataset._cache, array, name))
        for request, array in zip(requests, masks):
            readings.append(request.start(handle, dataset._cache, array, name, "masks"))
        for reading in readings:
            if reading:
                reading.wait()

    dataset._filled(fill)
    values = np.full((len(rows), len(bands)), beyond, kind)
    valid = np.tile(_valid_beyond(dataset, bands), (len(rows), 1)) if masked else None
    for index, (window, members) in enumerate(parts):
        at = (slice(None), rows[members] - int(window.row_off), columns[members] - int(window.col_off))
        values[members] = arrays[index][at].T
        if valid is not None:
            valid[members] = masks[index][at].T
    return values, valid


def _valid_beyond(dataset: DatasetReaderBase, bands: list[int]) -> Array:
    """Nothing is valid beyond the raster, but the bands that are no part of a mask beside those that are: alpha bands."""
    flags = [dataset.mask_flag_enums[band - 1] for band in bands]
    has_mask = any(flag != [MaskFlags.all_valid] for flag in flags)
    return np.array([255 if has_mask and flag == [MaskFlags.all_valid] else 0 for flag in flags], np.uint8)


def _parts(dataset: DatasetReaderBase, rows: Array, columns: Array) -> Iterator[tuple[Window, Array]]:
    """The smallest window around the positions in each block, and which these are."""
    inside = np.flatnonzero((rows >= 0) & (columns >= 0) & (rows < dataset.height) & (columns < dataset.width))
    height, width = dataset.block_shapes[0]
    blocks = rows[inside] // height * (dataset.width // width + 1) + columns[inside] // width
    for block in np.unique(blocks):
        members = inside[blocks == block]
        top, left = int(rows[members].min()), int(columns[members].min())
        bottom, right = int(rows[members].max()), int(columns[members].max())
        yield Window(left, top, right - left + 1, bottom - top + 1), members

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Which pixels a geometry covers. Coordinates here are pixels: x columns, y rows, from the upper left corner."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine

from ._geometry import as_mapping

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def covered(geometry: Any, shape: tuple[int, int], transform: Affine, all_touched: bool) -> Mask:
    """The pixels that a geometry covers.

    Polygons cover the pixels whose centre is inside (by the even-odd rule over the rings), lines those of Bresenham's
    algorithm, points the one they are in. With ``all_touched`` polygons and lines cover every pixel that they enter.

    Parameters
    ----------
    geometry
        Like GeoJSON's, in the coordinates of ``transform``.
    shape
        Rows and columns.
    transform
        From pixels to coordinates.

    Returns
    -------
    array of bool, ``shape``. Memory: about four bytes for each pixel, and what the vertices take.
    """
    mask = np.zeros(shape, bool)
    _burn(as_mapping(geometry), mask, ~transform, all_touched)
    return mask


def _burn(geometry: dict[str, Any], mask: Mask, to_pixels: Affine, all_touched: bool) -> None:
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            _burn(as_mapping(part), mask, to_pixels, all_touched)
        return
    found = geometry["coordinates"]
    if kind in ("Point", "MultiPoint"):
        _burn_points(mask, _pixels([found] if kind == "Point" else found, to_pixels))
    elif kind in ("Polygon", "MultiPolygon"):
        for rings in [found] if kind == "Polygon" else found:
            _burn_rings(mask, [_pixels(ring, to_pixels) for ring in rings], all_touched)
    else:
        for line in found if kind == "MultiLineString" else [found]:
            points = _pixels(line, to_pixels)
            if kind == "LinearRing":  # closed, if it is not yet
                points = np.concatenate([points, points[:1]])
            _burn_line(mask, points, all_touched)


def _pixels(points: Any, to_pixels: Affine) -> Array:
    """Columns and rows of points: an array of n x 2."""
    x, y = np.array([tuple(point)[:2] for point in points], float).reshape(-1, 2).T
    a, b, c, d, e, f = to_pixels[:6]
    return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)


def _burn_points(mask: Mask, points: Array) -> None:
    height, width = mask.shape
    with np.errstate(invalid="ignore"):
        columns, rows = np.floor(points).T
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    mask[rows[inside].astype(int), columns[inside].astype(int)] = True


def _burn_rings(mask: Mask, rings: list[Array], all_touched: bool) -> None:
    height, width = mask.shape
    edges = [np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in rings if len(ring)]
    if not edges or not mask.size:
        return
    segments = np.concatenate(edges)
    toggles = np.zeros((height, width + 1), np.uint8)
    rows, columns = _crossings(segments, height)
    np.add.at(toggles, (rows, np.clip(columns, 0, width).astype(int)), 1)
    mask |= np.logical_xor.accumulate(toggles[:, :width] & 1, axis=1)
    if all_touched:
        for segment in segments:
            _burn_segment(mask, segment, only_entered=True)


def _crossings(segments: Array, height: int) -> tuple[Array, Array]:
    """Where edges cross the middle lines of rows: the rows, and the first column whose centre lies behind."""
    x, y, end_x, end_y = segments.T
    with np.errstate(invalid="ignore"):
        first = np.clip(np.ceil(np.minimum(y, end_y) - 0.5), 0, height)
        last = np.clip(np.ceil(np.maximum(y, end_y) - 0.5), 0, height)  # the upper end belongs to an edge, the lower not
    counts = np.nan_to_num(last - first).astype(int)
    edge = np.repeat(np.arange(len(segments)), counts)
    starts = np.cumsum(counts) - counts
    rows = np.arange(len(edge)) - starts[edge] + np.nan_to_num(first)[edge].astype(int)
    up = y[edge] <= end_y[edge]  # from the same end whichever way the edge goes: neighbours share their edge
    low_x, low_y = np.where(up, x[edge], end_x[edge]), np.where(up, y[edge], end_y[edge])
    high_x, high_y = np.where(up, end_x[edge], x[edge]), np.where(up, end_y[edge], y[edge])
    crossing = low_x + (rows + 0.5 - low_y) * (high_x - low_x) / (high_y - low_y)
    return rows, np.floor(crossing + 0.5)


def _burn_line(mask: Mask, points: Array, all_touched: bool) -> None:
    for start, end in zip(points[:-1], points[1:]):
        if all_touched:
            _burn_segment(mask, np.concatenate([start, end]), only_entered=False)
        else:
            _burn_points(mask, _bresenham(np.floor(start), np.floor(end), mask.shape))


def _bresenham(start: Array, end: Array, shape: tuple[int, ...]) -> Array:
    """The pixels of Bresenham's line between two pixels, those near the raster."""
    delta = np.abs(end - start)
    if not np.isfinite(delta).all():
        return np.empty((0, 2))
    step = np.sign(end - start)
    along = 0 if delta[0] >= delta[1] else 1
    far, side = delta[along], delta[1 - along]
    size = shape[1 - along]
    if step[along] < 0:  # steps whose pixels have a place along this axis
        begin, stop = start[along] - size, start[along]
    else:
        begin, stop = -start[along], size - start[along]
    count = np.arange(max(0.0, begin), min(far, stop) + 1)
    points = np.empty((len(count), 2))
    points[:, along] = start[along] + step[along] * count
    turns = (count * side + far - 1 - (far - 1) // 2) // far if far else 0
    points[:, 1 - along] = start[1 - along] + step[1 - along] * turns
    return points


def _burn_segment(mask: Mask, segment: Array, only_entered: bool) -> None:
    """All pixels that a segment enters; without ``only_entered`` also those right of or below a grid line it lies on."""
    clipped = _clipped(segment, mask.shape)
    if clipped is None:
        return
    start, end = clipped[:2], clipped[2:]
    delta = end - start
    cuts = [np.array([0.0, 1.0])]
    for axis in (0, 1):
        low, high = sorted((start[axis], end[axis]))
        lines = np.arange(np.floor(low) + 1, np.ceil(high))
        if delta[axis]:
            cuts.append((lines - start[axis]) / delta[axis])
    at = np.unique(np.clip(np.concatenate(cuts), 0, 1))
    middles = start + ((at[:-1] + at[1:]) / 2)[:, None] * delta
    if not len(middles):
        middles = start[None]
    if only_entered:
        on_line = (np.abs(middles - np.round(middles)) < 1e-9) & (np.abs(delta) < 1e-9)
        middles = middles[~on_line.any(axis=1)]
    _burn_points(mask, middles)


def _clipped(segment: Array, shape: tuple[int, ...]) -> Array | None:
    """The part of a segment within the raster and a pixel around it."""
    start, delta = segment[:2], segment[2:] - segment[:2]
    if not np.isfinite(segment).all():
        return None
    low, high = 0.0, 1.0
    for axis, size in ((0, shape[1]), (1, shape[0])):
        if delta[axis] == 0:
            if not -1 <= start[axis] <= size + 1:
                return None
            continue
        near, far = sorted(((-1 - start[axis]) / delta[axis], (size + 1 - start[axis]) / delta[axis]))
        low, high = max(low, near), min(high, far)
    if low > high:
        return None
    return np.concatenate([start + low * delta, start + high * delta])

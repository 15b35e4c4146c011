# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasters cut out by shapes."""

from __future__ import annotations

import warnings
from typing import Any, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from affine import Affine

from ._lib import outer_level
from .errors import WindowError
from .features import geometry_mask, geometry_window
from .windows import Window

Array = npt.NDArray[Any]


def raster_geometry_mask(
    dataset: Any,
    shapes: Iterable[Any],
    all_touched: bool = False,
    invert: bool = False,
    crop: bool = False,
    pad: bool = False,
    pad_width: float = 0.5,
) -> tuple[Array, Affine, Window | None]:
    """Which pixels of a dataset are outside of all shapes. Memory: about five bytes for each pixel of the result.

    Parameters
    ----------
    dataset
        An open dataset.
    shapes
        Geometries like GeoJSON's, or objects with ``__geo_interface__``, in the dataset's CRS.
    all_touched
        Whether pixels count as inside that a shape enters; else those whose centre is inside a polygon.
    invert
        Which pixels are inside, instead.
    crop
        Whether the result is the shapes' window only, or all of the dataset.
    pad, pad_width
        With ``crop``, whether the window is larger, and by how many pixels on each side.

    Returns
    -------
    array of bool, transform, window
        The window is None without ``crop``.

    Raises
    ------
    ValueError
        With ``crop``: no shape is on the dataset. Without, this is a warning.
    """
    shapes = list(shapes)
    padding = pad_width if crop and pad else 0
    transform, out_shape = dataset.transform, (dataset.height, dataset.width)
    try:
        window = geometry_window(dataset, shapes, pad_x=padding, pad_y=padding)
    except WindowError:
        if crop:
            raise ValueError("no shape is on the raster; are they in its CRS?") from None
        warnings.warn("shapes are outside of the raster; are they in its CRS?", stacklevel=outer_level())
        return np.full(out_shape, not invert), transform, None
    if crop:
        transform, out_shape = dataset.window_transform(window), (int(window.height), int(window.width))
    outside = geometry_mask(shapes, out_shape, transform, all_touched=all_touched, invert=invert)
    return outside, transform, window if crop else None


def mask(
    dataset: Any,
    shapes: Iterable[Any],
    all_touched: bool = False,
    invert: bool = False,
    nodata: float | None = None,
    filled: bool = True,
    crop: bool = False,
    pad: bool = False,
    pad_width: float = 0.5,
    indexes: int | Sequence[int] | None = None,
) -> tuple[Array, Affine]:
    """A dataset's pixels, without those that are outside of all shapes. With ``crop`` only their window is read.

    Parameters
    ----------
    dataset
        An open dataset.
    shapes
        Geometries like GeoJSON's, or objects with ``__geo_interface__``, in the dataset's CRS.
    all_touched
        Whether pixels count as inside that a shape enters; else those whose centre is inside a polygon.
    invert
        Whether pixels inside are left out, instead.
    nodata
        The value of pixels that are left out; by default the dataset's nodata value, or 0.
    filled
        False gives a masked array, whose masked pixels keep their values.
    crop
        Whether the result is the shapes' window only, or all of the dataset.
    pad, pad_width
        With ``crop``, whether the window is larger, and by how many pixels on each side.
    indexes
        One band, which gives two dimensions, or several; by default all.

    Returns
    -------
    array or masked array, transform

    Raises
    ------
    ValueError
        With ``crop``: no shape is on the dataset. Without, this is a warning.
    """
    outside, transform, window = raster_geometry_mask(
        dataset, shapes, all_touched=all_touched, invert=invert, crop=crop, pad=pad, pad_width=pad_width
    )
    values = dataset.read(indexes, window=window, masked=True)
    values.mask = values.mask | outside
    if not filled:
        return values, transform
    fill = dataset.nodata if nodata is None else nodata
    return values.filled(0 if fill is None else fill), transform

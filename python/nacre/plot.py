# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasters as pictures. Showing them needs matplotlib, which is looked for when it is used."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from . import transform as _transform
from .dataset import DatasetReaderBase
from .enums import ColorInterp
from .transform import guard_transform

Array = npt.NDArray[Any]


def get_plt() -> Any:
    """matplotlib.pyplot.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        plt = importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError("showing rasters needs matplotlib: pip install matplotlib") from error
    return plt


def reshape_as_image(arr: Array) -> Array:
    """(bands, rows, columns) as (rows, columns, bands); no copy. A masked array stays one."""
    return np.asanyarray(arr).transpose(1, 2, 0)


def reshape_as_raster(arr: Array) -> Array:
    """(rows, columns, bands) as (bands, rows, columns); no copy."""
    return np.asanyarray(arr).transpose(2, 0, 1)


def plotting_extent(source: Any, transform: Any = None) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a dataset, or of an array with a transform: matplotlib's extent.

    Raises
    ------
    ValueError
        An array comes without a transform.
    """
    if hasattr(source, "bounds"):
        left, bottom, right, top = source.bounds
        return left, right, bottom, top
    if not transform:
        raise ValueError("an array needs a transform")
    rows, cols = source.shape[0:2]
    left, bottom, right, top = _transform.array_bounds(rows, cols, guard_transform(transform))
    return left, right, bottom, top


def adjust_band(band: Array, kind: str | None = None) -> Array:
    """Values brought linearly to 0 to 1; ``kind`` has no effect.

    A band of one value becomes nan where that is not 0 to 1.
    """
    low, high = np.float64(band.min()), np.float64(band.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asanyarray((band - low) / (high - low))


def contrast_strech(arr: Array, percent_range: tuple[float, float] = (2.0, 98.0)) -> Array:  # (Rasterio's spelling)
    """Values brought linearly from a range, given by two percentiles, to 0 to 1; what lies outside is cut off."""
    values = arr.compressed() if isinstance(arr, np.ma.MaskedArray) else arr[np.isfinite(arr)]
    low, high = np.percentile(values, percent_range)
    return np.asanyarray(np.clip((arr - low) / ((high - low) or 1.0), 0, 1))


def _composite(source: DatasetReaderBase) -> Any:
    """Indexes of the bands of red, green and blue, or of the first band."""
    wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    kinds = source.colorinterp
    return [kinds.index(kind) + 1 for kind in wanted] if all(kind in kinds for kind in wanted) else 1


def _picture(source: Any, indexes: Any) -> tuple[Array, Any]:
    """The pixels of a dataset, a band or an array, and a transform where there is one."""
    if isinstance(source, tuple) and len(source) == 2:  # (dataset, indexes), of old
        source, indexes = source
    if hasattr(source, "ds"):  # a band
        source, indexes = source.ds, source.bidx
    if not isinstance(source, DatasetReaderBase):
        return source, None
    return source.read(_composite(source) if indexes is None else indexes, masked=True), source


def show(
    source: Any,
    with_bounds: bool = True,
    contour: bool = False,
    contour_label_kws: dict[str, Any] | None = None,
    indexes: Any = None,
    ax: Any = None,
    title: str | None = None,
    transform: Any = None,
    percent_range: tuple[float, float] | None = None,
    adjust: bool = False,
    **kwargs: Any,
) -> Any:
    """Show a dataset, a band or an array with matplotlib.

    Parameters
    ----------
    source
        A dataset, ``nacre.band(...)``, or an array of shape (rows, columns) or (bands, rows, columns).
    with_bounds
        Axes in the units of the CRS.
    contour, contour_label_kws
        Contour lines instead of a picture, and keyword arguments of their labels.
    indexes
        Bands of the dataset: one, or three for red, green and blue; by default those of colour, else the first.
    ax
        Matplotlib's axes; by default a new figure, which is shown.
    transform
        Of an array.
    percent_range
        Two percentiles between which values are stretched.
    adjust
        Values of each band are brought to 0 to 1.
    **kwargs
        For matplotlib's ``imshow`` or ``contour``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    plt = get_plt()
    array, dataset = _picture(source, indexes)
    if dataset is not None and with_bounds:
        kwargs.setdefault("extent", plotting_extent(dataset))
    elif transform and with_bounds:
        shape = array if array.ndim == 2 else array[0]
        kwargs.setdefault("extent", plotting_extent(shape, transform))
    if percent_range is not None:
        array = contrast_strech(array, percent_range)
    if adjust:
        array = adjust_band(array) if array.ndim == 2 else np.ma.stack([adjust_band(band) for band in array])
    if array.ndim == 3:
        array = array[0] if array.shape[0] == 1 else reshape_as_image(array)
    is_own = ax is None
    axes = plt.gca() if is_own else ax
    if contour:
        kwargs.setdefault("cmap", "jet")
        lines = axes.contour(array, origin="upper", **kwargs)
        axes.clabel(lines, **{"fontsize": 8, "inline": 1, **(contour_label_kws or {})})
    else:
        axes.imshow(array, **kwargs)
    if title:
        axes.set_title(title, fontweight="bold")
    if is_own:
        plt.show()
    return axes


def show_hist(
    source: Any,
    bins: int = 10,
    masked: bool = True,
    title: str = "Histogram",
    ax: Any = None,
    label: Any = None,
    range: Any = None,
    **kwargs: Any,
) -> None:
    """Show how often which value stands in a dataset, a band or an array, one line for each band.

    Parameters
    ----------
    masked
        Leave out what is not valid.
    ax
        Matplotlib's axes; by default a new figure, which is shown.
    label
        One for each band; by default the bands' numbers or colours.
    bins, range, **kwargs
        For matplotlib's ``hist``.
    """
    plt = get_plt()
    if isinstance(source, DatasetReaderBase):
        array = source.read(masked=masked)
    elif hasattr(source, "ds") or isinstance(source, tuple):
        dataset, indexes = (source.ds, source.bidx) if hasattr(source, "ds") else source
        array = dataset.read(indexes, masked=masked)
    else:
        array = np.ma.asarray(source) if masked else np.asarray(source)
    bands = [array] if array.ndim == 2 else list(array)
    values = [np.ma.compressed(band) for band in bands]
    colours = ("red", "green", "blue")
    labels = label or (colours if len(bands) == 3 else [str(number + 1) for number, _ in enumerate(bands)])
    if len(bands) == 3:
        kwargs.setdefault("color", list(colours))
    is_own = ax is None
    axes = plt.gca() if is_own else ax
    axes.hist(values, bins=bins, range=range, label=list(labels), **kwargs)
    axes.legend(loc="upper right")
    axes.set_title(title, fontweight="bold")
    axes.grid(True)
    axes.set_xlabel("DN")
    axes.set_ylabel("Frequency")
    if is_own:
        plt.show()

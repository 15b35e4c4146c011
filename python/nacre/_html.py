# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""How a notebook shows a dataset: a table, and a picture where pixels are near."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _lib
from ._read import Array
from .enums import ColorInterp
from .errors import RasterioError

if TYPE_CHECKING:
    from .dataset import DatasetReaderBase

_SIDE = 256  # pixels of the picture's longer side
_MOST = 4 << 20  # pixels that are read for it at most


def page(dataset: DatasetReaderBase) -> str:
    """HTML of a dataset. What fails, for example since it is offline, is left out."""
    crs = dataset.crs
    rows = {
        "name": _lib.shown(dataset.name),
        "state": "closed" if dataset.closed else f"open, mode {dataset.mode}",
        "driver": dataset.driver,
        "size": f"{dataset.width} x {dataset.height}",
        "bands": f"{dataset.count}: " + ", ".join(dict.fromkeys(dataset.dtypes)),
        "nodata": dataset.nodata,
        "CRS": crs.to_string()[:80] if crs else None,
        "bounds": ", ".join(f"{edge:.10g}" for edge in dataset.bounds),
        "overviews": ", ".join(map(str, dataset.overviews(1))) or None,
    }
    cells = "".join(f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows.items())
    picture = "" if dataset.closed else _picture(dataset)
    return f'<div style="display:flex;gap:1em">{picture}<table>{cells}</table></div>'


def _picture(dataset: DatasetReaderBase) -> str:
    try:
        data = _png(dataset)
    except (RasterioError, ValueError, TypeError, MemoryError):
        return ""
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(data).decode()}">' if data else ""


def _png(dataset: DatasetReaderBase) -> bytes:
    """A small picture; b"" where too many pixels would have to be read."""
    from ._memory import MemoryFile  # it needs datasets

    width = min([dataset.width, *(each for each in dataset._info.overview_widths if each >= _SIDE)])
    if width * (dataset.height * width / dataset.width) > _MOST or dataset.dtypes[0].startswith("complex"):
        return b""
    scale = min(1.0, _SIDE / max(dataset.shape))
    shape = (max(1, round(dataset.height * scale)), max(1, round(dataset.width * scale)))
    valid = dataset.dataset_mask(out_shape=shape)
    bands = np.stack([_stretched(dataset, band, shape, valid) for band in _shown_bands(dataset)])
    pixels = np.concatenate([bands, valid[np.newaxis]])
    size: dict[str, Any] = {"count": len(pixels), "height": shape[0], "width": shape[1], "dtype": "uint8"}
    with MemoryFile(ext=".png") as memory:
        with memory.open(driver="PNG", transform=dataset.transform, **size) as target:
            target.colorinterp = _colors(len(pixels))
            target.write(pixels)
        return bytes(memory.getbuffer())


def _shown_bands(dataset: DatasetReaderBase) -> list[int]:
    colors = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    if all(color in dataset.colorinterp for color in colors):
        return [dataset.colorinterp.index(color) + 1 for color in colors]
    return [1]


def _colors(count: int) -> list[ColorInterp]:
    if count == 2:
        return [ColorInterp.gray, ColorInterp.alpha]
    return [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]


def _stretched(dataset: DatasetReaderBase, band: int, shape: tuple[int, int], valid: Array) -> Array:
    """A band's values from 0 to 255: bytes as they are, others between their 2nd and 98th percentile."""
    values = dataset.read(band, out_shape=shape)
    if values.dtype == np.uint8:
        return values
    values = values.astype(np.float64)
    those = values[(valid != 0) & np.isfinite(values)]
    low, high = np.percentile(those, (2, 98)) if those.size else (0.0, 1.0)
    stretched = np.nan_to_num((values - low) / ((high - low) or 1.0), nan=0.0, posinf=1.0, neginf=0.0)
    return (stretched.clip(0, 1) * 255).astype(np.uint8)

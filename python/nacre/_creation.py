# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Creation options of rasters, as Rasterio and GDAL take them."""

from __future__ import annotations

import enum
from typing import Any, Mapping

import numpy as np

from . import _lib
from ._native import lib
from .enums import ColorInterp
from .errors import RasterBlockError


def creation_pairs(driver: str, options: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Creation options as KEY=VALUE, and the names of those that the format does not have.

    Parameters
    ----------
    driver
        GDAL's name of the format.
    options
        By name in any case; None: the default.
    """
    pairs, unknown = [], []
    for key, value in options.items():
        if value is None or (driver == "GTiff" and _is_told_by_colors(key, value)):
            continue
        if not lib.nacre_creation_option_exists(driver.encode(), _lib.encoded(str(key))):
            unknown.append(str(key))
            continue
        pairs.append(f"{key.upper()}={_text(value)}")
    return pairs, unknown


def _text(value: Any) -> str:
    """A value as GDAL spells it: of enumerations by number the name, of several the list."""
    if isinstance(value, (bool, np.bool_)):
        return "YES" if value else "NO"
    if isinstance(value, enum.IntEnum):
        return value.name.upper()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(getattr(value, "value", value))


def checked_blocks(options: Mapping[str, Any]) -> dict[str, Any]:
    """Creation options as Rasterio passes them on.

    Raises
    ------
    RasterBlockError
        A tile's width or height is no multiple of 16.
    """
    names = {key.lower(): key for key in options}
    result = dict(options)
    tiled = str(options.get(names.get("tiled", ""), False)).lower() in ("true", "yes", "on", "1")
    sides = [names[key] for key in ("blockxsize", "blockysize") if key in names and options[names[key]] is not None]
    if not tiled:
        result.pop(names.get("blockxsize", ""), None)
    elif len(sides) == 1:
        result.pop(sides[0])
    elif any(int(options[side]) % 16 for side in sides):
        raise RasterBlockError("The height and width of TIFF dataset blocks must be multiples of 16")
    return result


def _is_told_by_colors(key: str, value: Any) -> bool:
    """Whether an option says no more than what the bands show."""
    text = _option({key: value}, key.upper())
    return (key.upper(), text) in (("PHOTOMETRIC", "RGB"), ("PHOTOMETRIC", "MINISBLACK"), ("PHOTOMETRIC", "PALETTE")) or (
        key.upper() == "ALPHA" and text != "PREMULTIPLIED"
    )


_RGB = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
# What the value of PHOTOMETRIC makes of the first bands.
_PHOTOMETRIC = {
    "RGB": _RGB,
    "YCBCR": _RGB,
    "MINISBLACK": [ColorInterp.gray],
    "MINISWHITE": [ColorInterp.undefined],
    "PALETTE": [ColorInterp.palette],
}


def _option(options: Mapping[str, Any], name: str) -> str:
    """The value of an option, in capitals; "" where it is not given."""
    values = [value for key, value in options.items() if key.upper() == name and value is not None]
    return str(getattr(values[-1], "value", values[-1])).upper() if values else ""


def first_colors(options: Mapping[str, Any], count: int, dtype: str) -> list[ColorInterp]:
    """What the bands of a new GeoTIFF show, as GDAL's: what the options say, else colours where there are three or four
    bands of bytes.

    Parameters
    ----------
    options
        Creation options.
    count, dtype
        Bands, and the type of their values.
    """
    photometric, alpha = _option(options, "PHOTOMETRIC"), _option(options, "ALPHA")
    is_natural = not photometric and dtype == "uint8" and count in (3, 4)
    colors = _PHOTOMETRIC.get(photometric, _RGB if is_natural else [ColorInterp.gray])
    if len(colors) > count or (photometric == "PALETTE" and dtype not in ("uint8", "uint16")):
        colors = [ColorInterp.gray]
    has_alpha = alpha not in ("", "NO", "FALSE", "OFF", "0", "UNSPECIFIED") or (is_natural and not alpha)
    extra = [ColorInterp.undefined] * (count - len(colors))
    if extra and has_alpha:
        extra[0] = ColorInterp.alpha
    return [*colors, *extra]

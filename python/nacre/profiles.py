# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Profiles: what ``open`` needs to know to make a raster."""

from __future__ import annotations

from collections import UserDict
from typing import Any

from .dtypes import uint8


class Profile(UserDict[str, Any]):
    """Keyword arguments of ``open`` by name; a subclass has ``defaults``."""

    defaults: dict[str, Any] = {}

    def __init__(self, data: dict[str, Any] | None = None, **kwds: Any) -> None:
        super().__init__()
        self.data = {**self.defaults, **(data or {}), **kwds}

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "affine":  # an option of old that means the transform
            raise TypeError("affine key is prohibited; give transform")
        super().__setitem__(key, value)


class DefaultGTiffProfile(Profile):
    """A tiled GeoTIFF of bytes."""

    defaults = {
        "driver": "GTiff",
        "interleave": "band",
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "lzw",
        "nodata": 0,
        "dtype": uint8,
    }


default_gtiff_profile = DefaultGTiffProfile()

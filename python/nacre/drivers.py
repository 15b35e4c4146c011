# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Formats by GDAL's names."""

from __future__ import annotations

import os

# Extensions of the formats that nacre has, writing or reading.
_EXTENSIONS = {"tif": "GTiff", "tiff": "GTiff", "vrt": "VRT", "png": "PNG"}


def raster_driver_extensions() -> dict[str, str]:
    """Extensions without a dot, and the formats they stand for."""
    return dict(_EXTENSIONS)


def driver_from_extension(path: str | os.PathLike[str]) -> str:
    """The format that a path's extension stands for.

    Raises
    ------
    ValueError
        The extension stands for none that nacre has.
    """
    extension = os.path.splitext(os.fspath(path))[1].lstrip(".").lower()
    if extension not in _EXTENSIONS:
        formats = ", ".join(dict.fromkeys(_EXTENSIONS.values()))
        raise ValueError(f"{os.fspath(path)}: unknown format: give driver, one of {formats}")
    return _EXTENSIONS[extension]


def is_blacklisted(name: str, mode: str) -> bool:
    """Whether a format must not be opened in a mode though GDAL could: none of nacre's."""
    return False

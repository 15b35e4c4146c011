# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""How many overviews a raster wants."""

from __future__ import annotations


def get_maximum_overview_level(width: int, height: int, minsize: int = 256) -> int:
    """How often a raster is halved until its shorter side is at most ``minsize`` pixels."""
    level = 0
    while min(width, height) >> level > minsize:
        level += 1
    return level

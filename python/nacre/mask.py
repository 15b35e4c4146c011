# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasters cut out by shapes: not built yet. The names are there for libraries that import them."""

from __future__ import annotations

from ._later import function

_INSTEAD = "read the window of features.geometry_window and apply features.geometry_mask"

mask = function("mask.mask", _INSTEAD)
raster_geometry_mask = function("mask.raster_geometry_mask", _INSTEAD)

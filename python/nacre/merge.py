# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Mosaics of several rasters: not built yet. The names are there for libraries that import them."""

from __future__ import annotations

from ._later import function

merge = function("merge.merge", "make a VRT of the rasters and read it")

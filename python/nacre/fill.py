# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Interpolation of missing pixels: not built yet. The names are there for libraries that import them."""

from __future__ import annotations

from ._later import function

fillnodata = function("fill.fillnodata")

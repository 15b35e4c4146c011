# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Bands of several rasters as one: not built yet. The name is there for libraries that import it."""

from __future__ import annotations

from ._later import function

stack = function("stack.stack", "make a VRT of the rasters and read it")

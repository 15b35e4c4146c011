# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Bounds."""

from typing import NamedTuple

from . import _later


class BoundingBox(NamedTuple):
    """Left, bottom, right and top in the units of a CRS."""

    left: float
    bottom: float
    right: float
    top: float


__getattr__ = _later.names(__name__, "disjoint_bounds")

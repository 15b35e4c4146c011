# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Bounds."""

from __future__ import annotations

from typing import NamedTuple


class BoundingBox(NamedTuple):
    """Left, bottom, right and top in the units of a CRS."""

    left: float
    bottom: float
    right: float
    top: float


def disjoint_bounds(bounds1: tuple[float, ...], bounds2: tuple[float, ...]) -> bool:
    """Whether two rectangles (left, bottom, right, top) have nothing in common, not even an edge.

    Both have rows that go north, bottom above top, or neither.

    Raises
    ------
    ValueError
        One has rows that go north, the other has not.
    """
    if (bounds1[3] > bounds1[1]) != (bounds2[3] > bounds2[1]):
        raise ValueError("the rows of one of the bounds go south, those of the other north")
    bottom1, top1 = sorted((bounds1[1], bounds1[3]))
    bottom2, top2 = sorted((bounds2[1], bounds2[3]))
    return bounds1[0] > bounds2[2] or bounds2[0] > bounds1[2] or bottom1 > top2 or bottom2 > top1

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Coordinates of GeoJSON."""

from __future__ import annotations

from typing import Any, Iterator


def coords(obj: Any) -> Iterator[tuple[float, ...]]:
    """The vertices of a geometry, a feature, or nested lists of coordinates."""
    if isinstance(obj, dict):
        yield from coords(obj["geometry"]["coordinates"] if "geometry" in obj else obj["coordinates"])
        return
    for part in obj:
        if isinstance(part, (int, float)):
            yield tuple(obj)
            return
        yield from coords(part)

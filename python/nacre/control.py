# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Ground control points."""

from __future__ import annotations

import uuid
from typing import Any


class GroundControlPoint:
    """A pixel and the place it shows.

    Parameters
    ----------
    row, col
        The pixel, from the upper left corner of the raster; fractions are allowed.
    x, y, z
        The place, in the units of the points' CRS; ``z`` may be left out.
    id
        A name; one is made up where none is given.
    info
        Any text.

    Raises
    ------
    ValueError
        Row, column, x or y is missing.
    """

    def __init__(
        self,
        row: float | None = None,
        col: float | None = None,
        x: float | None = None,
        y: float | None = None,
        z: float | None = None,
        id: str | None = None,
        info: str | None = None,
    ) -> None:
        if row is None or col is None or x is None or y is None:
            raise ValueError("a ground control point needs row, col, x and y")
        self.id = str(uuid.uuid4()) if id is None else id
        self.info = info
        self.row, self.col = row, col
        self.x, self.y, self.z = x, y, z

    def asdict(self) -> dict[str, Any]:
        """The attributes by name."""
        return {name: getattr(self, name) for name in ("id", "info", "row", "col", "x", "y", "z")}

    def __repr__(self) -> str:
        parts = [f"{name}={getattr(self, name)!r}" for name in ("row", "col", "x", "y")]
        parts += [f"{name}={getattr(self, name)!r}" for name in ("z", "id", "info") if getattr(self, name) is not None]
        return f"GroundControlPoint({', '.join(parts)})"

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The point as a GeoJSON feature."""
        place = (self.x, self.y) if self.z is None else (self.x, self.y, self.z)
        geometry = {"type": "Point", "coordinates": place}
        return {"id": self.id, "type": "Feature", "geometry": geometry, "properties": self.asdict()}

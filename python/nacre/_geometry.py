# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Geometries like GeoJSON's."""

from __future__ import annotations

from typing import Any, Callable, Iterator

Point = tuple[float, ...]

# How deep the coordinates of a type lie: a point, a list of points, a list of lists.
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "LinearRing": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def as_mapping(geometry: Any) -> dict[str, Any]:
    """A geometry of a mapping, or of an object with ``__geo_interface__``.

    Raises
    ------
    ValueError
        It is of no known type.
    """
    value = dict(getattr(geometry, "__geo_interface__", geometry))
    kind = value.get("type")
    if kind != "GeometryCollection" and kind not in _DEPTHS:
        raise ValueError(f"unsupported type of geometry: {kind!r}")
    return value


def points_of(geometry: Any) -> Iterator[Point]:
    """All vertices."""
    value = as_mapping(geometry)
    if value["type"] == "GeometryCollection":
        for part in value["geometries"]:
            yield from points_of(part)
    else:
        yield from _flat(value["coordinates"], _DEPTHS[value["type"]])


def _flat(coordinates: Any, depth: int) -> Iterator[Point]:
    if depth == 0:
        yield tuple(coordinates)
    else:
        for part in coordinates:
            yield from _flat(part, depth - 1)


def mapped(geometry: Any, move: Callable[[list[Point]], list[Point]]) -> dict[str, Any]:
    """The geometry with other vertices; ``move`` gets all of them at once."""
    return _rebuilt(as_mapping(geometry), iter(move(list(points_of(geometry)))))


def _rebuilt(value: dict[str, Any], points: Iterator[Point]) -> dict[str, Any]:
    if value["type"] == "GeometryCollection":
        parts = [_rebuilt(as_mapping(part), points) for part in value["geometries"]]
        return {"type": value["type"], "geometries": parts}
    return {"type": value["type"], "coordinates": _nested(value["coordinates"], _DEPTHS[value["type"]], points)}


def _nested(coordinates: Any, depth: int, points: Iterator[Point]) -> Any:
    if depth == 0:
        return next(points)
    return [_nested(part, depth - 1, points) for part in coordinates]


def rounded(geometry: dict[str, Any], places: int) -> dict[str, Any]:
    """The geometry with coordinates rounded to decimal places, as lists."""
    if geometry["type"] == "GeometryCollection":
        return {**geometry, "geometries": [rounded(part, places) for part in geometry["geometries"]]}
    return {**geometry, "coordinates": _rounded(geometry["coordinates"], places)}


def _rounded(value: Any, places: int) -> Any:
    return [_rounded(part, places) for part in value] if isinstance(value, (list, tuple)) else round(value, places)

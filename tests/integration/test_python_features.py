# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Geometries and the pixels they cover, held against Rasterio's on random ones."""

from __future__ import annotations

from typing import Any

import nacre
import numpy as np
import pytest
import rasterio
import rasterio.features
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from nacre import features

SHAPE = (23, 26)
TRANSFORMS = (Affine.identity(), Affine(2, 0, -5, 0, -2, 60), Affine(1, 0.3, 0, 0.2, -1, 30))


def rings(random: np.random.Generator, count: int) -> list[list[tuple[float, float]]]:
    """Closed rings with vertices in and around the raster."""
    made = [[tuple(point) for point in random.uniform(-20, 70, (random.integers(3, 9), 2)).tolist()] for _ in range(count)]
    return [[*points, points[0]] for points in made]


def geometry(kind: str, random: np.random.Generator) -> dict[str, Any]:
    """A random geometry of a type."""
    one, two = rings(random, 2)
    coordinates: Any = {
        "Point": one[0],
        "MultiPoint": one,
        "LineString": one,
        "MultiLineString": [one, two],
        "Polygon": [one, two],
        "MultiPolygon": [[one], [two]],
    }.get(kind)
    if kind == "GeometryCollection":
        return {"type": kind, "geometries": [geometry("Polygon", random), geometry("LineString", random)]}
    return {"type": kind, "coordinates": coordinates}


KINDS = "Point MultiPoint LineString MultiLineString Polygon MultiPolygon GeometryCollection".split()


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(KINDS), st.integers(0, 2**32), st.sampled_from(TRANSFORMS), st.booleans())
def test_pixels_are_those_of_rasterio(kind: str, seed: int, transform: Affine, all_touched: bool) -> None:
    shape = geometry(kind, np.random.default_rng(seed))
    arguments = {"out_shape": SHAPE, "transform": transform, "all_touched": all_touched}
    np.testing.assert_array_equal(
        features.geometry_mask([shape], **arguments), rasterio.features.geometry_mask([shape], **arguments)
    )
    for box in ({}, {"north_up": False}, {"transform": ~transform}):
        np.testing.assert_allclose(features.bounds(shape, **box), rasterio.features.bounds(shape, **box), rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 12), min_size=8, max_size=8), min_size=1, max_size=3))
def test_pixels_of_vertices_on_the_grid_are_those_of_rasterio(rows: list[list[int]]) -> None:
    """Edges through centres of pixels, and between them."""
    shapes = []
    for row in rows:
        points = [(x + 0.0, y + 0.0) for x, y in zip(row[::2], row[1::2])]
        shapes.append({"type": "Polygon", "coordinates": [[*points, points[0]]]})
    np.testing.assert_array_equal(
        features.rasterize(shapes, out_shape=(12, 12)), rasterio.features.rasterize(shapes, out_shape=(12, 12))
    )


BOX = {"type": "Polygon", "coordinates": [[(2, 2), (9, 2), (9, 8), (2, 8), (2, 2)]]}
SECOND = {"type": "Polygon", "coordinates": [[(5, 5), (12, 5), (12, 12), (5, 12), (5, 5)]]}


@pytest.mark.parametrize(
    "arguments",
    [
        {"shapes": [(BOX, 3), (SECOND, 7)]},
        {"shapes": [(BOX, 3), (SECOND, 7)], "merge_alg": "add"},
        {"shapes": [(BOX, 3.5), SECOND], "default_value": 300},
        {"shapes": [(BOX, None), SECOND], "fill": 9},
        {"shapes": [BOX, {"type": "Polygon", "coordinates": []}]},
        {"shapes": [BOX], "dtype": "float32", "fill": -1},
        {"shapes": [BOX], "masked": True, "nodata": 0},
        {"shapes": [BOX], "masked": True},
        {"shapes": [BOX], "dtype": "complex64"},
        {"shapes": [(BOX, 300)], "dtype": "uint8"},
        {"shapes": []},
        {"shapes": [{"type": "Polygon", "coordinates": []}], "skip_invalid": False},
        {"shapes": [BOX], "out_shape": (4,)},
        {"shapes": [BOX], "out_shape": (0, 4)},
        {"shapes": [{"type": "Polygon", "coordinates": [[(2, 2), (2, 5), (5, 2)]]}], "skip_invalid": False},
        {"shapes": [{"type": "LinearRing", "coordinates": [(2, 2), (2, 5), (5, 2)]}], "skip_invalid": False},
        {"shapes": [{"type": "LineString", "coordinates": [(2, 2)]}], "skip_invalid": False},
        {"shapes": [{"type": "MultiPoint", "coordinates": []}], "skip_invalid": False},
        {"shapes": [{"type": "GeometryCollection", "geometries": []}], "skip_invalid": False},
        {"shapes": [{"type": "Point", "coordinates": (1,)}], "skip_invalid": False},
        {"shapes": [5], "skip_invalid": True},
    ],
    ids=range(21),
)
@pytest.mark.filterwarnings("ignore")
def test_values_types_and_errors_are_those_of_rasterio(arguments: dict[str, Any]) -> None:
    def outcome(package: Any) -> Any:
        more = dict(arguments)
        if "merge_alg" in more:
            more["merge_alg"] = package.enums.MergeAlg.add
        try:
            result = package.features.rasterize(**{"out_shape": (14, 15), **more})
        except Exception as error:
            return type(error).__name__
        return result.dtype.name, np.ma.getmaskarray(result).tolist(), np.ma.getdata(result).tolist()

    assert outcome(nacre) == outcome(rasterio)


@pytest.mark.parametrize(
    "value",
    [
        BOX,
        {"type": "Point", "coordinates": (1, 2)},
        {"type": "Point", "coordinates": ()},
        {"type": "Point", "coordinates": (1,)},
        {"type": "LineString", "coordinates": [(1, 2)]},
        {"type": "LinearRing", "coordinates": [(1, 2), (1, 3), (1, 2)]},
        {"type": "Polygon", "coordinates": [[(1, 2), (1, 3), (1, 2)]]},
        {"type": "MultiPolygon", "coordinates": [BOX["coordinates"]]},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "MultiPoint", "coordinates": [(1, 2)]},
        {"type": "GeometryCollection", "geometries": [BOX]},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Circle", "coordinates": [(1, 2)]},
        {"coordinates": [(1, 2)]},
    ],
    ids=range(14),
)
def test_validity_is_that_of_rasterio(value: Any) -> None:
    assert features.is_valid_geom(value) == rasterio.features.is_valid_geom(value)


@pytest.mark.parametrize("more", [{}, {"pad_x": 2.5, "pad_y": 1}, {"boundless": True}])
@pytest.mark.parametrize("x", [3.2, -4, 40, 200])
def test_windows_are_those_of_rasterio(x: float, more: dict[str, Any], tmp_path: Any) -> None:
    path = tmp_path / "small.tif"
    profile = {"width": 50, "height": 40, "count": 1, "dtype": "uint8", "driver": "GTiff"}
    with rasterio.open(path, "w", **profile, transform=Affine(2, 0, 10, 0, -2, 90)) as dataset:
        dataset.write(np.ones((1, 40, 50), np.uint8))
    shape = {"type": "LineString", "coordinates": [(x, 33.3), (x + 21.5, 60.1)]}

    def outcome(package: Any) -> Any:
        with package.open(path) as dataset:
            try:
                return package.features.geometry_window(dataset, [shape], **more).flatten()
            except package.errors.WindowError:
                return "WindowError"

    assert outcome(nacre) == outcome(rasterio)


@pytest.mark.parametrize("value", [{"type": "Invalid"}, {"type": "Point"}, {"type": "Point", "coordinates": []}])
def test_a_shape_that_is_not_valid_masks_nothing_and_warns(value: Any) -> None:
    for package in (rasterio, nacre):
        with pytest.warns(package.errors.ShapeSkipWarning, match="Invalid shape"):
            assert package.features.geometry_mask([value], (3, 4), Affine.identity()).all()


@pytest.mark.parametrize("value", [{}, {"type": "Polygon"}, {"type": "Invalid"}, {"type": "GeometryCollection"}])
def test_what_is_nowhere_has_no_bounds(value: Any) -> None:
    for package in (rasterio, nacre):
        with pytest.raises(ValueError):
            package.features.bounds(value)

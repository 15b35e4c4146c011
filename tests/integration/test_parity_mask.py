# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Rasters cut out by shapes, beside Rasterio's."""

from __future__ import annotations

import pathlib
import pickle
import warnings
from typing import Any

import nacre
import nacre.mask
import numpy as np
import pytest
import rasterio
import rasterio.mask
import sidebyside
from affine import Affine

Shape = dict[str, Any]

SHAPES: dict[str, list[Shape]] = {
    "inside": [{"type": "Polygon", "coordinates": [[(110.3, 490.2), (133, 470.7), (120.1, 455.5), (110.3, 490.2)]]}],
    "across an edge": [{"type": "Polygon", "coordinates": [[(90, 510), (90, 480), (110, 480), (110, 510), (90, 510)]]}],
    "two": [
        {"type": "Polygon", "coordinates": [[(104, 496), (104, 486), (117, 486), (104, 496)]]},
        {"type": "LineString", "coordinates": [(150, 450), (171, 461)]},
    ],
    "a point": [{"type": "Point", "coordinates": (121.5, 460.5)}],
    "outside": [{"type": "Polygon", "coordinates": [[(0, 0), (0, 1), (1, 1), (0, 0)]]}],
    "no type": [{"type": "Invalid"}],
}

ARGUMENTS: tuple[dict[str, Any], ...] = (
    {}, {"invert": True}, {"filled": False}, {"nodata": 7}, {"nodata": 300}, {"indexes": 2}, {"pad": True},
    {"indexes": [3, 1], "filled": False}, {"crop": True}, {"crop": True, "invert": True}, {"crop": True, "pad": True},
    {"crop": True, "pad": True, "pad_width": 3}, {"crop": True, "indexes": 1, "filled": False},
)  # fmt: skip


@pytest.fixture(params=[None, 3], ids=["no nodata", "nodata"])
def scene(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> pathlib.Path:
    """Three bands of small numbers."""
    values = np.random.default_rng(1).integers(0, 9, (3, 30, 40), dtype="uint8")
    return sidebyside.write(
        tmp_path / "scene.tif", values, nodata=request.param, crs="EPSG:32618", transform=Affine(2, 0, 100, 0, -2, 500)
    )


def outcome(package: Any, path: pathlib.Path, shapes: list[Shape], function: str, arguments: dict[str, Any]) -> Any:
    """What a function gives, and how often it warns."""
    with package.open(path) as dataset, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            array, *rest = getattr(package.mask, function)(dataset, shapes, **arguments)
        except Exception as error:
            return type(error).__name__
        shown = [tuple(each.flatten() if hasattr(each, "flatten") else each) for each in rest if each is not None]
        values = np.ma.getmaskarray(array).tolist(), np.ma.filled(array, 99).tolist()
        return type(array).__name__, array.dtype.name, values, shown, len(caught)


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("name", SHAPES)
def test_what_shapes_cut_out(scene: pathlib.Path, name: str, arguments: dict[str, Any]) -> None:
    told = [outcome(package, scene, SHAPES[name], "mask", arguments) for package in (rasterio, nacre)]
    assert told[1] == told[0]


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_masks_transforms_and_windows(scene: pathlib.Path, name: str, crop: bool) -> None:
    told = [
        outcome(package, scene, SHAPES[name], "raster_geometry_mask", {"crop": crop}) for package in (rasterio, nacre)
    ]
    assert told[1] == told[0]


def test_no_shape_is_an_error_and_shapes_may_be_seen_once(scene: pathlib.Path) -> None:
    with nacre.open(scene) as dataset:
        with pytest.raises(ValueError, match="no geometry"):
            nacre.mask.mask(dataset, [])
        once, _ = nacre.mask.mask(dataset, iter(SHAPES["inside"]), crop=True)
        again, _ = nacre.mask.mask(dataset, SHAPES["inside"], crop=True)
    assert once.tolist() == again.tolist()


# --- arrays and windows, CRS ---


@pytest.mark.parametrize(
    "array",
    [np.ones(3), np.ones((2, 3)), np.ones((2, 2, 3)), np.ones((1, 1, 1, 1)), np.ones(()),
     np.ma.array(np.arange(4), mask=[1, 0, 0, 1]), np.ma.array(np.ones((3, 4)), mask=True)],
    ids=range(7),
)  # fmt: skip
@pytest.mark.parametrize("nodata", [None, 1, 5, float("nan")])
def test_windows_of_data(array: Any, nodata: float | None) -> None:
    def call(package: Any) -> Any:
        try:
            return tuple(map(float, package.windows.get_data_window(array, nodata).flatten()))
        except Exception as error:
            return type(error).__name__

    assert call(nacre) == call(rasterio)


@pytest.mark.parametrize("place", [(-3, 1), (-3, -3), (6, 6), (-1.5, 2.5)])
def test_a_window_before_the_raster_has_no_pixels(place: tuple[float, float]) -> None:
    def call(package: Any) -> Any:
        return package.windows.window_index(package.windows.Window(*place, 2, 2), 5, 5)

    assert call(nacre) == call(rasterio)


PARAMETERS = {"ellps": "WGS84", "proj": "stere", "lat_0": -90.0, "lon_0": 0.0, "lat_ts": -70, "no_defs": True}
CRSS = ("EPSG:4326", "EPSG:4979", PARAMETERS, '{"proj": "longlat", "ellps": "WGS84"}')


@pytest.mark.parametrize("value", CRSS, ids=str)
def test_a_crs_comes_back_from_a_pickle(value: Any) -> None:
    """Parameters without a datum are not quite those of an EPSG code, whichever is nearest."""
    crs = nacre.crs.CRS.from_user_input(value)
    assert pickle.loads(pickle.dumps(crs)) == crs


def test_broken_json_is_no_crs() -> None:
    for package in (rasterio, nacre):
        with pytest.raises(package.errors.CRSError):
            package.crs.CRS.from_string('{"proj": "longlat"')


def test_a_copy_onto_the_same_file_by_another_name_is_refused(scene: pathlib.Path) -> None:
    for function in (nacre.shutil.copy, nacre.shutil.copyfiles):
        with pytest.raises(nacre.errors.RasterioIOError, match="the same raster"):
            function(f"file://{scene}", scene)
    with pytest.raises(nacre.errors.DriverRegistrationError):
        nacre.shutil.copy(scene, None, driver="none")

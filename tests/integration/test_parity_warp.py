# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""``nacre.warp`` against Rasterio's, at ``tolerance=0``: points, grids, arrays."""

from __future__ import annotations

import functools
import pathlib
from typing import Any, Callable

import nacre
import nacre.control
import nacre.rpc
import numpy as np
import pytest
import rasterio
import rasterio.warp
import sidebyside
from affine import Affine

UTM, MERCATOR, DEGREES = "EPSG:32618", "EPSG:3857", "EPSG:4326"
BOUNDS = (101985.0, 2611485.0, 339315.0, 2826915.0)
PLACE = Affine(300, 0, 101985, 0, -300, 2826915)
TRIANGLE = {"type": "Polygon", "coordinates": [[(-75, 0), (-74, 0), (-74, 1), (-75, 0)]]}

if tuple(map(int, rasterio.__version__.split(".")[:2])) < (1, 5):
    pytest.skip("held against Rasterio from 1.5 on", allow_module_level=True)


def plain(value: Any) -> Any:
    """Numbers to nine digits, in lists."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (float, np.floating)):
        return 0.0 if abs(value) < 1e-6 else float(f"{value:.9g}")
    return value


LINES: list[Callable[[Any], Any]] = [
    lambda w: w.transform(DEGREES, UTM, [-75, -74], [0, 40]),
    lambda w: w.transform(DEGREES, UTM, [-75], [0], [5]),
    lambda w: w.transform(DEGREES, UTM, np.array([-75.0]), np.array([0])),
    lambda w: w.transform(DEGREES, MERCATOR, [], []),
    lambda w: w.transform(DEGREES, DEGREES, [1], [2]),
    lambda w: w.transform_bounds(UTM, DEGREES, *BOUNDS),
    lambda w: w.transform_bounds(UTM, DEGREES, *BOUNDS, densify_pts=2),
    lambda w: w.transform_bounds("EPSG:3031", DEGREES, -1e6, -1e6, 1e6, 1e6),
    lambda w: w.transform_bounds("EPSG:3832", DEGREES, 2e6, -1e6, 5e6, 1e6),
    lambda w: w.transform_bounds(DEGREES, DEGREES, -180, -90, 180, 90),
    lambda w: w.transform_geom(DEGREES, UTM, TRIANGLE),
    lambda w: w.transform_geom(DEGREES, UTM, TRIANGLE, precision=2),
    lambda w: w.transform_geom(DEGREES, UTM, [TRIANGLE, {"type": "Point", "coordinates": [-75, 1]}]),
    lambda w: w.transform_geom(DEGREES, UTM, {"type": "Point", "coordinates": [-75, 1, 7]}),
    lambda w: w.transform_geom(
        DEGREES, UTM, {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [-75, 1]}]}
    ),
    lambda w: w.aligned_target(Affine(7.3, 0, 103, 0, -7.1, 205), 100, 90, 10),
    lambda w: w.aligned_target(Affine(7.3, 0, 103, 0, -7.1, 205), 100, 90, (10, 5)),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718, *BOUNDS),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718, *BOUNDS, resolution=500),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718, *BOUNDS, resolution=(500, 300)),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718, *BOUNDS, dst_width=100, dst_height=90),
    lambda w: [method.name for method in w.SUPPORTED_RESAMPLING],
]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_points_and_grids(line: Callable[[Any], Any]) -> None:
    assert plain(line(nacre.warp)) == plain(line(rasterio.warp))


WRONG: list[Callable[[Any], Any]] = [
    lambda w: w.transform("foo", UTM, [0], [0]),
    lambda w: w.transform(DEGREES, UTM, [0, 1], [0]),
    lambda w: w.transform(DEGREES, UTM, 0, 0),
    lambda w: w.transform_geom(DEGREES, UTM, {"type": "Foo", "coordinates": [1]}),
    lambda w: w.transform_geom(DEGREES, UTM, None),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718, *BOUNDS, dst_width=100),
    lambda w: w.calculate_default_transform(UTM, MERCATOR, 791, 718, *BOUNDS, dst_width=9, dst_height=9, resolution=3),
    lambda w: w.calculate_default_transform("foo", MERCATOR, 791, 718, *BOUNDS),
    lambda w: w.reproject(scene(1), np.zeros((1, 9, 9), "uint8"), src_transform=PLACE, dst_transform=PLACE),
    lambda w: w.reproject(scene(1), np.zeros((1, 9, 9), "uint8"), src_transform=PLACE, src_crs=UTM, dst_transform=PLACE),
    lambda w: run(w, scene(2), np.zeros((1, 9, 9), "uint8")),
    lambda w: run(w, scene(1), resampling=7),
    lambda w: run(w, scene(1), resampling=99),
    lambda w: run(w, scene(1), src_nodata=300),
]


@pytest.mark.parametrize("line", WRONG, ids=range(len(WRONG)))
def test_errors_are_rasterios(line: Callable[[Any], Any]) -> None:
    kinds = []
    for package in (nacre.warp, rasterio.warp):
        with pytest.raises(Exception) as caught:  # noqa: PT011 (the classes are compared)
            line(package)
        kinds.append([each.__name__ for each in type(caught.value).__mro__])
    assert kinds[0] == kinds[1]


@functools.cache
def scene(count: int, dtype: str = "uint8") -> Any:
    """Bands of smooth values with a hole of zeros."""
    rows, cols = np.mgrid[0:180, 0:200]
    values = np.stack([(100 + 60 * np.sin(rows / (9 + i)) + 40 * np.cos(cols / 11)) for i in range(count)])
    values[:, 50:70, 60:90] = 0
    return values.astype(dtype)


GRID = Affine(330, 0, -8789000, 0, -330, 2943000)


def run(w: Any, source: Any, destination: Any = None, **options: Any) -> Any:
    """A warp from UTM to Mercator."""
    if isinstance(options.get("resampling"), int) and options["resampling"] < 15 and options["resampling"] != 7:
        options["resampling"] = w.SUPPORTED_RESAMPLING[0].__class__(options["resampling"])
    given = {"src_transform": PLACE, "src_crs": UTM, "dst_transform": GRID, "dst_crs": MERCATOR, "tolerance": 0}
    if destination is None:
        del given["dst_transform"]
    return w.reproject(source, destination, **{**given, **options})


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("resampling", [0, 1, 2, 3, 4, 5, 6, 9, 13])
@pytest.mark.parametrize("nodata", [{}, {"src_nodata": 0}, {"src_nodata": 0, "dst_nodata": 7}])
def test_arrays(dtype: str, resampling: int, nodata: dict[str, Any]) -> None:
    results = [run(w, scene(2, dtype), np.full((2, 210, 230), 9, dtype), resampling=resampling, **nodata)
               for w in (rasterio.warp, nacre.warp)]  # fmt: skip
    sidebyside.assert_alike(results[0][0], results[1][0], 1, share=0.002)
    assert results[0][1] == results[1][1]


def test_a_new_destination_has_the_suggested_grid() -> None:
    (theirs, their_place), (ours, our_place) = (run(w, scene(1)) for w in (rasterio.warp, nacre.warp))
    assert theirs.shape == ours.shape and plain(tuple(their_place)) == plain(tuple(our_place))
    sidebyside.assert_alike(theirs, ours, 1)
    assert run(nacre.warp, scene(1), dst_resolution=(500, 500))[0].shape == run(
        rasterio.warp, scene(1), dst_resolution=(500, 500)
    )[0].shape


def test_what_has_no_source_may_stay_as_it_is() -> None:
    results = [run(w, scene(2), np.full((2, 210, 230), 9, "uint8"), init_dest_nodata=False) for w in (rasterio.warp, nacre.warp)]
    sidebyside.assert_alike(results[0][0], results[1][0], 1)
    assert (results[1][0] == 9).any()


def test_masked_arrays() -> None:
    source = np.ma.masked_less(scene(2), 80)
    results = [run(w, source, np.ma.zeros((2, 210, 230), "uint8")) for w in (rasterio.warp, nacre.warp)]
    assert np.ma.getmaskarray(results[0][0]).any() and not np.ma.getmaskarray(results[0][0]).all()
    differ = np.ma.getmaskarray(results[0][0]) != np.ma.getmaskarray(results[1][0])
    assert differ.mean() < 0.002
    assert isinstance(run(nacre.warp, source)[0], np.ma.MaskedArray)
    assert isinstance(run(nacre.warp, scene(1), masked=True)[0], np.ma.MaskedArray)


def test_ground_control_points() -> None:
    corners = [(r, c, *(PLACE @ (c, r))) for r in (0, 180) for c in (0, 200)]
    results = []
    for package in (rasterio, nacre):
        points = [package.control.GroundControlPoint(r, c, x, y) for r, c, x, y in corners]
        results.append(run(package.warp, scene(1), np.zeros((1, 210, 230), "uint8"), src_transform=None, gcps=points))
    sidebyside.assert_alike(results[0][0], results[1][0], 1)
    assert results[1][0].any()


def test_two_dimensions_and_a_result_in_place() -> None:
    destination = np.zeros((210, 230), "uint8")
    result, _ = run(nacre.warp, scene(1)[0], destination)
    assert result is destination and destination.any()
    sidebyside.assert_alike(run(rasterio.warp, scene(1)[0], np.zeros((210, 230), "uint8"))[0], destination, 1)


@pytest.mark.parametrize("zs", [None, [0, 50, -20]])
@pytest.mark.parametrize("options", [{}, {"rpc_height": 30}, {"RPC_HEIGHT_SCALE": 2, "rpc_deminterpolation": "cubic"}])
def test_an_elevation_model_under_a_camera(tmp_path: pathlib.Path, options: dict[str, Any], zs: Any) -> None:
    heights = np.add.outer(np.arange(60.0), np.arange(70.0)) * 3
    model = sidebyside.write(
        tmp_path / "model.tif", heights[np.newaxis].astype("float32"), crs=DEGREES,
        transform=Affine(0.005, 0, 9.8, 0, -0.005, 50.15),
    )  # fmt: skip
    line = [0.001, 0.02, -1.01, 0.03, 0.001] + [0.0001] * 15
    sample = [0.002, 1.02, 0.01, -0.02, 0.002] + [0.0002] * 15
    told = []
    for module in (rasterio, nacre):
        numbers = (200, 500, 50, 0.05, [1.0] + [0.001] * 19, line, 500, 500, 10, 0.06, [1.0] + [0.0] * 19, sample)
        camera = module.rpc.RPC(*numbers, 500, 500)
        with module.transform.RPCTransformer(camera, rpc_dem=str(model), **options) as transformer:
            x, y = transformer.xy([300, 500, 610], [400, 500, 350], zs=zs)
            told.append((x, y, *transformer.rowcol(x, y, zs=zs, op=lambda value: value)))
    assert np.isfinite(told[0]).all()
    assert np.allclose(*told, rtol=1e-9)
    assert not np.allclose(told[1][0], nacre.transform.RPCTransformer(camera).xy([300, 500, 610], [400, 500, 350])[0])


def test_unknown_options_of_a_camera_are_named() -> None:
    numbers = (200, 500, 50, 0.05, [1.0] + [0.001] * 19, [1.0] * 20, 500, 500, 10, 0.06, [1.0] + [0.0] * 19, [1.0] * 20)
    camera = nacre.rpc.RPC(*numbers, 500, 500)
    with pytest.raises(NotImplementedError, match="sharpness"):
        nacre.transform.RPCTransformer(camera, sharpness=1)
    with pytest.raises(ValueError, match="RPC_HEIGHT=high"):
        nacre.transform.RPCTransformer(camera, rpc_height="high")

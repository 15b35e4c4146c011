# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""``reproject`` into what is there already, with alpha, masks and geolocation arrays, against Rasterio's at
``tolerance=0``."""

from __future__ import annotations

import pathlib
from typing import Any

import nacre
import nacre._destination
import nacre.control
import nacre.rpc
import numpy as np
import pytest
import rasterio
import rasterio.rpc
import rasterio.warp
import sidebyside
from affine import Affine

if tuple(map(int, rasterio.__version__.split(".")[:2])) < (1, 5):
    pytest.skip("held against Rasterio from 1.5 on", allow_module_level=True)

UTM, MERCATOR = "EPSG:32618", "EPSG:3857"
PLACE = Affine(300, 0, 101985, 0, -300, 2826915)
GRID = Affine(330, 0, -8789000, 0, -330, 2943000)
SHAPE = (210, 230)
PACKAGES = (rasterio, nacre)


def scene(count: int, dtype: str = "uint8") -> Any:
    """Bands of smooth values with a hole of zeros; the last falls from 255 to 0 towards the right."""
    rows, cols = np.mgrid[0:180, 0:200]
    values = np.stack([(100 + 60 * np.sin(rows / (9 + i)) + 40 * np.cos(cols / 11)) for i in range(count)])
    values[-1] = np.clip(300 - cols * 2, 0, 255)
    values[:, 50:70, 60:90] = 0
    return values.astype(dtype)


def below(count: int, dtype: str = "uint8") -> Any:
    """What a destination holds before."""
    rows, cols = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    return np.stack([(rows + 3 * cols + i) % 100 + 20 for i in range(count)]).astype(dtype)


def run(package: Any, source: Any, destination: Any, **options: Any) -> Any:
    """A warp from UTM to Mercator."""
    given = {"src_transform": PLACE, "src_crs": UTM, "dst_transform": GRID, "dst_crs": MERCATOR, "tolerance": 0}
    options["resampling"] = package.enums.Resampling[options.get("resampling", "nearest")]
    return package.warp.reproject(source, destination, **{**given, **options})[0]


# What is warped: bands of the source and of the destination, and how.
CASES: list[tuple[int, int, dict[str, Any]]] = [
    (1, 1, {"init_dest_nodata": False}),
    (2, 2, {"init_dest_nodata": False, "src_nodata": 0}),
    (2, 2, {"init_dest_nodata": False, "src_nodata": 0, "dst_nodata": 30}),
    (1, 3, {}),
    (1, 3, {"init_dest_nodata": False}),
    (2, 2, {"src_alpha": 2}),
    (2, 2, {"src_alpha": 2, "init_dest_nodata": False}),
    (2, 2, {"src_alpha": 2, "dst_nodata": 7}),
    (2, 3, {"src_alpha": 2, "dst_alpha": 3}),
    (2, 3, {"src_alpha": 2, "dst_alpha": 3, "init_dest_nodata": False}),
    (1, 2, {"dst_alpha": 2}),
    (2, 2, {"dst_alpha": 2}),
    (2, 3, {"dst_alpha": 3, "init_dest_nodata": False}),
    (2, 2, {"INIT_DEST": "5,6"}),
    (1, 1, {"INIT_DEST": 5, "init_dest_nodata": False}),
    (2, 2, {"src_alpha": 2, "INIT_DEST": "NO_DATA", "dst_nodata": 9}),
]  # fmt: skip


def assert_alike(theirs: Any, ours: Any, most: float = 1) -> None:
    """At most one value of a thousand differs by more than ``most``; of floats, by more than 1e-5 of it."""
    assert theirs.shape == ours.shape and theirs.dtype == ours.dtype
    bounds = {"atol": most} if theirs.dtype.kind in "iu" or most > 1 else {"atol": 1e-5, "rtol": 1e-5}
    differ = ~np.isclose(theirs.astype(float), ours.astype(float), equal_nan=True, **bounds)
    assert differ.mean() <= 0.001, np.argwhere(differ)[:5]


def tolerance_of(options: dict[str, Any]) -> int:
    """What is covered in part, by alpha, is mixed with what is there by the density under its centre."""
    return 3 if "src_alpha" in options and not options.get("init_dest_nodata", True) else 1


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average"])
def test_arrays(case: tuple[int, int, dict[str, Any]], resampling: str) -> None:
    count, target_count, options = case
    results = [run(package, scene(count), below(target_count), resampling=resampling, **options) for package in PACKAGES]
    assert_alike(*results, most=tolerance_of(options))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("options", [{"src_alpha": 2}, {"src_nodata": 0}, {"dst_alpha": 3}], ids=str)
@pytest.mark.parametrize("keeps", [False, True])
def test_types(dtype: str, options: dict[str, Any], keeps: bool) -> None:
    source = np.clip(scene(2), 0, 127).astype(dtype)
    options = {**options, "init_dest_nodata": not keeps}
    results = [run(package, source, below(3, dtype), resampling="bilinear", **options) for package in PACKAGES]
    assert_alike(*results, most=tolerance_of(options))


@pytest.mark.parametrize("options", [{}, {"dst_nodata": 7}, {"init_dest_nodata": False}], ids=str)
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_masked_arrays(options: dict[str, Any], resampling: str) -> None:
    source = np.ma.masked_less(scene(2), 80)
    plain = [run(package, source, below(2), resampling=resampling, **options) for package in PACKAGES]
    assert_alike(*plain)
    masked = [run(package, source, np.ma.masked_array(below(2)), resampling=resampling, **options) for package in PACKAGES]
    differ = np.ma.getmaskarray(masked[0]) != np.ma.getmaskarray(masked[1])
    assert differ.mean() <= 0.001 and np.ma.getmaskarray(masked[1]).any() != ("init_dest_nodata" in options)
    assert_alike(*(each.filled(0) for each in masked))


class Held:
    """What numpy makes an array of."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        return self.array


@pytest.mark.parametrize("init_dest_nodata", [True, False])
def test_arrays_of_every_form(init_dest_nodata: bool) -> None:
    expected = run(rasterio, scene(1), below(1), init_dest_nodata=init_dest_nodata)
    wide = np.zeros((3, SHAPE[0] * 2, SHAPE[1] + 4), "uint8")
    forms = [
        wide[1:2, ::2, 3:-1], np.zeros((1, *SHAPE), "uint8")[:, ::-1, ::-1], np.zeros((1, *SHAPE), ">u2"),
        np.zeros((*SHAPE, 1), "uint8").transpose(2, 0, 1), np.zeros(SHAPE, "uint8"),
    ]  # fmt: skip
    for form in forms:
        form[...] = below(1)
        result = run(nacre, np.asfortranarray(scene(1)), form, init_dest_nodata=init_dest_nodata)
        assert result is form
        assert_alike(expected, form.reshape(1, *SHAPE).astype("uint8"))
    assert not wide[0].any() and not wide[1, 1::2].any() and not wide[1, :, :3].any()
    held = Held(below(1))
    run(nacre, Held(scene(1)), held, init_dest_nodata=init_dest_nodata)
    assert_alike(expected, held.array)


MODES = ["w", "w+", "r+"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("nodata", [None, 3])
def test_bands_of_a_file(tmp_path: pathlib.Path, mode: str, nodata: float | None) -> None:
    results = []
    for package in PACKAGES:
        path = tmp_path / f"{package.__name__}.tif"
        profile = {
            "driver": "GTiff", "height": SHAPE[0], "width": SHAPE[1], "count": 4, "dtype": "uint8", "crs": MERCATOR,
            "transform": GRID, "nodata": nodata,
        }  # fmt: skip
        if mode == "r+":
            with package.open(path, "w", **profile) as dataset:
                dataset.write(below(4))
        with package.open(path, mode, **({} if mode == "r+" else profile)) as dataset:
            if mode != "r+":
                dataset.write(below(4))
            run(package, scene(1), package.band(dataset, 2), dst_transform=None, dst_crs=None)
            run(package, scene(1), package.band(dataset, 3), init_dest_nodata=False, num_threads=2, warp_mem_limit=8)
            run(package, scene(2), package.band(dataset, (4, 1)), src_alpha=2, resampling="bilinear")
        with package.open(path) as dataset:
            results.append(dataset.read())
    assert_alike(*results)
    assert results[1][2].any() and (results[1][2][0, :20] == below(3)[2][0, :20]).all()


def test_a_mosaic_grows_in_one_file(tmp_path: pathlib.Path) -> None:
    sources = {"left": scene(1)[:, :, :120], "right": scene(1)[:, :, 100:]}
    places = {"left": PLACE, "right": PLACE * Affine.translation(100, 0)}
    results = []
    for package in PACKAGES:
        path = tmp_path / f"{package.__name__}.tif"
        with package.open(
            path, "w", driver="GTiff", height=SHAPE[0], width=SHAPE[1], count=1, dtype="uint8", crs=MERCATOR,
            transform=GRID, nodata=0, tiled=True,
        ) as dataset:  # fmt: skip
            for name, values in sources.items():
                run(package, values, package.band(dataset, 1), src_transform=places[name], init_dest_nodata=False)
        with package.open(path) as dataset:
            results.append(dataset.read())
    assert_alike(*results)


@pytest.mark.parametrize("indexes", [1, 4, (1, 2, 3), (3, 1), (1, 2, 3, 4)], ids=str)
@pytest.mark.parametrize("options", [{}, {"src_alpha": 4}, {"src_alpha": 4, "dst_alpha": 4}, {"dst_alpha": 4}], ids=str)
@pytest.mark.parametrize("alpha", ["unspecified", "yes"])
def test_bands_of_a_dataset_with_alpha(tmp_path: pathlib.Path, indexes: Any, options: dict[str, Any], alpha: str) -> None:
    path = tmp_path / "rgba.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=180, width=200, count=4, dtype="uint8", crs=UTM, transform=PLACE,
        photometric="RGB", alpha=alpha,
    ) as dataset:  # fmt: skip
        dataset.write(scene(4))
    results = []
    for package in PACKAGES:
        with package.open(path) as dataset:
            band = package.band(dataset, indexes)
            results.append(run(package, band, below(4), src_transform=None, src_crs=None, **options))
    assert_alike(*results)


def test_strips_are_not_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    def warped() -> list[Any]:
        path = tmp_path / "strips.tif"
        profile = {"driver": "GTiff", "height": SHAPE[0], "width": SHAPE[1], "count": 2, "dtype": "uint8"}
        with nacre.open(path, "w+", crs=MERCATOR, transform=GRID, **profile) as dataset:
            dataset.write(below(2))
            run(nacre, scene(2), nacre.band(dataset, (1, 2)), src_alpha=2, resampling="cubic", init_dest_nodata=False)
            return [dataset.read(), run(nacre, scene(2), below(3), dst_alpha=3, resampling="bilinear")]

    whole = warped()
    monkeypatch.setattr(nacre._destination, "_STRIP_BYTES", 1)
    assert all((a == b).all() for a, b in zip(whole, warped(), strict=True))


def lonlat(step: int) -> Any:
    cols, rows = np.meshgrid(np.arange(0, 200, step, dtype=float), np.arange(0, 180, step, dtype=float))
    return np.stack((PLACE.c + cols * PLACE.a, PLACE.f + rows * PLACE.e))


@pytest.mark.parametrize("step", [1, 7, 10])
def test_geolocation_arrays(step: int) -> None:
    results = []
    for package in PACKAGES:
        crs = package.crs.CRS.from_string(UTM)
        options = {"src_transform": None, "src_crs": crs, "src_geoloc_array": lonlat(step)}
        results.append(run(package, scene(1), below(1), **options))
    assert_alike(*results)
    path = nacre.MemoryFile()
    with path.open(driver="GTiff", height=180, width=200, count=1, dtype="uint8") as dataset:
        dataset.write(scene(1))
    with path.open() as dataset:
        own = run(nacre, nacre.band(dataset, 1), below(1), src_transform=None, src_geoloc_array=tuple(lonlat(step)))
    assert (own == results[1]).all()


@pytest.mark.parametrize("step", [1, 7, 10])
def test_the_grid_of_geolocation_arrays(step: int) -> None:
    (theirs, *their_size), (ours, *our_size) = (
        package.warp.calculate_default_transform(UTM, MERCATOR, 200, 180, src_geoloc_array=lonlat(step))
        for package in PACKAGES
    )
    # GDAL does not find all of its own places again: see the differences in docs/internals/warp.md.
    assert np.allclose(our_size, their_size, atol=2)
    assert np.allclose(tuple(ours)[:6], tuple(theirs)[:6], rtol=0.012, atol=1)


POLYNOMIALS = {
    "LINE_OFF": 90, "SAMP_OFF": 100, "LAT_OFF": 25, "LONG_OFF": -78, "HEIGHT_OFF": 100, "LINE_SCALE": 90,
    "SAMP_SCALE": 100, "LAT_SCALE": 0.2, "LONG_SCALE": 0.25, "HEIGHT_SCALE": 500,
    "LINE_NUM_COEFF": "0 0.02 -1 0.01" + " 0" * 16, "LINE_DEN_COEFF": "1" + " 0" * 19,
    "SAMP_NUM_COEFF": "0 1 0.03 0.02" + " 0" * 16, "SAMP_DEN_COEFF": "1" + " 0" * 19,
}  # fmt: skip


@pytest.mark.parametrize("destination", [None, (1, 150, 160)])
@pytest.mark.parametrize("options", [{}, {"RPC_HEIGHT": 300}], ids=str)
def test_polynomials_without_a_transform(destination: Any, options: dict[str, Any]) -> None:
    results: list[Any] = []
    sizes: list[Any] = []
    for package in PACKAGES:
        rpcs = package.rpc.RPC.from_gdal({key: str(value) for key, value in POLYNOMIALS.items()})
        sizes.append(package.warp.calculate_default_transform(UTM, MERCATOR, 200, 180, rpcs=rpcs)[1:])
        into = None if destination is None else np.zeros(destination, "uint8")
        results.append(
            package.warp.reproject(
                scene(1), into, src_crs="EPSG:4326", rpcs=rpcs, dst_crs=MERCATOR, tolerance=0,
                resampling=package.enums.Resampling.nearest, **options,
            )
        )  # fmt: skip
    (theirs, their_place), (ours, our_place) = results
    if not options:  # Rasterio finds the grid without the options
        assert np.allclose(tuple(their_place)[:6], tuple(our_place)[:6], rtol=1e-9)
        assert_alike(theirs, ours)
    assert ours.any() and sizes[0] == sizes[1]


@pytest.mark.parametrize("kind", ["array", "band"])
def test_points_without_a_transform(kind: str, tmp_path: pathlib.Path) -> None:
    corners = [(r, c, PLACE.c + c * PLACE.a, PLACE.f + r * PLACE.e) for r in (0, 180) for c in (0, 200)]
    results = []
    for package in PACKAGES:
        points = [package.control.GroundControlPoint(r, c, x, y, 0) for r, c, x, y in corners]
        into = np.zeros((1, 150, 160), "uint8")
        if kind == "array":
            results.append(package.warp.reproject(scene(1), into, gcps=points, src_crs=UTM, dst_crs=MERCATOR, tolerance=0))
            continue
        path = tmp_path / f"{package.__name__}.tif"
        with package.open(path, "w", driver="GTiff", height=180, width=200, count=1, dtype="uint8") as dataset:
            dataset.write(scene(1))
            dataset.gcps = (points, package.crs.CRS.from_string(UTM))
        with package.open(path) as dataset:
            results.append(package.warp.reproject(package.band(dataset, 1), into, src_crs=UTM, dst_crs=MERCATOR, tolerance=0))
    assert np.allclose(tuple(results[0][1])[:6], tuple(results[1][1])[:6], rtol=1e-9)
    assert_alike(results[0][0], results[1][0])


def test_a_band_destination_is_given_back(tmp_path: pathlib.Path) -> None:
    with nacre.open(
        tmp_path / "a.tif", "w", driver="GTiff", height=210, width=230, count=1, dtype="uint8", crs=MERCATOR, transform=GRID
    ) as dataset:
        band = nacre.band(dataset, 1)
        result, place = nacre.warp.reproject(scene(1), band, src_transform=PLACE, src_crs=UTM)
        assert result is band and place == GRID


def test_what_cannot_be_warped_into(tmp_path: pathlib.Path) -> None:
    sidebyside.write(tmp_path / "a.tif", np.zeros((1, *SHAPE), "uint8"))
    with nacre.open(tmp_path / "a.tif") as dataset, pytest.raises(ValueError, match="opened for reading"):
        run(nacre, scene(1), nacre.band(dataset, 1))
    fixed = np.zeros((1, *SHAPE), "uint8")
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        run(nacre, scene(1), fixed)


WRONG: list[Any] = [
    lambda p: run(p, scene(2), np.zeros(SHAPE, "uint8")),
    lambda p: run(p, scene(3), below(2)),
    lambda p: run(p, scene(1).tolist(), below(1)),
    lambda p: run(p, scene(1)[0, 0], below(1)),
    lambda p: run(p, scene(1), below(1)[0, 0]),
    lambda p: run(p, scene(1), None),
    lambda p: run(p, scene(1), below(1), gcps=[1]),
    lambda p: run(p, scene(1), below(1), rpcs={"a": 1}),
    lambda p: run(p, scene(1), below(1), src_geoloc_array=(0, 0)),
    lambda p: run(p, scene(1), below(1), dst_crs="foo"),
]


@pytest.mark.parametrize("line", WRONG, ids=range(len(WRONG)))
def test_errors_are_rasterios(line: Any) -> None:
    kinds = []
    for package in PACKAGES:
        with pytest.raises(Exception) as caught:  # noqa: PT011 (the classes are compared)
            line(package)
        kinds.append([each.__name__ for each in type(caught.value).__mro__])
    assert kinds[0] == kinds[1]

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What tags of GeoTIFF and GDAL say, beside Rasterio (GDAL)."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.control
import rasterio.rpc
from test_tiff import assert_same_description
from tiffbytes import DOUBLE, SHORT, image, tiff

import nacre
import nacre.shutil

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
]


def write(path: pathlib.Path, count: int = 2, **options: Any) -> Any:
    return rasterio.open(path, "w", driver="GTiff", width=20, height=10, count=count, dtype="uint8", **options)


def assert_same(path: pathlib.Path, *domains: str) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert_same_description(ours, theirs)
        for index in (0, *theirs.indexes):
            for domain in domains:
                assert ours.tags(index, ns=domain) == theirs.tags(index, ns=domain), (index, domain)
        assert [u or "" for u in ours.units] == [u or "" for u in theirs.units]


def test_metadata_of_domains_bands_and_text_tags(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    with write(path) as dataset:
        dataset.update_tags(A="1", B="a <b> & \"c\" 'd' é", TIFFTAG_SOFTWARE="nobody", TIFFTAG_DATETIME="2026:01:01 00:00:00",
                            TIFFTAG_XRESOLUTION="72", TIFFTAG_RESOLUTIONUNIT="2 (pixels/inch)")  # fmt: skip
        dataset.update_tags(ns="D", q="1", r="2")
        dataset.update_tags(2, X="band")
        dataset.update_tags(1, ns="E", y="z")
        dataset.update_tags(1, STATISTICS_MINIMUM="1", STATISTICS_MAXIMUM="9", STATISTICS_MEAN="5", STATISTICS_STDDEV="2")
        dataset.scales, dataset.offsets, dataset.units = (2, 0.1), (3, -1e-9), ("m", "°C")
        dataset.descriptions = ("first", "second")
        dataset.colorinterp = [rasterio.enums.ColorInterp.blue, rasterio.enums.ColorInterp.hue]
    assert_same(path, "D", "E")


def test_rational_polynomial_coefficients(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    numbers = [float(n) / 7 for n in range(1, 81)]
    coefficients = rasterio.rpc.RPC(
        height_off=10.5, height_scale=501, lat_off=44.1, lat_scale=0.1, line_off=5, line_scale=5.5, long_off=7.25,
        long_scale=0.2, samp_off=10, samp_scale=10.25, line_num_coeff=numbers[:20], line_den_coeff=numbers[20:40],
        samp_num_coeff=numbers[40:60], samp_den_coeff=numbers[60:], err_bias=0.5, err_rand=0.25,
    )  # fmt: skip
    with write(path, rpcs=coefficients) as dataset:
        dataset.write(np.ones((2, 10, 20), "uint8"))
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        mine, its = ours.tags(ns="RPC"), theirs.tags(ns="RPC")
        assert mine.keys() == its.keys() and len(mine) > 10
        for key, value in its.items():
            assert [float(v) for v in mine[key].split()] == pytest.approx([float(v) for v in value.split()], abs=1e-12)


def told(run: Any, path: pathlib.Path) -> Any:
    return json.loads(run("info", "--json", path).stdout)


@pytest.mark.parametrize("point", [False, True])
def test_ground_control_points_with_their_crs(tmp_path: pathlib.Path, run: Any, point: bool) -> None:
    path = tmp_path / "a.tif"
    points = [rasterio.control.GroundControlPoint(r, c, 7 + c / 10, 44 - r / 20, 3) for r, c in [(0, 0), (0, 19), (9, 0), (9, 19.5)]]
    with write(path, gcps=points, crs="EPSG:4326") as dataset:
        if point:
            dataset.update_tags(AREA_OR_POINT="Point")
    assert_same(path)
    with rasterio.open(path) as theirs:
        expected, crs = theirs.gcps
    info = told(run, path)
    assert [(p["pixel"], p["line"], p["x"], p["y"], p["z"]) for p in info["gcps"]] == [
        (p.col, p.row, p.x, p.y, p.z) for p in expected
    ]
    assert crs.to_epsg() == 4326


CRSS = ["EPSG:4326", "EPSG:32633", "EPSG:3857", "EPSG:2056", "EPSG:4326+5773", "EPSG:25832+7837", "EPSG:4979",
        "ESRI:102008", "ESRI:54030", "+proj=ortho +lat_0=40 +lon_0=10 +R=6371000", "+proj=sterea +lat_0=52 +lon_0=5 +ellps=bessel",
        "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m", "+proj=merc +lon_0=5 +ellps=WGS84",
        "+proj=utm +zone=33 +ellps=intl", "+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +datum=NAD83 +units=us-ft"]  # fmt: skip


@pytest.mark.parametrize("crs", CRSS)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_coordinate_systems(tmp_path: pathlib.Path, crs: str, version: str) -> None:
    path = tmp_path / "a.tif"
    with write(path, crs=crs, transform=rasterio.Affine(1, 0, 5, 0, -1, 50), geotiff_version=version):
        pass
    (tmp_path / "a.tif.aux.xml").unlink(missing_ok=True)
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert (ours.crs is None) == (theirs.crs is None)
        if ours.crs is not None:
            assert rasterio.crs.CRS.from_wkt(ours.crs.to_wkt()) == theirs.crs


def test_an_oblique_matrix_and_pixels_as_points(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    for raster_type in (1, 2):
        keys = [1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, raster_type, 2048, 0, 1, 4326]
        matrix = [2, 1, 0, 100, 0.5, -3, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1]
        tags = {**image(4, 4), 34264: (DOUBLE, matrix), 34735: (SHORT, keys)}
        path.write_bytes(tiff(tags, [bytes(16)]))
        assert_same(path)


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("photometric", [0, 3])
def test_colour_tables_through_a_copy(tmp_path: pathlib.Path, photometric: int, bits: int) -> None:
    path, copy = tmp_path / "a.tif", tmp_path / "b.tif"
    content = bytes(range(16))[: (16 * bits + 7) // 8]
    tags = image(16, 1, bits, photometric=photometric)
    if photometric == 3:
        tags[320] = (SHORT, [(i * 977) % 256 * 257 for i in range(3 << bits)])
    path.write_bytes(tiff(tags, [content.ljust(2, b"\0")]))
    nacre.shutil.copy(path, copy, driver="GTiff")
    with rasterio.open(path) as theirs, rasterio.open(copy) as ours:
        assert np.array_equal(theirs.read(), ours.read())
        mine, its = ours.colormap(1), theirs.colormap(1)
        assert {i: mine[i] for i in its} == its


def test_xmp(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff({**image(4, 4), 700: (1, b"<x:xmpmeta/>")}, [bytes(16)]))
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert list(ours.tags(ns="xml:XMP").values()) == list(theirs.tags(ns="xml:XMP").values())


@pytest.mark.parametrize("bits,kind", [(8, 1), (16, 2), (32, 3), (64, 3)])
def test_a_nodata_value_outside_of_the_types_range_masks_nothing(tmp_path: pathlib.Path, bits: int, kind: int) -> None:
    path = tmp_path / "a.tif"
    for text in (b"nan\0", b"-9999\0", b" 0 \0", b"1e2\0", b"300\0", b"1e300\0", b"inf\0"):
        path.write_bytes(tiff({**image(4, 4, bits, 1, kind), 42113: (2, text)}, [bytes(2 * bits)]))
        with nacre.open(path) as ours, rasterio.open(path) as theirs:
            assert [sum(f) for f in ours.mask_flag_enums] == [sum(f) for f in theirs.mask_flag_enums], text
            assert np.array_equal(ours.read_masks(), theirs.read_masks()), text

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Cutlines and warp options against GDAL's, and in warped VRTs both ways."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import gdal, need, run_nacre
from test_warp import assert_close, nacre, read

TRIANGLE = '{"type":"Polygon","coordinates":[[[-77.9,24.5],[-76.6,24.6],[-77.0,25.6],[-77.9,24.5]]]}'


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("gdal")
    need("rasterio")


@pytest.mark.parametrize("words", [["-t_srs", "EPSG:3857", "-r", "bilinear"], ["-t_srs", "EPSG:3857", "-crop_to_cutline"], ["-crop_to_cutline"]])
def test_cut_pixels_and_grids_are_gdals(data: pathlib.Path, tmp_path: pathlib.Path, words: list[str]) -> None:
    import rasterio

    ours, theirs, cutline = tmp_path / "ours.tif", tmp_path / "theirs.tif", tmp_path / "cut.json"
    cutline.write_text(TRIANGLE)
    nacre("warp", "--format", "GTiff", *words, "-cutline", cutline, data / "RGB.byte.tif", ours)
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", *words, "-cutline", cutline, data / "RGB.byte.tif", theirs)
    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        assert a.shape == b.shape and a.transform.almost_equals(b.transform, 1e-5)
    assert_close(read(ours)[0], read(theirs)[0], 0, "bilinear" if "-r" in words else "nearest")


@pytest.mark.parametrize("words", [["--cutline-blend", "20", "--add-alpha"], []])
def test_cutlines_are_saved_in_a_vrt(data: pathlib.Path, tmp_path: pathlib.Path, words: list[Any]) -> None:
    view, direct, again = tmp_path / "view.vrt", tmp_path / "direct.tif", tmp_path / "again.tif"
    more = ["-t", "EPSG:3857", "--cutline", TRIANGLE, *words, data / "RGB.byte.tif"]
    nacre("warp", "-et", "0", *more, view)
    nacre("warp", "--format", "GTiff", *more, direct)
    nacre("convert", "--format", "GTiff", view, again)
    assert (read(again)[0] == read(direct)[0]).all()
    assert_close(read(direct)[0], read(view)[0], None if words else 0, "nearest")


def test_gdalwarps_vrt_with_a_cutline_is_read(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    view, ours, cutline = tmp_path / "view.vrt", tmp_path / "ours.tif", tmp_path / "cut.json"
    cutline.write_text(TRIANGLE)
    gdal("gdalwarp", "-q", "-of", "VRT", "-et", "0", "-t_srs", "EPSG:3857", "-cutline", cutline, "-cblend", "9", "-dstalpha",
         data / "RGB.byte.tif", view)  # fmt: skip
    nacre("convert", "--format", "GTiff", view, ours)
    assert_close(read(ours)[0], read(view)[0], None, "nearest")


def test_what_is_no_polygon_is_named(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for text in ("POINT (1 2)", '{"type":"Point","coordinates":[1,2]}'):
        done = run_nacre("warp", "--cutline", text, data / "RGB.byte.tif", tmp_path / "out.tif")
        assert done.returncode == 1 and "is no polygon" in done.stderr
    done = run_nacre("warp", "--crop-to-cutline", data / "RGB.byte.tif", tmp_path / "out.tif")
    assert done.returncode == 2 and "need --cutline" in done.stderr


def test_python_takes_gdals_cutline_in_pixels(data: pathlib.Path) -> None:
    import nacre as package
    import rasterio
    import rasterio.vrt

    options = {"crs": "EPSG:3857", "CUTLINE": "POLYGON ((100 100, 700 150, 400 600, 100 100))", "tolerance": 0}
    with package.open(data / "RGB.byte.tif") as ours, rasterio.open(data / "RGB.byte.tif") as theirs:
        mine = package.vrt.WarpedVRT(ours, **options).read()
        assert_close(mine, rasterio.vrt.WarpedVRT(theirs, **options).read(), 0, "nearest")


@pytest.mark.parametrize("rule", ["YES", "NO", "PARTIAL"])
def test_nodata_of_bands_is_unified_as_gdals(data: pathlib.Path, tmp_path: pathlib.Path, rule: str) -> None:
    ours, theirs, view = tmp_path / "ours.tif", tmp_path / "theirs.tif", tmp_path / "view.vrt"
    words = ["-t_srs", "EPSG:3857", "-r", "bilinear", "-srcnodata", "20", "-dstnodata", "3", "-wo", f"UNIFIED_SRC_NODATA={rule}",
             "-wo", "INIT_DEST=NO_DATA", data / "RGB.byte.tif"]  # fmt: skip
    nacre("warp", "--format", "GTiff", *words, ours)
    nacre("warp", "-et", "0", *words, view)
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", *words, theirs)
    assert_close(read(ours)[0], read(theirs)[0], 3, "bilinear")
    assert_close(read(ours)[0], read(view)[0], 3, "bilinear")


def test_python_initialises_as_rasterio(data: pathlib.Path) -> None:
    import nacre as package
    import rasterio
    import rasterio.vrt

    for options in ({"init_dest_nodata": False, "nodata": 9}, {"INIT_DEST": "5", "nodata": 9, "init_dest_nodata": False}):
        options |= {"crs": "EPSG:3857", "tolerance": 0}
        with package.open(data / "RGB.byte.tif") as ours, rasterio.open(data / "RGB.byte.tif") as theirs:
            mine = package.vrt.WarpedVRT(ours, **options).read()
            assert_close(mine, rasterio.vrt.WarpedVRT(theirs, **options).read(), 9, "nearest")

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warped pixels and grids against GDAL's with an exact transformer, and warped VRTs both ways."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import gdal, need, run_nacre, worked

CRS = ["EPSG:3857", "EPSG:4326", "EPSG:3035"]
RESAMPLING = ["nearest", "bilinear", "cubic"]
# Masks of every kind: nodata, alpha, an internal and an external mask, none.
RASTERS = ["RGB.byte.tif", "RGBA.byte.tif", "cog_rgb_mask.tif", "RGB2.byte.tif", "cog_scale_stats.tif", "cog_nodata_nan.tif"]


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("gdal")
    need("rasterio")


def nacre(*words: Any) -> None:
    worked(run_nacre(*words))


def read(path: pathlib.Path) -> tuple[Any, Any]:
    import rasterio

    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.profile


def grid_words(path: pathlib.Path) -> list[Any]:
    """gdalwarp's words for the grid of a raster."""
    import rasterio

    with rasterio.open(path) as dataset:
        left, bottom, right, top = map(repr, dataset.bounds)
        return ["-te", left, bottom, right, top, "-ts", dataset.width, dataset.height]


def assert_close(ours: Any, theirs: Any, nodata: float | None, resampling: str) -> None:
    """Nearest: the same save 0.1 %; others: within 1 (integers) or 1e-5 relative (floats) on 99.9 %; masks on 99.9 %."""
    import numpy as np

    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    valid = np.ones(ours.shape, bool)
    if nodata is not None:
        mine, others = [np.isnan(a) if np.isnan(nodata) else a == nodata for a in (ours, theirs)]
        assert (mine != others).mean() <= 0.001
        valid = ~mine & ~others
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs) if ours.dtype.kind == "f" else False)
    if resampling == "nearest":
        assert same[valid].mean() >= 0.999
        return
    distance = np.abs(ours.astype("f8") - theirs.astype("f8"))
    bound = 1e-5 * np.abs(theirs) if ours.dtype.kind == "f" else 1
    assert (same | (distance <= bound))[valid].mean() >= 0.999


@pytest.mark.parametrize("resampling", RESAMPLING)
@pytest.mark.parametrize("crs", CRS[:2])
@pytest.mark.parametrize("name", RASTERS)
def test_pixels_are_gdals(data: pathlib.Path, tmp_path: pathlib.Path, name: str, crs: str, resampling: str) -> None:
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    nacre("warp", "-t", crs, "-r", resampling, "--format", "GTiff", data / name, ours)
    words = ["-q", "-et", "0", "-ovr", "NONE", "-wm", "2000", "-t_srs", crs, "-r", "near" if resampling == "nearest" else resampling]
    gdal("gdalwarp", *words, *grid_words(ours), data / name, theirs)
    pixels, profile = read(ours)
    assert_close(pixels, read(theirs)[0], profile["nodata"], resampling)


@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("factor", [2.3, 7])
def test_shrunk_pixels_are_gdals(data: pathlib.Path, tmp_path: pathlib.Path, factor: float, resampling: str) -> None:
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    size = f"{round(803 / factor)},{round(736 / factor)}"
    nacre("warp", "-t", "EPSG:3857", "-r", resampling, "--size", size, "--format", "GTiff", data / "RGB.byte.tif", ours)
    words = ["-q", "-et", "0", "-wm", "2000", "-t_srs", "EPSG:3857", "-r", resampling]
    gdal("gdalwarp", *words, *grid_words(ours), data / "RGB.byte.tif", theirs)
    assert_close(read(ours)[0], read(theirs)[0], 0, resampling)


@pytest.mark.parametrize("resolution", [1.5, 2.3, 5, 9])
def test_the_overview_is_gdalwarps(data: pathlib.Path, tmp_path: pathlib.Path, resolution: float) -> None:
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    nacre("warp", "-t", "EPSG:32652", "--res", resolution, "--format", "GTiff", data / "cogeo.tif", ours)
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", "-t_srs", "EPSG:32652", *grid_words(ours), data / "cogeo.tif", theirs)
    assert_close(read(ours)[0], read(theirs)[0], None, "nearest")


@pytest.mark.parametrize("resampling", RESAMPLING)
def test_alpha_is_gdals(data: pathlib.Path, tmp_path: pathlib.Path, resampling: str) -> None:
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    nacre("warp", "-t", "EPSG:3857", "-r", resampling, "--add-alpha", "--format", "GTiff", data / "RGB2.byte.tif", ours)
    words = ["-q", "-et", "0", "-t_srs", "EPSG:3857", "-dstalpha", "-r", "near" if resampling == "nearest" else resampling]
    gdal("gdalwarp", *words, *grid_words(ours), data / "RGB2.byte.tif", theirs)
    assert_close(read(ours)[0], read(theirs)[0], None, resampling)


@pytest.mark.parametrize("crs", CRS)
def test_grids_are_gdals(data: pathlib.Path, tmp_path: pathlib.Path, crs: str) -> None:
    import rasterio
    from rasterio.warp import calculate_default_transform

    for name in ["RGB.byte.tif", "shade.tif", "cogeo.tif", "world.byte.tif", "cog_world.tif", "cog_dateline.tif", "cog_cmap.tif"]:
        with rasterio.open(data / name) as source:
            transform, width, height = calculate_default_transform(source.crs, crs, source.width, source.height, *source.bounds)
        nacre("warp", "-t", crs, data / name, tmp_path / "grid.vrt", "--overwrite")
        with rasterio.open(tmp_path / "grid.vrt") as ours:
            assert (ours.width, ours.height) == (width, height), name
            expected = rasterio.transform.array_bounds(height, width, transform)
            assert all(abs(a - b) <= 1e-6 * transform.a for a, b in zip(ours.bounds, expected)), name


@pytest.mark.parametrize("words", [[], ["-order", "1"], ["-order", "3"], ["-tps"]])
def test_ground_control_points_are_gdals(data: pathlib.Path, tmp_path: pathlib.Path, words: list[str]) -> None:
    """The grid that is suggested, and the pixels."""
    import rasterio

    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    nacre("warp", "-t", "EPSG:3857", "-r", "bilinear", *words, "--format", "GTiff", data / "cog_gcps.tif", ours)
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", "-ovr", "NONE", "-t_srs", "EPSG:3857", "-r", "bilinear", *words,
         data / "cog_gcps.tif", theirs)
    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        assert a.shape == b.shape
        pixel = abs(b.transform.a) * (1e-3 if words == ["-tps"] else 1e-6)  # splines of 200 points: rounding
        assert all(abs(x - y) <= pixel for x, y in zip(a.bounds, b.bounds))
    assert_close(read(ours)[0], read(theirs)[0], 0, "bilinear")


@pytest.mark.parametrize("words", [[], ["--add-alpha"], ["--src-nodata", "0", "--dst-nodata", "9"]])
@pytest.mark.parametrize("resampling", RESAMPLING)
def test_gdal_reads_our_warped_vrt(data: pathlib.Path, tmp_path: pathlib.Path, resampling: str, words: list[str]) -> None:
    """And what was saved and opened again is bit for bit what was not."""
    vrt, direct, again = tmp_path / "view.vrt", tmp_path / "direct.tif", tmp_path / "again.tif"
    nacre("warp", "-t", "EPSG:3857", "-r", resampling, "-et", "0", *words, data / "RGB.byte.tif", vrt)
    nacre("warp", "-t", "EPSG:3857", "-r", resampling, *words, "--format", "GTiff", data / "RGB.byte.tif", direct)
    nacre("convert", "--format", "GTiff", vrt, again)
    ours, profile = read(direct)
    assert (read(again)[0] == ours).all()
    theirs, their_profile = read(vrt)
    assert their_profile["nodata"] == profile["nodata"] and their_profile["transform"].almost_equals(profile["transform"], 1e-9)
    if resampling != "nearest" and "--add-alpha" in words:
        return  # with alpha GDAL warps a VRT block by block, each at a scale of its own
    assert_close(ours, theirs, profile["nodata"], resampling)


@pytest.mark.parametrize("resampling", RESAMPLING)
@pytest.mark.parametrize("words", [[], ["-dstalpha"], ["-srcnodata", "0"], ["-tr", "700", "700"]])
def test_gdalwarps_vrt_is_read(data: pathlib.Path, tmp_path: pathlib.Path, resampling: str, words: list[str]) -> None:
    vrt, ours = tmp_path / "view.vrt", tmp_path / "ours.tif"
    method = "near" if resampling == "nearest" else resampling
    gdal("gdalwarp", "-q", "-of", "VRT", "-et", "0", "-t_srs", "EPSG:3857", "-r", method, *words, data / "RGB.byte.tif", vrt)
    nacre("convert", "--format", "GTiff", vrt, ours)
    # A VRT is warped block by block, and GDAL's scale is that of the block: so its whole is made by gdalwarp.
    theirs = tmp_path / "theirs.tif"
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", "-t_srs", "EPSG:3857", "-r", method, *words, data / "RGB.byte.tif", theirs)
    pixels, profile = read(ours)
    assert_close(pixels, read(theirs)[0], profile["nodata"], resampling)


@pytest.mark.parametrize("options", [{}, {"add_alpha": True}, {"src_nodata": 0, "nodata": 5}])
@pytest.mark.parametrize("resampling", RESAMPLING)
def test_rasterios_vrt_is_read(data: pathlib.Path, tmp_path: pathlib.Path, resampling: str, options: dict) -> None:
    import rasterio
    import rasterio.shutil
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    vrt, ours = tmp_path / "view.vrt", tmp_path / "ours.tif"
    with rasterio.open(data / "RGB.byte.tif") as source:
        with WarpedVRT(source, crs="EPSG:4326", resampling=Resampling[resampling], tolerance=1e-9, **options) as view:
            rasterio.shutil.copy(view, vrt, driver="VRT")
            theirs, nodata = view.read(), view.nodata
    nacre("convert", "--format", "GTiff", vrt, ours)
    if "add_alpha" in options and resampling != "nearest":
        theirs[:3] = read(ours)[0][:3]  # as above: GDAL's values depend on its blocks
    assert_close(read(ours)[0], theirs, nodata, resampling)


def test_opening_a_warped_vrt_touches_no_source(tmp_path: pathlib.Path, data: pathlib.Path) -> None:
    import shutil

    source = tmp_path / "source.tif"
    shutil.copy(data / "RGB.byte.tif", source)
    nacre("warp", "-t", "EPSG:3857", source, tmp_path / "view.vrt")
    source.unlink()
    nacre("info", tmp_path / "view.vrt")
    done = run_nacre("convert", tmp_path / "view.vrt", tmp_path / "out.tif")
    assert done.returncode == 1 and "source.tif" in done.stderr
    assert not (tmp_path / "out.tif").exists()


def test_what_is_not_done_is_named(tmp_path: pathlib.Path, data: pathlib.Path) -> None:
    vrt = tmp_path / "view.vrt"
    gdal("gdalwarp", "-q", "-overwrite", "-of", "VRT", "-t_srs", "EPSG:4326", data / "RGB.byte.tif", vrt)
    vrt.write_text(vrt.read_text().replace("</GDALWarpOptions>", '<Option name="NEW_RULE">1</Option></GDALWarpOptions>'))
    done = run_nacre("info", vrt)
    assert done.returncode == 1 and "NEW_RULE" in done.stderr

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warping by rational polynomials and ground control points against GDAL's, and saved in its VRT both ways."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import gdal, need, need_newest_rasterio, run_nacre, worked
from test_warp import assert_close, nacre, read


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("gdal")
    need("rasterio")


RPC = {
    "height_off": 200, "height_scale": 500, "lat_off": 45, "lat_scale": 0.03, "long_off": 7, "long_scale": 0.035,
    "line_off": 300, "line_scale": 300, "samp_off": 250, "samp_scale": 250, "err_bias": None, "err_rand": None,
    "line_num_coeff": [0, 0.02, -1, 0.03, 1e-3, 0, 0, 2e-3, -1e-3, 0, 0, 1e-4] + [0] * 8,
    "line_den_coeff": [1, 1e-3, -2e-3, 1e-3] + [0] * 16,
    "samp_num_coeff": [0, 1, 0.03, -0.04, -2e-3, 0, 0, 0, 1e-3] + [0] * 11,
    "samp_den_coeff": [1, 1e-3, -2e-3, 1e-3] + [0] * 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """scene.tif with RPCs; models of heights: dem.tif, hole.tif, and utm.tif in metres."""
    import numpy as np
    import rasterio
    from rasterio.rpc import RPC as Polynomials

    folder = tmp_path_factory.mktemp("georef")
    y, x = np.mgrid[0:600, 0:500]
    values = (110 + 60 * np.sin(x / 17) + 40 * np.cos(y / 23)).astype("uint8")
    form = {"driver": "GTiff", "count": 1}
    with rasterio.open(folder / "scene.tif", "w", width=500, height=600, dtype="uint8", tiled=True, **form) as scene:
        scene.write(values, 1)
        scene.rpcs = Polynomials(**RPC)
    y, x = np.mgrid[0:200, 0:200]
    heights = (300 + 200 * np.sin(x / 11) * np.cos(y / 13)).astype("float32")
    places = {"crs": "EPSG:4326", "transform": rasterio.Affine(0.0005, 0, 6.95, 0, -0.0005, 45.05)}
    in_utm = {"crs": "EPSG:32632", "transform": rasterio.Affine(45, 0, 338000, 0, -45, 4990600)}
    form |= {"width": 200, "height": 200, "dtype": "float32", "nodata": -9999}
    for name, place in (("dem.tif", places), ("hole.tif", places), ("utm.tif", in_utm)):
        with rasterio.open(folder / name, "w", **form, **place) as model:
            model.write(heights, 1)
        heights[90:100, 90:100] = -9999 if name == "dem.tif" else 300
    return folder


@pytest.fixture(scope="module")
def swath(folder: pathlib.Path) -> pathlib.Path:
    """scene.tif by arrays: corners.vrt (every tenth pixel), centres.vrt (every one), regular.vrt (a row and a column)."""
    import numpy as np
    import rasterio

    def save(name: str, *bands: Any) -> None:
        height, width = bands[0].shape
        form = {"driver": "GTiff", "width": width, "height": height, "count": len(bands), "dtype": "float64"}
        with rasterio.open(folder / name, "w", **form) as arrays:
            arrays.write(np.array(bands))

    def place(pixel: Any, line: Any) -> tuple[Any, Any]:
        bend = 2e-6 * pixel * line + 0.2 * np.sin(pixel / 90)
        return 10 + 0.01 * pixel + 0.003 * line + bend, 50 - 0.009 * line + 0.002 * pixel + 1e-6 * pixel * pixel

    line, pixel = np.mgrid[0:601:10, 0:501:10]
    save("corners.tif", *place(pixel, line))
    line, pixel = np.mgrid[0:600, 0:500]
    save("centres.tif", *place(pixel + 0.5, line + 0.5))
    save("columns.tif", np.linspace(10, 15, 51)[None])
    save("rows.tif", np.linspace(50, 45, 61)[None])
    ten = {"PIXEL_STEP": 10, "LINE_STEP": 10}
    one = {"PIXEL_STEP": 1, "LINE_STEP": 1, "GEOREFERENCING_CONVENTION": "PIXEL_CENTER"}
    kinds: dict[str, tuple[str, str, int, dict[str, Any]]] = {
        "corners": ("corners.tif", "corners.tif", 2, ten),
        "centres": ("centres.tif", "centres.tif", 2, one),
        "regular": ("columns.tif", "rows.tif", 1, ten),
    }
    for name, (x, y, band, more) in kinds.items():
        items = {"X_DATASET": folder / x, "X_BAND": 1, "Y_DATASET": folder / y, "Y_BAND": band,
                 "PIXEL_OFFSET": 0, "LINE_OFFSET": 0, "SRS": "EPSG:4326", **more}  # fmt: skip
        metadata = "".join(f'<MDI key="{key}">{value}</MDI>' for key, value in items.items())
        (folder / f"{name}.vrt").write_text(
            f'<VRTDataset rasterXSize="500" rasterYSize="600"><Metadata domain="GEOLOCATION">{metadata}</Metadata>'
            '<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="1">scene.tif'
            "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
        )
    return folder


def transformer(options: dict[str, Any], folder: pathlib.Path, word: str) -> list[Any]:
    words: list[Any] = []
    for key, value in options.items():
        words += [word, f"{key}={folder / value if key == 'RPC_DEM' else value}"]
    return words


def assert_same_grid(ours: pathlib.Path, theirs: pathlib.Path, pixels: float = 1e-6) -> None:
    import rasterio

    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        assert a.shape == b.shape
        assert all(abs(x - y) <= pixels * abs(b.transform.a) for x, y in zip(a.bounds, b.bounds))


OPTIONS = [
    {},
    {"RPC_HEIGHT": 420},
    {"RPC_DEM": "dem.tif"},
    {"RPC_DEM": "dem.tif", "RPC_DEMINTERPOLATION": "near"},
    {"RPC_DEM": "dem.tif", "RPC_DEMINTERPOLATION": "cubic", "RPC_HEIGHT": -20, "RPC_HEIGHT_SCALE": 0.8},
    {"RPC_DEM": "utm.tif", "RPC_DEM_MISSING_VALUE": 260},
    {"RPC_DEM": "hole.tif"},
    {"RPC_DEM": "hole.tif", "RPC_DEM_MISSING_VALUE": 300, "RPC_PIXEL_ERROR_THRESHOLD": 0.01, "RPC_MAX_ITERATIONS": 30},
]


# Where a line of the output is one of the model (EPSG:4326) GDAL scales RPC_HEIGHT too, and takes any height beside a
# hole: not so here.
@pytest.mark.parametrize(("options", "crs"), [*((o, "EPSG:32632") for o in OPTIONS), ({}, "EPSG:4326"), (OPTIONS[2], "EPSG:4326")])
def test_rational_polynomials_are_gdals(
    folder: pathlib.Path, tmp_path: pathlib.Path, options: dict[str, Any], crs: str
) -> None:
    """The grid that is suggested, and the pixels."""
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    nacre("warp", "-t", crs, "-r", "bilinear", *transformer(options, folder, "--to"), "--format", "GTiff",
          folder / "scene.tif", ours)  # fmt: skip
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", "-t_srs", crs, "-r", "bilinear", *transformer(options, folder, "-to"),
         folder / "scene.tif", theirs)  # fmt: skip
    assert_same_grid(ours, theirs)
    assert_close(read(ours)[0], read(theirs)[0], 0, "bilinear")


@pytest.mark.parametrize("resampling", ["nearest", "lanczos", "average"])
def test_every_resampling_goes_by_polynomials(folder: pathlib.Path, tmp_path: pathlib.Path, resampling: str) -> None:
    import rasterio
    import rasterio.warp
    from rasterio.enums import Resampling

    need_newest_rasterio()
    ours = tmp_path / "ours.tif"
    nacre("warp", "-t", "EPSG:3857", "-r", resampling, "--format", "GTiff", folder / "scene.tif", ours)
    with rasterio.open(folder / "scene.tif") as source, rasterio.open(ours) as mine:
        theirs, _ = rasterio.warp.reproject(
            source.read(), mine.read() * 0, rpcs=source.rpcs, src_crs="EPSG:4326", dst_crs=mine.crs,
            dst_transform=mine.transform, resampling=Resampling[resampling], tolerance=0, init_dest_nodata=False,
        )  # fmt: skip
        assert_close(mine.read(), theirs, 0, resampling)


@pytest.mark.parametrize("options", [OPTIONS[1], OPTIONS[4], OPTIONS[5]])
def test_polynomials_are_saved_in_a_vrt_both_ways(
    folder: pathlib.Path, tmp_path: pathlib.Path, options: dict[str, Any]
) -> None:
    to = transformer(options, folder, "--to")
    source = folder / "scene.tif"
    view, direct, again = tmp_path / "view.vrt", tmp_path / "direct.tif", tmp_path / "again.tif"
    nacre("warp", "-t", "EPSG:32632", "-r", "bilinear", "-et", "0", *to, source, view)
    nacre("warp", "-t", "EPSG:32632", "-r", "bilinear", *to, "--format", "GTiff", source, direct)
    nacre("convert", "--format", "GTiff", view, again)
    assert (read(again)[0] == read(direct)[0]).all()
    assert_close(read(direct)[0], read(view)[0], 0, "bilinear")
    gdal("gdalwarp", "-q", "-of", "VRT", "-overwrite", "-et", "0", "-t_srs", "EPSG:32632", "-r", "bilinear",
         *transformer(options, folder, "-to"), source, view)  # fmt: skip
    nacre("convert", "--format", "GTiff", "--overwrite", view, again)
    assert_close(read(again)[0], read(view)[0], 0, "bilinear")


@pytest.mark.parametrize("words", [[], ["-order", "1"], ["-tps"]])
def test_control_points_are_saved_in_a_vrt_both_ways(data: pathlib.Path, tmp_path: pathlib.Path, words: list[str]) -> None:
    source = data / "cog_gcps.tif"
    view, direct, again = tmp_path / "view.vrt", tmp_path / "direct.tif", tmp_path / "again.tif"
    nacre("warp", "-t", "EPSG:3857", "-r", "bilinear", "-et", "0", *words, source, view)
    nacre("warp", "-t", "EPSG:3857", "-r", "bilinear", *words, "--format", "GTiff", source, direct)
    nacre("convert", "--format", "GTiff", view, again)
    assert (read(again)[0] == read(direct)[0]).all()
    assert_close(read(direct)[0], read(view)[0], 0, "bilinear")
    gdal("gdalwarp", "-q", "-of", "VRT", "-overwrite", "-et", "0", "-t_srs", "EPSG:3857", "-r", "bilinear", *words, source, view)
    nacre("convert", "--format", "GTiff", "--overwrite", view, again)
    assert_close(read(again)[0], read(view)[0], 0, "bilinear")


@pytest.mark.parametrize(("name", "crs"), [("corners", "EPSG:32633"), ("centres", "EPSG:4326"), ("regular", "EPSG:3857")])
def test_geolocation_arrays_are_gdals(swath: pathlib.Path, tmp_path: pathlib.Path, name: str, crs: str) -> None:
    import rasterio

    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    words = ["-t", crs, "-r", "bilinear", "-geoloc", "--format", "GTiff"]
    nacre("warp", *words, swath / f"{name}.vrt", ours)
    gdal("gdalwarp", "-q", "-et", "0", "-wm", "2000", "-geoloc", "-t_srs", crs, "-r", "bilinear", swath / f"{name}.vrt", theirs)
    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        # Where GDAL does not find the last row or column of places again, it fits that: a pixel in all.
        assert a.shape == b.shape
        assert all(abs(x - y) <= 1e-3 * a.transform.a for x, y in zip(a.transform[2:6:3], b.transform[2:6:3]))
        assert abs(a.transform.a / b.transform.a - 1) * a.width < 1.01 and abs(a.transform.e / b.transform.e - 1) * a.height < 1.01
        bounds = [repr(value) for value in a.bounds]
    gdal("gdalwarp", "-q", "-overwrite", "-et", "0", "-wm", "2000", "-geoloc", "-t_srs", crs, "-r", "bilinear", "-te", *bounds,
         "-ts", a.width, a.height, swath / f"{name}.vrt", theirs)  # fmt: skip
    assert_close(read(ours)[0], read(theirs)[0], 0, "bilinear")


@pytest.mark.parametrize("name", ["corners", "regular"])
def test_geolocation_arrays_are_saved_in_a_vrt_both_ways(swath: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    source = swath / f"{name}.vrt"
    view, direct, again = tmp_path / "view.vrt", tmp_path / "direct.tif", tmp_path / "again.tif"
    nacre("warp", "-t", "EPSG:32633", "-r", "bilinear", "-et", "0", source, view)
    nacre("warp", "-t", "EPSG:32633", "-r", "bilinear", "--format", "GTiff", source, direct)
    nacre("convert", "--format", "GTiff", view, again)
    assert (read(again)[0] == read(direct)[0]).all()
    assert_close(read(direct)[0], read(view)[0], 0, "bilinear")
    gdal("gdalwarp", "-q", "-of", "VRT", "-overwrite", "-et", "0", "-t_srs", "EPSG:32633", "-r", "bilinear", source, view)
    nacre("convert", "--format", "GTiff", "--overwrite", view, again)
    assert_close(read(again)[0], read(view)[0], 0, "bilinear")


def test_a_model_in_a_vrt_is_read_with_its_first_pixels(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    view, model = tmp_path / "view.vrt", tmp_path / "dem.tif"
    model.write_bytes((folder / "dem.tif").read_bytes())
    nacre("warp", "-t", "EPSG:32632", "--to", f"RPC_DEM={model}", folder / "scene.tif", view)
    model.unlink()
    nacre("info", view)
    done = run_nacre("convert", view, tmp_path / "out.tif")
    assert done.returncode == 1 and "dem.tif" in done.stderr and not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "RPC_DEM=missing.tif"], "missing.tif"),
        (["--to", "RPC_HEIGHT=high"], "RPC_HEIGHT=high"),
        (["--to", "METHOD=GEOLOC"], "METHOD=GEOLOC"),
        (["--to", "METHOD=GEOTRANSFORM"], "no geotransform"),
        (["--to", "METHOD=GCP_TPS"], "no ground control points"),
    ],
)
def test_what_it_cannot_be_warped_by_is_named(
    folder: pathlib.Path, tmp_path: pathlib.Path, words: list[str], said: str
) -> None:
    done = run_nacre("warp", "-t", "EPSG:32632", *words, folder / "scene.tif", tmp_path / "out.tif")
    assert done.returncode == 1 and said in done.stderr


def test_python_takes_gdals_transformer_options(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    import nacre as package
    from nacre.vrt import WarpedVRT

    ours = tmp_path / "ours.tif"
    model = folder / "dem.tif"
    nacre("warp", "-t", "EPSG:32632", "--to", f"RPC_DEM={model}", "--to", "RPC_HEIGHT=7", "--format", "GTiff",
          folder / "scene.tif", ours)  # fmt: skip
    with package.open(folder / "scene.tif") as source:
        view = WarpedVRT(source, crs="EPSG:32632", RPC_DEM=model, rpc_height=7)
        assert (view.read() == read(ours)[0]).all()
        moved = {**source.tags(ns="RPC"), "SAMP_OFF": "260"}
        assert WarpedVRT(source, crs="EPSG:32632", rpcs=moved).transform.c != WarpedVRT(source, crs="EPSG:32632").transform.c
        with pytest.raises(NotImplementedError, match="CUTLINE_ALL_TOUCHED"):
            WarpedVRT(source, crs="EPSG:32632", CUTLINE_ALL_TOUCHED=True)
        with pytest.warns(UserWarning, match="NOT_AN_OPTION of WarpedVRT has no effect"):
            WarpedVRT(source, crs="EPSG:32632", NOT_AN_OPTION=1)

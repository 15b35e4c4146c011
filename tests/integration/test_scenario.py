# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The main job: a warped view saved beside its source opens at once, in the same process, with the right pixels."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any, Callable

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.vrt
from conftest import ROOT

import nacre
from nacre.enums import Resampling
from nacre.vrt import WarpedVRT
from servers import official_bucket

sys.path.insert(0, str(ROOT / "demo"))
import scene

RESAMPLINGS = [Resampling.nearest, Resampling.bilinear, Resampling.cubic]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A scene of the project's own, so that the main job runs everywhere."""
    path = tmp_path_factory.mktemp("scene") / "generated.tif"
    scene.write_geotiff(path, scene.picture(scene.terrain(700, seed=4)))
    return path


@pytest.fixture(params=["real", "generated"])
def raster(request: pytest.FixtureRequest, generated: pathlib.Path) -> pathlib.Path:
    """A Landsat scene, and a generated one."""
    return request.getfixturevalue("data") / "RGB.byte.tif" if request.param == "real" else generated


@pytest.fixture(params=["gs://", "/vsigs/"])
def source(request: pytest.FixtureRequest, bucket: Any, raster: pathlib.Path) -> str:
    """The raster, put into the bucket by Google's client, in our spelling and in GDAL's."""
    bucket.blob("data/scene.tif").upload_from_filename(str(raster))
    return f"{request.param}{bucket.name}/data/scene.tif"


def gdal_warped(path: pathlib.Path, folder: pathlib.Path, crs: str, resampling: Resampling) -> np.ndarray:
    """GDAL's exact answer."""
    target = folder / f"gdal_{resampling.name}.tif"
    method = {"nearest": "near"}.get(resampling.name, resampling.name)
    command = ["gdalwarp", "-q", "-et", "0", "-ovr", "NONE", "-t_srs", crs, "-r", method, str(path), str(target)]
    subprocess.run(command, check=True)
    with rasterio.open(target) as dataset:
        return dataset.read()


def assert_equal_to_gdal(ours: np.ndarray, theirs: np.ndarray, resampling: Resampling) -> None:
    """Nearest: identical save for one pixel in a thousand; others within 1 on 99.9 %."""
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    allowed = 0 if resampling == Resampling.nearest else 1
    assert (difference > allowed).mean() <= 0.001


@pytest.mark.parametrize("resampling", RESAMPLINGS, ids=lambda r: r.name)
def test_a_view_saved_beside_its_source_opens_in_the_same_process(
    bucket: Any, source: str, raster: pathlib.Path, tmp_path: pathlib.Path, resampling: Resampling
) -> None:
    path = source.replace("scene.tif", "view.vrt")
    with nacre.open(source) as dataset:
        with WarpedVRT(dataset, crs="EPSG:3857", resampling=resampling) as view:
            nacre.shutil.copy(view, path, driver="VRT")
    assert bucket.blob("data/view.vrt").exists()
    with nacre.open(path) as reopened:
        assert reopened.crs == "EPSG:3857"
        pixels = reopened.read()
    assert_equal_to_gdal(pixels, gdal_warped(raster, tmp_path, "EPSG:3857", resampling), resampling)


@pytest.mark.parametrize("spelling", ["gs://{}", "gcs://{}", "/vsigs/{}"])
def test_every_spelling_of_the_path_opens_it(bucket: Any, source: str, spelling: str) -> None:
    path = spelling.format(f"{bucket.name}/data/view.vrt")
    with nacre.open(source) as dataset:
        nacre.shutil.copy(WarpedVRT(dataset, crs="EPSG:4326"), path, driver="VRT")
    for other in ("gs://{}", "gcs://{}", "/vsigs/{}"):
        assert nacre.open(other.format(f"{bucket.name}/data/view.vrt")).crs == "EPSG:4326"


def test_written_by_another_client_after_nacre_failed_to_open_it(bucket: Any, source: str) -> None:
    path = source.replace("scene.tif", "late.vrt")
    with nacre.open(source) as dataset:
        nacre.shutil.copy(WarpedVRT(dataset, crs="EPSG:3857"), path.replace("late", "first"), driver="VRT")
    with pytest.raises(FileNotFoundError):
        nacre.open(path)
    text = bucket.blob("data/first.vrt").download_as_bytes()
    bucket.blob("data/late.vrt").upload_from_string(text)
    with nacre.open(path) as dataset:
        assert dataset.read(1).any()


@pytest.mark.parametrize("length", ["shorter", "longer"])
def test_written_over_another_view_of_another_length(bucket: Any, source: str, length: str) -> None:
    """By nacre and by another client, with another CRS; a text that was cut at the old length would be no VRT."""
    path = source.replace("scene.tif", "view.vrt")
    dataset = nacre.open(source)
    views = {
        "shorter": lambda: WarpedVRT(dataset, crs="EPSG:4326"),
        "longer": lambda: WarpedVRT(dataset, crs="EPSG:3035", add_alpha=True, resampling=Resampling.cubic),
    }
    other = next(name for name in views if name != length)
    for by_another_client in (False, True):
        nacre.shutil.copy(views[other](), path, driver="VRT")
        before = nacre.open(path)
        assert before.read(1).any() and before.crs == views[other]().crs
        size_before = len(bucket.blob("data/view.vrt").download_as_bytes())
        if by_another_client:
            nacre.shutil.copy(views[length](), path.replace("view", "aside"), driver="VRT")
            bucket.blob("data/view.vrt").upload_from_string(bucket.blob("data/aside.vrt").download_as_bytes())
        else:
            nacre.shutil.copy(views[length](), path, driver="VRT")
        size_after = len(bucket.blob("data/view.vrt").download_as_bytes())
        assert (size_after > size_before + 200) if length == "longer" else (size_after < size_before - 200)
        with nacre.open(path) as after:
            assert after.crs == views[length]().crs and after.count == views[length]().count
            assert np.array_equal(after.read(), views[length]().read())


def test_a_second_and_third_view_in_the_same_directory(source: str) -> None:
    dataset = nacre.open(source)
    for number, crs in enumerate(("EPSG:3857", "EPSG:4326", "EPSG:32617")):
        path = source.replace("scene.tif", f"view{number}.vrt")
        nacre.shutil.copy(WarpedVRT(dataset, crs=crs), path, driver="VRT")
        assert nacre.open(path).crs == crs


def test_the_source_replaced_between_the_two_opens(bucket: Any, source: str, raster: pathlib.Path) -> None:
    path = source.replace("scene.tif", "view.vrt")
    with nacre.open(source) as dataset:
        nacre.shutil.copy(WarpedVRT(dataset, crs="EPSG:3857"), path, driver="VRT")
        assert dataset.read(1).any()
    with rasterio.open(raster) as original:
        profile, darker = original.profile, original.read() // 2
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(darker)
        bucket.blob("data/scene.tif").upload_from_string(memory.read())
    with nacre.open(path) as view:
        assert view.read().max() == darker.max()


def test_from_a_second_process(source: str) -> None:
    path = source.replace("scene.tif", "view.vrt")
    with nacre.open(source) as dataset:
        nacre.shutil.copy(WarpedVRT(dataset, crs="EPSG:3857"), path, driver="VRT")
    here = nacre.open(path).read(1)
    code = f"import nacre; print(int(nacre.open({path!r}).read(1).sum(dtype='int64')))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(there.stdout) == int(here.sum(dtype="int64"))


@pytest.mark.sanitized
def test_by_the_command(run: Callable[..., Any], source: str, tmp_path: pathlib.Path) -> None:
    path = source.replace("scene.tif", "view.vrt")
    run("warp", "-t", "EPSG:3857", "-r", "bilinear", source, path)
    assert "EPSG:3857" in run("info", path).stdout
    run("convert", path, tmp_path / "view.tif")
    with rasterio.open(tmp_path / "view.tif") as dataset:
        assert dataset.read(1).any()
    run("warp", "-t", "EPSG:4326", source, path, status=1)
    run("warp", "--overwrite", "-t", "EPSG:4326", source, path)
    assert "EPSG:4326" in run("info", path).stdout


def test_stock_gdal_opens_the_saved_view(emulator: Any, monkeypatch: pytest.MonkeyPatch, generated: pathlib.Path) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    bucket = official_bucket(emulator.url, "stock-gdal")
    bucket.blob("data/scene.tif").upload_from_filename(str(generated))
    with nacre.open("gs://stock-gdal/data/scene.tif") as dataset:
        view = WarpedVRT(dataset, crs="EPSG:3857")
        nacre.shutil.copy(view, "gs://stock-gdal/data/view.vrt", driver="VRT")
        ours = view.read()
    environment = {"CPL_GS_ENDPOINT": emulator.url + "/", "GS_NO_SIGN_REQUEST": "YES", "PATH": "/usr/bin:/bin"}
    command = ["gdalinfo", "-checksum", "/vsigs/stock-gdal/data/view.vrt"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "VRT" in told and "EPSG" in told
    with rasterio.Env(CPL_GS_ENDPOINT=emulator.url + "/", GS_NO_SIGN_REQUEST="YES"):
        with rasterio.open("/vsigs/stock-gdal/data/view.vrt") as theirs:
            assert theirs.shape == ours.shape[1:]
            assert (theirs.read() != ours).mean() < 0.05  # GDAL's own tolerance is an eighth of a pixel


def test_before_and_after(emulator: Any, monkeypatch: pytest.MonkeyPatch, generated: pathlib.Path) -> None:
    """With stock GDAL saving a view and opening it fails though another client sees it; here it works."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    bucket = official_bucket(emulator.url, "before-after")
    bucket.blob("data/scene.tif").upload_from_filename(str(generated))
    prefix = "/vsigs/before-after/data"
    monkeypatch.setenv("CPL_GS_ENDPOINT", emulator.url + "/")  # rasterio.Env would drop GDAL's caches by itself
    monkeypatch.setenv("GS_NO_SIGN_REQUEST", "YES")
    with rasterio.open(f"{prefix}/scene.tif") as dataset:
        with rasterio.vrt.WarpedVRT(dataset, crs="EPSG:3857") as view:
            with pytest.raises((rasterio.errors.RasterioIOError, SystemError)):
                rasterio.shutil.copy(view, f"{prefix}/gdal.vrt", driver="VRT")  # writes it, cannot open it
                rasterio.open(f"{prefix}/gdal.vrt")
        assert bucket.blob("data/gdal.vrt").exists()
        with pytest.raises(rasterio.errors.RasterioIOError, match="does not exist"):
            rasterio.open(f"{prefix}/other.vrt")
        bucket.blob("data/other.vrt").upload_from_string(bucket.blob("data/gdal.vrt").download_as_bytes())
        with pytest.raises(rasterio.errors.RasterioIOError, match="does not exist"):
            rasterio.open(f"{prefix}/other.vrt")
    for name in ("gdal.vrt", "other.vrt"):
        with nacre.open(f"{prefix}/{name}") as view:  # written by GDAL itself
            assert view.crs == "EPSG:3857"
            assert view.read(1).any()

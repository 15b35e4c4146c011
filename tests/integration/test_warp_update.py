# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""`nacre warp --update` against gdalwarp onto a file that exists."""

from __future__ import annotations

import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
from conftest import gdal, need, need_newest_rasterio, run_nacre
from test_warp import nacre, read

UTM = "EPSG:32633"


@pytest.fixture(autouse=True)
def _peers() -> None:
    need("gdal")
    need("rasterio")


def write(path: pathlib.Path, bands: list[Any], corner: tuple[float, float] = (500000, 5000000), size: float = 10, **more: Any) -> None:
    import rasterio
    from rasterio.enums import ColorInterp
    from rasterio.transform import from_origin

    array = np.asarray(bands)
    has_alpha, mask = more.pop("alpha", False), more.pop("mask", None)
    profile = {"driver": "GTiff", "crs": UTM, "transform": from_origin(*corner, size, size), "dtype": array.dtype, **more}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        path, "w", count=len(array), height=array.shape[1], width=array.shape[2], **profile
    ) as dataset:  # fmt: skip
        if has_alpha:
            others = [ColorInterp.gray] + [ColorInterp.undefined] * (len(array) - 2)
            dataset.colorinterp = [*others, ColorInterp.alpha]
        dataset.write(array)
        if mask is not None:
            dataset.write_mask(mask)


def scene(count: int, dtype: str, holes: bool = False, seed: int = 1) -> Any:
    """Bands with values from 30 on, smooth; holes are 0, elsewhere in each band."""
    y, x = np.mgrid[:90, :110]
    bands = np.array([100 + 70 * np.sin(x / (9 + band) + seed) * np.cos(y / 11 - band) for band in range(count)]).astype(dtype)
    for band in range(count if holes else 0):
        bands[band, 20 + 7 * band : 50 + 7 * band, 30:60] = 0
        bands[:, 60:70, 70:90] = 0
    return bands


def wide(count: int, dtype: str, value: int = 17) -> Any:
    y, x = np.mgrid[:140, :160]
    return np.array([(value + (x + y + 9 * band) % 12) for band in range(count)]).astype(dtype)


def both(tmp_path: pathlib.Path, words: list[Any], target: pathlib.Path, *sources: pathlib.Path) -> tuple[Any, Any]:
    """What nacre and gdalwarp make of a copy of the target."""
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    shutil.copy(target, ours)
    shutil.copy(target, theirs)
    nacre("warp", "--update", *words, *sources, ours)
    gdal("gdalwarp", "-q", "-et", "0", *words, *sources, theirs)
    return read(ours), read(theirs)


def assert_same(ours: Any, theirs: Any, before: Any, most: float = 1, share: float = 0.001) -> None:
    """Equal but for a unit, on all but a few pixels; and something has changed, something not."""
    a, b = ours[0].astype(float), theirs[0].astype(float)
    assert a.shape == b.shape
    assert (np.abs(a - b) > most).mean() <= share
    changed = (ours[0] != before).any(axis=0)
    assert 0.1 < changed.mean() < 0.9


@pytest.mark.parametrize("resampling", ["near", "bilinear", "cubic", "lanczos"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_over_what_is_there(tmp_path: pathlib.Path, resampling: str, dtype: str) -> None:
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, scene(3, dtype), (500203, 4999806), 11)
    write(target, wide(3, dtype), tiled=True, blockxsize=64, blockysize=32)
    assert_same(*both(tmp_path, ["-r", resampling], target, source), wide(3, dtype))


@pytest.mark.parametrize("kind", ["unified", "each", "filled"])
@pytest.mark.parametrize("resampling", ["near", "bilinear"])
def test_nodata(tmp_path: pathlib.Path, resampling: str, kind: str) -> None:
    """Together where it is given, each band for itself where it is the file's; and the destination's."""
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, scene(3, "uint8", True), (500203, 4999806), 11, **({} if kind == "unified" else {"nodata": 0}))
    write(target, wide(3, "uint8"), **({"nodata": 99} if kind == "filled" else {}))
    words = ["-srcnodata", "0"] if kind == "unified" else []
    assert_same(*both(tmp_path, ["-r", resampling, *words], target, source), wide(3, "uint8"))


@pytest.mark.parametrize("resampling", ["average", "mode", "max"])
def test_areas(tmp_path: pathlib.Path, resampling: str) -> None:
    """As the newest GDAL; gdalwarp of the system takes a row more."""
    import rasterio
    from rasterio.warp import Resampling, reproject

    if resampling == "mode":
        need_newest_rasterio()  # of equally frequent values another was taken
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, scene(3, "uint8"), (500203, 4999806), 11)
    write(target, wide(3, "uint8"))
    nacre("warp", "--update", "-r", resampling, source, target)
    theirs = wide(3, "uint8")
    with rasterio.open(target) as dataset, rasterio.open(source) as given:
        reproject(rasterio.band(given, [1, 2, 3]), theirs, dst_transform=dataset.transform, dst_crs=dataset.crs,
                  resampling=Resampling[resampling], init_dest_nodata=False, tolerance=0)  # fmt: skip
    assert_same(read(target), (theirs, None), wide(3, "uint8"))


def test_data_that_is_the_destinations_nodata_moves(tmp_path: pathlib.Path) -> None:
    """gdalwarp lets it become a hole."""
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, [np.full((40, 40), 99, np.uint8)])
    write(target, [np.full((60, 60), 7, np.uint8)], nodata=99)
    nacre("warp", "--update", source, target)
    assert set(np.unique(read(target)[0])) == {7, 98}


@pytest.mark.parametrize("words", [[], ["-srcalpha"], ["-nosrcalpha"]], ids=str)
@pytest.mark.parametrize("resampling", ["near", "bilinear"])
def test_alpha(tmp_path: pathlib.Path, words: list[str], resampling: str) -> None:
    """Of the source, found, told or denied, into that of the destination."""
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    bands = scene(3, "uint8")
    bands[2] = 255
    bands[2, 30:50] = 0
    before = wide(3, "uint8")
    before[2] = 0
    before[2, 60:] = 255
    write(source, bands, (500203, 4999806), 11, alpha="-srcalpha" not in words)
    if "-nosrcalpha" in words:
        before = wide(4, "uint8")
        before[3] = 0
    write(target, before, alpha=True)
    ours, theirs = both(tmp_path, ["-r", resampling, *words], target, source)
    if "-nosrcalpha" in words:  # then gdalwarp leaves the destination's alpha, too
        assert set(np.unique(ours[0][3])) == {0, 255}
        ours, theirs, before = (ours[0][:3], None), (theirs[0][:3], None), before[:3]
    assert_same(ours, theirs, before, 3)


def test_half_transparent_pixels_are_mixed(tmp_path: pathlib.Path) -> None:
    source, target, out = tmp_path / "source.tif", tmp_path / "target.tif", tmp_path / "out.tif"
    write(source, [np.full((20, 20), 200, np.uint8), np.full((20, 20), 51, np.uint8)], alpha=True)
    write(target, [np.full((30, 30), 100, np.uint8)])
    nacre("warp", "--update", source, target)
    assert (read(target)[0][0, :20, :20] == 120).all() and (read(target)[0][0, 20:] == 100).all()
    write(target, [np.full((30, 30), 100, np.uint8), np.full((30, 30), 7, np.uint8), np.zeros((30, 30), np.uint8)])
    nacre("warp", "--update", "--dst-alpha", "3", source, target)
    covered = read(target)[0][:, :20, :20]
    assert (covered[0] == 200).all() and (covered[1] == 7).all() and (covered[2] == 51).all()
    nacre("warp", "--src-alpha", "2", "--format", "GTiff", "-r", "bilinear", "-dstalpha", source, out)
    assert read(out)[0].shape[0] == 2 and (read(out)[0][1] == 51).all()


@pytest.mark.parametrize("words", [["-srcalpha"], ["-srcalpha", "-dstalpha"], ["-nosrcalpha"], ["-nosrcalpha", "-dstalpha"]], ids=str)
@pytest.mark.parametrize("has_alpha", [False, True])
def test_a_new_file_with_alpha_told(tmp_path: pathlib.Path, words: list[str], has_alpha: bool) -> None:
    source, ours, theirs = (tmp_path / name for name in ("source.tif", "ours.tif", "theirs.tif"))
    bands = scene(3, "uint8")
    bands[2] = 255
    bands[2, 30:50] = 0
    write(source, bands, alpha=has_alpha)
    nacre("warp", "--format", "GTiff", "-t_srs", "EPSG:3857", *words, source, ours)
    gdal("gdalwarp", "-q", "-et", "0", "-t_srs", "EPSG:3857", *words, source, theirs)
    a, b = read(ours)[0], read(theirs)[0]
    assert a.shape == b.shape and (a != b).mean() < 0.001


def test_sources_of_several_systems_in_turn(tmp_path: pathlib.Path) -> None:
    first, second, target = tmp_path / "first.tif", tmp_path / "second.tif", tmp_path / "target.tif"
    write(first, scene(1, "uint8"), (500103, 4999906), 11)
    write(second, scene(1, "uint8", seed=3), (500403, 4999606), 11)
    moved = tmp_path / "moved.tif"
    gdal("gdalwarp", "-q", "-t_srs", "EPSG:3857", "-dstnodata", "0", second, moved)
    write(target, wide(1, "uint8"))
    assert_same(*both(tmp_path, [], target, first, moved), wide(1, "uint8"))


def test_a_mask_says_where_pixels_came(tmp_path: pathlib.Path) -> None:
    import rasterio

    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, [np.full((20, 20), 200, np.uint8)])
    mask = np.zeros((30, 30), np.uint8)
    mask[25:] = 255
    write(target, [np.full((30, 30), 100, np.uint8)], mask=mask)
    nacre("warp", "--update", source, target)
    mask[:20, :20] = 255
    with rasterio.open(target) as dataset:
        assert (dataset.dataset_mask() == mask).all()


def test_overviews_show_what_came(tmp_path: pathlib.Path) -> None:
    import rasterio

    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, [np.full((600, 600), 200, np.uint8)])
    write(tmp_path / "plain.tif", [np.full((1200, 1200), 100, np.uint8)])
    nacre("convert", "--format", "COG", tmp_path / "plain.tif", target)
    nacre("warp", "--update", source, target)
    with rasterio.open(target) as dataset:
        assert dataset.overviews(1) == [2, 4]
        assert set(np.unique(dataset.read(1, out_shape=(300, 300))[:150, :150])) == {200}
    assert run_nacre("info", "--validate-cog", target).returncode == 0


def test_blocks_without_new_pixels_stay_as_they_are(tmp_path: pathlib.Path) -> None:
    """A part of a large raster: the file is as it was around it, and windows do not show."""
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, [np.full((900, 20), 200, np.uint8)], (521000, 4979000))
    before = np.tile(np.arange(4200, dtype=np.uint8) // 2, (2500, 1))
    write(target, [before], tiled=True)
    nacre("warp", "--update", source, target)
    before[2100:2500, 2100:2120] = 200
    assert (read(target)[0][0] == before).all()


@pytest.mark.parametrize("words, status, text", [
    (["--overwrite"], 2, "--overwrite"), (["-tr", "10", "10"], 2, "--res"), (["--add-alpha"], 2, "--add-alpha"),
    (["--wo", "INIT_DEST=3"], 1, "INIT_DEST"), (["-t", "EPSG:4326"], 1, "another CRS"), (["--dst-alpha", "9"], 1, "no band 9"),
    (["--src-alpha", "9"], 1, "no band 9"), (["--src-alpha", "1.5"], 2, "1.5"), (["-srcalpha", "-nosrcalpha"], 2, "exclude"),
])  # fmt: skip
def test_what_makes_another_raster_is_refused(tmp_path: pathlib.Path, words: list[str], status: int, text: str) -> None:
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, scene(2, "uint8"))
    write(target, wide(2, "uint8"))
    before = target.read_bytes()
    done = run_nacre("warp", "--update", *words, source, target)
    assert done.returncode == status and text in done.stderr, done.stderr
    assert target.read_bytes() == before


def test_what_cannot_be_updated_is_said(tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "source.tif", tmp_path / "target.tif"
    write(source, scene(3, "uint8"))
    write(target, wide(2, "uint8"))
    done = run_nacre("warp", "--update", source, target)
    assert done.returncode == 1 and "has 2 bands, and 3 are to be warped onto it" in done.stderr
    done = run_nacre("warp", "--update", source, tmp_path / "none.tif")
    assert done.returncode == 1 and "none.tif" in done.stderr
    done = run_nacre("warp", "--dst-alpha", "2", source, tmp_path / "new.tif")
    assert done.returncode == 2 and "--dst-alpha needs --update" in done.stderr

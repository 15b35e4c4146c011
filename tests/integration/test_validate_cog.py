# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""`nacre info --validate-cog` beside rio-cogeo: good and broken files, the same verdict."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from conftest import NACRE, need
from rasterio.enums import Resampling

import nacre.shutil

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def validate(path: pathlib.Path) -> dict[str, Any]:
    done = subprocess.run([NACRE, "info", "--json", "--validate-cog", path], capture_output=True, text=True)
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if told["valid"] else 1)
    assert told["valid"] == (told["errors"] == [])
    return told


def assert_as_rio_cogeo(path: pathlib.Path) -> dict[str, Any]:
    need("rio-cogeo")
    from rio_cogeo.cogeo import cog_validate

    valid, errors, warnings = cog_validate(path, quiet=True)
    told = validate(path)
    assert told["valid"] == valid, (told, errors)
    assert bool(told["warnings"]) == bool(warnings), (told, warnings)
    return told


def write(path: pathlib.Path, size: int = 1100, **options: Any) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (1, size, size), "uint8")
    with rasterio.open(path, "w", driver="GTiff", width=size, height=size, count=1, dtype="uint8", **options) as dataset:
        dataset.write(pixels)


def cog(tmp_path: pathlib.Path, **options: Any) -> pathlib.Path:
    write(tmp_path / "source.tif")
    path = tmp_path / "cog.tif"
    rasterio.shutil.copy(tmp_path / "source.tif", path, driver="COG", **options)
    return path


REAL = ["RGB.byte.tif", "cog_cmap.tif", "cog_gcps.tif", "cog_rgb_mask.tif", "cogeo.tif", "green.tif", "nocog.tif", "red.tif",
        "shade.tif", "world.byte.tif", "cog_scale_stats.tif"]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_files(data: pathlib.Path, name: str) -> None:
    assert_as_rio_cogeo(data / name)


@pytest.mark.parametrize("options", [{}, {"blocksize": "256", "sparse_ok": "yes"}, {"bigtiff": "YES"}, {"overviews": "NONE"}])
def test_cogs_of_both(tmp_path: pathlib.Path, options: dict[str, str]) -> None:
    told = assert_as_rio_cogeo(cog(tmp_path, **options))
    assert told["valid"]
    nacre.shutil.copy(tmp_path / "source.tif", tmp_path / "ours.tif", driver="COG", **options)
    assert assert_as_rio_cogeo(tmp_path / "ours.tif")["valid"]


def test_strips_and_missing_overviews(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "strips.tif")
    told = assert_as_rio_cogeo(tmp_path / "strips.tif")
    assert told["errors"] == ["the image has more than 512 pixels a side and is not tiled"]
    write(tmp_path / "tiles.tif", tiled=True)
    assert_as_rio_cogeo(tmp_path / "tiles.tif")
    write(tmp_path / "small.tif", 300)
    assert validate(tmp_path / "small.tif")["valid"]


def test_overviews_that_were_added_later(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "added.tif"
    write(path, tiled=True)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.nearest)
    told = assert_as_rio_cogeo(path)
    assert any("are before" in text for text in told["errors"])
    write(path, tiled=True)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.nearest)
    assert "overviews lie in a file beside it, and should be inside" in assert_as_rio_cogeo(path)["errors"]


def test_a_cog_that_gdal_has_changed(tmp_path: pathlib.Path) -> None:
    path = cog(tmp_path)
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.update_tags(A="x" * 1000)
    told = assert_as_rio_cogeo(path)
    assert "it was a COG, and was changed by a program that did not keep it one" in told["errors"]


def test_frames_that_are_not_as_promised(tmp_path: pathlib.Path) -> None:
    """What rio-cogeo does not look at."""
    path = cog(tmp_path)
    with rasterio.open(path) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    whole = bytearray(path.read_bytes())
    whole[offset - 4] ^= 1
    path.write_bytes(whole)
    assert validate(path)["errors"] == ["the first block of the image has another size before it than in the directory"]


def test_what_is_no_tiff(data: pathlib.Path) -> None:
    assert validate(data / "white-gemini-iv.vrt")["errors"] == ["it is no GeoTIFF"]

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""COGs of nacre under the validators of others: GDAL's validate_cloud_optimized_geotiff (every block looked at) and
`rio cogeo validate --strict`, over many options, ways of writing and updates."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

import numpy as np
import pytest
import rasterio
from conftest import need
from edits import create, update
from rasterio.transform import from_origin

import nacre
import nacre.shutil

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
]

# Debian's own GDAL, which has the script; one process for all files.
SCRIPT = """
import json, sys
from osgeo_utils.samples import validate_cloud_optimized_geotiff as v
told = {}
for path in sys.argv[1:]:
    try:
        warnings, errors, _ = v.validate(path, full_check=True)
    except v.ValidateCloudOptimizedGeoTIFFException as error:
        warnings, errors = [], [str(error)]
    told[path] = warnings + errors
print(json.dumps(told))
"""


def gdal_says(paths: list[pathlib.Path]) -> dict[str, list[str]]:
    need("gdal")
    done = subprocess.run(["/usr/bin/python3", "-c", SCRIPT, *map(str, paths)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def assert_valid(paths: list[pathlib.Path]) -> None:
    need("rio-cogeo")
    from rio_cogeo.cogeo import cog_validate

    told = gdal_says(paths)
    assert {path: why for path, why in told.items() if why} == {} and len(told) == len(paths)
    for path in paths:
        assert cog_validate(path, strict=True, quiet=True) == (True, [], []), path
        with nacre.open(path) as dataset:
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def write(path: pathlib.Path, dtype: str, count: int, masked: bool = False, size: int = 350, **options: Any) -> None:
    random = np.random.default_rng(5)
    pixels = np.repeat(np.repeat(random.integers(0, 100, (count, size // 7, size // 7)), 7, 1), 7, 2).astype(dtype)
    profile = {"crs": "EPSG:32618", "transform": from_origin(5e5, 4e6, 30, 30), **options}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        path, "w", driver="GTiff", width=size, height=size, count=count, dtype=dtype, **profile
    ) as dataset:
        dataset.write(pixels)
        if masked:
            mask = np.ones((size, size), bool)
            mask[:100, :150] = False
            dataset.write_mask(mask)


SOURCES: dict[str, dict[str, Any]] = {
    "plain": {"dtype": "uint16", "count": 1},
    "masked": {"dtype": "uint8", "count": 3, "masked": True, "photometric": "RGB"},
    "alpha": {"dtype": "uint8", "count": 4, "photometric": "RGB", "alpha": "YES"},
    "nodata": {"dtype": "float32", "count": 2, "nodata": 7},
    "small": {"dtype": "int16", "count": 1, "size": 70},
}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"compress": "NONE", "blocksize": 128},
    {"compress": "DEFLATE", "predictor": "YES", "level": 9, "blocksize": 256, "bigtiff": "YES"},
    {"compress": "ZSTD", "overview_resampling": "AVERAGE", "statistics": "YES", "sparse_ok": "TRUE", "blocksize": 64},
    {"compress": "LERC", "max_z_error": 0.5, "blocksize": 128, "overview_count": 2},
    {"compress": "LERC_DEFLATE", "overview_compress": "DEFLATE", "blocksize": 128},
    {"compress": "LZMA", "overviews": "IGNORE_EXISTING", "blocksize": 128, "num_threads": 1},
    {"tiling_scheme": "GoogleMapsCompatible", "resampling": "BILINEAR", "blocksize": 256},
    {"compress": "PACKBITS", "add_mask": "YES", "blocksize": 128},
    {"compress": "JPEG", "quality": 60, "blocksize": 128},
    {"compress": "WEBP", "blocksize": 128},
]
PICTURES = {"JPEG": {"masked", "alpha"}, "WEBP": {"masked", "alpha"}}
SOURCE_OF = {8: "alpha", 9: "masked", 10: "alpha"}  # by the number of the options; else any
FORMS = [(source, options) for source in SOURCES for options in OPTIONS
         if source in PICTURES.get(options.get("compress", ""), SOURCES)
         and not (source != "alpha" and "add_mask" in options)]  # fmt: skip


def assert_forms(tmp_path: pathlib.Path, forms: list[tuple[str, dict[str, Any]]]) -> None:
    paths = []
    for name, source in SOURCES.items():
        write(tmp_path / f"{name}.tif", **source)
    for number, (name, options) in enumerate(forms):
        paths.append(tmp_path / f"{number}-{name}.tif")
        nacre.shutil.copy(tmp_path / f"{name}.tif", paths[-1], driver="COG", **options)
    assert_valid(paths)


def test_each_option(tmp_path: pathlib.Path) -> None:
    """Each set of options once, and each source."""
    assert_forms(tmp_path, [(SOURCE_OF.get(number, list(SOURCES)[number % 5]), o) for number, o in enumerate(OPTIONS)])


@pytest.mark.slow
def test_each_option_with_each_source(tmp_path: pathlib.Path) -> None:
    assert len(FORMS) > 40
    assert_forms(tmp_path, FORMS)


def test_files_that_are_made_and_changed(tmp_path: pathlib.Path) -> None:
    made, masked, theirs = tmp_path / "made.tif", tmp_path / "masked.tif", tmp_path / "theirs.tif"
    pixels = np.random.default_rng(2).integers(0, 9, (2, 700, 650), "uint8")
    with create(made, 650, 700, 2, "uint8", "COG", blocksize=128, compress="DEFLATE") as edit:
        edit.write(pixels)
    with create(masked, 650, 700, 2, "uint8", "COG", blocksize=128, overview_count=2) as edit:
        edit.write(pixels)
        edit.write(np.ones((1, 300, 650), "uint8"), (0, 400, 650, 300), mask=True)
    write(tmp_path / "source.tif", "uint8", 3)
    rasterio.shutil.copy(tmp_path / "source.tif", theirs, driver="COG", blocksize="128", compress="DEFLATE")
    for path in (made, masked, theirs):
        with update(path) as edit:
            edit.set_metadata("LONG", "x" * 5000)
            edit.write(np.full((1, 50, 60), 9, "uint8"), (100, 90, 60, 50), [1])
    assert_valid([made, masked, theirs])
    with update(made) as edit:
        edit.build_overviews([2, 4, 8, 16], rasterio.enums.Resampling.average.value)
    assert_valid([made])


def test_the_validator_would_say_so(tmp_path: pathlib.Path) -> None:
    """What it looks at is really looked at: a size before a block that is wrong, and a file that is no COG."""
    write(tmp_path / "source.tif", "uint8", 1, size=700)
    path = tmp_path / "a.tif"
    nacre.shutil.copy(tmp_path / "source.tif", path, driver="COG", blocksize=128, compress="DEFLATE")
    with rasterio.open(path) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[offset - 4] ^= 1
    path.write_bytes(content)
    told = gdal_says([path, tmp_path / "source.tif"])
    assert all(told.values())

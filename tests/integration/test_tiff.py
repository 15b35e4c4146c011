# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""GeoTIFF and COG beside Rasterio (GDAL): what they write we read, what we write they read, and both say the same."""

from __future__ import annotations

import itertools
import os
import pathlib
import struct
from typing import Any, Iterator

import numpy as np
import pytest
import rasterio
import rasterio.crs
import rasterio.errors
import rasterio.shutil
import rasterio.windows
from conftest import need
from rasterio.transform import from_origin

import nacre
import nacre.shutil
from nacre.windows import Window

WIDTH, HEIGHT = 99, 70  # not a whole number of blocks
INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
FLOATS = ["float16", "float32", "float64"]
LAYOUTS: list[dict[str, Any]] = [
    {},
    {"tiled": True, "blockxsize": 32, "blockysize": 48},
    {"blockysize": 16},
]
# What GDAL adds to IMAGE_STRUCTURE of its own accord, and nacre leaves out.
OWN_STRUCTURE = {"JPEG_QUALITY", "JPEGTABLESMODE", "PREDICTOR", "OVERVIEW_RESAMPLING", "LERC_VERSION", "NBITS",
                 "COMPRESSION_REVERSIBILITY", "MAX_Z_ERROR", "ZSTD_LEVEL", "ZLEVEL", "WEBP_LEVEL", "LZMA_PRESET"}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def scene(dtype: str, count: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Smooth pixels with extremes."""
    y, x = np.mgrid[0:height, 0:width]
    planes = np.array([(np.sin(x / 9 + band) * np.cos(y / 7) + 1) * 50 + band * 3 for band in range(count)])
    pixels = planes.astype(dtype)
    if pixels.dtype.kind == "f":
        pixels[0, 3, 5] = np.nan
    else:
        limits = np.iinfo(dtype)
        pixels[0, 0, :3] = [limits.max, limits.max - 1, limits.min]
    return pixels


def write(path: pathlib.Path, pixels: np.ndarray, mask: np.ndarray | None = None, **options: Any) -> None:
    count, height, width = pixels.shape
    profile = {"crs": "EPSG:32618", "transform": from_origin(5e5, 4e6, 30, 30), **options}
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=count, dtype=pixels.dtype.name, **profile
    ) as dataset:
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)


def same(a: Any, b: Any) -> bool:
    """Equality for which NaN is NaN."""
    return np.array_equal(np.asarray(a, float), np.asarray(b, float), equal_nan=True)


def same_pixels(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def assert_same_description(ours: Any, theirs: Any) -> None:
    for name in ["width", "height", "count"]:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ["dtypes", "scales", "offsets", "descriptions", "block_shapes"]:
        assert list(getattr(ours, name)) == list(getattr(theirs, name)), name
    for one, other in zip(ours.nodatavals, theirs.nodatavals):
        assert (one is None) == (other is None) and (one is None or same(one, other))
    assert [c.value for c in ours.colorinterp] == [c.value for c in theirs.colorinterp]
    assert [sum(f) for f in ours.mask_flag_enums] == [sum(f) for f in theirs.mask_flag_enums]
    assert tuple(ours.transform)[:6] == tuple(theirs.transform)[:6]
    assert (ours.crs is None) == (theirs.crs is None)
    if ours.crs is not None:
        assert rasterio.crs.CRS.from_wkt(ours.crs.to_wkt()) == theirs.crs
    assert str(getattr(ours.compression, "name", ours.compression)) == str(
        getattr(theirs.compression, "name", theirs.compression)
    )
    assert ours.interleaving.name == theirs.interleaving.name
    assert ours.overviews(1) == theirs.overviews(1)
    for index in (0, *theirs.indexes):
        assert ours.tags(index) == theirs.tags(index)
    structure = {k: v for k, v in theirs.tags(ns="IMAGE_STRUCTURE").items() if k not in OWN_STRUCTURE}
    assert ours.tags(ns="IMAGE_STRUCTURE") == structure


def windows(dataset: Any) -> Iterator[tuple[int, int, int, int]]:
    """The whole where it is small, and a few windows."""
    if dataset.width * dataset.height < 3e7:
        yield 0, 0, dataset.width, dataset.height
    random = np.random.default_rng(7)
    for _ in range(3):
        x, y = int(random.integers(0, dataset.width)), int(random.integers(0, dataset.height))
        yield x, y, int(random.integers(1, min(600, dataset.width - x) + 1)), int(
            random.integers(1, min(600, dataset.height - y) + 1)
        )


def assert_same_pixels(ours: Any, theirs: Any) -> None:
    for box in windows(theirs):
        mine, its = Window(*box), rasterio.windows.Window(*box)
        assert same_pixels(ours.read(window=mine), theirs.read(window=its)), box
        assert np.array_equal(ours.read_masks(window=mine), theirs.read_masks(window=its)), box
        assert np.array_equal(ours.dataset_mask(window=mine), theirs.dataset_mask(window=its)), box


def assert_same_overviews(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as full:
        count = len(full.overviews(1))
        for level in range(count):
            with rasterio.open(path, overview_level=level) as theirs:
                shape = (theirs.height, theirs.width)
                assert same_pixels(ours.read(out_shape=(theirs.count, *shape)), theirs.read()), level


def assert_same(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert_same_description(ours, theirs)
        assert_same_pixels(ours, theirs)
    assert_same_overviews(path)


# --- Real files ---

REAL = ["RGB.byte.tif", "RGB2.byte.tif", "RGBA.byte.tif", "RGBA.uint16.tif", "alpha.tif", "byte.tif", "cog_cmap.tif", "cog_dateline.tif",
        "cog_gcps.tif", "cog_hirise_mars.tif", "cog_nodata_nan.tif", "cog_rgb_mask.tif", "cog_rgba.tif",
        "cog_scale_stats.tif", "cog_world.tif", "cogeo.tif", "float.tif", "float_nan.tif", "green.tif", "nocog.tif",
        "red.tif", "rgb1.tif", "rgb2.tif", "rgb_deflate.tif", "rgb_lzw.tif", "shade.tif", "world.byte.tif"]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_reads_as_with_rasterio(data: pathlib.Path, name: str) -> None:
    assert_same(data / name)


# --- Generated files ---


def predictors(dtype: str, compress: str) -> list[int]:
    if compress not in ("lzw", "deflate", "zstd"):
        return [1]
    return [1, 2, 3] if dtype in ("float32", "float64") else [1, 2]


@pytest.mark.parametrize("compress", ["none", "lzw", "deflate", "zstd", "packbits", "lzma"])
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_types_codecs_and_layouts(tmp_path: pathlib.Path, dtype: str, compress: str) -> None:
    if dtype == "float16" and rasterio.__gdal_version__ < "3.11":
        pytest.skip("GDAL from 3.11 on has float16")
    path = tmp_path / "a.tif"
    forms = itertools.product(predictors(dtype, compress), LAYOUTS, [("pixel", 3), ("band", 3), ("pixel", 1)])
    for number, (predictor, layout, (interleave, count)) in enumerate(forms):
        options = {"compress": compress, "interleave": interleave, **layout}
        options["endianness"] = ["little", "big"][number % 2]
        options["bigtiff"] = ["no", "yes", "no"][number // 2 % 3]
        if predictor > 1:
            options["predictor"] = predictor
        pixels = scene(dtype, count)
        path.unlink(missing_ok=True)
        write(path, pixels, **options)
        with nacre.open(path) as ours:
            assert same_pixels(ours.read(), pixels), options
            assert same_pixels(ours.read(count, window=Window(30, 20, 41, 37)), pixels[-1, 20:57, 30:71]), options


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("count", "options"),
    [
        (1, {"compress": "jpeg"}),
        (3, {"compress": "jpeg"}),
        (3, {"compress": "jpeg", "photometric": "ycbcr"}),
        (3, {"compress": "jpeg", "interleave": "band"}),
        (4, {"compress": "jpeg"}),
        (3, {"compress": "webp", "webp_lossless": True}),
        (3, {"compress": "lerc"}),
        (1, {"compress": "lerc_zstd"}),
        (1, {"nbits": 1}),
        (1, {"nbits": 1, "compress": "ccittfax4"}),
    ],
)
def test_codecs_of_bytes(tmp_path: pathlib.Path, layout: dict[str, Any], count: int, options: dict[str, Any]) -> None:
    if options.get("photometric") and layout.get("tiled"):
        layout = {**layout, "blockysize": 32}
    pixels = scene("uint8", count)
    write(tmp_path / "a.tif", pixels % 2 if options.get("nbits") else pixels, **options, **layout)
    if "photometric" not in options:
        assert_same(tmp_path / "a.tif")
        return
    # Releases of libjpeg differ in how they enlarge chroma, and Rasterio's wheels bring their own.
    with nacre.open(tmp_path / "a.tif") as ours, rasterio.open(tmp_path / "a.tif") as theirs:
        difference = np.abs(ours.read().astype(int) - theirs.read())
    assert difference.mean() < 1 and difference.max() <= 16


@pytest.mark.parametrize("internal", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_with_overviews(tmp_path: pathlib.Path, internal: bool, layout: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    mask = np.zeros((270, 299), bool)
    mask[50:200, 30:180] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal):
        write(path, scene("uint8", 3, 270, 299), mask, **layout)
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4])
    assert (tmp_path / "a.tif.msk").exists() != internal
    assert_same(path)
    with nacre.open(path) as ours:
        for level, (height, width) in enumerate([(135, 150), (68, 75)]):
            with rasterio.open(path, overview_level=level) as theirs:
                assert np.array_equal(ours.dataset_mask(out=np.zeros((height, width), "uint8")), theirs.dataset_mask())


@pytest.mark.parametrize("options", [{}, {"nodata": 7}, {"nodata": 7, **LAYOUTS[1]}, {"interleave": "band"}])
def test_sparse_blocks(tmp_path: pathlib.Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="int16", sparse_ok=True,
        transform=from_origin(0, 9, 1, 1), **options
    ) as dataset:
        dataset.write(np.full((3, 10, 20), 5, "int16"), window=rasterio.windows.Window(40, 40, 20, 10))
    assert_same(path)


@pytest.mark.parametrize(
    "options",
    [
        {"nodata": 0},
        {"nodata": 255, "photometric": "miniswhite"},
        {"crs": None, "transform": from_origin(0, 0, 1, 1)},
        {"transform": rasterio.Affine(3, 1, 100, 0.5, -2, 200)},
        {"transform": rasterio.Affine(3, 0, 100, 0, 2, 200)},
        {"crs": "EPSG:4326"},
        {"crs": "EPSG:26918+5703"},
        {"crs": "+proj=lcc +lat_0=40 +lon_0=-96 +lat_1=33 +lat_2=45 +x_0=1000000.12 +datum=NAD83 +units=us-ft"},
        {"crs": "+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy "
         "+towgs84=446.448,-125.157,542.06,0.15,0.247,0.842,-20.489"},
        {"crs": "+proj=longlat +R=3396190"},
        {"crs": "ESRI:54009"},
    ],
)  # fmt: skip
def test_positions_and_nodata(tmp_path: pathlib.Path, options: dict[str, Any]) -> None:
    write(tmp_path / "a.tif", scene("uint8", 1), **options)
    assert_same(tmp_path / "a.tif")


def test_area_or_point(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, scene("uint8", 1))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT="Point")
    assert_same(path)


def test_nodata_of_64_bits_is_exact(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    write(path, scene("int64", 1), nodata=0)
    content = path.read_bytes()
    at = struct.unpack("<I", content[4:8])[0]
    for entry in range(struct.unpack("<H", content[at : at + 2])[0]):
        field = at + 2 + 12 * entry
        if struct.unpack("<H", content[field : field + 2])[0] == 42113:
            text = b"-9007199254740993\0"
            content = content[: field + 4] + struct.pack("<II", len(text), len(content)) + content[field + 12 :] + text
    path.write_bytes(content)
    with nacre.open(path) as ours:
        assert ours.nodata == -9007199254740993


# --- Writing ---

CREATIONS: list[tuple[str, dict[str, Any]]] = [
    ("COG", {}),
    ("COG", {"compress": "ZSTD", "predictor": "YES", "blocksize": 128}),
    ("COG", {"compress": "DEFLATE", "level": 9, "bigtiff": "YES", "overview_resampling": "AVERAGE", "blocksize": 64}),
    ("COG", {"compress": "NONE", "overviews": "NONE", "blocksize": 256}),
    ("GTiff", {}),
    ("GTiff", {"tiled": "YES", "compress": "DEFLATE", "interleave": "BAND", "predictor": 2, "bigtiff": "YES"}),
]

COPIED = ["RGB.byte.tif", "RGB2.byte.tif", "RGBA.byte.tif", "RGBA.uint16.tif", "byte.tif", "cog_cmap.tif",
          "cog_dateline.tif", "cog_gcps.tif", "cog_hirise_mars.tif", "cog_nodata_nan.tif", "cog_rgb_mask.tif",
          "cog_scale_stats.tif", "cogeo.tif", "float.tif", "float_nan.tif", "rgb1.tif", "shade.tif"]  # fmt: skip


def assert_valid_cog(path: pathlib.Path) -> None:
    need("rio-cogeo")
    from rio_cogeo.cogeo import cog_validate

    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])


def assert_copy(source: pathlib.Path, copy: pathlib.Path) -> None:
    """As GDAL sees both."""
    with rasterio.open(source) as one, rasterio.open(copy) as other:
        for name in ["width", "height", "count", "dtypes", "crs", "scales", "offsets", "units", "descriptions",
                     "colorinterp", "mask_flag_enums"]:  # fmt: skip
            assert getattr(one, name) == getattr(other, name), name
        assert same(one.nodatavals, other.nodatavals) or one.nodatavals == other.nodatavals
        assert one.transform.almost_equals(other.transform, 1e-9)
        points = [[(p.row, p.col, p.x, p.y, p.z) for p in dataset.gcps[0]] for dataset in (one, other)]
        assert points[0] == points[1] and one.gcps[1] == other.gcps[1]
        for index in (0, *one.indexes):
            assert one.tags(index) == other.tags(index)
        if one.colorinterp[0].name == "palette":
            assert one.colormap(1) == other.colormap(1)
        assert same_pixels(one.read(), other.read())
        assert np.array_equal(one.dataset_mask(), other.dataset_mask())


# A large file is copied in one way only.
COPIES = [(name, *creation) for name in COPIED for creation in CREATIONS[: 1 if name == "cog_cmap.tif" else None]]


@pytest.mark.parametrize(("name", "driver", "options"), COPIES)
def test_a_copy_is_the_same_for_gdal(
    data: pathlib.Path, tmp_path: pathlib.Path, name: str, driver: str, options: dict[str, Any]
) -> None:
    copy = tmp_path / "copy.tif"
    nacre.shutil.copy(data / name, copy, driver=driver, **options)
    assert_copy(data / name, copy)
    if driver == "COG" and options.get("overviews") != "NONE":
        assert_valid_cog(copy)
    with nacre.open(copy) as ours, rasterio.open(copy) as theirs:
        assert_same_description(ours, theirs)
        assert_same_pixels(ours, theirs)
    assert_same_overviews(copy)
    assert os.listdir(tmp_path) == ["copy.tif"]


@pytest.mark.parametrize("resampling", ["nearest", "average", "bilinear", "cubic"])
def test_overviews_are_near_gdals(tmp_path: pathlib.Path, resampling: str) -> None:
    """Of even sizes: GDAL's COG driver rounds others down, nacre up, as gdaladdo does."""
    source, ours, theirs = tmp_path / "a.tif", tmp_path / "ours.tif", tmp_path / "theirs.tif"
    pixels = np.nan_to_num(scene("float32", 2, 512, 640))
    write(source, pixels)
    options = {"blocksize": 256, "overview_resampling": resampling}
    nacre.shutil.copy(source, ours, driver="COG", **options)
    rasterio.shutil.copy(source, theirs, driver="COG", **{k: str(v).upper() for k, v in options.items()})
    with rasterio.open(ours, overview_level=0) as one, rasterio.open(theirs, overview_level=0) as other:
        assert np.max(np.abs(one.read() - other.read())) < 1e-4


def test_a_copy_through_the_cog_driver_of_gdal_reads_back(tmp_path: pathlib.Path) -> None:
    source, copy = tmp_path / "a.tif", tmp_path / "cog.tif"
    mask = np.zeros((1100, 900), bool)
    mask[100:900, 200:] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(source, scene("uint8", 3, 1100, 900), mask)
        rasterio.shutil.copy(source, copy, driver="COG", blocksize="256", compress="DEFLATE")
    with nacre.open(copy) as ours:
        assert ours.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert_same(copy)


def test_gdal_takes_the_layout_of_a_cog_for_its_own(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """GDAL reads blocks by their leaders where it believes the marker: the pixels must be right then too."""
    copy = tmp_path / "copy.tif"
    nacre.shutil.copy(data / "cogeo.tif", copy, driver="COG", blocksize=128)
    with rasterio.open(data / "cogeo.tif") as one, rasterio.open(copy) as other:
        assert other.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert same_pixels(one.read(), other.read())
        assert np.array_equal(one.dataset_mask(), other.dataset_mask())

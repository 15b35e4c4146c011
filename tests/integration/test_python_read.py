# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets beside Rasterio's: attributes, pixels, masks."""

from __future__ import annotations

import math
import pathlib
import random
from typing import Any

import nacre
import numpy as np
import pytest
import rasterio
import rasterio.windows
import sidebyside
from conftest import need
from nacre.crs import CRS

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning", "ignore::UserWarning", "ignore::PendingDeprecationWarning"
)

PLAIN = (
    "name mode closed driver width height shape count indexes dtypes transform bounds res nodata nodatavals scales"
    " offsets units descriptions block_shapes is_tiled"
).split()
NAMED = "colorinterp compression interleaving photometric mask_flag_enums".split()

# Domains that GDAL makes up, and items that it guesses from the tables of a JPEG.
COMPUTED = {"DERIVED_SUBDATASETS", "LocationInfo"}
NOT_IN_THE_FILE = {"JPEG_QUALITY", "JPEGTABLESMODE"}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    need("rasterio")
    folder = tmp_path_factory.mktemp("typed")
    sidebyside.typed_rasters(folder)
    return folder


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    need("rasterio")
    folder = tmp_path_factory.mktemp("described")
    sidebyside.described_rasters(folder)
    return folder


def same(theirs: Any, ours: Any) -> bool:
    """Equality in which NaN equals itself; enumerations are compared by name."""
    if isinstance(theirs, (tuple, list)):
        return isinstance(ours, (tuple, list)) and len(theirs) == len(ours) and all(map(same, theirs, ours))
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    return theirs == ours or (hasattr(theirs, "name") and theirs.name == ours.name)


def assert_same_attributes(theirs: Any, ours: Any) -> None:
    for name in PLAIN + NAMED:
        assert same(getattr(theirs, name), getattr(ours, name)), name
    assert (theirs.crs is None) == (ours.crs is None)
    if theirs.crs:
        assert ours.crs == CRS.from_wkt(theirs.crs.to_wkt())
        assert ours.crs.to_epsg() == theirs.crs.to_epsg()
        assert ours.crs.is_projected == theirs.crs.is_projected
    for name in ("meta", "profile"):
        expected, got = dict(getattr(theirs, name)), dict(getattr(ours, name))
        expected.pop("crs")
        got.pop("crs")
        assert list(map(str, expected)) == list(map(str, got)), name
        assert all(same(expected[key], got[key]) for key in expected), name


def assert_same_metadata(theirs: Any, ours: Any) -> None:
    for band in range(theirs.count + 1):
        assert theirs.tags(band) == ours.tags(band)
        domains = [domain for domain in theirs.tag_namespaces(band) if domain not in COMPUTED]
        assert sorted(domains) == sorted(ours.tag_namespaces(band))
        for domain in domains:
            expected = {k: v for k, v in theirs.tags(band, ns=domain).items() if k not in NOT_IN_THE_FILE}
            assert expected == ours.tags(band, ns=domain)
    for band in theirs.indexes:
        assert theirs.overviews(band) == ours.overviews(band)


def assert_same_pixels(theirs: Any, ours: Any) -> None:
    """Of the whole raster, or of a part of a large one."""
    part = None if theirs.width * theirs.height < 2e7 else (theirs.width // 3, theirs.height // 3, 3000, 2000)
    in_theirs, in_ours = sidebyside.windows_of(part)
    sidebyside.assert_alike(theirs.read(**in_theirs), ours.read(**in_ours), note="read")
    sidebyside.assert_alike(theirs.read_masks(**in_theirs), ours.read_masks(**in_ours), note="read_masks")
    sidebyside.assert_alike(theirs.dataset_mask(**in_theirs), ours.dataset_mask(**in_ours), note="dataset_mask")
    expected, got = theirs.read(1, masked=True, **in_theirs), ours.read(1, masked=True, **in_ours)
    assert expected.mask.shape == got.mask.shape and np.array_equal(expected.mask, got.mask)
    assert same(float(expected.fill_value), float(got.fill_value))


@pytest.mark.parametrize("name", sidebyside.data_names())
def test_real_rasters_are_what_rasterio_says_they_are(data: pathlib.Path, name: str) -> None:
    theirs, ours = sidebyside.both(data / name)
    with theirs, ours:
        assert_same_attributes(theirs, ours)
        assert_same_metadata(theirs, ours)
        if sidebyside.decodes_alike(theirs, ours):
            assert_same_pixels(theirs, ours)


def test_every_type_in_every_layout(typed: pathlib.Path) -> None:
    for path in sorted(typed.iterdir()):
        theirs, ours = sidebyside.both(path)
        with theirs, ours:
            assert_same_attributes(theirs, ours)
            assert_same_pixels(theirs, ours)


def test_everything_that_can_be_said_of_a_raster(described: pathlib.Path) -> None:
    for path in sorted(described.glob("*.tif")):
        theirs, ours = sidebyside.both(path)
        with theirs, ours:
            assert_same_attributes(theirs, ours)
            assert_same_metadata(theirs, ours)
            assert_same_pixels(theirs, ours)


# --- Windows, shapes, resampling ---

# Where GDAL gives something else, and why nacre does not:
EXCEPT = {
    # decimated nearest reads of the last rows of this JPEG differ from GDAL's own full read
    "alpha.tif": {"nearest"},
    # nodata NaN: GDAL lets a NaN spoil its valid neighbours
    "float_nan.tif": {"bilinear", "cubic"},
    # alpha of 0 to 255 in 16 bits becomes masks of 0 and 1, which GDAL resamples and nacre makes of resampled alpha
    "RGBA.uint16.tif": {"masks"},
}


def boxes(name: str, width: int, height: int) -> list[tuple[float, float, float, float] | None]:
    """The whole raster; whole and broken windows inside; some that reach over an edge."""
    pick = random.Random(name)
    inside = []
    for _ in range(3):
        x, y = pick.randrange(width), pick.randrange(height)
        inside.append((x, y, pick.randint(1, min(width - x, 900)), pick.randint(1, min(height - y, 900))))
    x, y = pick.uniform(0, width * 0.6), pick.uniform(0, height * 0.6)
    broken = (x, y, pick.uniform(1, min(width - x, 900)), pick.uniform(1, min(height - y, 900)))
    over = [(width - 3, height - 2, 10, 10), (-2, -3, 10, 9)]
    return [None, *inside, broken, *over]


def shapes(box: Any, width: int, height: int) -> list[tuple[int, int] | None]:
    """The window's own, decimated, enlarged."""
    w, h = (width, height) if box is None else (box[2], box[3])
    smaller, larger = (int(h / 3) or 1, int(w / 3.3) or 1), (min(300, int(h * 1.7) + 1), min(300, int(w * 1.4) + 1))
    return [None, smaller, larger] if box else [(61, 53)]


def compare_reads(name: str, theirs: Any, ours: Any) -> None:
    for box in boxes(name, theirs.width, theirs.height):
        for shape in shapes(box, theirs.width, theirs.height):
            for number in (0, 1, 2, 5) if shape else (0,):
                compare_read(name, theirs, ours, box, shape, number)


def compare_read(name: str, theirs: Any, ours: Any, box: Any, shape: Any, number: int) -> None:
    their_method, our_method = sidebyside.resampling_of(number)
    in_their_window, in_our_window = sidebyside.windows_of(box)
    size = {"out_shape": shape} if shape else {}
    left_out, note = EXCEPT.get(name, set()), (name, box, shape, our_method.name)
    if our_method.name not in left_out:
        expected = theirs.read(resampling=their_method, **in_their_window, **size)
        got = ours.read(resampling=our_method, **in_our_window, **size)
        if our_method.name == "average" and theirs.overviews(1):
            # GDAL forgets what of an overview's pixel lies left of or above a window
            expected, got = expected[:, 1:, 1:], got[:, 1:, 1:]
        sidebyside.assert_alike(expected, got, number, few=12, note=note)
    if number < 2 and "masks" not in left_out and not left_out & {our_method.name}:
        expected = theirs.read_masks(resampling=their_method, **in_their_window, **size)
        got = ours.read_masks(resampling=our_method, **in_our_window, **size)
        sidebyside.assert_alike(expected, got, number, few=12, note=("mask", *note))


@pytest.mark.parametrize("name", sidebyside.data_names())
def test_windows_and_shapes_of_real_rasters(data: pathlib.Path, name: str) -> None:
    theirs, ours = sidebyside.both(data / name)
    with theirs, ours:
        if sidebyside.decodes_alike(theirs, ours):
            compare_reads(name, theirs, ours)


def test_windows_and_shapes_of_every_type(typed: pathlib.Path) -> None:
    for path in sorted(typed.glob("*_strips.tif")):
        theirs, ours = sidebyside.both(path)
        with theirs, ours:
            compare_reads(path.name, theirs, ours)


@pytest.mark.parametrize("name", ["overviews.tif", "mask.tif", "rgba.tif"])
def test_windows_and_shapes_of_overviews_and_masks(described: pathlib.Path, name: str) -> None:
    theirs, ours = sidebyside.both(described / name)
    with theirs, ours:
        compare_reads(name, theirs, ours)


# --- What a read returns ---


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "uint32", "int64", "float32", "float64"])
def test_values_are_converted_alike(typed: pathlib.Path, dtype: str) -> None:
    for path in sorted(typed.glob("*_strips.tif")):
        theirs, ours = sidebyside.both(path)
        with theirs, ours:
            sidebyside.assert_alike(theirs.read(2, out_dtype=dtype), ours.read(2, out_dtype=dtype), note=path.name)


@pytest.mark.parametrize("indexes", [None, 1, 3, [2], [3, 1], (1, 1, 2)])
def test_indexes_choose_bands_and_dimensions(typed: pathlib.Path, indexes: Any) -> None:
    theirs, ours = sidebyside.both(typed / "uint16_tiled.tif")
    for options in ({}, {"masked": True}, {"out_shape": (20, 30)}):
        sidebyside.assert_alike(theirs.read(indexes, **options), ours.read(indexes, **options))
    sidebyside.assert_alike(theirs.read_masks(indexes), ours.read_masks(indexes))


@pytest.mark.parametrize("window", [((0, 10), (5, 20)), (slice(3, 9), slice(0, 7)), ((-10, None), (None, -3))])
def test_windows_may_be_tuples_and_slices(typed: pathlib.Path, window: Any) -> None:
    theirs, ours = sidebyside.both(typed / "uint16_tiled.tif")
    sidebyside.assert_alike(theirs.read(window=window), ours.read(window=window))


def test_out_may_be_any_writable_array(typed: pathlib.Path) -> None:
    with nacre.open(typed / "uint16_tiled.tif") as dataset:
        expected = dataset.read(out_shape=(20, 30))
        plain = np.zeros((3, 20, 30), "uint16")
        for out in (
            plain,
            np.zeros((20, 30, 3), "uint16").transpose(2, 0, 1),
            np.zeros((3, 20, 60), "uint16")[:, ::-1, ::2],
        ):
            assert dataset.read(out=out) is out
            assert np.array_equal(out, expected)
        swapped = dataset.read(out=np.zeros((3, 20, 30), ">i4"))
        assert np.array_equal(swapped, expected)
        assert np.shares_memory(dataset.read(out=plain, masked=True), plain)
        assert np.shares_memory(dataset.read(1, out=plain[:1]), plain)
        plain.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            dataset.read(out=plain)


def test_complex_values_are_read(tmp_path: pathlib.Path) -> None:
    values = (np.arange(12) + 1j).astype("complex64").reshape(1, 3, 4)
    path = sidebyside.write(tmp_path / "complex.tif", values)
    with nacre.open(path) as dataset:
        assert dataset.dtypes == ("complex64",) and np.array_equal(dataset.read(), values)


@pytest.mark.parametrize(
    "options", [{"masked": True}, {"masked": True, "fill_value": 3}, {"masked": True, "out_dtype": "float64"}]
)
def test_masked_arrays_are_filled_alike(data: pathlib.Path, options: Any) -> None:
    for name in ("RGB.byte.tif", "float_nan.tif", "green.tif", "cog_rgb_mask.tif", "RGBA.byte.tif"):
        theirs, ours = sidebyside.both(data / name)
        expected, got = theirs.read(**options), ours.read(**options)
        assert expected.dtype == got.dtype and same(float(expected.fill_value), float(got.fill_value))
        assert np.array_equal(expected.mask, got.mask) and expected.mask.shape == got.mask.shape


def test_the_dataset_mask_in_another_size(data: pathlib.Path) -> None:
    for name in ("RGB.byte.tif", "cog_rgb_mask.tif", "RGBA.byte.tif", "green.tif"):
        theirs, ours = sidebyside.both(data / name)
        sidebyside.assert_alike(theirs.dataset_mask(out_shape=(50, 60)), ours.dataset_mask(out_shape=(50, 60)))
        got = ours.dataset_mask(out=np.zeros((50, 60), "uint8"))
        sidebyside.assert_alike(theirs.dataset_mask(out=np.zeros((50, 60), "uint8")), got)


# --- Places ---


@pytest.mark.parametrize("name", ["plain", "turned", "south_up", "geographic"])
def test_pixels_and_coordinates(typed: pathlib.Path, described: pathlib.Path, name: str) -> None:
    path = typed / "uint8_plain.tif" if name == "plain" else described / f"{name}.tif"
    theirs, ours = sidebyside.both(path)
    for offset in ("center", "ul", "ur", "ll", "lr"):
        assert np.allclose(theirs.xy(5, 7, offset=offset), ours.xy(5, 7, offset=offset), rtol=1e-12)
    assert np.allclose(theirs.xy([5, 6], [7, 8]), ours.xy([5, 6], [7, 8]), rtol=1e-12)
    x, y = theirs.xy(31.2, 17.3)
    assert theirs.index(x, y) == ours.index(x, y)
    expected = rasterio.transform.rowcol(theirs.transform, [x, x], [y, y])
    assert np.array_equal(expected, nacre.transform.rowcol(ours.transform, [x, x], [y, y]))
    for dataset in (theirs, ours):
        with pytest.raises(TypeError):
            dataset.index([x, x], [y, y])
    box = (1.5, 2, 30, 40)
    assert theirs.window_transform(rasterio.windows.Window(*box)) == ours.window_transform(nacre.windows.Window(*box))
    if name != "turned":  # Rasterio takes two corners of four
        expected = theirs.window_bounds(rasterio.windows.Window(*box))
        assert expected == ours.window_bounds(nacre.windows.Window(*box))
        left, bottom, right, top = expected
        assert np.allclose(
            theirs.window(*expected).flatten(), ours.window(left, bottom, right, top).flatten(), atol=1e-9
        )

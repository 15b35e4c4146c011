# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Masks of single bands: a mask directory or a `.msk` with one for each band, read as Rasterio does."""

from __future__ import annotations

import pathlib
from typing import Any, Mapping

import numpy as np
import pytest
import rasterio
from conftest import run_nacre, worked
from rasterio.enums import Resampling
from test_tiff import assert_same_description, assert_same_pixels
from tiffbytes import LONG, Writer, as_tiles, image

import nacre

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
]
RANDOM = np.random.default_rng(23)
WIDTH, HEIGHT = 64, 48
PIXELS = RANDOM.integers(1, 255, (3, HEIGHT, WIDTH), dtype=np.uint8)
VALID = np.kron(RANDOM.integers(0, 2, (3, HEIGHT // 4, WIDTH // 8), dtype=np.uint8), np.ones((4, 8), np.uint8)) * 255
METHODS = [Resampling.nearest, Resampling.bilinear, Resampling.cubic, Resampling.average]


def assert_same(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert_same_description(ours, theirs)
        assert_same_pixels(ours, theirs)
        shape = (theirs.count, HEIGHT // 2, WIDTH // 2)
        for method in METHODS if theirs.nodata is None else METHODS[:1]:
            one, other = (d.read(out_shape=shape, resampling=method).astype(int) for d in (ours, theirs))
            assert np.abs(one - other).max() <= 1, method
        one, other = (d.read_masks(out_shape=shape) for d in (ours, theirs))
        assert np.array_equal(one, other)
        one, other = (d.read([3, 1], masked=True) for d in (ours, theirs))
        assert np.array_equal(one.mask, other.mask) and np.array_equal(one.filled(0), other.filled(0))


def samples(values: np.ndarray, bits: int, planar: int, tile: int = 0) -> list[bytes]:
    """Blocks of 8-bit values, packed to bits, side by side or in planes; tile: of that size, else whole planes."""
    planes = [values] if planar == 1 else [plane[None] for plane in values]
    step_x, step_y = (tile, tile) if tile else (values.shape[2], values.shape[1])
    blocks = []
    for plane in planes:
        for y in range(0, values.shape[1], step_y):
            for x in range(0, values.shape[2], step_x):
                part = plane[:, y : y + step_y, x : x + step_x]
                part = np.pad(part, ((0, 0), (0, step_y - part.shape[1]), (0, step_x - part.shape[2])))
                block = np.moveaxis(part, 0, -1)
                rows = block.reshape(block.shape[0], -1)
                blocks.append((np.packbits(rows > 0, axis=1) if bits == 1 else rows).tobytes())
    return blocks


def inside(valid: np.ndarray, bits: int, planar: int, tile: int, overviews: bool = False) -> bytes:
    """A file with one mask directory of as many samples as there are masks."""
    writer = Writer()

    def add(values: np.ndarray, bits: int, photometric: int, subfile: int) -> None:
        more = {"photometric": photometric, "planar": planar}
        tags = image(values.shape[2], values.shape[1], bits, len(values), **more)
        tags = {**(as_tiles(tags, tile, tile) if tile else tags), 254: (LONG, [subfile])}
        writer.image(tags, samples(values, bits, planar, tile))

    add(PIXELS, 8, 2, 0)
    add(valid, bits, 4, 4)
    if overviews:
        add(PIXELS[:, ::2, ::2], 8, 2, 1)
        add(valid[:, ::2, ::2], bits, 4, 5)
    return bytes(writer.content)


@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("bits", [1, 8])
def test_a_mask_directory_of_several_bands(tmp_path: pathlib.Path, bits: int, planar: int, tile: int) -> None:
    """Of bits side by side GDAL gives 0 and 1, else 0 and 255."""
    (tmp_path / "a.tif").write_bytes(inside(VALID, bits, planar, tile))
    if bits == 8 or planar == 2:
        assert_same(tmp_path / "a.tif")
    with nacre.open(tmp_path / "a.tif") as dataset:
        assert dataset.mask_flag_enums == ([], [], [])
        assert np.array_equal(dataset.read_masks(), VALID)
        assert np.array_equal(dataset.dataset_mask(), VALID.max(axis=0))


@pytest.mark.parametrize("count", [2, 4])
def test_a_mask_directory_of_another_number_of_bands_is_none(tmp_path: pathlib.Path, count: int) -> None:
    (tmp_path / "a.tif").write_bytes(inside(VALID[[0, 1, 2, 0][:count]], 8, 1, 0))
    assert_same(tmp_path / "a.tif")


def test_overviews_have_masks_of_single_bands_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.tif").write_bytes(inside(VALID, 8, 1, 16, overviews=True))
    assert_same(tmp_path / "a.tif")
    with nacre.open(tmp_path / "a.tif") as dataset:
        assert np.array_equal(dataset.read_masks(out_shape=(3, HEIGHT // 2, WIDTH // 2)), VALID[:, ::2, ::2])


def beside(path: pathlib.Path, flags: Mapping[int, Any], count: int = 3, nodata: float | None = 7, **options: Any) -> None:
    """A file, and beside it a `.msk` as GDAL makes it of one mask for each band."""
    options = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "dtype": "uint8", **options}
    with rasterio.open(path, "w", count=3, nodata=nodata, **options) as dataset:
        dataset.write(PIXELS)
    with rasterio.open(f"{path}.msk", "w", count=count, **options) as dataset:
        dataset.write(VALID[:count])
        dataset.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": value for band, value in flags.items()})


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ({1: 0, 2: 0, 3: 0}, 3),
        ({1: 2, 2: 2, 3: 2}, 3),
        ({1: 2, 2: 0}, 3),
        ({3: 0}, 3),
        ({}, 3),
        ({}, 1),
        ({1: 0}, 1),
        ({1: 0, 2: 0, 3: 0}, 2),
        ({1: 2, 2: 2, 3: 2}, 1),
    ],
)
@pytest.mark.parametrize("options", [{"nodata": None}, {"compress": "deflate", "interleave": "pixel", "tiled": True}])
def test_a_file_beside_with_a_mask_for_each_band(
    tmp_path: pathlib.Path, flags: Mapping[int, Any], count: int, options: dict[str, Any]
) -> None:
    """What it does not tell of a band leaves that band's nodata value."""
    if options.get("tiled"):
        options = {**options, "blockxsize": 16, "blockysize": 16}
    beside(tmp_path / "a.tif", flags, count, **options)
    assert_same(tmp_path / "a.tif")


def test_masks_of_single_bands_are_not_lost_in_silence(tmp_path: pathlib.Path) -> None:
    beside(tmp_path / "a.tif", {1: 0, 2: 0, 3: 0})
    with pytest.raises(nacre.errors.UnsupportedError, match="masks of their own"):
        nacre.open(tmp_path / "a.tif", "r+")
    for to in ("b.tif", "b.vrt"):
        bad = run_nacre("convert", tmp_path / "a.tif", tmp_path / to)
        assert bad.returncode and "masks of their own" in bad.stderr and not (tmp_path / to).exists()
        worked(run_nacre("convert", "--bands", "2", tmp_path / "a.tif", tmp_path / to))
        with rasterio.open(tmp_path / to) as theirs, nacre.open(tmp_path / to) as ours:
            assert np.array_equal(theirs.read_masks(1), VALID[1]) and np.array_equal(ours.read_masks(1), VALID[1])

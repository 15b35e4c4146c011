# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Types of samples and their colours, in files made field by field, beside Rasterio (GDAL)."""

from __future__ import annotations

import pathlib
import zlib
from typing import Any

import numpy as np
import pytest
import rasterio
from test_tiff import OWN_STRUCTURE, same_pixels
from tiffbytes import as_tiles, image, tiff

import nacre

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
need_new_gdal = pytest.mark.skipif(rasterio.__gdal_version__ < "3.11", reason="GDAL from 3.11 on has float16")
RANDOM = np.random.default_rng(11)
WIDTH, HEIGHT = 13, 5


def noise(size: int) -> bytes:
    return RANDOM.integers(0, 256, size, dtype=np.uint8).tobytes()


def odd_file(bits: int, sample_format: int, samples: int = 1, planar: int = 1, big_endian: bool = False) -> bytes:
    """An uncompressed image of noise with such samples."""
    row = (WIDTH * (samples if planar == 1 else 1) * bits + 7) // 8
    tags = image(WIDTH, HEIGHT, bits, samples, sample_format, planar=planar)
    return tiff(tags, [noise(row * HEIGHT) for _ in range(samples if planar == 2 else 1)], big_endian)


def assert_same(path: pathlib.Path) -> None:
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert same_pixels(ours.read(), theirs.read())
        assert np.array_equal(ours.read_masks(), theirs.read_masks())
        assert [c.value for c in ours.colorinterp] == [c.value for c in theirs.colorinterp]
        structure = {k: v for k, v in theirs.tags(ns="IMAGE_STRUCTURE").items() if k not in OWN_STRUCTURE}
        assert ours.tags(ns="IMAGE_STRUCTURE") == structure
        assert ours.tags(1, ns="IMAGE_STRUCTURE") == theirs.tags(1, ns="IMAGE_STRUCTURE")


@pytest.mark.parametrize("sample_format", [1, 2])
@pytest.mark.parametrize("bits", range(1, 33))
def test_integers_of_any_bits_are_promoted_as_gdal_does(
    tmp_path: pathlib.Path, bits: int, sample_format: int
) -> None:
    for samples, planar, big_endian in [(1, 1, False), (3, 1, True), (3, 2, False), (2, 2, True)]:
        path = tmp_path / f"{samples}{planar}.tif"
        path.write_bytes(odd_file(bits, sample_format, samples, planar, big_endian))
        assert_same(path)


@pytest.mark.parametrize("bits", [33, 40, 47, 63, 64])
def test_integers_of_more_than_32_bits(tmp_path: pathlib.Path, bits: int) -> None:
    """GDAL has none between 33 and 63 bits: against arithmetic."""
    path = tmp_path / "a.tif"
    values = [[int(v) % (1 << bits) for v in RANDOM.integers(0, 2**63, WIDTH)] for _ in range(HEIGHT)]
    row = (WIDTH * bits + 7) // 8
    content = b"".join(
        (sum(v << bits * (WIDTH - 1 - i) for i, v in enumerate(line)) << row * 8 - WIDTH * bits).to_bytes(row, "big")
        for line in values
    )
    path.write_bytes(tiff(image(WIDTH, HEIGHT, bits), [content], big_endian=True))
    with nacre.open(path) as ours:
        assert ours.dtypes == ("uint64",)
        assert ours.read(1).tolist() == values


@need_new_gdal
@pytest.mark.parametrize(
    ("bits", "sample_format"), [(16, 3), (24, 3), (32, 3), (64, 3), (32, 5), (64, 5), (32, 6), (64, 6), (128, 6)]
)
def test_floats_and_complex_values(tmp_path: pathlib.Path, bits: int, sample_format: int) -> None:
    for samples, planar, big_endian in [(1, 1, False), (1, 1, True), (3, 1, True), (3, 2, False)]:
        path = tmp_path / f"{samples}{planar}{big_endian}.tif"
        path.write_bytes(odd_file(bits, sample_format, samples, planar, big_endian))
        assert_same(path)


@need_new_gdal
def test_every_float_of_24_bits(tmp_path: pathlib.Path) -> None:
    """Of each exponent, with small mantissas and both signs."""
    values = [sign << 23 | exponent << 16 | m for sign in (0, 1) for exponent in range(128) for m in (0, 1, 2, 0x8001)]
    path = tmp_path / "a.tif"
    content = b"".join(value.to_bytes(3, "little") for value in values)
    path.write_bytes(tiff(image(len(values), 1, 24, 1, 3), [content]))
    assert_same(path)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_complex_values_read_as_real_ones_lose_the_imaginary_part(tmp_path: pathlib.Path, dtype: str) -> None:
    path = tmp_path / "a.tif"
    values = (RANDOM.integers(-300, 300, (HEIGHT, WIDTH)) + 1j * RANDOM.integers(-300, 300, (HEIGHT, WIDTH))) / 3
    path.write_bytes(tiff(image(WIDTH, HEIGHT, 64, 1, 6), [values.astype("<c8").tobytes()]))
    with nacre.open(path) as ours, rasterio.open(path) as theirs:
        assert same_pixels(ours.read(1, out=np.zeros((HEIGHT, WIDTH), dtype)),
                           theirs.read(1, out=np.zeros((HEIGHT, WIDTH), dtype)))  # fmt: skip


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("photometric", [0, 1, 2, 4, 5, 7, 9, 10])
def test_photometric_interpretations(tmp_path: pathlib.Path, photometric: int, bits: int) -> None:
    for samples in (1, 3, 4, 5):
        if photometric == 5 and samples > 3 and bits < 8:
            continue  # GDAL fails
        path = tmp_path / f"{samples}.tif"
        row = (WIDTH * samples * bits + 7) // 8
        path.write_bytes(tiff(image(WIDTH, HEIGHT, bits, samples, photometric=photometric), [noise(row * HEIGHT)]))
        assert_same(path)


def ycbcr(subsampling: tuple[int, int], tiled: bool, deflated: bool, more: dict[int, Any]) -> dict[str, Any]:
    width, height = (32, 16) if tiled else (30, 13)
    across, down = subsampling
    cells = -(-width // across) * -(-height // down)
    content = noise(cells * (across * down + 2))
    tags = image(width, height, 8, 3, photometric=6, compression=8 if deflated else 1)
    tags |= {530: (3, list(subsampling)), **more}
    return {
        "tags": as_tiles(tags, width, height) if tiled else tags,
        "blocks": [zlib.compress(content) if deflated else content],
    }


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (1, 2), (2, 2), (4, 2), (4, 4)])
def test_ycbcr_without_jpeg_becomes_rgb(tmp_path: pathlib.Path, subsampling: tuple[int, int]) -> None:
    path = tmp_path / "a.tif"
    studio = {532: (5, [(16, 1), (235, 1), (128, 1), (240, 1), (128, 1), (240, 1)])}
    for tiled, deflated, more in [(False, True, {}), (False, False, studio), (True, True, {531: (3, [2])})]:
        path.write_bytes(tiff(**ycbcr(subsampling, tiled, deflated, more)))
        assert_same(path)


@pytest.mark.parametrize("samples", [4, 5])
@pytest.mark.parametrize("compression", [1, 8])
def test_cmyk_becomes_rgba(tmp_path: pathlib.Path, samples: int, compression: int) -> None:
    path = tmp_path / "a.tif"
    content = noise(WIDTH * HEIGHT * samples)
    tags = image(WIDTH, HEIGHT, 8, samples, photometric=5, compression=compression)
    path.write_bytes(tiff(tags, [zlib.compress(content) if compression == 8 else content], big_endian=True))
    assert_same(path)
    path.write_bytes(tiff({**tags, 332: (3, [2])}, [zlib.compress(content) if compression == 8 else content]))
    assert_same(path)  # inks that are not CMYK stay as they are


def test_cmyk_of_jpeg_becomes_rgba(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    for tiled in (False, True):
        with rasterio.open(path, "w", driver="GTiff", width=99, height=70, count=4, dtype="uint8", compress="jpeg",
                           photometric="CMYK", tiled=tiled, blockxsize=32, blockysize=32) as dataset:  # fmt: skip
            dataset.write(np.frombuffer(noise(4 * 70 * 99), "uint8").reshape(4, 70, 99))
        assert_same(path)


@pytest.mark.parametrize("more", [{}, {318: (5, [(3457, 10000), (3585, 10000)])}])
def test_cielab_becomes_rgba(tmp_path: pathlib.Path, more: dict[int, Any]) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff({**image(WIDTH, HEIGHT, 8, 3, photometric=8), **more}, [noise(WIDTH * HEIGHT * 3)]))
    assert_same(path)


@pytest.mark.parametrize(
    ("bits", "sample_format", "reason"),
    [
        (8, 3, "values of 8 bits with SampleFormat 3"),
        (16, 6, "values of 16 bits with SampleFormat 6"),
        (65, 1, "values of 65 bits with SampleFormat 1"),
    ],
)
def test_types_that_are_not_supported_are_named(
    tmp_path: pathlib.Path, bits: int, sample_format: int, reason: str
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(odd_file(bits, sample_format))
    with pytest.raises(nacre.RasterioIOError, match=rf"a\.tif: {reason} are not supported"):
        nacre.open(path)


def test_jpeg_of_12_bits_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(image(16, 16, 12, compression=7), [noise(100)]))
    with pytest.raises(nacre.RasterioIOError, match=r"a\.tif: JPEG of 12 bits is not supported"):
        nacre.open(path)

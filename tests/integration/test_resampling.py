# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Reads of another size beside Rasterio's: every method over types, masks, colours, overviews and windows.

Some of them run in the fast tier, all in the slow shard. Where GDAL gives something else is listed, with the reason, in
docs/internals/raster.md."""

from __future__ import annotations

import pathlib
from typing import Any

import nacre
import numpy as np
import pytest
import rasterio
import sidebyside
from conftest import need
from nacre.enums import Resampling

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning", "ignore::UserWarning", "ignore::PendingDeprecationWarning"
)

WIDTH, HEIGHT = 131, 97
METHODS = [method for method in Resampling if method <= Resampling.gauss or method == Resampling.rms]
KERNELS = {Resampling.bilinear, Resampling.cubic, Resampling.cubic_spline, Resampling.lanczos}
# Enlarged so that no centre lies on another's, where rounding decides which invalid pixels have no weight at all.
BOXES: list[Any] = [None, (10, 20, 90, 60), (30.3, 11.7, 61.7, 50.3), (100, 60, 31, 37), (5, 5, 9, 7)]
SCALES = [(1 / 3, 1 / 3.3), (1.74, 1.44), (1 / 2, 1 / 2), (1 / 6, 1 / 7.3), (1, 1 / 2), (3, 3)]


def values(dtype: str, count: int = 1) -> np.ndarray:
    """Waves with noise, so that neighbours are alike and few are equal."""
    noise = np.random.default_rng(5).random((HEIGHT, WIDTH)) * 8
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = 60 + 50 * np.sin(x / 9.0) * np.cos(y / 7.0) + noise
    bands = np.stack([waves + 3 * i for i in range(count)])
    return (bands + 30j * np.cos(x / 5.0) if dtype.startswith("complex") else bands).astype(dtype)


def holes() -> np.ndarray:
    """Where pixels are invalid: here and there, and a block."""
    bad = np.random.default_rng(6).random((HEIGHT, WIDTH)) < 0.15
    bad[20:40, 30:60] = True
    return bad


def typed(folder: pathlib.Path, dtype: str) -> list[pathlib.Path]:
    """Rasters of a type: plain, with nodata, with a mask."""
    plain, nodata = values(dtype), values(dtype)
    nodata[:, holes()] = 7
    paths = [sidebyside.write(folder / f"{dtype}.tif", plain), folder / f"{dtype}_mask.tif"]
    paths.append(sidebyside.write(folder / f"{dtype}_nodata.tif", nodata, nodata=7))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        sidebyside.write(paths[1], plain)
        with rasterio.open(paths[1], "r+") as target:
            target.write_mask(~holes())
    return paths


def coloured(folder: pathlib.Path) -> list[pathlib.Path]:
    """Rasters of colour indices: one colour is transparent; with a nodata value; with an overview."""
    paths = []
    for name, more in (("indices", {}), ("indices_nodata", {"nodata": 5}), ("indices_overview", {})):
        path = sidebyside.write(folder / f"{name}.tif", values("uint8") // 12, photometric="palette", **more)
        with rasterio.open(path, "r+") as target:
            colours = {i: (i * 37 % 256, 255 - i * 16, i * 11, 0 if i == 3 else 255) for i in range(16)}
            target.write_colormap(1, colours)
            if name == "indices_overview":
                target.build_overviews([2], rasterio.enums.Resampling.nearest)
        paths.append(path)
    return paths


def shape_of(box: Any, scale: tuple[float, float]) -> tuple[int, int]:
    width, height = box[2:] if box else (WIDTH, HEIGHT)
    return max(1, int(height * scale[0])), max(1, int(width * scale[1]))


def compare(path: pathlib.Path, method: Resampling, box: Any, scale: tuple[float, float], masks: bool) -> None:
    theirs, ours = sidebyside.both(path)
    in_theirs, in_ours = sidebyside.windows_of(box)
    shape = shape_of(box, scale)
    their_method, our_method = sidebyside.resampling_of(int(method))
    with theirs, ours:
        name = "read_masks" if masks else "read"
        expected = getattr(theirs, name)(out_shape=shape, resampling=their_method, **in_theirs)
        got = getattr(ours, name)(out_shape=shape, resampling=our_method, **in_ours)
    note = (path.name, method.name, box, shape, name)
    # Where weights may be negative GDAL divides by nearly nothing beside invalid pixels.
    share = 0.005 if method in (Resampling.cubic, Resampling.lanczos) and "_" in path.stem and scale[0] > 1 else 0.001
    if expected.dtype.kind in "fc":
        assert_near(expected, got, share, note)
    else:
        sidebyside.assert_alike(expected, got, int(method), share=share, few=3, note=note)


def assert_near(expected: np.ndarray, got: np.ndarray, share: float, note: Any) -> None:
    """Within a hundred-thousandth, on all but a share or a few values."""
    assert (expected.shape, expected.dtype) == (got.shape, got.dtype), note
    near = np.abs(expected - got) <= 1e-5 * np.maximum(np.abs(expected), 1)
    assert (~near).sum() <= max(3, near.size * share), note


def sweep(paths: list[pathlib.Path], boxes: list[Any], scales: list[tuple[float, float]]) -> None:
    for path in paths:
        for method in METHODS:
            is_whole = {scale for scale in scales if scale[0] >= 1 and scale[0] == int(scale[0])}
            for box in boxes:
                for scale in scales:
                    if method == Resampling.lanczos and scale in is_whole and "_" in path.stem:
                        continue  # what rounding leaves of its weights at whole distances
                    compare(path, method, box, scale, False)
                    if "_mask" not in path.stem or method not in KERNELS:  # GDAL's are of one bit
                        compare(path, method, box, scale, True)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_every_method_is_rasterios(tmp_path: pathlib.Path, dtype: str) -> None:
    need("rasterio")
    sweep(typed(tmp_path, dtype), BOXES[2:4], SCALES[:2])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [dtype for dtype in sidebyside.DTYPES if dtype != "float16"])
def test_every_method_of_every_type_window_and_scale(tmp_path: pathlib.Path, dtype: str) -> None:
    need("rasterio")
    sweep(typed(tmp_path, dtype), BOXES, SCALES)


def test_colours_are_mixed_as_rasterio_mixes_them(tmp_path: pathlib.Path) -> None:
    need("rasterio")
    sweep(coloured(tmp_path)[:2], BOXES[1:3], SCALES[:3])


@pytest.mark.slow
def test_colours_of_every_window_and_scale(tmp_path: pathlib.Path) -> None:
    need("rasterio")
    plain, nodata, overview = coloured(tmp_path)
    sweep([plain, nodata], BOXES, SCALES)
    sweep([overview], [None], SCALES)


@pytest.mark.parametrize("number", [0, 5, 6, 7, 14])
def test_complex_values_are_resampled(tmp_path: pathlib.Path, number: int) -> None:
    need("rasterio")
    path = sidebyside.write(tmp_path / "complex.tif", values("complex64"))
    for scale in SCALES:
        compare(path, Resampling(number), None, scale, False)


@pytest.mark.parametrize("method", sorted(KERNELS))
def test_kernels_of_complex_values_are_those_of_their_parts(tmp_path: pathlib.Path, method: Resampling) -> None:
    """GDAL warps them, with scales that are a little off."""
    both = values("complex64")
    paths = [sidebyside.write(tmp_path / f"{i}.tif", part) for i, part in enumerate((both, both.real, both.imag))]
    for scale in SCALES:
        whole, real, imaginary = (
            nacre.open(path).read(out_shape=shape_of(None, scale), resampling=method) for path in paths
        )
        assert np.allclose(whole.real, real, rtol=1e-6, atol=1e-5)
        assert np.allclose(whole.imag, imaginary, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_overviews_are_used_by_every_method(tmp_path: pathlib.Path, method: Resampling) -> None:
    need("rasterio")
    path = sidebyside.write(tmp_path / "overviews.tif", values("uint8"))
    with rasterio.open(path, "r+") as target:
        target.build_overviews([2, 4], rasterio.enums.Resampling.nearest)
    for scale in SCALES[:4]:
        compare(path, method, None, scale, False)


@pytest.mark.parametrize("method", [m for m in Resampling if m not in METHODS])
def test_methods_of_warps_are_refused_by_name(tmp_path: pathlib.Path, method: Resampling) -> None:
    path = sidebyside.write(tmp_path / "plain.tif", values("uint8"))
    with nacre.open(path) as dataset, pytest.raises(nacre.errors.ResamplingAlgorithmError, match=method.name):
        dataset.read(out_shape=(1, 20, 20), resampling=method)


# --- Beyond the raster ---

BEYOND = [(-5, -7, 20, 30), (120, 80, 40, 40), (-10, -10, 160, 130), (200, 200, 10, 10), (-5.5, -7.3, 20.2, 30.1)]


@pytest.mark.parametrize("box", [*BEYOND, (10, 10, 20, 20)])
@pytest.mark.parametrize("options", [{}, {"fill_value": 9}, {"masked": True}, {"indexes": 1}])
@pytest.mark.parametrize("shape", [None, (17, 23), (60, 50)])
def test_boundless_reads_are_rasterios(tmp_path: pathlib.Path, box: Any, options: Any, shape: Any) -> None:
    need("rasterio")
    for path in typed(tmp_path, "uint8"):
        theirs, ours = sidebyside.both(path)
        in_theirs, in_ours = sidebyside.windows_of(box)
        size = {} if shape is None else {"out_shape": shape}
        with theirs, ours:
            expected = theirs.read(boundless=True, **in_theirs, **options, **size)
            got = ours.read(boundless=True, **in_ours, **options, **size)
        sidebyside.assert_alike(np.ma.getdata(expected), np.ma.getdata(got), note=path.name)
        assert np.array_equal(np.ma.getmaskarray(expected), np.ma.getmaskarray(got)), path.name


def test_boundless_windows_may_be_tuples(tmp_path: pathlib.Path) -> None:
    need("rasterio")
    theirs, ours = sidebyside.both(sidebyside.write(tmp_path / "plain.tif", values("int16")))
    for window in (((-5, 10), (-3, 20)), ((90, 110), (0, None))):
        options = {"boundless": True, "window": window}
        sidebyside.assert_alike(theirs.read(**options), ours.read(**options))


def test_masks_of_boundless_reads_are_invalid_beyond_the_raster(tmp_path: pathlib.Path) -> None:
    window = nacre.windows.Window(-5, -7, 20, 30)
    for path in typed(tmp_path, "uint8"):
        with nacre.open(path) as dataset:
            inside = dataset.read_masks(1, window=nacre.windows.Window(0, 0, 15, 23))
            of_band = dataset.read_masks(1, window=window, boundless=True)
            for masks in (of_band, dataset.dataset_mask(window=window, boundless=True)):
                assert not masks[:7].any() and not masks[:, :5].any() and np.array_equal(masks[7:, 5:], inside)


def test_a_fill_value_takes_the_place_of_what_is_invalid(tmp_path: pathlib.Path) -> None:
    need("rasterio")
    for path in typed(tmp_path, "uint8"):
        theirs, ours = sidebyside.both(path)
        sidebyside.assert_alike(theirs.read(fill_value=3), ours.read(fill_value=3), note=path.name)

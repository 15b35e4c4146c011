# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What creation options do, as GDAL sees it: each option of docs/guide/geotiff.md has its test here."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.rpc
import rasterio.shutil
from conftest import need, need_newest_rasterio
from rasterio.enums import MaskFlags
from rasterio.transform import from_origin

import nacre
import nacre.shutil

WIDTH, HEIGHT = 203, 150  # not a whole number of blocks

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def scene(dtype: str, count: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    planes = np.array([(np.sin(x / 19 + band) * np.cos(y / 17) + 1) * 100 + band * 3 for band in range(count)])
    if np.dtype(dtype).kind == "c":
        return (planes + 1j * planes[:, ::-1]).astype(dtype)
    return planes.astype(dtype)


def write(path: pathlib.Path, pixels: np.ndarray, mask: np.ndarray | None = None, **options: Any) -> None:
    count, height, width = pixels.shape
    profile = {"crs": "EPSG:32618", "transform": from_origin(5e5, 4e6, 30, 30), **options}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=count, dtype=pixels.dtype.name, **profile
    ) as dataset:
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)


def convert(tmp_path: pathlib.Path, pixels: np.ndarray, driver: str, options: dict[str, Any], **profile: Any) -> pathlib.Path:
    source, copy = tmp_path / "source.tif", tmp_path / "copy.tif"
    write(source, pixels, **profile)
    nacre.shutil.copy(source, copy, driver=driver, **options)
    return copy


def assert_valid_cog(path: pathlib.Path) -> None:
    need("rio-cogeo")
    from rio_cogeo.cogeo import cog_validate

    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])


def structure(path: pathlib.Path) -> dict[str, str]:
    with rasterio.open(path) as dataset:
        return dataset.tags(ns="IMAGE_STRUCTURE")


# --- Compression ---

LOSSLESS = [
    ("GTiff", {"compress": "PACKBITS"}, "PACKBITS"),
    ("GTiff", {"compress": "LZW", "predictor": 2}, "LZW"),
    ("GTiff", {"compress": "DEFLATE", "zlevel": 12, "tiled": True}, "DEFLATE"),
    ("GTiff", {"compress": "ZSTD", "zstd_level": 1, "tiled": True}, "ZSTD"),
    ("GTiff", {"compress": "LZMA", "lzma_preset": 1}, "LZMA"),
    ("GTiff", {"compress": "LERC", "tiled": True}, "LERC"),
    ("GTiff", {"compress": "LERC_DEFLATE", "zlevel": 9}, "LERC_DEFLATE"),
    ("GTiff", {"compress": "LERC_ZSTD", "zstd_level": 3, "interleave": "BAND"}, "LERC_ZSTD"),
    ("COG", {"compress": "LZMA", "level": 2, "blocksize": 64}, "LZMA"),
    ("COG", {"compress": "LERC_ZSTD", "level": 20, "blocksize": 64}, "LERC_ZSTD"),
    ("COG", {"compress": "ZSTD", "level": 20, "predictor": "YES", "blocksize": 64}, "ZSTD"),
]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize(("driver", "options", "name"), LOSSLESS)
def test_schemes_without_loss(tmp_path: pathlib.Path, driver: str, options: dict[str, Any], name: str, dtype: str) -> None:
    pixels = scene(dtype, 2)
    copy = convert(tmp_path, pixels, driver, options)
    with rasterio.open(copy) as theirs, nacre.open(copy) as ours:
        assert theirs.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == name
        assert np.array_equal(theirs.read(), pixels)
        assert np.array_equal(ours.read(), pixels)
    if driver == "COG":
        assert_valid_cog(copy)


def test_lerc_may_be_off_by_its_error(tmp_path: pathlib.Path) -> None:
    pixels = scene("float32", 1, 128, 192)
    options = {"compress": "LERC", "max_z_error": 0.5, "max_z_error_overview": 2, "blocksize": 64}
    copy = convert(tmp_path, pixels, "COG", {**options, "overview_resampling": "NEAREST"})
    with rasterio.open(copy) as dataset:
        error = np.abs(dataset.read() - pixels).max()
    with rasterio.open(copy, overview_level=0) as overview:
        more = np.abs(overview.read() - pixels[:, ::2, ::2]).max()
    assert 0.1 < error <= 0.5001 and 0.6 < more <= 2.001


@pytest.mark.parametrize("compress", ["JPEG", "WEBP"])
@pytest.mark.parametrize("driver", ["COG", "GTiff"])
def test_pictures(tmp_path: pathlib.Path, driver: str, compress: str) -> None:
    if compress == "JPEG":
        need_newest_rasterio()  # whose libjpeg rounds as ours
    pixels = scene("uint8", 3)
    sizes = []
    for quality in (30, 95):
        name = "quality" if driver == "COG" else {"JPEG": "jpeg_quality", "WEBP": "webp_level"}[compress]
        layout = {"blocksize": 64} if driver == "COG" else {"tiled": True, "blockxsize": 64, "blockysize": 64}
        copy = convert(tmp_path, pixels, driver, {"compress": compress, name: quality, **layout}, photometric="RGB")
        with rasterio.open(copy) as theirs, nacre.open(copy) as ours:
            near = theirs.read()
            assert np.abs(near.astype(int) - pixels).mean() < (12 if quality == 30 else 3)
            assert np.array_equal(ours.read(), near)
            assert [c.name for c in theirs.colorinterp] == ["red", "green", "blue"]
        sizes.append(copy.stat().st_size)
        copy.unlink()
    assert sizes[0] < sizes[1]


def test_jpeg_in_ycbcr_as_gdal_writes_it(tmp_path: pathlib.Path) -> None:
    need_newest_rasterio()
    pixels = scene("uint8", 3)
    options = {"compress": "JPEG", "photometric": "YCBCR", "tiled": True, "blockxsize": 64, "blockysize": 64}
    copy = convert(tmp_path, pixels, "GTiff", options, photometric="RGB")
    theirs = tmp_path / "theirs.tif"
    rasterio.shutil.copy(tmp_path / "source.tif", theirs, driver="GTiff", **options)
    with rasterio.open(copy) as one, rasterio.open(theirs) as other:
        assert one.tags(ns="IMAGE_STRUCTURE") == other.tags(ns="IMAGE_STRUCTURE")
        inner = (slice(None), slice(0, 128), slice(0, 192))  # the edges are continued in another way
        assert np.abs(one.read()[inner].astype(int) - other.read()[inner]).max() <= 1


def test_jpeg_strips_and_gray(tmp_path: pathlib.Path) -> None:
    pixels = scene("uint8", 1)
    copy = convert(tmp_path, pixels, "GTiff", {"compress": "JPEG", "jpeg_quality": 95})
    with rasterio.open(copy) as dataset:
        assert np.abs(dataset.read().astype(int) - pixels).mean() < 2


@pytest.mark.parametrize(("driver", "options"), [("COG", {"quality": 100}), ("GTiff", {"webp_lossless": "YES"})])
def test_webp_without_loss(tmp_path: pathlib.Path, driver: str, options: dict[str, Any]) -> None:
    pixels = scene("uint8", 4)
    copy = convert(tmp_path, pixels, driver, {"compress": "WEBP", **options}, photometric="RGB", alpha="YES")
    with rasterio.open(copy) as dataset:
        assert np.array_equal(dataset.read(), pixels)
        assert structure(copy)["COMPRESSION_REVERSIBILITY"] == "LOSSLESS"


@pytest.mark.parametrize("count", [2, 4])
def test_alpha_becomes_a_mask(tmp_path: pathlib.Path, count: int) -> None:
    pixels = scene("uint8", count)
    pixels[-1] = 255
    pixels[-1, :70] = 0
    profile = {"photometric": "RGB"} if count == 4 else {}
    for options in ({"compress": "JPEG"}, {"compress": "DEFLATE", "add_mask": "YES"}):
        copy = convert(tmp_path, pixels, "COG", {"blocksize": 64, **options}, alpha="YES", **profile)
        with rasterio.open(copy) as dataset:
            assert dataset.count == count - 1
            assert dataset.mask_flag_enums == ([MaskFlags.per_dataset],) * (count - 1)
            assert np.array_equal(dataset.dataset_mask(), pixels[-1])
        assert_valid_cog(copy)
        copy.unlink()


def test_overviews_have_a_scheme_of_their_own(tmp_path: pathlib.Path) -> None:
    pixels = scene("uint8", 3)
    options = {"compress": "DEFLATE", "overview_compress": "JPEG", "overview_quality": 60, "blocksize": 64, "level": 12}
    copy = convert(tmp_path, pixels, "COG", options, photometric="RGB")
    with rasterio.open(copy) as dataset:
        assert np.array_equal(dataset.read(), pixels)
    with rasterio.open(copy, overview_level=0) as overview:
        assert overview.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "YCbCr JPEG"
        assert overview.read().std() > 10
    assert_valid_cog(copy)


def test_predictors_by_name(tmp_path: pathlib.Path) -> None:
    for value, dtype, tag in [("YES", "uint16", "2"), ("YES", "float32", "3"), ("STANDARD", "float32", "2"),
                              ("FLOATING_POINT", "float64", "3"), ("NO", "uint16", None), ("2", "int16", "2"),
                              ("3", "float32", "3")]:  # fmt: skip
        pixels = scene(dtype, 1)
        copy = convert(tmp_path, pixels, "COG", {"compress": "DEFLATE", "predictor": value})
        assert structure(copy).get("PREDICTOR") == tag
        with rasterio.open(copy) as dataset:
            assert np.array_equal(dataset.read(), pixels)
        copy.unlink()


# --- Values ---


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("driver", ["COG", "GTiff"])
def test_complex_values(tmp_path: pathlib.Path, driver: str, dtype: str) -> None:
    pixels = scene(dtype, 2)
    source, copy = tmp_path / "source.tif", tmp_path / "copy.tif"
    write(source, pixels)
    try:
        nacre.open(source).close()
    except nacre.RasterioIOError:
        pytest.skip("complex values are not read")
    nacre.shutil.copy(source, copy, driver=driver, compress="DEFLATE")
    with rasterio.open(copy) as dataset:
        assert np.array_equal(dataset.read(), pixels)


@pytest.mark.parametrize(("dtype", "bits"), [("uint8", 1), ("uint8", 3), ("uint8", 7), ("uint16", 12), ("uint32", 20)])
@pytest.mark.parametrize("count", [1, 3])
def test_fewer_bits(tmp_path: pathlib.Path, dtype: str, bits: int, count: int) -> None:
    pixels = scene(dtype, count)
    copy = convert(tmp_path, pixels, "GTiff", {"nbits": bits, "compress": "DEFLATE", "tiled": True})
    with rasterio.open(copy) as dataset:
        assert dataset.tags(1, ns="IMAGE_STRUCTURE")["NBITS"] == str(bits)
        assert np.array_equal(dataset.read(), np.minimum(pixels, 2**bits - 1))


@pytest.mark.parametrize("driver", ["COG", "GTiff"])
@pytest.mark.parametrize("nodata", [None, 7])
def test_sparse_blocks(tmp_path: pathlib.Path, driver: str, nodata: int | None) -> None:
    pixels = scene("uint16", 2, 512, 512)
    pixels[:, 128:256, :400] = nodata or 0
    layout = {"blocksize": 64} if driver == "COG" else {"tiled": True, "blockxsize": 64, "blockysize": 64}
    copy = convert(tmp_path, pixels, driver, {"sparse_ok": "TRUE", **layout}, nodata=nodata)
    with rasterio.open(copy) as theirs, nacre.open(copy) as ours:
        assert theirs.read_masks(1).shape == (512, 512)
        assert theirs.tags(1, ns="TIFF").get("BLOCK_OFFSET_1_2") is None
        assert np.array_equal(theirs.read(), pixels)
        assert np.array_equal(ours.read(), pixels)
    if driver == "COG":
        assert_valid_cog(copy)


# --- Overviews ---


RESAMPLINGS = ["nearest", "average", "bilinear", "cubic", "cubicspline", "lanczos", "mode", "gauss", "rms"]


@pytest.mark.parametrize("resampling", RESAMPLINGS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("nodata", [None, 50])
def test_overviews_are_those_of_gdal(tmp_path: pathlib.Path, resampling: str, dtype: str, nodata: int | None) -> None:
    """Within one unit on 99.9 % of the values. Exception: an average that is the nodata value by chance is moved from
    it always; GDAL does that for int16 only where a pixel of the part that it has cut is invalid, and so its next
    overview leaves others out."""
    pixels = scene(dtype, 2, 384, 512)
    random = np.random.default_rng(3)
    pixels += random.integers(0, 20, pixels.shape).astype(dtype)
    if nodata is not None:
        pixels[:, 100:160, 200:333] = nodata
    source, ours, theirs = tmp_path / "source.tif", tmp_path / "ours.tif", tmp_path / "theirs.tif"
    write(source, pixels, nodata=nodata)
    options = {"blocksize": "128", "overview_resampling": resampling.upper()}
    nacre.shutil.copy(source, ours, driver="COG", **options)
    rasterio.shutil.copy(source, theirs, driver="COG", **options)
    for level in range(2):
        with rasterio.open(ours, overview_level=level) as one, rasterio.open(theirs, overview_level=level) as other:
            mine, its = one.read().astype(float), other.read().astype(float)
            off = np.abs(mine - its) > 1
            is_exception = dtype == "int16" and resampling in ("average", "rms") and nodata is not None
            assert off.mean() <= (0.01 if is_exception else 0.001), (level, off.mean(), np.argwhere(off)[:5], mine[off][:5], its[off][:5])


def test_a_number_of_overviews(tmp_path: pathlib.Path) -> None:
    pixels = scene("uint8", 1, 300, 300)
    for count in (0, 1, 3):
        copy = convert(tmp_path, pixels, "COG", {"overview_count": count, "blocksize": 128})
        with rasterio.open(copy) as dataset:
            assert dataset.overviews(1) == [2, 4, 8][:count]
        copy.unlink()


@pytest.mark.parametrize(("driver", "option"), [("COG", {}), ("COG", {"overviews": "FORCE_USE_EXISTING"}), ("GTiff", {"copy_src_overviews": "YES"})])
def test_overviews_of_the_source_are_kept(tmp_path: pathlib.Path, driver: str, option: dict[str, str]) -> None:
    source, copy = tmp_path / "source.tif", tmp_path / "copy.tif"
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[:50] = False
    write(source, scene("uint8", 1), mask, tiled=True, blockxsize=64, blockysize=64)
    with rasterio.open(source, "r+") as dataset:
        dataset.build_overviews([3], rasterio.enums.Resampling.mode)
    nacre.shutil.copy(source, copy, driver=driver, **option)
    for level in (None, 0):
        extra = {} if level is None else {"overview_level": level}
        with rasterio.open(source, **extra) as one, rasterio.open(copy, **extra) as other:
            assert np.array_equal(one.read(), other.read())
            assert np.array_equal(one.dataset_mask(), other.dataset_mask())
    with rasterio.open(copy) as dataset:
        assert dataset.overviews(1) == [3]


# --- The rest ---


def test_profiles(tmp_path: pathlib.Path) -> None:
    pixels = scene("uint8", 1)
    for profile, has_crs, has_nodata in [("GDALGeoTIFF", True, True), ("GeoTIFF", True, False), ("BASELINE", False, False)]:
        copy = convert(tmp_path, pixels, "GTiff", {"profile": profile}, nodata=3)
        with rasterio.open(copy) as dataset:
            assert (dataset.crs is not None) == has_crs
            assert (dataset.nodata is not None) == has_nodata
        copy.unlink()


def test_statistics_of_all_pixels(tmp_path: pathlib.Path) -> None:
    pixels = scene("float32", 2)
    pixels[0, :40, :40] = -1
    copy = convert(tmp_path, pixels, "COG", {"statistics": "YES", "blocksize": 64}, nodata=-1)
    with rasterio.open(copy) as dataset:
        for band in (1, 2):
            tags = dataset.tags(band)
            valid = pixels[band - 1][pixels[band - 1] != -1].astype(float)
            found = [float(tags[f"STATISTICS_{name}"]) for name in ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV")]
            assert np.allclose(found, [valid.min(), valid.max(), valid.mean(), valid.std()], rtol=1e-9)
            assert np.isclose(float(tags["STATISTICS_VALID_PERCENT"]), 100 * valid.size / pixels[0].size, rtol=1e-3)
    again = tmp_path / "again.tif"
    nacre.shutil.copy(copy, again, driver="COG", statistics="NO")
    with rasterio.open(again) as dataset:
        assert not [key for key in dataset.tags(1) if key.startswith("STATISTICS")]


def test_alpha_is_what_the_option_says(tmp_path: pathlib.Path) -> None:
    pixels = scene("uint8", 4)
    for value, alpha in [("YES", True), ("NO", False), ("PREMULTIPLIED", True), ("UNSPECIFIED", False)]:
        copy = convert(tmp_path, pixels, "GTiff", {"alpha": value}, photometric="RGB", alpha="YES")
        with rasterio.open(copy) as dataset:
            assert (dataset.mask_flag_enums[0] == [MaskFlags.per_dataset, MaskFlags.alpha]) == alpha or not alpha
        copy.unlink()


def test_any_number_of_threads_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source.tif"
    write(source, scene("uint16", 3, 700, 900), tiled=True)
    copies = []
    for threads in ("1", "3", "ALL_CPUS"):
        copy = tmp_path / f"{threads}.tif"
        nacre.shutil.copy(source, copy, driver="COG", blocksize=64, num_threads=threads, statistics="YES")
        copies.append(copy.read_bytes())
    assert copies[0] == copies[1] == copies[2]


def test_rational_polynomial_coefficients(tmp_path: pathlib.Path) -> None:
    source, copy = tmp_path / "source.tif", tmp_path / "copy.tif"
    write(source, scene("uint8", 1))
    coefficients = [0.1 * i - 0.7 for i in range(20)]
    rpcs = rasterio.rpc.RPC(
        height_off=10, height_scale=500, lat_off=40, lat_scale=0.2, line_den_coeff=coefficients, line_num_coeff=coefficients,
        line_off=75, line_scale=80, long_off=-75, long_scale=0.3, samp_den_coeff=coefficients, samp_num_coeff=coefficients,
        samp_off=100, samp_scale=110, err_bias=None, err_rand=None,
    )  # fmt: skip
    with rasterio.open(source, "r+") as dataset:
        dataset.rpcs = rpcs
    nacre.shutil.copy(source, copy, driver="COG")
    with rasterio.open(source) as one, rasterio.open(copy) as other:
        assert other.rpcs is not None and one.rpcs.to_dict() == other.rpcs.to_dict()


# --- Web maps ---

WEB: list[dict[str, Any]] = [
    {},
    {"zoom_level_strategy": "LOWER"},
    {"zoom_level_strategy": "UPPER"},
    {"zoom_level": 14},
    {"aligned_levels": 3},
    {"blocksize": 512},
    {"add_alpha": "NO"},
    {"compress": "JPEG"},
    {"warp_resampling": "NEAREST", "overview_resampling": "AVERAGE"},
]


@pytest.mark.parametrize("options", WEB)
def test_tiles_of_a_web_map(tmp_path: pathlib.Path, options: dict[str, Any]) -> None:
    """The grid, overviews, metadata and, but for the edge, pixels of GDAL's."""
    pixels = scene("uint8", 3, 500, 700)
    options = {"tiling_scheme": "GoogleMapsCompatible", **options}
    ours = convert(tmp_path, pixels, "COG", options, photometric="RGB")
    theirs = tmp_path / "theirs.tif"
    rasterio.shutil.copy(tmp_path / "source.tif", theirs, driver="COG", **{k: str(v) for k, v in options.items()})
    with rasterio.open(ours) as one, rasterio.open(theirs) as other:
        for name in ["width", "height", "count", "crs", "block_shapes", "mask_flag_enums"]:
            assert getattr(one, name) == getattr(other, name), name
        assert one.transform.almost_equals(other.transform, 1e-6)
        assert one.overviews(1) == other.overviews(1)
        tags = [{k: v.upper() for k, v in dataset.tags(ns="TILING_SCHEME").items()} for dataset in (one, other)]
        assert tags[0] == tags[1]
        off = np.abs(one.read().astype(int) - other.read())
        assert (off > (12 if "compress" in options else 2)).mean() < 0.01
    assert_valid_cog(ours)


@pytest.mark.parametrize(
    ("driver", "options", "message"),
    [
        ("COG", {"compress": "JXL"}, "COMPRESS=JXL"),
        ("COG", {"compress": "WEBP"}, "COMPRESS=WEBP"),
        ("COG", {"compress": "JPEG", "quality": 0}, "QUALITY=0: it takes 1 to 100"),
        ("COG", {"max_z_error": -1}, "MAX_Z_ERROR=-1"),
        ("COG", {"overview_count": "x"}, "OVERVIEW_COUNT=x"),
        ("COG", {"overviews": "SOME"}, "OVERVIEWS=SOME"),
        ("COG", {"num_threads": 0}, "NUM_THREADS=0"),
        ("COG", {"sparse_ok": "perhaps"}, "SPARSE_OK=perhaps: it takes YES or NO"),
        ("COG", {"statistics": "some"}, "STATISTICS=some"),
        ("COG", {"nbits": 9}, "NBITS=9: it takes 1 to 8"),
        ("COG", {"nbits": 4, "compress": "DEFLATE", "predictor": 2}, "NBITS=4: not with a predictor"),
        ("COG", {"resampling": "max"}, "OVERVIEW_RESAMPLING=max"),
        ("COG", {"tiling_scheme": "Other"}, "TILING_SCHEME=Other: it takes GoogleMapsCompatible"),
        ("COG", {"tiling_scheme": "GoogleMapsCompatible", "zoom_level": 99}, "ZOOM_LEVEL=99: it takes 0 to 30"),
        ("COG", {"tiling_scheme": "GoogleMapsCompatible", "colour": "red"}, "unknown creation option COLOUR"),
        ("GTiff", {"tiling_scheme": "GoogleMapsCompatible"}, "unknown creation option TILING_SCHEME"),
        ("GTiff", {"tiled": "x"}, "TILED=x"),
        ("GTiff", {"tiled": "YES", "blockxsize": 40}, "multiples of 16"),
        ("GTiff", {"compress": "JPEG", "blockysize": 20}, "multiples of 16"),
        ("GTiff", {"photometric": "YCBCR"}, "PHOTOMETRIC=YCBCR"),
        ("GTiff", {"profile": "own"}, "PROFILE=own"),
        ("GTiff", {"alpha": "x"}, "ALPHA=x"),
        ("GTiff", {"quality": 3}, "unknown creation option QUALITY"),
        ("GTiff", {"lzma_preset": 10, "compress": "LZMA"}, "LZMA_PRESET=10: it takes 0 to 9"),
    ],
)
def test_bad_options_are_named(tmp_path: pathlib.Path, driver: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception) as error:
        convert(tmp_path, scene("uint8", 1), driver, options)
    assert message in str(error.value)
    assert not (tmp_path / "copy.tif").exists()

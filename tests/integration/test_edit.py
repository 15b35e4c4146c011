# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets that are made and changed in place: nacre/edit.h, as GDAL sees what comes of it."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from conftest import need, need_newest_rasterio
from edits import create, save_overviews, update
from rasterio.enums import Resampling

import nacre

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

WIDTH, HEIGHT = 300, 230


def scene(dtype: str, count: int) -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.array([(np.sin(x / 19 + band) * np.cos(y / 17) + 1) * 100 + band * 3 for band in range(count)]).astype(dtype)


def assert_valid_cog(path: pathlib.Path) -> None:
    need("rio-cogeo")
    from rio_cogeo.cogeo import cog_validate

    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])


FORMS: list[tuple[str, dict[str, Any]]] = [
    ("GTiff", {}),
    ("GTiff", {"tiled": "YES", "blockxsize": 64, "blockysize": 32, "compress": "DEFLATE", "predictor": 2}),
    ("GTiff", {"interleave": "BAND", "compress": "ZSTD", "tiled": "YES"}),
    ("COG", {"blocksize": 64, "compress": "DEFLATE"}),
]


# --- Making ---


@pytest.mark.parametrize(("driver", "options"), FORMS)
def test_windows_in_any_order(tmp_path: pathlib.Path, driver: str, options: dict[str, Any]) -> None:
    pixels = scene("uint16", 3)
    random = np.random.default_rng(5)
    path = tmp_path / "a.tif"
    with create(path, WIDTH, HEIGHT, 3, "uint16", driver, **options) as edit:
        edit.set_crs("EPSG:32618")
        edit.set_transform(30, 0, 5e5, 0, -30, 4e6)
        boxes = [(x, y, min(47, WIDTH - x), min(41, HEIGHT - y)) for x in range(0, WIDTH, 47) for y in range(0, HEIGHT, 41)]
        random.shuffle(boxes)
        for x, y, w, h in boxes:
            edit.write(np.zeros((1, h, w), "uint16"), (x, y, w, h), [2])
            for band in random.permutation(3):
                edit.write(pixels[band : band + 1, y : y + h, x : x + w], (x, y, w, h), [int(band) + 1])
        assert np.array_equal(edit.read("uint16"), pixels)
        assert os.listdir(tmp_path) == []
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(), pixels)
        assert dataset.crs.to_epsg() == 32618
        assert tuple(dataset.transform)[:6] == (30, 0, 5e5, 0, -30, 4e6)
    if driver == "COG":
        assert_valid_cog(path)


def test_what_is_not_written_is_nodata(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    with create(path, WIDTH, HEIGHT, 2, "float32", tiled="YES") as edit:
        edit.set_band(1, nodata=-9)
        edit.write(np.full((1, 20, 30), 5, "float32"), (50, 60, 30, 20), [1])
    expected = np.full((2, HEIGHT, WIDTH), -9, "float32")
    expected[0, 60:80, 50:80] = 5
    with rasterio.open(path) as dataset:
        assert dataset.nodatavals == (-9, -9)
        assert np.array_equal(dataset.read(), expected)


def test_values_are_converted_and_clamped(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    with create(path, 4, 1, 1, "uint8") as edit:
        edit.write(np.array([[[-3.0, 1.5, 254.6, 900]]]))
    with rasterio.open(path) as dataset:
        assert dataset.read().tolist() == [[[0, 2, 255, 255]]]


def test_all_that_describes_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    with create(path, WIDTH, HEIGHT, 2, "int16") as edit:
        edit.write(scene("int16", 2))
        edit.set_band(1, description="height", unit="m", scale=0.5, offset=3)
        edit.set_band(2, color=6)
        edit.set_metadata("NAME", "a & b")
        edit.set_metadata("GONE", "x")
        edit.set_metadata("GONE", None)
        edit.set_metadata("K", "v", band=2, domain="own")
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("height", None)
        assert dataset.units == ("m", None)
        assert (dataset.scales, dataset.offsets) == ((0.5, 1), (3, 0))
        assert dataset.colorinterp[1].name == "alpha"
        assert dataset.tags()["NAME"] == "a & b" and "GONE" not in dataset.tags()
        assert dataset.tags(2, ns="own") == {"K": "v"}


def test_a_mask_and_a_colour_table(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    mask = np.zeros((1, HEIGHT, WIDTH), "uint8")
    mask[:, 50:200, 20:] = 1
    with create(path, WIDTH, HEIGHT, 1, "uint8", "COG", blocksize=64) as edit:
        edit.write(scene("uint8", 1))
        edit.write(mask, mask=True)
        edit.set_band(1, colors=[(i, 255 - i, 7, 255) for i in range(256)])
        assert np.array_equal(edit.read("uint8", mask=True), mask * 255)
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.dataset_mask(), mask[0] * 255)
        assert dataset.colormap(1)[9] == (9, 246, 7, 255)
    assert_valid_cog(path)


def test_png_is_made_too(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.png"
    with create(path, WIDTH, HEIGHT, 3, "uint8", "PNG") as edit:
        edit.write(scene("uint8", 3))
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(), scene("uint8", 3))


def test_without_a_commit_there_is_nothing(tmp_path: pathlib.Path) -> None:
    edit = create(tmp_path / "a.tif", WIDTH, HEIGHT, 1, "uint8")
    edit.write(scene("uint8", 1))
    edit.close()
    assert os.listdir(tmp_path) == []


def test_what_is_wrong_is_said(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    for arguments, options, message in [
        ((0, 5, 1, "uint8"), {}, "a raster of 0 x 5 pixels"),
        ((5, 5, 1, "uint8"), {"colour": "red"}, "unknown creation option COLOUR"),
        ((5, 5, 1, "uint8"), {"driver": "GIF"}, "format GIF cannot be written"),
        ((5, 5, 2, "uint8"), {"compress": "WEBP"}, "COMPRESS=WEBP"),
    ]:
        with pytest.raises(Exception, match=message):
            create(path, *arguments, **options)
    edit = create(path, 5, 5, 1, "uint8")
    for pixels, window, bands, message in [
        (np.zeros((1, 5, 5), "uint8"), (1, 0, 5, 5), [1], "not of whole pixels inside the raster of 5x5"),
        (np.zeros((1, 5, 5), "uint8"), (0.5, 0, 2, 2), [1], "not of whole pixels"),
        (np.zeros((1, 5, 5), "uint8"), None, [2], "no band 2: it has 1"),
        (np.zeros((1, 2, 5), "uint8"), None, [1], "the buffer has 10 bytes, and 25 are needed"),
    ]:
        with pytest.raises(ValueError, match=message):
            edit.write(pixels, window, bands)
    edit.commit()
    with pytest.raises(ValueError, match="it was committed"):
        edit.write(np.zeros((1, 5, 5), "uint8"))
    edit.close()
    with pytest.raises(nacre.errors.ObjectExistsError):
        create(path, 5, 5, 1, "uint8")
    create(path, 6, 5, 1, "uint8", overwrite=True).__exit__(None)
    with rasterio.open(path) as dataset:
        assert dataset.width == 6


# --- Changing ---


def make(path: pathlib.Path, driver: str, options: dict[str, Any], **profile: Any) -> np.ndarray:
    """A file of GDAL's with overviews, a tag of its own, and metadata."""
    pixels = scene("uint8", 3)
    written = {key: str(value) for key, value in options.items()}
    source = path.with_name("source.tif")
    with rasterio.open(
        source, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="uint8", crs="EPSG:32618",
        transform=rasterio.transform.from_origin(5e5, 4e6, 30, 30), photometric="RGB", **profile
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
        dataset.update_tags(NAME="old", KEEP="kept")
    rasterio.shutil.copy(source, path, driver=driver, **written)
    source.unlink()
    if driver == "GTiff":
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.nearest)
    return pixels


def blocks(path: pathlib.Path) -> list[bytes]:
    """Encoded blocks of all levels, as tifffile sees them."""
    need("tifffile")
    import tifffile

    found = []
    with tifffile.TiffFile(path) as tiff, open(path, "rb") as file:
        for page in tiff.pages:
            for offset, size in zip(page.dataoffsets, page.databytecounts):
                file.seek(offset)
                found.append(file.read(size))
    return found


UPDATED: list[tuple[str, dict[str, Any]]] = [
    ("GTiff", {}),
    ("GTiff", {"tiled": "YES", "compress": "DEFLATE", "predictor": 2, "blockxsize": 64, "blockysize": 64}),
    ("GTiff", {"tiled": "YES", "compress": "JPEG", "photometric": "YCBCR", "blockxsize": 64, "blockysize": 64}),
    ("GTiff", {"interleave": "BAND", "compress": "LZW", "bigtiff": "YES"}),
    ("GTiff", {"tiled": "YES", "compress": "LERC_ZSTD", "blockxsize": 64, "blockysize": 64}),
    ("COG", {"blocksize": 128, "compress": "ZSTD"}),
    ("COG", {"blocksize": 128, "compress": "JPEG"}),
]


@pytest.mark.parametrize(("driver", "options"), UPDATED)
def test_a_change_of_metadata_copies_the_blocks(tmp_path: pathlib.Path, driver: str, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    make(path, driver, options)
    before = sorted(blocks(path))
    with rasterio.open(path) as dataset:
        pixels, overviews = dataset.read(), dataset.overviews(1)
        kept = dataset.tags(ns="IMAGE_STRUCTURE")
        kept.pop("OVERVIEW_RESAMPLING", None)
    with update(path) as edit:
        edit.set_metadata("NAME", "new")
        edit.set_crs("EPSG:4326")
        edit.set_transform(0.1, 0, 5, 0, -0.1, 50)
        edit.set_band(2, description="green")
    assert sorted(blocks(path)) == before
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(), pixels)
        assert dataset.overviews(1) == overviews
        assert dataset.tags()["NAME"] == "new" and dataset.tags()["KEEP"] == "kept"
        assert dataset.crs.to_epsg() == 4326 and dataset.transform.c == 5
        assert dataset.descriptions == (None, "green", None)
        assert dataset.tags(ns="IMAGE_STRUCTURE") == kept
    if driver == "COG":
        assert_valid_cog(path)


@pytest.mark.parametrize("quality", [30, 75, 92])
def test_blocks_of_jpeg_that_stay_are_decoded_by_their_own_tables(tmp_path: pathlib.Path, quality: int) -> None:
    """libtiff takes the tables that a block brings along for those after it."""
    need_newest_rasterio()
    path = tmp_path / "a.tif"
    make(path, "GTiff", {"tiled": "YES", "compress": "JPEG", "blockxsize": 64, "blockysize": 64, "jpeg_quality": quality})
    with rasterio.open(path) as dataset:
        expected = dataset.read()
    with update(path) as edit:
        edit.write(np.full((3, 30, 40), 77, "uint8"), (0, 0, 40, 30))
    with rasterio.open(path) as dataset:
        after = dataset.read()
    assert np.array_equal(after[:, 64:], expected[:, 64:]) and np.array_equal(after[:, :, 64:], expected[:, :, 64:])


def test_pixels_of_jpeg_by_tables_of_another_encoder_are_not_updated(tmp_path: pathlib.Path) -> None:
    need("tifffile")
    import tifffile

    path = tmp_path / "a.tif"
    make(path, "GTiff", {"tiled": "YES", "compress": "JPEG", "blockxsize": 64, "blockysize": 64})
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags[347].valueoffset + 10  # in the first table
    data = bytearray(path.read_bytes())
    data[at] += 1
    path.write_bytes(data)
    with pytest.raises(nacre.errors.UnsupportedError, match="its JPEG tables are another encoder's; make a copy"):
        with update(path) as edit:
            edit.write(np.full((3, 30, 40), 77, "uint8"), (0, 0, 40, 30))
    assert path.read_bytes() == data
    with update(path) as edit:
        edit.set_metadata("NAME", "new")
    with nacre.open(path) as dataset:
        assert dataset.tags()["NAME"] == "new"


@pytest.mark.parametrize(("driver", "options"), UPDATED)
def test_pixels_are_changed_where_they_were_written(tmp_path: pathlib.Path, driver: str, options: dict[str, Any]) -> None:
    if options.get("compress") == "JPEG":
        need_newest_rasterio()  # whose libjpeg has the tables of ours
    path = tmp_path / "a.tif"
    make(path, driver, options)
    with rasterio.open(path) as dataset:
        expected = dataset.read()
    new = np.full((3, 30, 40), 77, "uint8")
    with update(path) as edit:
        edit.write(new, (100, 90, 40, 30))
        assert np.array_equal(edit.read("uint8", (100, 90, 40, 30)), new)
    expected[:, 90:120, 100:140] = 77
    with rasterio.open(path) as dataset:
        after = dataset.read()
    if options.get("compress") == "JPEG":
        assert np.abs(after.astype(int) - expected).mean() < 2
        assert np.array_equal(after[:, 128:], expected[:, 128:]) and np.array_equal(after[:, :, 256:], expected[:, :, 256:])
    else:
        assert np.array_equal(after, expected)


@pytest.mark.parametrize(("driver", "options"), UPDATED)
def test_overviews_are_built(tmp_path: pathlib.Path, driver: str, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    make(path, driver, options)
    with update(path) as edit:
        edit.write(np.full((3, HEIGHT, WIDTH), 9, "uint8"))
        edit.build_overviews([2, 3, 6], Resampling.average.value)
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == ([2, 3, 4, 6] if driver == "GTiff" or dataset.overviews(1)[2] == 4 else [2, 3, 6])
        assert (dataset.read() == 9).all()
    for level, factor in enumerate([2, 3]):
        with rasterio.open(path, overview_level=level) as overview:
            assert overview.width == -(-WIDTH // factor)
            assert np.abs(overview.read().astype(int) - 9).max() <= 1


def test_a_mask_is_added_to_a_file_with_overviews(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    pixels = make(path, "COG", {"blocksize": 64, "compress": "DEFLATE"})
    mask = np.zeros((1, HEIGHT, WIDTH), "uint8")
    mask[:, 50:200, 20:] = 255
    with update(path) as edit:
        edit.write(mask, mask=True)
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(), pixels)
        assert np.array_equal(dataset.dataset_mask(), mask[0])
    with rasterio.open(path, overview_level=0) as overview:
        assert np.array_equal(overview.dataset_mask()[30:90, 20:], np.full((60, 130), 255))
    assert_valid_cog(path)


def test_overviews_beside_a_file(tmp_path: pathlib.Path) -> None:
    path, reference = tmp_path / "a.tif", tmp_path / "b.tif"
    for one in (path, reference):
        with rasterio.open(
            one, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="uint8", photometric="RGB"
        ) as dataset:
            dataset.write(scene("uint8", 3))
    save_overviews(path, [2, 4], Resampling.average.value, compress="DEFLATE")
    with rasterio.open(reference, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.average)
    assert sorted(os.listdir(tmp_path)) == ["a.tif", "a.tif.ovr", "b.tif"]
    for level in (0, 1):
        with rasterio.open(path, overview_level=level) as one, rasterio.open(reference, overview_level=level) as other:
            assert np.abs(one.read().astype(int) - other.read()).max() <= 1
            with nacre.open(path) as ours:
                assert ours.overviews(1) == [2, 4]
                assert np.array_equal(ours.read(out_shape=(3, one.height, one.width)), one.read())


def test_overviews_beside_a_file_with_a_mask_are_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    with create(path, WIDTH, HEIGHT, 1, "uint8") as edit:
        edit.write(np.ones((1, HEIGHT, WIDTH), "uint8"), mask=True)
    with pytest.raises(nacre.errors.UnsupportedError, match="it has a mask"):
        save_overviews(path, [2], Resampling.average.value)
    assert os.listdir(tmp_path) == ["a.tif"]


def test_tags_that_nacre_does_not_know_stay(tmp_path: pathlib.Path) -> None:
    need("tifffile")
    import tifffile

    path = tmp_path / "a.tif"
    tags = [(65000, "H", 3, (1, 2, 3), False), (50844, "d", 92, tuple(float(i) for i in range(92)), False)]
    tifffile.imwrite(path, scene("uint8", 1)[0], extratags=tags)
    with update(path) as edit:
        edit.set_metadata("K", "V")
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].tags[65000].value == (1, 2, 3)
        assert tiff.pages[0].tags[50844].value == tags[1][3]


def test_what_was_committed_is_read(tmp_path: pathlib.Path) -> None:
    """Also where nothing was written: the file that was opened is another one now."""
    path = tmp_path / "a.tif"
    expected = make(path, "COG", {"blocksize": 64, "compress": "DEFLATE"})
    edit = update(path)
    edit.write(np.full((3, 30, 40), 77, "uint8"), (100, 90, 40, 30))
    edit.build_overviews([2, 3], Resampling.average.value)
    edit.commit()
    expected[:, 90:120, 100:140] = 77
    assert np.array_equal(edit.read("uint8"), expected)
    with pytest.raises(ValueError, match="it was committed"):
        edit.write(np.zeros((3, 5, 5), "uint8"), (0, 0, 5, 5))
    edit.close()


def test_an_update_without_changes_writes_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    make(path, "GTiff", {})
    before = path.stat().st_ino, path.stat().st_mtime_ns
    with update(path):
        pass
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before


def test_another_writer_wins(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    make(path, "GTiff", {})
    edit = update(path)
    edit.set_metadata("K", "V")
    other = path.read_bytes() + b"more"
    path.write_bytes(other)
    with pytest.raises(nacre.errors.ObjectChangedError):
        edit.commit()
    edit.close()
    assert path.read_bytes() == other

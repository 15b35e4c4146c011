# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""VRTs both ways: nacre reads what GDAL and its tools write, and they read what nacre writes."""

from __future__ import annotations

import json
import pathlib
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from conftest import Emulator, gdal, gdal_options, need, run_nacre, worked

TRANSFORM_LEFT, TRANSFORM_TOP, PIXEL = 500000.0, 4000000.0, 30.0


def scene(
    path: pathlib.Path,
    left: float = 0,
    top: float = 0,
    *,
    width: int = 150,
    height: int = 110,
    count: int = 3,
    dtype: str = "uint8",
    nodata: float | None = None,
    alpha: bool = False,
    mask: bool = False,
    overviews: bool = False,
    seed: int = 1,
) -> pathlib.Path:
    """A smooth scene with holes; left and top are in pixels."""
    need("rasterio")
    import numpy as np
    import rasterio
    from rasterio.enums import ColorInterp, Resampling
    from rasterio.transform import from_origin

    y, x = np.mgrid[0:height, 0:width]
    bands = [110 + 70 * np.sin(x / (9 + b) + seed) + 60 * np.cos(y / (13 - b) - seed) for b in range(count)]
    pixels = np.clip(np.stack(bands), 1, 250).astype(dtype)
    hole = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 5) ** 2
    if nodata is not None:
        pixels[:, hole] = nodata
    if alpha:
        pixels[-1] = np.where(hole, 0, 255)
    transform = from_origin(TRANSFORM_LEFT + left * PIXEL, TRANSFORM_TOP - top * PIXEL, PIXEL, PIXEL)
    profile = {"width": width, "height": height, "count": count, "dtype": dtype, "nodata": nodata, "crs": "EPSG:32618"}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with rasterio.open(path, "w", driver="GTiff", transform=transform, tiled=True, blockxsize=64, blockysize=64, **profile) as target:
            target.write(pixels)
            if alpha:
                target.colorinterp = [*target.colorinterp[:-1], ColorInterp.alpha]
            if mask:
                target.write_mask(~hole)
            if overviews:
                target.build_overviews([2, 4], Resampling.average)
    return path


def read_by_nacre(path: pathlib.Path, *options: Any) -> Any:
    """The pixels as nacre reads them, by way of a plain GeoTIFF."""
    import rasterio

    out = path.parent / f"read-{path.name}.tif"
    worked(run_nacre("convert", path, out, "--format", "GTiff", "--overwrite", *options))
    with rasterio.open(out) as dataset:
        return dataset.read(), dataset.read_masks()


def read_by_rasterio(path: pathlib.Path, window: tuple | None = None, size: tuple | None = None, resampling: str = "nearest") -> Any:
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.windows import Window

    with rasterio.open(path) as dataset:
        width, height = size or (window[2:] if window else (dataset.width, dataset.height))
        how = {
            "window": Window(*window) if window else None,
            "out_shape": (dataset.count, height, width),
            "resampling": Resampling[resampling],
        }
        return dataset.read(**how), dataset.read_masks(**{**how, "resampling": Resampling.nearest})


def expect_same_pixels(path: pathlib.Path, tolerance: int = 0) -> None:
    """Whole, windows, other sizes: as Rasterio reads the same file, within tolerance where kernels round."""
    import numpy as np
    import rasterio

    with rasterio.open(path) as dataset:
        width, height = dataset.width, dataset.height
    window = (width // 5, height // 3, width // 2, height // 2)
    small = (max(1, window[2] // 3), max(1, window[3] // 3))
    for asked, size in [(None, None), (window, None), (window, small), (None, (width * 2, height))]:
        options = ["--window", ",".join(map(str, asked))] if asked else []
        options += ["--size", ",".join(map(str, size))] if size else []
        ours, theirs = read_by_nacre(path, *options), read_by_rasterio(path, asked, size)
        np.testing.assert_allclose(ours[0].astype(float), theirs[0].astype(float), rtol=0, atol=tolerance, err_msg=f"pixels of {asked} {size}")
        np.testing.assert_array_equal(ours[1], theirs[1], err_msg=f"masks of {asked} {size}")
    # A third, since at the size of an overview GDAL copies it whole, and moves a source on fractions by that.
    smooth = read_by_nacre(path, "--size", f"{width // 3},{height // 3}", "-r", "bilinear")[0]
    expected = read_by_rasterio(path, None, (width // 3, height // 3), "bilinear")[0]
    differ = np.abs(smooth.astype(float) - expected.astype(float)) > 1
    assert differ.mean() < 0.002, f"{differ.sum()} of {differ.size} differ after bilinear"


# --- What others write -----------------------------------------------------------------------------------------------

BUILD = {
    "overlap": ({}, []),
    "nodata": ({"nodata": 0}, []),
    "mask": ({"mask": True}, []),
    "alpha": ({"count": 4, "alpha": True}, []),
    "float": ({"dtype": "float32", "nodata": -9999}, []),
    "overviews": ({"overviews": True}, []),
    "other resolution": ({}, ["-tr", 25, 37]),
    "bilinear": ({}, ["-tr", 25, 37, "-r", "bilinear"]),
    "separate": ({}, ["-separate"]),
    "extent": ({}, ["-te", 500350, 3997200, 504000, 3999100]),
}


@pytest.mark.parametrize("case", BUILD)
def test_a_mosaic_of_gdalbuildvrt_is_read_as_gdal_reads_it(tmp_path: pathlib.Path, case: str) -> None:
    how, options = BUILD[case]
    first = scene(tmp_path / "a.tif", **how)
    second = scene(tmp_path / "b.tif", 97.4, 31.7, seed=5, **how)
    gdal("gdalbuildvrt", "-q", *options, tmp_path / "m.vrt", first, second)
    expect_same_pixels(tmp_path / "m.vrt", 1 if "bilinear" in options else 0)


TRANSLATE = {
    "whole": [],
    "window": ["-srcwin", 10, 20, 70, 50],
    "window to another size": ["-srcwin", 10, 20, 70, 50, "-outsize", 33, 41],
    "bands": ["-b", 3, "-b", 1],
    "scaled": ["-scale", 0, 255, 0, 65535, "-ot", "UInt16"],
    "exponent": ["-scale", 0, 255, 0, 255, "-exponent", 0.5],
    "nodata": ["-a_nodata", 7],
}


@pytest.mark.parametrize("case", TRANSLATE)
def test_a_vrt_of_gdal_translate_is_read_as_gdal_reads_it(tmp_path: pathlib.Path, case: str) -> None:
    source = scene(tmp_path / "a.tif")
    gdal("gdal_translate", "-q", "-of", "VRT", *TRANSLATE[case], source, tmp_path / "t.vrt")
    expect_same_pixels(tmp_path / "t.vrt")


def test_vrts_of_vrts_are_read(tmp_path: pathlib.Path) -> None:
    scene(tmp_path / "a.tif", nodata=0)
    gdal("gdal_translate", "-q", "-of", "VRT", "-srcwin", 5, 5, 100, 80, tmp_path / "a.tif", tmp_path / "b.vrt")
    gdal("gdalbuildvrt", "-q", tmp_path / "c.vrt", tmp_path / "b.vrt", tmp_path / "a.tif")
    expect_same_pixels(tmp_path / "c.vrt")


def test_a_palette_is_expanded(tmp_path: pathlib.Path) -> None:
    import rasterio

    with rasterio.open(scene(tmp_path / "g.tif", count=1), "r+") as dataset:
        dataset.write_colormap(1, {i: (i, 255 - i, i // 2, 255) for i in range(256)})
    gdal("gdal_translate", "-q", "-of", "VRT", "-expand", "rgb", tmp_path / "g.tif", tmp_path / "e.vrt")
    expect_same_pixels(tmp_path / "e.vrt")


# --- What nacre writes -----------------------------------------------------------------------------------------------


def rects(path: pathlib.Path, name: str) -> list[dict[str, float]]:
    return [{key: float(value) for key, value in element.attrib.items()} for element in ElementTree.parse(path).iter(name)]


@pytest.mark.parametrize("case", ["overlap", "nodata", "mask", "alpha", "float", "other resolution", "separate", "extent"])
def test_a_mosaic_lies_as_that_of_gdalbuildvrt_and_gdal_reads_it(tmp_path: pathlib.Path, case: str) -> None:
    import numpy as np
    import rasterio

    how, options = BUILD[case]
    first = scene(tmp_path / "a.tif", **how)
    second = scene(tmp_path / "b.tif", 97.4, 31.7, seed=5, **how)
    words = [str(word) for word in options]
    if "-separate" in words:
        words = ["--separate"]
    worked(run_nacre("vrt", *words, first, second, tmp_path / "ours.vrt"))
    gdal("gdalbuildvrt", "-q", *options, tmp_path / "theirs.vrt", first, second)
    for name in ("SrcRect", "DstRect"):
        ours, theirs = rects(tmp_path / "ours.vrt", name), rects(tmp_path / "theirs.vrt", name)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert a == pytest.approx(b, abs=1e-9)
    with rasterio.open(tmp_path / "ours.vrt") as ours, rasterio.open(tmp_path / "theirs.vrt") as theirs:
        assert ours.crs == theirs.crs
        assert ours.transform.almost_equals(theirs.transform, 1e-9)
        assert (ours.shape, ours.dtypes, ours.nodata, ours.colorinterp) == (theirs.shape, theirs.dtypes, theirs.nodata, theirs.colorinterp)
        assert ours.mask_flag_enums == theirs.mask_flag_enums
        np.testing.assert_array_equal(ours.read(), theirs.read())
        np.testing.assert_array_equal(ours.read_masks(), theirs.read_masks())
    expect_same_pixels(tmp_path / "ours.vrt")


@pytest.mark.parametrize("how", [{}, {"nodata": 0}, {"mask": True}, {"count": 4, "alpha": True}, {"dtype": "int16"}], ids=str)
def test_a_raster_saved_as_a_vrt_is_the_same_to_gdal(tmp_path: pathlib.Path, how: dict) -> None:
    import numpy as np
    import rasterio

    source = scene(tmp_path / "a.tif", **how)
    (tmp_path / "sub").mkdir()
    worked(run_nacre("convert", source, tmp_path / "sub" / "v.vrt"))
    assert [e.text for e in ElementTree.parse(tmp_path / "sub" / "v.vrt").iter("SourceFilename")][0] == "../a.tif"
    with rasterio.open(source) as a, rasterio.open(tmp_path / "sub" / "v.vrt") as b:
        for name in ("shape", "dtypes", "nodatavals", "crs", "transform", "colorinterp", "mask_flag_enums"):
            assert getattr(a, name) == getattr(b, name), name
        assert a.tags() == b.tags()
        np.testing.assert_array_equal(a.read(), b.read())
        np.testing.assert_array_equal(a.read_masks(), b.read_masks())


def test_a_vrt_is_rewritten_for_another_place(tmp_path: pathlib.Path) -> None:
    import numpy as np

    (tmp_path / "one").mkdir()
    scene(tmp_path / "one" / "a.tif")
    gdal("gdal_translate", "-q", "-of", "VRT", "-srcwin", 10, 20, 70, 50, tmp_path / "one" / "a.tif", tmp_path / "one" / "t.vrt")
    worked(run_nacre("convert", tmp_path / "one" / "t.vrt", tmp_path / "t.vrt"))
    names = [element.text for element in ElementTree.parse(tmp_path / "t.vrt").iter("SourceFilename")]
    assert set(names) <= {"one/a.tif", "one/t.vrt"}
    np.testing.assert_array_equal(read_by_rasterio(tmp_path / "t.vrt")[0], read_by_rasterio(tmp_path / "one" / "t.vrt")[0])


def test_a_mosaic_in_a_bucket_is_opened_by_stock_gdal(tmp_path: pathlib.Path, emulator: Emulator) -> None:
    for name, left in (("d/a.tif", 0), ("other/b.tif", 120)):
        emulator.put("demo", name, scene(tmp_path / name.split("/")[1], left).read_bytes())
    done = run_nacre("vrt", "gs://demo/d/a.tif", "gs://demo/other/b.tif", "gs://demo/d/m.vrt", STORAGE_EMULATOR_HOST=emulator.url)
    worked(done)
    text = emulator.request("GET", "/demo/d/m.vrt").body.decode()
    assert 'relativeToVRT="1">a.tif<' in text
    assert 'relativeToVRT="0">/vsigs/demo/other/b.tif<' in text
    gdal("gdal_translate", "-q", "/vsigs/demo/d/m.vrt", tmp_path / "gdal.tif", **gdal_options(emulator))
    worked(run_nacre("convert", "gs://demo/d/m.vrt", tmp_path / "nacre.tif", "--format", "GTiff", STORAGE_EMULATOR_HOST=emulator.url))
    assert (read_by_rasterio(tmp_path / "gdal.tif")[0] == read_by_rasterio(tmp_path / "nacre.tif")[0]).all()


def test_all_sources_of_a_mosaic_go_out_together(tmp_path: pathlib.Path, emulator: Emulator) -> None:
    names = []
    for i in range(6):
        data = scene(tmp_path / f"{i}.tif", 140 * i).read_bytes()
        emulator.put("demo", f"many/{i}.tif", data)
        names.append(f"gs://demo/many/{i}.tif")
    worked(run_nacre("vrt", *names, "gs://demo/many/m.vrt", STORAGE_EMULATOR_HOST=emulator.url))
    rounds = []
    for window in ("0,0,100,100", "0,0,840,100"):
        words = ("convert", "gs://demo/many/m.vrt", tmp_path / "out.tif", "--window", window, "--overwrite", "--io-stats")
        done = run_nacre(*words, STORAGE_EMULATOR_HOST=emulator.url)
        assert done.returncode == 0, done
        rounds.append(json.loads(done.stderr)["rounds"])
    assert rounds[0] == rounds[1], "rounds depend on the number of sources"


# --- Bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("<SimpleSource><SourceFilename relativeToVRT='1'>v.vrt</SourceFilename></SimpleSource>", "names itself"),
        ("<SimpleSource><SourceFilename relativeToVRT='1'>none.tif</SourceFilename></SimpleSource>", "none.tif"),
        ("<KernelFilteredSource/>", "KernelFilteredSource is not supported"),
        ("<NoDataValue>x</NoDataValue>", "NoDataValue is not a number"),
    ],
)
def test_a_bad_vrt_is_told_in_one_line(tmp_path: pathlib.Path, inside: str, reason: str) -> None:
    vrt = tmp_path / "v.vrt"
    vrt.write_text(f"<VRTDataset rasterXSize='4' rasterYSize='4'><VRTRasterBand>{inside}</VRTRasterBand></VRTDataset>")
    done = run_nacre("convert", vrt, tmp_path / "out.tif")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and reason in done.stderr, done.stderr
    assert not (tmp_path / "out.tif").exists()


def test_sources_that_do_not_fit_are_named(tmp_path: pathlib.Path) -> None:
    first, second = scene(tmp_path / "a.tif"), scene(tmp_path / "b.tif", dtype="uint16")
    done = run_nacre("vrt", first, second, tmp_path / "m.vrt")
    assert done.returncode == 1
    assert str(second) in done.stderr.split(": ")[1] and "data type" in done.stderr
    assert not (tmp_path / "m.vrt").exists()

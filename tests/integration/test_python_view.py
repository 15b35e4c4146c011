# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warped views and copies beside Rasterio's."""

from __future__ import annotations

import pathlib
from typing import Any

import nacre
import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.vrt
import rasterio.warp
import sidebyside
from affine import Affine
from nacre.vrt import WarpedVRT
from test_python_read import PLAIN, assert_same_attributes, assert_same_metadata, same

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning", "ignore::UserWarning", "ignore::PendingDeprecationWarning"
)

# Grids of GCPs are not warped; some have no CRS; the dateline's view is so much coarser than its source that nacre
# reads an overview, as gdalwarp does and Rasterio does not.
NOT_WARPED = {
    "cog_gcps.tif",
    "RGB.byte.gcp.vrt",
    "cog_dateline.tif",
    "float.tif",
    "float_nan.tif",
    "no NACRE_TEST_DATA",
}
# One scene in another compression, and a large one.
NOT_WARPED |= {"rgb_lzw.tif", "rgb_deflate.tif", "nocog.tif"}
NAMES = [name for name in sidebyside.data_names() if name not in NOT_WARPED] or ["no NACRE_TEST_DATA"]

KEYWORDS: dict[str, dict[str, Any]] = {
    "nearest": {},
    "bilinear": {"resampling": 1},
    "cubic": {"resampling": 2},
    "add_alpha": {"add_alpha": True},
    "nodata": {"nodata": 7, "resampling": 1},
    "no_nodata": {"nodata": None, "resampling": 1},
    "src_nodata": {"src_nodata": 0, "resampling": 1},
    "both_nodata": {"src_nodata": 0, "nodata": 9, "resampling": 2},
    "dtype": {"dtype": "float32"},
    "small_dtype": {"dtype": "uint8", "resampling": 1},
    "own_grid": {"width": 300, "height": 200, "transform": True},
}


def target_crs(dataset: Any) -> Any:
    """Another CRS than the dataset's; none where that is of another planet."""
    if dataset.crs.to_epsg() is None:
        return None
    return "EPSG:4326" if dataset.crs == "EPSG:3857" else "EPSG:3857"


def both_views(theirs: Any, ours: Any, **keywords: Any) -> tuple[Any, Any]:
    crs = target_crs(ours)
    if keywords.get("transform") is True:  # the middle of the view that GDAL suggests, at its resolution
        whole = WarpedVRT(ours, crs=crs)
        keywords["transform"] = whole.window_transform(nacre.windows.Window(whole.width // 3, whole.height // 3, 9, 9))
    method, our_method = sidebyside.resampling_of(keywords.pop("resampling", 0))
    # With a size of its own Rasterio's view cannot have the tolerance 0.
    tolerance = 1e-9 if "width" in keywords else 0
    expected = rasterio.vrt.WarpedVRT(theirs, crs=crs, resampling=method, tolerance=tolerance, **keywords)
    return expected, WarpedVRT(ours, crs=crs, resampling=our_method, tolerance=0, **keywords)


def assert_same_views(expected: Any, got: Any, resampling: int, note: Any) -> None:
    for name in PLAIN:
        if name in ("transform", "bounds", "res"):
            assert np.allclose(getattr(expected, name), getattr(got, name), rtol=1e-9), name
        else:
            assert same(getattr(expected, name), getattr(got, name)), name
    assert [c.name for c in expected.colorinterp] == [c.name for c in got.colorinterp]
    assert str(expected.interleaving) == str(got.interleaving) and got.compression is None
    assert str(expected.mask_flag_enums) == str(got.mask_flag_enums)
    assert got.crs == nacre.CRS.from_wkt(expected.crs.to_wkt())
    assert [expected.overviews(band) for band in expected.indexes] == [got.overviews(band) for band in got.indexes]
    if expected.width * expected.height > 1e7 or not sidebyside.decodes_alike(expected.src_dataset, got.src_dataset):
        return
    share = 0.001
    sidebyside.assert_alike(expected.read(), got.read(), resampling, share=share, note=note)
    masks = 0.001 if resampling == 0 else 0.02  # values that differ by 1 may or may not be nodata
    sidebyside.assert_alike(expected.read_masks(), got.read_masks(), 0, share=masks, note=("masks", note))
    sidebyside.assert_alike(expected.dataset_mask(), got.dataset_mask(), 0, share=masks, note=("mask", note))


@pytest.mark.parametrize("keywords", KEYWORDS)
@pytest.mark.parametrize("name", NAMES)
def test_views_are_rasterios(data: pathlib.Path, name: str, keywords: str) -> None:
    theirs, ours = sidebyside.both(data / name)
    options = dict(KEYWORDS[keywords])
    has_alpha = nacre.enums.ColorInterp.alpha in ours.colorinterp
    if has_alpha and keywords == "add_alpha":
        for module, dataset in ((rasterio, theirs), (nacre, ours)):
            with pytest.raises(module.errors.WarpOptionsError):
                module.vrt.WarpedVRT(dataset, add_alpha=True)
        return
    if has_alpha and "nodata" in keywords and keywords != "no_nodata":
        return  # Rasterio gives the band of alpha a nodata value too, which then is transparent and 7
    if name == "RGBA.uint16.tif" and "dtype" in keywords:
        return  # alpha of another width: GDAL copies it as it is
    expected, got = both_views(theirs, ours, **options)
    assert_same_views(expected, got, options.get("resampling", 0), (name, keywords))


@pytest.mark.parametrize("resampling", [0, 1, 2])
def test_views_of_every_type(tmp_path: pathlib.Path, resampling: int) -> None:
    for path in sidebyside.typed_rasters(tmp_path):
        if path.name.startswith(("float16", "int8", "int64", "uint64")):
            continue  # Rasterio computes in 16-bit floats, makes int8 int16, and forgets nodata of 64-bit integers
        if path.name.startswith(("int32", "uint32")) and rasterio.__version__ < "1.5":
            continue  # its GDAL moves valid values off nodata there
        theirs, ours = sidebyside.both(path)
        expected, got = both_views(theirs, ours, resampling=resampling)
        if np.dtype(ours.dtypes[0]).kind == "f":  # a NaN that is not nodata spoils other neighbours
            assert_same_views(expected, got, resampling, path.name) if resampling == 0 else None
        else:
            assert_same_views(expected, got, resampling, path.name)


def test_a_window_is_the_crop_of_the_whole(data: pathlib.Path) -> None:
    theirs, ours = sidebyside.both(data / "RGB.byte.tif")
    expected, got = both_views(theirs, ours, resampling=1)
    whole = got.read([3, 1])  # GDAL's depend on which bands and what window are read together
    sidebyside.assert_alike(expected.read()[[2, 0]], whole, 1)
    for x, y, width, height in ((100, 200, 300, 150), (700, 650, 500, 500), (-20, -20, 100, 100)):
        crop = whole[:, max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
        assert np.array_equal(got.read([3, 1], window=nacre.windows.Window(x, y, width, height)), crop)
    for view in (expected, got):
        with pytest.raises(ValueError):
            view.read(boundless=True, window=((-5, 5), (-5, 5)))


def test_source_crs_and_transform_may_be_given(data: pathlib.Path) -> None:
    theirs, ours = sidebyside.both(data / "RGB.byte.tif")
    keywords: dict[str, Any] = {"src_crs": "EPSG:32617", "crs": "EPSG:3857", "tolerance": 0}
    expected, got = rasterio.vrt.WarpedVRT(theirs, **keywords), WarpedVRT(ours, **keywords)
    assert_same_views(expected, got, 0, "src_crs")
    assert got.src_crs == "EPSG:32617" and got.dst_crs == "EPSG:3857"
    # Rasterio forgets src_transform where it finds the grid by itself; here it always counts.
    a, b, c, d, e, f = tuple(ours.transform)[:6]
    moved = Affine(a, b, c + 1000, d, e, f)
    got = WarpedVRT(ours, src_transform=moved)
    assert got.transform == moved
    assert np.array_equal(got.read(), ours.read())


def test_a_view_tells_how_it_was_made(data: pathlib.Path) -> None:
    theirs, ours = sidebyside.both(data / "RGB.byte.tif")
    names = "src_nodata dst_nodata src_transform dst_width dst_height working_dtype tolerance warp_extras".split()
    some: list[dict[str, Any]] = [
        {}, {"nodata": 5}, {"src_nodata": 3}, {"nodata": None}, {"src_nodata": None}, {"dtype": "int16"}, {"width": 7},
        {"width": 7, "height": 9}, {"add_alpha": True}, {"init_dest": 7}, {"num_threads": 2, "init_dest_nodata": False},
    ]  # fmt: skip
    for keywords in some:
        expected = rasterio.vrt.WarpedVRT(theirs, crs="EPSG:3857", **keywords)
        got = WarpedVRT(ours, crs="EPSG:3857", **keywords)
        for name in names:
            assert getattr(expected, name) == getattr(got, name), (keywords, name)
        assert (expected.dst_transform is None) == (got.dst_transform is None), keywords
        assert expected.dst_transform is None or got.dst_transform.almost_equals(expected.dst_transform, 1e-6)
        assert got.src_dataset is ours and got.resampling == nacre.enums.Resampling.nearest
        assert repr(expected) == repr(got)


@pytest.mark.parametrize("keywords", [
    {"init_dest": 255}, {"INIT_DEST": 255}, {"init_dest": 255, "init_dest_nodata": False}, {"init_dest": 7, "nodata": 3},
    {"init_dest": "NO_DATA"}, {"init_dest": 7, "src_nodata": None, "nodata": None}, {"init_dest": "1,2,3"},
    {"init_dest": 7, "add_alpha": True}, {"init_dest_nodata": False}, {"INIT_DEST": 9, "init_dest_nodata": False},
])  # fmt: skip
def test_what_a_view_is_filled_with(data: pathlib.Path, keywords: dict[str, Any]) -> None:
    theirs, ours = sidebyside.both(data / "RGB.byte.tif")
    expected = rasterio.vrt.WarpedVRT(theirs, crs="EPSG:3857", tolerance=0, **keywords)
    got = WarpedVRT(ours, crs="EPSG:3857", **keywords)
    corner = nacre.windows.Window(0, 0, 5, 5)
    assert np.array_equal(expected.read(window=rasterio.windows.Window(*corner.flatten())), got.read(window=corner))


@pytest.mark.parametrize("nodata", [300, -1, 70000, 0.5, 0.1, -(2.0**40), float("nan")])
def test_a_nodata_value_that_does_not_fit_widens_the_type(data: pathlib.Path, nodata: float) -> None:
    theirs, ours = sidebyside.both(data / "RGB.byte.tif")
    expected, got = rasterio.vrt.WarpedVRT(theirs, nodata=nodata), WarpedVRT(ours, nodata=nodata)
    assert expected.dtypes == got.dtypes
    assert same(float(expected.nodata), got.nodata)
    sidebyside.assert_alike(expected.read(), got.read())


def test_a_view_outlives_its_source_and_its_variable(data: pathlib.Path) -> None:
    with nacre.open(data / "RGB.byte.tif") as dataset:
        expected = WarpedVRT(dataset, crs="EPSG:3857").read()
        view = WarpedVRT(dataset, crs="EPSG:3857")
    assert np.array_equal(view.read(), expected)
    assert np.array_equal(WarpedVRT(nacre.open(data / "RGB.byte.tif"), crs="EPSG:3857").read(), expected)
    view.close()
    with pytest.raises(nacre.errors.RasterioIOError, match="closed"):
        view.read()
    with pytest.raises(nacre.errors.RasterioIOError, match="closed"):
        WarpedVRT(dataset, crs="EPSG:3857")


def test_a_view_of_a_view(data: pathlib.Path) -> None:
    ours = nacre.open(data / "RGB.byte.tif")
    view = WarpedVRT(WarpedVRT(ours, crs="EPSG:4326"), crs="EPSG:32618")
    assert view.name == f"WarpedVRT(WarpedVRT({ours.name}))"
    middle = view.read(1, window=nacre.windows.Window(300, 300, 100, 100)).astype(int)
    left, top = view.xy(300, 300, offset="ul")
    row, col = ours.index(left, top)
    same_place = ours.read(1, window=nacre.windows.Window(col, row, 100, 100)).astype(int)
    assert abs(middle.mean() - same_place.mean()) < 5


@pytest.mark.parametrize("options", [{"CUTLINE_ALL_TOUCHED": "YES"}, {"coordinate_operation": "+proj=noop"}])
def test_options_that_are_not_built_are_named(data: pathlib.Path, options: dict[str, Any]) -> None:
    ours = nacre.open(data / "RGB.byte.tif")
    with pytest.raises(NotImplementedError, match=next(iter(options))):
        WarpedVRT(ours, crs="EPSG:3857", **options)
    WarpedVRT(ours, crs="EPSG:3857", warp_mem_limit=10, num_threads=2, sample_grid="YES")


# --- Views that are saved ---


@pytest.mark.parametrize(
    "keywords", ["nearest", "bilinear", "add_alpha", "no_nodata", "both_nodata", "small_dtype", "own_grid"]
)
def test_rasterio_reads_the_saved_view(data: pathlib.Path, tmp_path: pathlib.Path, keywords: str) -> None:
    for name in ("RGB.byte.tif", "cog_rgb_mask.tif", "cog_nodata_nan.tif"):
        ours = nacre.open(data / name)
        options = dict(KEYWORDS[keywords])
        theirs = rasterio.open(data / name)
        _, view = both_views(theirs, ours, **options)
        nacre.shutil.copy(view, tmp_path / "view.vrt", driver="VRT")
        theirs, again = sidebyside.both(tmp_path / "view.vrt")
        assert_same_attributes(theirs, again)
        assert np.array_equal(again.read(), view.read(), equal_nan=True)
        sidebyside.assert_alike(theirs.read(), again.read(), options.get("resampling", 0), share=0.001, note=name)
        sidebyside.assert_alike(theirs.read_masks(), again.read_masks(), 0, share=0.02, note=name)


@pytest.mark.parametrize(
    "keywords", ["nearest", "bilinear", "add_alpha", "no_nodata", "both_nodata", "small_dtype", "own_grid"]
)
def test_a_view_that_rasterio_saved_is_read(data: pathlib.Path, tmp_path: pathlib.Path, keywords: str) -> None:
    for name in ("RGB.byte.tif", "cog_rgb_mask.tif", "cog_nodata_nan.tif"):
        theirs, ours = sidebyside.both(data / name)
        options = dict(KEYWORDS[keywords])
        view, _ = both_views(theirs, ours, **options)
        rasterio.shutil.copy(view, tmp_path / "view.vrt", driver="VRT")
        theirs, ours = sidebyside.both(tmp_path / "view.vrt")
        assert_same_attributes(theirs, ours)
        sidebyside.assert_alike(theirs.read(), ours.read(), options.get("resampling", 0), share=0.001, note=name)
        sidebyside.assert_alike(theirs.read_masks(), ours.read_masks(), 0, share=0.02, note=name)


# --- Copies ---


@pytest.mark.parametrize(
    "options", [{"driver": "GTiff"}, {"driver": "COG"}, {"driver": "GTiff", "compress": "deflate", "tiled": "yes"}]
)
def test_rasterio_reads_the_copy(data: pathlib.Path, tmp_path: pathlib.Path, options: dict[str, str]) -> None:
    for name in (
        "RGB.byte.tif",
        "RGBA.byte.tif",
        "cog_rgb_mask.tif",
        "cog_scale_stats.tif",
        "float_nan.tif",
        "cog_cmap.tif",
    ):
        if name == "cog_cmap.tif" and options["driver"] == "COG":
            continue
        copy = tmp_path / "copy.tif"
        nacre.shutil.copy(data / name, copy, **options)
        source = nacre.open(data / name)
        theirs, ours = sidebyside.both(copy)
        assert_same_attributes(theirs, ours)
        assert_same_metadata(theirs, ours)
        window = ((0, min(source.height, 1000)), (0, min(source.width, 1000)))
        expected = source.read(window=window)
        assert np.array_equal(theirs.read(window=window), expected, equal_nan=expected.dtype.kind == "f")
        assert np.array_equal(theirs.read_masks(window=window), source.read_masks(window=window))
        for attribute in ("transform", "nodata", "dtypes", "scales", "offsets", "descriptions", "units"):
            assert same(getattr(theirs, attribute), getattr(source, attribute)), attribute
        assert ours.crs == source.crs


def test_rasterio_reads_the_picture(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name in ("RGB.byte.tif", "RGBA.byte.tif", "shade.tif"):
        source = nacre.open(data / name)
        nacre.shutil.copy(source, tmp_path / "copy.png", driver="PNG")
        with rasterio.open(tmp_path / "copy.png") as picture:
            assert np.array_equal(picture.read()[: source.count], source.read())


def test_rasterio_reads_the_vrt_of_a_plain_raster(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name in ("RGB.byte.tif", "cog_rgb_mask.tif", "cog_scale_stats.tif"):
        nacre.shutil.copy(data / name, tmp_path / "copy.vrt", driver="VRT")
        theirs, ours = sidebyside.both(tmp_path / "copy.vrt")
        assert_same_attributes(theirs, ours)
        with rasterio.open(data / name) as source:
            assert np.array_equal(theirs.read(), source.read())
            assert np.array_equal(ours.read_masks(), source.read_masks())


def test_copy_takes_the_sources_driver_and_replaces(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "copy.tif"
    nacre.shutil.copy(data / "RGB.byte.tif", target)
    nacre.shutil.copy(data / "float.tif", target)
    assert nacre.shutil.exists(target)
    with rasterio.open(target) as copy:
        assert (copy.driver, copy.shape) == ("GTiff", (2, 3))
    nacre.shutil.delete(target)
    assert not target.exists() and not nacre.shutil.exists(target)


def test_errors_of_copies(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = data / "RGB.byte.tif"
    with pytest.raises(nacre.errors.DriverRegistrationError, match="NOPE"):
        nacre.shutil.copy(source, tmp_path / "x.tif", driver="NOPE")
    with pytest.raises(FileNotFoundError):
        nacre.shutil.copy(tmp_path / "none.tif", tmp_path / "x.tif")
    with pytest.raises(FileNotFoundError, match="directory"):
        nacre.shutil.copy(source, tmp_path / "none" / "x.tif")
    with pytest.raises(ValueError, match="FOO"):
        nacre.shutil.copy(source, tmp_path / "x.tif", foo="bar")
    with pytest.raises(FileNotFoundError):
        nacre.shutil.delete(tmp_path / "none.tif")
    with nacre.open(source) as closed:
        pass
    with pytest.raises(nacre.errors.RasterioIOError, match="closed"):
        nacre.shutil.copy(closed, tmp_path / "x.tif")
    assert not list(tmp_path.iterdir())


# --- Grids ---


@pytest.mark.parametrize(
    "options", [{}, {"resolution": 500}, {"resolution": (300, 700)}, {"dst_width": 100, "dst_height": 77}]
)
@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "EPSG:3413", "ESRI:54009"])
def test_grids_are_rasterios(data: pathlib.Path, crs: str, options: dict[str, Any]) -> None:
    if crs == "EPSG:4326" and "resolution" in options:
        options = {"resolution": 0.01}
    dataset = nacre.open(data / "RGB.byte.tif")
    arguments = ("EPSG:32618", crs, dataset.width, dataset.height, *dataset.bounds)
    expected = rasterio.warp.calculate_default_transform(*arguments, **options)
    got = nacre.warp.calculate_default_transform(*arguments, **options)
    assert expected[1:] == got[1:]
    assert np.allclose(expected[0], got[0], rtol=1e-9)


@pytest.mark.parametrize(
    "options", [{"dst_width": 100}, {"resolution": 5, "dst_width": 5, "dst_height": 4}, {"left": None}]
)
def test_grids_that_cannot_be(data: pathlib.Path, options: dict[str, Any]) -> None:
    bounds = {"left": 101985.0, "bottom": 2611485.0, "right": 339315.0, "top": 2826915.0}
    for module in (rasterio, nacre):
        with pytest.raises(ValueError):
            module.warp.calculate_default_transform("EPSG:32618", "EPSG:3857", 791, 718, **{**bounds, **options})

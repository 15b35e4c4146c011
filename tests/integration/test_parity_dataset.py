# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Datasets beside Rasterio's: made by one and read by the other, the same calls on both, the same exceptions.

What differs on purpose is in the table of docs/guide/python.md; nothing here calls it.
"""

from __future__ import annotations

import math
import pathlib
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis.strategies as st
import nacre
import nacre.io
import numpy as np
import pytest
import rasterio
import rasterio.io
import sidebyside
from affine import Affine
from conftest import Emulator, need
from hypothesis import HealthCheck, given, settings

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning", "ignore::UserWarning", "ignore::RuntimeWarning",
    "ignore::FutureWarning", "ignore::PendingDeprecationWarning",
)  # fmt: skip

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
MANY = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))

LIBRARIES = {"rasterio": rasterio, "nacre": nacre}


@pytest.fixture(autouse=True)
def rasterio_is_there() -> None:
    need("rasterio")
    need("hypothesis")


# --- Random rasters ---


def values_of(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if dtype.startswith("complex"):
        return (random.integers(-99, 99, shape) + 1j * random.integers(-99, 99, shape)).astype(dtype)
    if dtype.startswith("float"):
        values = (random.random(shape) * 200 - 60).astype(dtype)
        values[random.random(shape) < 0.02] = np.nan
        return values
    low = 0 if dtype.startswith("u") else -100
    return random.integers(low, 120, shape).astype(dtype)


@st.composite
def rasters(draw: st.DrawFn) -> dict[str, Any]:
    """What a raster is like: arguments of open, and what is set on it afterwards."""
    dtype = draw(st.sampled_from([*sidebyside.DTYPES, "complex64"]))
    count, width, height = draw(st.integers(1, 5)), draw(st.integers(1, 90)), draw(st.integers(1, 70))
    profile: dict[str, Any] = {
        "driver": "GTiff", "dtype": dtype, "count": count, "width": width, "height": height,
        "crs": draw(st.sampled_from(["EPSG:32633", "EPSG:4326", "EPSG:3857", None])),
        "transform": draw(st.sampled_from([
            Affine(100, 0, 3e5, 0, -120, 5e6), Affine(0.01, 0, 12, 0, -0.02, 48), Affine(8, 4.5, 3e5, 4.5, -7, 5e6),
            Affine(100, 0, 3e5, 0, 100, 4e6),
        ])),
    }  # fmt: skip
    if draw(st.booleans()) and dtype != "complex64":
        profile["nodata"] = draw(st.integers(0, 100)) if dtype[0] in "ui" else draw(st.sampled_from([np.nan, 7.0, -9e3]))
        if profile["nodata"] == -9e3 and dtype == "float16":
            profile["nodata"] = 7.0
    if draw(st.booleans()):
        profile.update(tiled=True, blockxsize=draw(st.sampled_from([16, 32])), blockysize=draw(st.sampled_from([16, 48])))
    if draw(st.booleans()):
        profile["compress"] = draw(st.sampled_from(["deflate", "lzw", "packbits"]))
    profile["interleave"] = draw(st.sampled_from(["pixel", "band"]))
    if dtype in ("uint8", "uint16") and count > 2 and draw(st.booleans()):
        profile["photometric"] = draw(st.sampled_from(["rgb", "minisblack"]))
    texts = st.text("abcÄ <&>1", max_size=8).map(str.strip)
    numbers = st.floats(-1e3, 1e3).map(lambda number: round(number, 3))
    each = {"min_size": count, "max_size": count}
    said = {
        "descriptions": draw(st.none() | st.lists(texts, **each)),
        "units": draw(st.none() | st.lists(texts, **each)),
        "scales": draw(st.none() | st.lists(numbers.filter(bool), **each)),
        "offsets": draw(st.none() | st.lists(numbers, **each)),
    }
    keys = st.text("abcXYZ_", min_size=1, max_size=6)
    words = st.text("abc =<&>é1", min_size=1, max_size=9).map(str.strip).filter(bool)
    tags = draw(st.lists(st.tuples(st.integers(0, count), st.sampled_from([None, "own"]), keys, words), max_size=4))
    mask = draw(st.booleans()) and not dtype.startswith("complex")
    is_palette = dtype == "uint8" and count == 1 and draw(st.booleans())
    return {"profile": profile, "said": said, "tags": tags, "mask": mask, "palette": is_palette, "seed": draw(st.integers(0, 99))}


def make(library: Any, path: Any, raster: dict[str, Any]) -> np.ndarray:
    """Makes a raster by one of the two."""
    profile = raster["profile"]
    values = values_of(profile["dtype"], (profile["count"], profile["height"], profile["width"]), raster["seed"])
    with library.open(path, "w", **profile) as target:
        target.write(values)
        for name, value in raster["said"].items():
            if value is not None:
                setattr(target, name, value)
        for band, ns, key, value in raster["tags"]:
            target.update_tags(band, ns=ns, **{key: value})
        if raster["palette"]:
            target.write_colormap(1, {i: (i, 255 - i, i // 2, 255) for i in range(256)})
        if raster["mask"]:
            target.write_mask(values_of("uint8", values.shape[1:], raster["seed"] + 1) > 40)
    return values


# --- What counts as equal ---

PLAIN = (
    "driver width height shape count indexes dtypes transform bounds res nodata nodatavals scales offsets units"
    " descriptions block_shapes is_tiled files subdatasets options"
).split()
NAMED = "colorinterp compression interleaving photometric mask_flag_enums".split()


def same(theirs: Any, ours: Any) -> bool:
    """Equality in which NaN equals itself; enumerations are compared by name, statistics by their digits."""
    if isinstance(theirs, rasterio.Statistics):
        pairs = [(getattr(theirs, name), getattr(ours, name)) for name in ("min", "max", "mean", "std")]
        return all(a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in pairs)
    if isinstance(theirs, np.ndarray):
        if np.ma.isMaskedArray(theirs) != np.ma.isMaskedArray(ours) or theirs.dtype != ours.dtype:
            return False
        if np.ma.isMaskedArray(theirs) and not np.array_equal(np.ma.getmaskarray(theirs), np.ma.getmaskarray(ours)):
            return False
        a, b = np.ma.getdata(theirs), np.ma.getdata(ours)
        return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())
    if hasattr(theirs, "name") and hasattr(theirs, "value"):
        return bool(theirs.name == ours.name)
    if isinstance(theirs, dict):
        return list(theirs) == list(ours) and all(same(theirs[key], ours[key]) for key in theirs)
    if isinstance(theirs, (tuple, list)):
        return isinstance(ours, (tuple, list)) and len(theirs) == len(ours) and all(map(same, theirs, ours))
    if isinstance(theirs, float) and math.isnan(theirs):
        return math.isnan(ours)
    if hasattr(theirs, "to_epsg"):
        return bool(theirs.to_epsg() == ours.to_epsg())
    if hasattr(theirs, "todict"):
        return bool(theirs.todict() == ours.todict())
    return bool(theirs == ours)


def outcome(call: Callable[[], Any]) -> Any:
    """A result, or the exception's class."""
    try:
        return call()
    except Exception as error:
        return type(error)


def assert_same(theirs: Any, ours: Any, note: Any = "") -> None:
    if isinstance(theirs, type) and issubclass(theirs, Exception):
        assert isinstance(ours, type) and theirs.__name__ in [base.__name__ for base in ours.__mro__], (note, theirs, ours)
        return
    assert same(theirs, ours), (note, theirs, ours)


def assert_same_datasets(theirs: Any, ours: Any) -> None:
    """Everything that both say of a raster."""
    for name in PLAIN + NAMED:
        assert_same(getattr(theirs, name), getattr(ours, name), name)
    assert_same(theirs.crs, ours.crs, "crs") if theirs.crs else None
    assert bool(theirs.crs) == bool(ours.crs)
    for name in ("meta", "profile"):
        assert_same(dict(getattr(theirs, name)), dict(getattr(ours, name)), name)
    for band in range(theirs.count + 1):
        for ns in (None, "own"):
            assert_same(theirs.tags(band, ns=ns), ours.tags(band, ns=ns), ("tags", band, ns))
    for band in theirs.indexes:
        for call in ("overviews", "checksum", "colormap"):
            assert_same(outcome(lambda: getattr(theirs, call)(band)), outcome(lambda: getattr(ours, call)(band)), call)
        assert_same(theirs.block_size(band, 0, 0), ours.block_size(band, 0, 0), "block_size")
        for key in ("IFD_OFFSET", "BLOCK_OFFSET_0_0", "BLOCK_SIZE_0_0", "BLOCK_OFFSET_99_99"):
            assert_same(theirs.get_tag_item(key, "TIFF", band), ours.get_tag_item(key, "TIFF", band), key)
        assert_same(list(theirs.block_windows(band)), list(ours.block_windows(band)), "block_windows")
    if theirs.crs and theirs.transform.b == 0:
        assert np.allclose(theirs.lnglat(), ours.lnglat(), rtol=1e-9)
    for name in ("read", "read_masks", "dataset_mask"):
        assert_same(getattr(theirs, name)(), getattr(ours, name)(), name)
    assert_same(theirs.read(masked=True), ours.read(masked=True), "masked")


def assert_same_statistics(theirs: Any, ours: Any) -> None:
    # GDAL takes values of half precision that are a few units from the nodata value for it.
    is_blurred = "float16" in theirs.dtypes and theirs.nodata is not None and not math.isnan(theirs.nodata)
    if not theirs.dtypes[0].startswith("complex") and not is_blurred:
        assert_same(theirs.stats(), ours.stats(), "stats")


def check_making(folder: pathlib.Path, raster: dict[str, Any]) -> None:
    for name, library in LIBRARIES.items():
        path = folder / f"{name}.tif"
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".aux.xml").unlink(missing_ok=True)
        values = make(library, path, raster)
        theirs, ours = sidebyside.both(path)
        with theirs, ours:
            assert_same(values, ours.read(), name)
            assert_same_datasets(theirs, ours)
            assert_same_statistics(theirs, ours)
    # and both have made the same of it
    with nacre.open(folder / "rasterio.tif") as by_them, nacre.open(folder / "nacre.tif") as by_us:
        for name in ("profile", "descriptions", "units", "scales", "offsets", "colorinterp", "mask_flag_enums"):
            assert_same(getattr(by_them, name), getattr(by_us, name), name)
        assert_same(by_them.read_masks(), by_us.read_masks(), "masks")
        for band in range(by_them.count + 1):
            for ns in (None, "own"):
                assert dict(sorted(by_them.tags(band, ns).items())) == dict(sorted(by_us.tags(band, ns).items()))


@FEW
@given(raster=rasters())
def test_what_one_makes_the_other_reads(tmp_path_factory: pytest.TempPathFactory, raster: dict[str, Any]) -> None:
    check_making(tmp_path_factory.mktemp("made"), raster)


@pytest.mark.slow
@MANY
@given(raster=rasters())
def test_what_one_makes_the_other_reads_often(tmp_path_factory: pytest.TempPathFactory, raster: dict[str, Any]) -> None:
    check_making(tmp_path_factory.mktemp("made"), raster)


@pytest.mark.parametrize("dtype", sidebyside.DTYPES)
@pytest.mark.parametrize("nodata", [7, np.nan])
def test_statistics_of_a_mask_beside_a_nodata_value(tmp_path: pathlib.Path, dtype: str, nodata: float) -> None:
    """GDAL asks the mask too where the type is of single precision."""
    if nodata != nodata and dtype[0] != "f":
        nodata = 50
    told = []
    for library in LIBRARIES.values():
        path = tmp_path / f"{library.__name__}.tif"
        with rasterio.open(path, "w", driver="GTiff", width=5, height=1, count=1, dtype=dtype, nodata=nodata) as to:
            to.write(np.array([[[1, 2, 7, 50, 60]]], dtype))
            to.write_mask(np.array([[255, 255, 255, 255, 0]], "uint8"))
        with library.open(path) as dataset:
            told.append(dataset.stats())
    assert_same(*told)


# --- Random reads ---


@st.composite
def reads(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A method and its arguments, windows as four numbers."""
    method = draw(st.sampled_from(["read", "read", "read_masks", "dataset_mask"]))
    options: dict[str, Any] = {}
    if method != "dataset_mask":
        options["indexes"] = draw(st.sampled_from([None, 1, 2, [1], [2, 1], (1, 1), 7, []]))
    numbers = st.integers(-20, 60)
    if draw(st.booleans()):
        options["window"] = (draw(numbers), draw(numbers), draw(st.integers(0, 70)), draw(st.integers(0, 70)))
        if method == "read":
            options["boundless"] = draw(st.booleans())
    if draw(st.booleans()):
        options["out_shape"] = (draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    if method == "read":
        options["masked"] = draw(st.booleans())
        options["out_dtype"] = draw(st.sampled_from([None, None, "float64", "int16", "uint8"]))
        options["fill_value"] = draw(st.sampled_from([None, None, 3]))
    return method, options


def check_reads(path: pathlib.Path, calls: list[tuple[str, dict[str, Any]]]) -> None:
    theirs, ours = sidebyside.both(path)
    with theirs, ours:
        for method, options in calls:
            box = options.get("window")
            in_theirs, in_ours = sidebyside.windows_of(box)
            if box is not None and not options.get("boundless") and "out_shape" in options:
                if box[0] < 0 or box[1] < 0 or box[0] + box[2] > theirs.width or box[1] + box[3] > theirs.height:
                    continue  # an empty or cut window in another size: GDAL's own errors
            if 0 in (box or ())[2:]:
                continue
            if "float" in theirs.dtypes[0] and "int" in (options.get("out_dtype") or ""):
                continue  # what GDAL makes of NaN as an integer depends on the processor and on the place in a row
            if options.get("boundless") and (options.get("out_shape") or options.get("out_dtype")):
                continue  # Rasterio goes by a VRT, whose edges it resamples otherwise
            if options.get("boundless") and options.get("masked") and options["fill_value"] is not None:
                continue  # and this VRT has the fill value as its nodata, so that the raster's own are valid
            expected = outcome(lambda: getattr(theirs, method)(**{**options, **in_theirs}))
            got = outcome(lambda: getattr(ours, method)(**{**options, **in_ours}))
            if method == "read_masks" and expected is ValueError and got is IndexError:
                continue  # "Null band"
            assert_same(expected, got, (method, options))


@pytest.fixture(scope="module")
def read_from(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    need("rasterio")
    folder = tmp_path_factory.mktemp("reads")
    paths = []
    for dtype, more in (("uint8", {}), ("int16", {"nodata": 7}), ("float32", {"nodata": np.nan}), ("uint16", {"mask": 1})):
        values = values_of(dtype, (3, 41, 53), 5)
        is_masked = bool(more.pop("mask", 0)) if "mask" in more else False
        path = sidebyside.write(folder / f"{dtype}.tif", values, tiled=True, blockxsize=16, blockysize=16, **more)
        if is_masked:
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as target:
                target.write_mask(values[0] > 40)
        paths.append(path)
    return paths


@FEW
@given(calls=st.lists(reads(), min_size=8, max_size=8))
def test_random_reads_are_equal(read_from: list[pathlib.Path], calls: list[Any]) -> None:
    for path in read_from:
        check_reads(path, calls)


@pytest.mark.slow
@MANY
@given(calls=st.lists(reads(), min_size=8, max_size=8))
def test_many_random_reads_are_equal(read_from: list[pathlib.Path], calls: list[Any]) -> None:
    for path in read_from:
        check_reads(path, calls)


def test_samples_are_equal(read_from: list[pathlib.Path]) -> None:
    random = np.random.default_rng(3)
    for path in read_from:
        theirs, ours = sidebyside.both(path)
        left, bottom, right, top = theirs.bounds
        points = np.column_stack([random.uniform(left - 900, right + 900, 700), random.uniform(bottom - 900, top + 900, 700)])
        for options in ({}, {"indexes": 2}, {"indexes": [3, 1]}, {"masked": True}):
            for expected, got in zip(theirs.sample(points, **options), ours.sample(points, **options)):
                if options.get("masked") and expected.mask.all():  # beyond the raster: the values mean nothing
                    assert got.mask.all() and got.shape == expected.shape
                else:
                    assert_same(expected, got, (path.name, options))
        assert list(ours.sample([])) == []
        with pytest.raises(IndexError):
            list(ours.sample(points[:1], indexes=9))


# --- Random writes ---


@st.composite
def writes(draw: st.DrawFn) -> dict[str, Any]:
    """An array and the other arguments of write, windows as four numbers."""
    count, rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 24)), draw(st.integers(1, 30))
    dtype = draw(st.sampled_from(["uint8", "int16", "float32", "float64", "bool"]))
    values = values_of("uint8" if dtype == "bool" else dtype, (count, rows, columns), draw(st.integers(0, 50)))
    values = np.nan_to_num(values.clip(0, 100)).astype(dtype)
    indexes = draw(st.sampled_from([None, 1, [2], [3, 1], [1, 2, 3], 9, (1, 1)]))
    if isinstance(indexes, int) and draw(st.booleans()):
        values = values[0]
    if draw(st.integers(0, 3)) == 0:
        values = np.ma.MaskedArray(values, mask=values > 60, fill_value=1)
    window = draw(st.none() | st.tuples(st.integers(-1, 26), st.integers(-1, 20), st.integers(1, 30), st.integers(1, 24)))
    return {"arr": values, "indexes": indexes, "window": window}


def check_writes(folder: pathlib.Path, calls: list[dict[str, Any]], mode: str, nodata: Any) -> None:
    profile = {"driver": "GTiff", "width": 30, "height": 24, "count": 3, "dtype": "uint8", "nodata": nodata,
               "transform": Affine(10, 0, 0, 0, -10, 0), "tiled": True, "blockxsize": 16, "blockysize": 16}  # fmt: skip
    results = []
    for name, library in LIBRARIES.items():
        path = folder / f"{name}.tif"
        if mode == "r+":
            with library.open(path, "w", **profile) as target:
                target.write(values_of("uint8", (3, 24, 30), 1))
        outcomes = []
        with library.open(path, mode, **(profile if mode != "r+" else {})) as target:
            if nodata is not None:  # GDAL's files have 0, and not nodata, in bands that nobody wrote
                target.write(values_of("uint8", (3, 24, 30), 2))
            for call in calls:
                window = None if call["window"] is None else library.windows.Window(*call["window"])
                outcomes.append(outcome(lambda: target.write(call["arr"], call["indexes"], window)))
            outcomes.append(target.read())
        results.append(outcomes)
    for call, expected, got in zip([*calls, "read"], *results):
        assert_same(expected, got, call)
    theirs, ours = rasterio.open(folder / "nacre.tif"), nacre.open(folder / "rasterio.tif")
    assert_same(theirs.read(), ours.read())
    assert_same(theirs.read(), results[0][-1])


@FEW
@given(calls=st.lists(writes(), max_size=6), mode=st.sampled_from(["w+", "r+"]), nodata=st.sampled_from([None, 7]))
def test_random_writes_are_equal(tmp_path_factory: pytest.TempPathFactory, calls: Any, mode: str, nodata: Any) -> None:
    check_writes(tmp_path_factory.mktemp("writes"), calls, mode, nodata)


@pytest.mark.slow
@MANY
@given(calls=st.lists(writes(), max_size=6), mode=st.sampled_from(["w+", "r+"]), nodata=st.sampled_from([None, 7]))
def test_many_random_writes_are_equal(
    tmp_path_factory: pytest.TempPathFactory, calls: Any, mode: str, nodata: Any
) -> None:
    check_writes(tmp_path_factory.mktemp("writes"), calls, mode, nodata)


def test_each_color_goes_both_ways(tmp_path: pathlib.Path) -> None:
    profile = {"driver": "GTiff", "width": 2, "height": 2, "count": 2, "dtype": "uint8"}
    for color in rasterio.enums.ColorInterp:
        for name, library in LIBRARIES.items():
            with library.open(tmp_path / f"{name}.tif", "w", **profile) as target:
                target.colorinterp = [library.enums.ColorInterp.red, library.enums.ColorInterp[color.name]]
        for reader in LIBRARIES.values():
            told = []
            for name in LIBRARIES:
                with reader.open(tmp_path / f"{name}.tif") as dataset:
                    told.append([int(each) for each in dataset.colorinterp])
            assert told[0] == told[1], color
        assert told[0][1] == color


def test_creation_options_may_be_members_of_enumerations(tmp_path: pathlib.Path) -> None:
    profile = {"driver": "COG", "width": 600, "height": 600, "count": 1, "dtype": "uint8", "blocksize": 256}
    members = {"overview_resampling": nacre.enums.Resampling.bilinear, "compress": nacre.enums.Compression.deflate}
    written = []
    for options in (members, {"overview_resampling": "BILINEAR", "compress": "DEFLATE"}):
        with nacre.open(tmp_path / "cog.tif", "w", **profile, **options) as target:
            target.write(values_of("uint8", (1, 600, 600), 4))
        written.append((tmp_path / "cog.tif").read_bytes())
    assert written[0] == written[1]


def test_places_beyond_the_raster_are_sampled_and_moved_alike(tmp_path: pathlib.Path) -> None:
    for count, options in ((4, {"photometric": "RGB", "alpha": "YES"}), (3, {"nodata": 5}), (2, {})):
        path = tmp_path / f"{count}.tif"
        profile = {"driver": "GTiff", "width": 7, "height": 6, "count": count, "dtype": "uint8"}
        with rasterio.open(path, "w", **profile, **options, transform=Affine(10, 0, 100, 0, -10, 90)) as target:
            target.write(values_of("uint8", (count, 6, 7), 3))
        with rasterio.open(path) as theirs, nacre.open(path) as ours:
            for places in ([(0, 0)], [(125, 65), (1e6, 0), (135, 65)]):
                for expected, got in zip(theirs.sample(places, masked=True), ours.sample(places, masked=True)):
                    assert np.array_equal(np.ma.getmaskarray(expected), np.ma.getmaskarray(got)), count
                    assert np.array_equal(expected.data, got.data), count
            for window in (((-1, None), (-2, None)), ((1, 2), (None, None)), ((0, None), (3, 4))):
                assert theirs.window_transform(window) == ours.window_transform(window)
            for offsets in ((None, None), (2, None), (-1, 3)):
                assert theirs.window_transform(rasterio.windows.Window(*offsets, None, None)) == ours.window_transform(
                    nacre.windows.Window(*offsets, None, None)
                )


def test_the_nearest_of_fewer_values_are_those_that_gdal_takes(tmp_path: pathlib.Path) -> None:
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint8"}
    for rows, columns, height, width in ((1, 14, 1, 18), (14, 1, 18, 1), (6, 49, 10, 33), (46, 5, 17, 47), (60, 3, 23, 61)):
        values = np.arange(rows * columns, dtype="u2").astype("u1").reshape(rows, columns)
        results = []
        for name, library in LIBRARIES.items():
            with library.open(tmp_path / f"{name}.tif", "w+", **profile) as target:
                target.write(values, 1, window=library.windows.Window(2, 1, width, height))
                results.append(target.read())
        assert_same(*results, note=(rows, columns))


def test_the_fourth_of_four_bands_is_the_mask_beside_a_nodata_value(tmp_path: pathlib.Path) -> None:
    for photometric, alpha in (("RGB", "YES"), ("RGB", "NO"), ("MINISBLACK", "NO")):
        path = tmp_path / f"{photometric}{alpha}.tif"
        profile = {"driver": "GTiff", "width": 9, "height": 8, "count": 4, "dtype": "uint8", "nodata": 0}
        with rasterio.open(path, "w", **profile, photometric=photometric, alpha=alpha) as target:
            target.write(values_of("uint8", (4, 8, 9), 3) % 4)
        with rasterio.open(path) as theirs, nacre.open(path) as ours:
            assert_same(theirs.dataset_mask(), ours.dataset_mask(), (photometric, alpha))
            assert_same(theirs.dataset_mask(out_shape=(4, 3)), ours.dataset_mask(out_shape=(4, 3)), (photometric, alpha))


def test_masks_that_are_written_are_equal(tmp_path: pathlib.Path) -> None:
    values = np.arange(20, dtype="u1").reshape(4, 5)
    masked = np.ma.masked_less(values, 7)
    profile = {"driver": "GTiff", "width": 5, "height": 4, "count": 1, "dtype": "uint8", "transform": Affine(1, 0, 9, 0, -1, 9)}
    calls: list[Callable[[Any, Any], Any]] = [
        lambda target, library: target.write(masked, 1, masked=True),
        lambda target, library: target.write(masked, 1),
        lambda target, library: target.write_mask(True),
        lambda target, library: target.write_mask(False),
        lambda target, library: target.write_mask(values > 5),
        lambda target, library: target.write_mask(values[:2, :2] > 0, window=library.windows.Window(1, 1, 2, 2)),
        lambda target, library: target.write_mask(values[:2, :2] > 0),
        lambda target, library: target.write(masked[:2, :2], 1, window=((1, 3), (1, 3)), masked=True),
    ]
    for number, call in enumerate(calls):
        for nodata in (None, 3):
            results = []
            for name, library in LIBRARIES.items():
                path = tmp_path / f"{name}{number}{nodata}.tif"
                with library.open(path, "w", **profile, nodata=nodata) as target:
                    target.write(values, 1)
                    results.append([outcome(lambda: call(target, library))])
                with rasterio.open(path) as target:
                    results[-1] += [target.read(), target.read_masks(), target.dataset_mask(), target.mask_flag_enums]
            for expected, got in zip(*results):
                assert_same(expected, got, (number, nodata))


# --- The same exceptions ---

CREATED = {"driver": "GTiff", "width": 5, "height": 4, "count": 2, "dtype": "uint8"}

OPENS: list[tuple[Any, ...]] = [
    (3,), (None,), (b"x",), ("a.tif", 3), ("a.tif", "x"), ("a.tif", "rb"), ("a.tif", "r", 3), ("a.tif", "r", ["GTiff"]),
    ("a.tif", "r", "JPEG"), ("none.tif",), ("",), (".",), ("a.tif", "r", {"dtype": "foo"}), ("a.tif", "r", {"nodata": "x"}),
    *[("w.tif", "w", {key: value for key, value in CREATED.items() if key != left}) for left in CREATED if left != "driver"],
    ("w.foo", "w", {key: value for key, value in CREATED.items() if key != "driver"}),
    ("w.tif", "w", {**CREATED, "width": 0}), ("w.tif", "w", {**CREATED, "height": -1}), ("w.tif", "w", {**CREATED, "count": 0}),
    ("w.tif", "w", {**CREATED, "dtype": "foo"}), ("w.tif", "w", {**CREATED, "dtype": ">u2"}),
    ("w.tif", "w", {**CREATED, "dtype": float}), ("w.tif", "w", {**CREATED, "driver": "Nope"}),
    ("w.tif", "w", {**CREATED, "nodata": 300}), ("w.tif", "w", {**CREATED, "nodata": np.nan}), ("w.tif", "w", {**CREATED, "nodata": "a"}),
    ("w.tif", "w", {**CREATED, "crs": "foo"}), ("w.tif", "w", {**CREATED, "transform": (1, 2, 3)}),
    ("w.tif", "w", {**CREATED, "transform": (3e5, 10, 0, 5e6, 0, -10)}),
    ("w.tif", "w", {**CREATED, "tiled": True, "blockxsize": 100, "blockysize": 100}), ("no/w.tif", "w", CREATED),
]  # fmt: skip


@pytest.mark.parametrize("arguments", OPENS, ids=repr)
def test_open_refuses_alike(arguments: tuple[Any, ...], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sidebyside.write(tmp_path / "a.tif", np.ones((1, 2, 2), "u1"))
    options = arguments[-1] if isinstance(arguments[-1], dict) else {}
    rest = arguments[:-1] if options else arguments
    expected, got = (outcome(lambda: library.open(*rest, **options)) for library in (rasterio, nacre))
    assert isinstance(expected, type) and issubclass(expected, Exception)
    assert_same(expected, got)


EXPRESSIONS = """
read(3) read(0) read([1,9]) read([]) read(1.0) read('1') read(out_shape=4) read(out_shape=(-1,2)) read(out_shape=(2.5,2))
read(1,out_shape=(2,2,2)) read(out_shape=(3,2,2)) read(out=[1]) read(out_dtype='foo') read(out_dtype=bool)
read(out_dtype='U3') read(resampling=3) read(resampling='bilinear') read(resampling=R.max) read_masks(resampling=R.sum)
read(out=np.zeros((3,2,2),'u1')) read(out=np.zeros((2,2,2),'u1'),out_shape=(2,2)) read_masks(out=np.zeros((2,2,2),'f4'))
read(masked=True,fill_value=300) colormap(1) colormap(9) overviews(9) checksum(9) block_size(9,0,0) block_size(1,9,9)
list(block_windows(9)) block_window(1,9,9) tags(9) get_tag_item('A','TIFF',9) xy(0,0,offset='foo') stats(indexes=[9])
list(sample([3])) window_transform(3)
""".split()

SETTINGS = """
crs='foo' crs=None crs='' transform=None transform=(1,2,3,4,5,6) nodata='a' descriptions=('a',) descriptions=None descriptions=(1,2)
units=('a','b','c') scales=(1,) scales=[1,None] scales='ab' offsets=3 colorinterp=[1,2] colorinterp=[C.red] colorinterp=None
gcps=None gcps=([1],None) rpcs=3
""".split()

CALLS = """
write(Z[0]) write(Z,1) write(Z,[1]) write(Z[0],3) write(Z.tolist()) write(None) write(np.zeros(5)) write(Z,())
write(Z[:,:2,:2],None,W(4,3,2,2)) write_mask(1) write_colormap(9,{}) write_colormap(1,None) write_colormap(1,{0:(1,2)})
write_colormap(1,{'a':(1,2,3)}) update_tags(9,a=1) set_band_unit(9,'x') set_band_description(9,'x') build_overviews(2)
build_overviews([2],R.max) build_overviews([2],'average') build_overviews([2,4,8,16])
""".split()


def names_of(library: Any) -> dict[str, Any]:
    return {"R": library.enums.Resampling, "C": library.enums.ColorInterp, "W": library.windows.Window, "np": np,
            "Z": np.ones((2, 4, 5), "u1")}  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_wrong_arguments_fail_alike(expression: str, tmp_path: pathlib.Path) -> None:
    path = sidebyside.write(tmp_path / "a.tif", np.arange(40, dtype="u1").reshape(2, 4, 5))
    results = []
    for library in (rasterio, nacre):
        with library.open(path) as dataset:
            names = {**names_of(library), **{name: getattr(dataset, name) for name in dir(dataset) if name[0] != "_"}}
            results.append(outcome(lambda: eval(expression, {**names, "list": list, "bool": bool})))
    assert isinstance(results[0], type)
    assert_same(*results)


@pytest.mark.parametrize("statement", [*(f"dataset.{one}" for one in SETTINGS), *(f"dataset.{one}" for one in CALLS)])
def test_wrong_changes_fail_alike(statement: str, tmp_path: pathlib.Path) -> None:
    results = []
    for name, library in LIBRARIES.items():
        with library.open(tmp_path / f"{name}.tif", "w+", **CREATED, transform=Affine(1, 0, 5, 0, -1, 5)) as dataset:
            results.append(outcome(lambda: exec(statement, {**names_of(library), "dataset": dataset})))
    assert isinstance(results[0], type), results
    assert_same(*results)


@pytest.mark.parametrize("name", ["crs", "transform", "nodata", "descriptions", "units", "scales", "offsets", "colorinterp"])
def test_a_dataset_open_for_reading_is_not_changed(name: str, tmp_path: pathlib.Path) -> None:
    path = sidebyside.write(tmp_path / "a.tif", np.ones((1, 2, 2), "u1"))
    theirs, ours = sidebyside.both(path)
    value = Affine.identity() if name == "transform" else ("a",)
    assert_same(outcome(lambda: setattr(theirs, name, value)), outcome(lambda: setattr(ours, name, value)))
    assert not hasattr(ours, "write") and not hasattr(ours, "update_tags") and not hasattr(ours, "build_overviews")


def test_a_dataset_open_in_mode_w_is_not_read(tmp_path: pathlib.Path) -> None:
    with nacre.open(tmp_path / "w.tif", "w", **CREATED, transform=Affine(1, 0, 5, 0, -1, 5)) as dataset:
        for call in (dataset.read, dataset.read_masks, dataset.dataset_mask, lambda: list(dataset.sample([(5, 5)]))):
            with pytest.raises(nacre.errors.UnsupportedOperation, match="not readable"):
                call()
        assert dataset.checksum(1) == 0 and dataset.stats()[0].max == 0
    with pytest.raises(ValueError, match="closed"):
        dataset.write(np.ones((2, 4, 5), "u1"))


# --- Files in memory ---


def test_files_in_memory_do_alike(tmp_path: pathlib.Path) -> None:
    data = sidebyside.write(tmp_path / "a.tif", np.arange(40, dtype="u1").reshape(2, 4, 5)).read_bytes()
    for library in (rasterio, nacre):
        with library.io.MemoryFile(data) as memory:
            assert (len(memory), memory.exists(), memory.closed, memory.mode, memory.tell()) == (len(data), True, False, "r", 0)
            assert memory.name.startswith("/vsimem/") and memory.name.endswith(".tif")
            assert memory.read(4) == data[:4] and memory.tell() == 4 and memory.seek(0) == 0
            assert bytes(memory.getbuffer()) == data
            with memory.open() as dataset:
                assert (dataset.mode, dataset.name, dataset.count) == ("r", memory.name, 2)
            assert library.open(memory).count == 2
        assert memory.closed and not memory.exists()
        assert outcome(memory.open) is ValueError and outcome(memory.read) is ValueError
        with library.io.MemoryFile() as memory:
            assert memory.mode == "w+" and len(memory) == 0 and outcome(memory.open) is ValueError
            with memory.open(**CREATED, transform=Affine(1, 0, 5, 0, -1, 5)) as dataset:
                assert (dataset.mode, type(dataset).__name__) == ("w+", "DatasetWriter")
                dataset.write(np.full((2, 4, 5), 9, "u1"))
            assert memory.open().read().sum() == 360 and memory.open().mode == "r"
        with library.io.MemoryFile(ext=".png", filename=None) as memory:
            assert memory.name.endswith(".png")
        with library.io.MemoryFile() as memory:
            for start in range(0, len(data), 100):
                assert memory.write(data[start : start + 100]) == len(data[start : start + 100])
            assert memory.open().count == 2
        for wrong in ("x", 3):
            assert outcome(lambda: library.io.MemoryFile(wrong)) is TypeError
        with open(tmp_path / "a.tif", "rb") as file, library.open(file) as dataset:
            assert dataset.read().sum() == 780
        with open(tmp_path / f"{library.__name__}.tif", "wb") as file:
            with library.open(file, "w", **CREATED, transform=Affine(1, 0, 5, 0, -1, 5)) as dataset:
                dataset.write(np.full((2, 4, 5), 3, "u1"))
        assert rasterio.open(tmp_path / f"{library.__name__}.tif").read().sum() == 120


def test_archives_in_memory_do_alike(tmp_path: pathlib.Path) -> None:
    import zipfile

    path = sidebyside.write(tmp_path / "a.tif", np.ones((1, 2, 2), "u1"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "d/a.tif")
    for library in (rasterio, nacre):
        with library.io.ZipMemoryFile((tmp_path / "a.zip").read_bytes()) as memory, memory.open("d/a.tif") as dataset:
            assert dataset.count == 1 and dataset.name == f"/vsizip{memory.name}/d/a.tif"


# --- Life ---


def test_what_is_not_closed_well_leaves_what_was_there(tmp_path: pathlib.Path) -> None:
    path = sidebyside.write(tmp_path / "a.tif", np.ones((2, 4, 5), "u1"))
    before = path.read_bytes()
    for mode in ("r+", "w"):
        with pytest.raises(KeyError), nacre.open(path, mode, **(CREATED if mode == "w" else {})) as dataset:
            dataset.write(np.zeros((2, 4, 5), "u1"))
            raise KeyError
        assert dataset.closed and path.read_bytes() == before


def test_what_nobody_closes_is_written_all_the_same(tmp_path: pathlib.Path) -> None:
    dataset = nacre.open(tmp_path / "a.tif", "w", **CREATED)
    dataset.write(np.full((2, 4, 5), 4, "u1"))
    del dataset
    assert rasterio.open(tmp_path / "a.tif").read().sum() == 160


def test_another_change_in_between_is_told(tmp_path: pathlib.Path) -> None:
    path = sidebyside.write(tmp_path / "a.tif", np.ones((2, 4, 5), "u1"))
    dataset = nacre.open(path, "r+")
    dataset.write(np.zeros((2, 4, 5), "u1"))
    other = sidebyside.write(tmp_path / "b.tif", np.full((2, 4, 5), 7, "u1")).replace(path)
    with pytest.raises(nacre.errors.ObjectChangedError):
        dataset.close()
    dataset._give_up()
    assert rasterio.open(other).read().max() == 7


def test_pickles_open_the_same_version(tmp_path: pathlib.Path) -> None:
    import pickle

    path = sidebyside.write(tmp_path / "a.tif", np.ones((2, 4, 5), "u1"))
    with nacre.open(path) as dataset:
        pickled = pickle.dumps(dataset)
    assert pickle.loads(pickled).read().sum() == 40
    sidebyside.write(tmp_path / "b.tif", np.full((2, 4, 5), 7, "u1")).replace(path)
    with pytest.raises(nacre.errors.ObjectChangedError, match="pickled"):
        pickle.loads(pickled)
    with nacre.open(path, "r+") as writer, pytest.raises(TypeError, match="writing"):
        pickle.dumps(writer)


def test_threads_share_a_writer(tmp_path: pathlib.Path) -> None:
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint8", "tiled": True}
    with nacre.open(tmp_path / "a.tif", "w+", **profile) as dataset:

        def write(row: int) -> None:
            for column in range(0, 64, 8):
                window = nacre.windows.Window(column, row, 8, 8)
                dataset.write(np.full((8, 8), row + column // 8, "u1"), 1, window=window)
                assert (dataset.read(1, window=window) == row + column // 8).all()

        threads = [threading.Thread(target=write, args=(row,)) for row in range(0, 64, 8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = np.add.outer(np.repeat(np.arange(0, 64, 8), 8), np.repeat(np.arange(8), 8))
    assert (rasterio.open(tmp_path / "a.tif").read(1) == expected).all()


def test_the_interpreter_goes_on_while_a_call_waits(start_emulator: Any, tmp_path: pathlib.Path, monkeypatch: Any) -> None:
    emulator: Emulator = start_emulator("--latency", "150")
    emulator.make_bucket("b")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    values = np.arange(40, dtype="u1").reshape(2, 4, 5)
    emulator.put("b", "a.tif", sidebyside.write(tmp_path / "a.tif", values).read_bytes())
    ended = threading.Event()
    steps: list[int] = []

    def count() -> None:  # without the lock it gets on
        while not ended.wait(0.002):
            steps[-1] += 1

    def calls() -> Iterator[Callable[[], Any]]:
        yield lambda: nacre.open("gs://b/a.tif").read()
        yield lambda: nacre.open("gs://b/a.tif").refresh()
        yield lambda: nacre.open("gs://b/a.tif", "r+").close()
        yield lambda: nacre.open("gs://b/w.tif", "w", **CREATED).close()
        yield lambda: nacre.open("gs://b/a.tif").stats()
        yield lambda: nacre.open("gs://b/a.tif").checksum(1)
        yield lambda: nacre.shutil.exists("gs://b/a.tif")
        yield lambda: nacre.read_batch(["gs://b/a.tif"])

    thread = threading.Thread(target=count)
    for number, call in enumerate(calls()):
        steps.append(0)
        if not thread.is_alive():
            thread.start()
        before = steps[-1]
        call()
        assert steps[-1] - before >= 5, f"call {number} held the lock"
    ended.set()
    thread.join()


def test_a_notebook_shows_a_picture_and_a_table(tmp_path: pathlib.Path) -> None:
    path = sidebyside.write(tmp_path / "a<b>.tif", values_of("float32", (1, 40, 50), 1), nodata=np.nan)
    with nacre.open(path) as dataset:
        page = dataset._repr_html_()
        assert "data:image/png;base64," in page and "50 x 40" in page and "EPSG:32633" in page and "a&lt;b&gt;.tif" in page
    assert "img" not in dataset._repr_html_() and "closed" in dataset._repr_html_()


def test_a_notebook_asks_for_nothing_offline(emulator: Emulator, tmp_path: pathlib.Path, monkeypatch: Any) -> None:
    emulator.make_bucket("b")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    values = np.random.default_rng(1).integers(0, 255, (1, 400, 500), "u1")
    emulator.put("b", "a.tif", sidebyside.write(tmp_path / "a.tif", values, tiled=True).read_bytes())
    nacre.open("gs://b/a.tif").close()
    with nacre.open("gs://b/a.tif", cache="offline") as dataset:
        emulator.take_log()
        page = dataset._repr_html_()
        assert "img" not in page and "500 x 400" in page
        assert emulator.take_log() == []


def test_nothing_is_warned_of_where_all_is_well(tmp_path: pathlib.Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with nacre.open(tmp_path / "a.tif", "w", **CREATED, transform=Affine(1, 0, 5, 0, -1, 5), compress="lzw") as dataset:
            dataset.write(np.ones((2, 4, 5), "u1"))
        nacre.open(tmp_path / "a.tif").read()

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What tests that hold nacre against Rasterio share: rasters, and what counts as equal."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import nacre
import numpy as np
import pytest
import rasterio
import rasterio.windows
from nacre.enums import Resampling
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

WIDTH, HEIGHT = 131, 97
DTYPES = "uint8 int8 uint16 int16 uint32 int32 uint64 int64 float32 float64".split()
if tuple(map(int, rasterio.__gdal_version__.split(".")[:2])) >= (3, 11):
    DTYPES.append("float16")
LAYOUTS: dict[str, dict[str, Any]] = {
    "tiled": {
        "tiled": True,
        "blockxsize": 32,
        "blockysize": 48,
        "compress": "deflate",
        "interleave": "pixel",
        "count": 3,
    },
    "strips": {"compress": "lzw", "interleave": "band", "count": 2, "nodata": 7},
    "plain": {"count": 1},
}


def data_names() -> list[str]:
    """The real rasters that both read; one name that leads to a skip where the folder is not given."""
    folder = os.environ.get("NACRE_TEST_DATA")
    if not folder:
        return ["no NACRE_TEST_DATA"]
    names = sorted(path.name for path in pathlib.Path(folder).iterdir() if path.suffix in (".tif", ".vrt"))
    return [name for name in names if name not in ("corrupt.tif", "white-gemini-iv.vrt")]  # damaged; over a JPEG


def _values(dtype: str, count: int) -> np.ndarray:
    values = (np.random.default_rng(1).random((count, HEIGHT, WIDTH)) * 120).astype(dtype)
    if values.dtype.kind == "f":
        values[0, 3, 4] = np.nan
    return values


def write(path: pathlib.Path, values: np.ndarray, **profile: Any) -> pathlib.Path:
    """A GeoTIFF, by Rasterio."""
    profile = {"crs": "EPSG:32633", "transform": from_origin(3e5, 5e6, 100, 120), "dtype": values.dtype.name, **profile}
    shape = {"count": values.shape[0], "height": values.shape[1], "width": values.shape[2]}
    with rasterio.open(path, "w", driver="GTiff", **{**profile, **shape}) as target:
        target.write(values)
    return path


def typed_rasters(folder: pathlib.Path) -> list[pathlib.Path]:
    """Every type that this Rasterio has, in every layout."""
    paths = []
    for dtype in DTYPES:
        if dtype not in rasterio.dtypes.dtype_fwd.values():
            continue
        for name, profile in LAYOUTS.items():
            paths.append(write(folder / f"{dtype}_{name}.tif", _values(dtype, profile["count"]), **profile))
    return paths


def _edit(path: pathlib.Path, **attributes: Any) -> None:
    with rasterio.open(path, "r+") as target:
        for name, value in attributes.items():
            setattr(target, name, value)


def described_rasters(folder: pathlib.Path) -> list[pathlib.Path]:
    """One raster for each thing that can be said of a raster."""
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    byte = _values("uint8", 4)
    paths = [
        write(folder / "nan.tif", _values("float32", 1), nodata=np.nan),
        write(folder / "big_nodata.tif", _values("int64", 1), nodata=-(2**40)),
        write(folder / "no_crs.tif", byte[:1], crs=None),
        write(folder / "geographic.tif", byte[:1], crs="EPSG:4326", transform=from_origin(12, 48, 0.01, 0.02)),
        write(folder / "esri.tif", byte[:1], crs="ESRI:54009"),
        write(folder / "wkt.tif", byte[:1], crs="+proj=laea +lat_0=52 +lon_0=10 +ellps=GRS80"),
        write(folder / "turned.tif", byte[:1], transform=rasterio.Affine(8, 4.5, 3e5, 4.5, -7, 5e6)),
        write(folder / "south_up.tif", byte[:1], transform=rasterio.Affine(100, 0, 3e5, 0, 100, 4e6)),
        write(folder / "point.tif", byte[:1]),
        write(folder / "palette.tif", byte[:1] % 4, photometric="palette"),
        write(folder / "rgba.tif", byte, photometric="rgb"),
        write(folder / "rgba_uint16.tif", _values("uint16", 4) * 500),
        write(folder / "rgba_float.tif", _values("float32", 4)),
        write(folder / "grey_alpha.tif", byte[:2]),
        write(folder / "told.tif", byte[:2]),
        write(folder / "overviews.tif", byte[:1]),
    ]
    by_name = {path.stem: path for path in paths}
    for name in ("rgba", "rgba_uint16", "rgba_float"):
        _edit(by_name[name], colorinterp=colours)
    _edit(by_name["grey_alpha"], colorinterp=[ColorInterp.gray, ColorInterp.alpha])
    _edit(
        by_name["told"],
        scales=(0.5, 2.0),
        offsets=(1.5, -3.0),
        units=("metre", "m/s"),
        descriptions=("height", "speed <&>"),
    )
    with rasterio.open(by_name["told"], "r+") as target:
        target.update_tags(key="value", **{"ünïcode": "ß", "TIFFTAG_SOFTWARE": "a test"})
        target.update_tags(ns="own", answer="42")
        target.update_tags(2, band="two")
    with rasterio.open(by_name["point"], "r+") as target:
        target.update_tags(AREA_OR_POINT="Point")
    with rasterio.open(by_name["palette"], "r+") as target:
        target.write_colormap(1, {i: (i * 60, 255 - i * 60, i, 255) for i in range(4)})
    with rasterio.open(by_name["overviews"], "r+") as target:
        target.build_overviews([2, 4], rasterio.enums.Resampling.average)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write(folder / "mask.tif", byte[:3])
        with rasterio.open(path, "r+") as target:
            target.write_mask(byte[0] > 60)
    points = [GroundControlPoint(r, c, 3e5 + 100 * c, 5e6 - 100 * r, id=f"{r}{c}") for r in (0, 90) for c in (0, 120)]
    gcps = write(folder / "gcps.tif", byte[:1], crs="EPSG:32633", transform=None, gcps=points)
    return [*paths, path, gcps]


def both(path: Any, **options: Any) -> tuple[Any, Any]:
    """A raster, opened by Rasterio and by nacre."""
    return rasterio.open(path, **options), nacre.open(path, **options)


def windows_of(box: tuple[float, float, float, float] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments of a window for Rasterio and for nacre."""
    if box is None:
        return {}, {}
    return {"window": rasterio.windows.Window(*box)}, {"window": nacre.windows.Window(*box)}


def assert_alike(
    theirs: np.ndarray, ours: np.ndarray, resampling: int = 0, share: float | None = None, few: int = 0, note: Any = ""
) -> None:
    """Nearest: equal; others within 1 (floats: a ten-thousandth of the largest) on 99.9 % or all but a few values."""
    assert (theirs.shape, theirs.dtype) == (ours.shape, ours.dtype), note
    share = (0.001 if resampling else 0.0) if share is None else share
    equal = (theirs == ours) | ((theirs != theirs) & (ours != ours))
    with np.errstate(invalid="ignore"):
        off = np.abs(theirs.astype("f8") - ours.astype("f8"))
    off[equal] = 0
    finite = np.abs(theirs[np.isfinite(theirs)].astype("f8"))
    allowed = 0.0 if not resampling else 1.0 if theirs.dtype.kind in "iu" else 1e-4 * max(1.0, finite.max(initial=0))
    wrong = ~(off <= allowed)
    if wrong.sum() > max(share * wrong.size, few):
        first = tuple(np.argwhere(wrong)[0])
        pytest.fail(f"{note}: {wrong.mean():.2%} differ; at {first}: {theirs[first]} by Rasterio, {ours[first]} here")


def decodes_alike(theirs: Any, ours: Any) -> bool:
    """Whether both have a JPEG decoder that gives the same values; other files are decoded exactly."""
    if ours.photometric is None:
        return True
    box = (0, 0, min(600, ours.width), min(600, ours.height))
    in_theirs, in_ours = windows_of(box)
    expected, got = theirs.read(**in_theirs), ours.read(**in_ours)
    assert np.abs(expected.astype(int) - got.astype(int)).mean() < 1
    return np.array_equal(expected, got)


def resampling_of(number: int) -> tuple[Any, Any]:
    """A resampling for Rasterio and for nacre."""
    return rasterio.enums.Resampling(number), Resampling(number)

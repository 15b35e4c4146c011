# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""CRS in GeoKeys, both ways: GDAL's are read by nacre, nacre's by GDAL, and the keys that no writer of today makes."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.errors
from edits import create
from rasterio.crs import CRS
from tiffbytes import DOUBLE, SHORT, image, tiff

import nacre
from nacre._native import lib

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning"),
]


def theirs(path: pathlib.Path) -> CRS | None:
    with rasterio.open(path) as dataset:
        return dataset.crs


def ours(path: pathlib.Path) -> CRS | None:
    with nacre.open(path) as dataset:
        return dataset.crs and CRS.from_wkt(dataset.crs.to_wkt(version="WKT2_2019"))


def same(one: CRS | None, other: CRS | None) -> bool:
    """Releases of PROJ have different names and codes for a method, which WKT 1 has not."""
    if one is None or other is None:
        return one is other
    return one == other or CRS.from_wkt(one.to_wkt()) == CRS.from_wkt(other.to_wkt())


# --- Both ways ---

# Codes of each kind that GeoTIFF has keys for, and of some for which it has none.
CODES = [
    "EPSG:32633", "EPSG:2263", "EPSG:3035", "EPSG:27700", "EPSG:2056", "EPSG:3031", "EPSG:3976", "EPSG:5936", "EPSG:28992",
    "EPSG:3395", "EPSG:3388", "EPSG:5880", "EPSG:27200", "EPSG:29385", "EPSG:6933", "EPSG:31300", "EPSG:5514", "EPSG:3857",
    "EPSG:4807", "EPSG:4979", "EPSG:4978", "EPSG:4326+5773", "EPSG:25832+7837", "EPSG:6349",
    "ESRI:102003", "ESRI:54009", "ESRI:54030", "ESRI:54003", "ESRI:54029", "ESRI:102016", "ESRI:102015", "IAU_2015:49910",
]  # fmt: skip
# Without codes GDAL itself finds these again by their names (with their order of axes, or the datum of heights), says
# them to itself in other words, or names their parameters in words that older releases of PROJ do not know.
BY_CODE_ONLY = {"EPSG:3035", "EPSG:3388", "EPSG:2056", "EPSG:4807", "EPSG:4979", "EPSG:4326+5773", "EPSG:25832+7837",
                "EPSG:6349"}  # fmt: skip


def without_codes(crs: CRS) -> CRS:
    """User-defined: the same by parameters alone, whose names are all that tells them."""
    return CRS.from_wkt(re.sub(r',ID\["[^"]*",("[^"]*"|\d+)\]', "", crs.to_wkt(version="WKT2_2019")))


WAYS = [(code, True) for code in CODES] + [(code, False) for code in CODES if code not in BY_CODE_ONLY]


@pytest.mark.parametrize(("code", "is_code"), WAYS)
def test_a_crs_goes_both_ways(tmp_path: pathlib.Path, code: str, is_code: bool) -> None:
    crs = CRS.from_user_input(code)
    if not is_code:
        crs = without_codes(crs)
    path, mine = tmp_path / "theirs.tif", tmp_path / "ours.tif"
    with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8", crs=crs):
        pass
    (tmp_path / "theirs.tif.aux.xml").unlink(missing_ok=True)
    expected = theirs(path)
    assert same(ours(path), expected)
    with create(mine, 2, 2, 1, "uint8") as edit:
        edit.set_crs(crs.to_wkt(version="WKT2_2019"))
    assert theirs(mine) in (expected, crs)
    assert same(ours(mine), expected) or same(ours(mine), crs)


@pytest.mark.parametrize("form", ["WKT1_GDAL", "WKT2_2019"])
def test_a_local_crs_goes_both_ways(tmp_path: pathlib.Path, form: str) -> None:
    path = tmp_path / "a.tif"
    crs = CRS.from_wkt('LOCAL_CS["site 7",UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]')
    with create(path, 2, 2, 1, "uint8") as edit:
        edit.set_crs(crs.to_wkt(version=form))
    assert theirs(path) == crs and ours(path) == crs


def test_a_crs_that_geotiff_cannot_say_is_refused_and_not_lost(tmp_path: pathlib.Path) -> None:
    with pytest.raises(nacre.errors.UnsupportedError, match=r"a\.tif: GeoTIFF has no keys for the projection"):
        with create(tmp_path / "a.tif", 2, 2, 1, "uint8") as edit:
            edit.set_crs(without_codes(CRS.from_epsg(3993)).to_wkt(version="WKT2_2019"))
    assert not (tmp_path / "a.tif").exists()


def test_the_forms_of_a_crs(tmp_path: pathlib.Path) -> None:
    """EPSG code, WKT 1, WKT 2 and PROJJSON, all of which mean the same; and WKT 2 by default where 1 cannot say it."""
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8", crs="EPSG:32633"):
        pass
    with nacre.open(path) as dataset:
        crs = dataset.crs
    assert crs.to_epsg() == 32633 and crs.to_wkt().startswith("PROJCS[") and crs.to_wkt(version="WKT2").startswith("PROJCRS[")
    for text in (crs.to_wkt(), crs.to_wkt(version="WKT2_2019")):
        assert CRS.from_wkt(text) == CRS.from_epsg(32633)
    assert nacre.crs.CRS.from_epsg(8857).to_wkt().startswith("PROJCRS[")


def test_projjson_that_quotes_a_proj_string_is_read_back() -> None:
    text = nacre.crs.CRS.from_string("+proj=poly +lat_0=0 +lon_0=-54 +k_0=1 +ellps=GRS80")._text(lib.NACRE_CRS_PROJJSON)
    assert "proj=" in text
    assert nacre.crs.CRS.from_string(text).is_projected


# --- Keys as others wrote them ---

CITATION = b"My citation|WGS 84|\0"
WGS84 = [1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326]
PARAMETERS = {3078: 45.0, 3079: 50.0, 3080: 9.0, 3081: 48.0, 3082: 500000.0, 3083: 100000.0, 3084: 9.5, 3085: 48.5,
              3086: 1000.0, 3087: 2000.0, 3088: 9.25, 3089: 48.25, 3090: 1000.0, 3091: 500.0, 3092: 0.9999, 3093: 0.9998,
              3094: 30.0, 3095: -90.0}  # fmt: skip


def write(path: pathlib.Path, keys: list[int], revision: int = 0, **tags: Any) -> None:
    directory = [1, 1, revision, len(keys) // 4, *keys]
    more = {int(number[1:]): value for number, value in tags.items()}
    path.write_bytes(tiff({**image(13, 5), 34735: (SHORT, directory), **more}, [bytes(65)]))


def assert_same(path: pathlib.Path) -> None:
    assert same(ours(path), theirs(path))
    with nacre.open(path) as mine, rasterio.open(path) as its:
        assert tuple(mine.transform) == tuple(its.transform)
        assert mine.tags() == its.tags()
        assert [u or "" for u in mine.units] == [u or "" for u in its.units]


# Left out: those that libgeotiff knows no parameters of, and 7 and 15, whose parameters here contradict one another.
@pytest.mark.parametrize("transform", [1, *range(3, 5), 8, 9, 10, 11, 12, 13, 14, *range(16, 29)])
def test_every_projection_by_its_parameters(tmp_path: pathlib.Path, transform: int) -> None:
    keys = [1024, 0, 1, 1, 1025, 0, 1, 1, 2048, 0, 1, 4326, 2054, 0, 1, 9102, 3072, 0, 1, 32767, 3075, 0, 1, transform,
            3076, 0, 1, 9001]  # fmt: skip
    for index, key in enumerate(PARAMETERS):
        keys += [key, 34736, 1, index]
    write(tmp_path / "a.tif", keys, t34736=(DOUBLE, list(PARAMETERS.values())))
    assert ours(tmp_path / "a.tif").is_projected or transform == 4
    if transform != 4:
        assert_same(tmp_path / "a.tif")


KEYS: dict[str, tuple[list[int], dict[str, Any]]] = {
    "local": ([1024, 0, 1, 32767, 1025, 0, 1, 1, 1026, 34737, 12, 0, 3076, 0, 1, 9001], {"t34737": (2, CITATION)}),
    "local, projected": ([1024, 0, 1, 1, 1025, 0, 1, 1, 1026, 34737, 12, 0, 3076, 0, 1, 9001], {"t34737": (2, CITATION)}),
    "nothing but a model": ([1024, 0, 1, 32767, 1025, 0, 1, 1], {}),
    "a code in another unit": ([1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32618, 3076, 0, 1, 9003], {}),
    "a code in its own feet": ([1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 2263, 3076, 0, 1, 9003], {}),
    "geocentric": ([1024, 0, 1, 3, 1025, 0, 1, 1, 2048, 0, 1, 4978], {}),
    "geocentric by its datum": ([1024, 0, 1, 3, 1025, 0, 1, 1, 2048, 0, 1, 32767, 2050, 0, 1, 6702, 2052, 0, 1, 9001], {}),
    "grads": ([1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 32767, 2050, 0, 1, 6326, 2054, 0, 1, 9105], {}),
    "a meridian by its code": ([1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 32767, 2050, 0, 1, 6326, 2051, 0, 1, 8903, 2054, 0, 1, 9102], {}),
    "a meridian by its place": ([1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 32767, 2050, 0, 1, 6326, 2051, 0, 1, 32767, 2054, 0, 1, 9102,
                                 2061, 34736, 1, 0], {"t34736": (DOUBLE, [10.5])}),
    "an ellipsoid": ([1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 32767, 2050, 0, 1, 32767, 2056, 0, 1, 32767, 2057, 34736, 1, 0,
                      2059, 34736, 1, 1], {"t34736": (DOUBLE, [6371000.0, 298.0])}),
    "no raster type": ([1024, 0, 1, 2, 2048, 0, 1, 4326], {}),
    "unsorted": ([2048, 0, 1, 4326, 1024, 0, 1, 2, 1025, 0, 1, 1], {}),
    "no model": ([1025, 0, 1, 1, 3072, 0, 1, 32633], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_other_writers(tmp_path: pathlib.Path, name: str) -> None:
    keys, tags = KEYS[name]
    write(tmp_path / "a.tif", keys, **tags)
    assert_same(tmp_path / "a.tif")


@pytest.mark.parametrize("revision", [0, 1])
@pytest.mark.parametrize(
    "heights",
    [[4096, 0, 1, 5703, 4099, 0, 1, 9001], [4096, 0, 1, 5703, 4099, 0, 1, 9003], [4096, 0, 1, 5030, 4099, 0, 1, 9001],
     [4096, 0, 1, 32767, 4098, 0, 1, 5103, 4099, 0, 1, 9001], [4096, 0, 1, 4979], [4096, 0, 1, 4955]],
)  # fmt: skip
def test_heights(tmp_path: pathlib.Path, heights: list[int], revision: int) -> None:
    """A vertical CRS counts from GeoTIFF 1.1 on; that of an ellipsoid, and the unit of bands, always."""
    path = tmp_path / "a.tif"
    write(path, [1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32618, *heights], revision)
    assert same(ours(path), theirs(path))
    with nacre.open(path) as mine, rasterio.open(path) as its:
        assert [u or "" for u in mine.units] == [u or "" for u in its.units]


M = [2.0, 1, 0, 100, 0.5, -3, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1]
POINTS = [0.0, 0, 0, 10, 50, 0, 13, 0, 0, 23, 50, 0, 0, 5, 0, 10, 45, 0, 13, 5, 0, 23, 45, 0]
POSITIONS: dict[str, dict[str, Any]] = {
    "scale and tie point": {"t33550": (DOUBLE, [2, 3, 0]), "t33922": (DOUBLE, [1.5, 2, 0, 10, 50, 0])},
    "scale alone": {"t33550": (DOUBLE, [2, 3, 0])},
    "negative scale": {"t33550": (DOUBLE, [2, -3, 0]), "t33922": (DOUBLE, [0, 0, 0, 10, 50, 0])},
    "scale of zero": {"t33550": (DOUBLE, [0, 0, 0]), "t33922": (DOUBLE, [0, 0, 0, 10, 50, 0])},
    "scale of two": {"t33550": (DOUBLE, [2, 3]), "t33922": (DOUBLE, [0, 0, 0, 10, 50, 0])},
    "scale and several tie points": {"t33550": (DOUBLE, [2, 3, 0]), "t33922": (DOUBLE, POINTS[:12])},
    "one tie point": {"t33922": (DOUBLE, POINTS[:6])},
    "tie points": {"t33922": (DOUBLE, POINTS)},
    "matrix": {"t34264": (DOUBLE, M)},
    "matrix and scale": {"t34264": (DOUBLE, M), "t33550": (DOUBLE, [2, 3, 0]), "t33922": (DOUBLE, POINTS[:6])},
    "matrix and tie points": {"t34264": (DOUBLE, M), "t33922": (DOUBLE, POINTS)},
    "a matrix that is cut": {"t34264": (DOUBLE, M[:15])},
    "nothing": {},
}


@pytest.mark.parametrize("raster_type", [1, 2])
@pytest.mark.parametrize("name", POSITIONS)
def test_positions_of_other_writers(tmp_path: pathlib.Path, name: str, raster_type: int) -> None:
    write(tmp_path / "a.tif", [1024, 0, 1, 2, 1025, 0, 1, raster_type, 2048, 0, 1, 4326], **POSITIONS[name])
    assert_same(tmp_path / "a.tif")


# --- All that PROJ knows, some of it at random ---


def codes_at_random(count: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("OSR_USE_NON_DEPRECATED", "NO")
    found: list[str] = []
    for code in np.random.default_rng(11).permutation(np.arange(2000, 32767)):
        try:
            nacre.crs.CRS.from_epsg(int(code))
            if not (CRS.from_epsg(int(code)).is_projected or CRS.from_epsg(int(code)).is_geographic):
                continue
        except (nacre.errors.CRSError, rasterio.errors.CRSError):
            continue
        found.append(f"EPSG:{code}")
        if len(found) == count:
            break
    return found


@pytest.mark.slow
def test_codes_at_random_go_both_ways(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = []
    path, mine = tmp_path / "theirs.tif", tmp_path / "ours.tif"
    for code in codes_at_random(200, monkeypatch):
        path.unlink(missing_ok=True)
        mine.unlink(missing_ok=True)
        with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8", crs=code):
            pass
        with create(mine, 2, 2, 1, "uint8") as edit:
            edit.set_crs(code)
        expected = theirs(path)
        if expected is not None and not (same(ours(path), expected) and theirs(mine) == expected):
            wrong.append(code)
    assert len(wrong) <= 10, wrong  # what differs between the databases of two releases of PROJ

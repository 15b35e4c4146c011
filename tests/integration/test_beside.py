# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Files beside a VRT (.vrt.msk, .vrt.ovr): found in the round of its first read, and never passed over."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from conftest import Emulator
from test_contract import geotiff

import nacre
from nacre.vrt import WarpedVRT


@pytest.fixture(params=["warped", "mosaic"])
def view(request: Any, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, run: Any) -> str:
    """The path of a VRT in a bucket."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    emulator.put("demo", "one.tif", geotiff(1, driver="COG"))
    if request.param == "warped":
        nacre.shutil.copy(WarpedVRT(nacre.open("gs://demo/one.tif"), crs="EPSG:3857"), "gs://demo/v.vrt", driver="VRT")
    else:
        run("vrt", "gs://demo/one.tif", "gs://demo/v.vrt")
    return "gs://demo/v.vrt"


def lists(emulator: Emulator) -> int:
    """Listings since the last call."""
    return sum(entry["path"].endswith("/o") for entry in emulator.take_log())


def test_a_mask_is_refused_by_name_not_ignored(emulator: Emulator, view: str) -> None:
    emulator.put("demo", "v.vrt.msk", geotiff(0))
    dataset = nacre.open(view)
    lists(emulator)
    with pytest.raises(nacre.errors.UnsupportedError, match=r"gs://demo/v\.vrt\.msk: .*sidecars=never"):
        dataset.read_masks()
    assert lists(emulator) == 1
    with pytest.raises(nacre.errors.UnsupportedError, match=r"v\.vrt\.msk"):
        dataset.read(masked=True)
    assert emulator.take_log() == []
    with nacre.Env(sidecars="never"):
        assert nacre.open(view).read().max() == 1
    emulator.delete("demo", "v.vrt.msk")
    assert nacre.open(view).read().max() == 1


def test_overviews_are_refused_where_a_read_would_use_them(emulator: Emulator, view: str) -> None:
    emulator.put("demo", "v.vrt.ovr", geotiff(9))
    dataset = nacre.open(view)
    assert dataset.read(1).max() == 1
    with pytest.raises(nacre.errors.UnsupportedError, match=r"v\.vrt\.ovr"):
        dataset.read(1, out_shape=(64, 64))


def test_a_nested_view_is_looked_beside_once_and_its_mask_is_refused(emulator: Emulator, view: str) -> None:
    outer = WarpedVRT(nacre.open(view), crs="EPSG:4326")
    lists(emulator)
    assert outer.read().max() == 1
    assert lists(emulator) == 1  # not for each of its parts
    emulator.put("demo", "v.vrt.msk", geotiff(0))
    nacre.shutil.copy(outer, "gs://demo/outer.vrt", driver="VRT")
    with pytest.raises(nacre.errors.UnsupportedError, match=r"v\.vrt\.msk"):
        nacre.open("gs://demo/outer.vrt").read()


def test_a_mask_on_local_disk_is_refused_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / "one.tif").write_bytes(geotiff(1))
    source = nacre.open(str(tmp_path / "one.tif"))
    nacre.shutil.copy(WarpedVRT(source, crs="EPSG:3857"), str(tmp_path / "v.vrt"), driver="VRT")
    assert nacre.open(str(tmp_path / "v.vrt")).read().max() == 1
    (tmp_path / "v.vrt.msk").write_bytes(geotiff(0))
    with pytest.raises(nacre.errors.UnsupportedError, match=r"v\.vrt\.msk"):
        nacre.open(str(tmp_path / "v.vrt")).read()

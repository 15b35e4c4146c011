# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""One pin for an object in a tree of documents, however often and however it is named; requests are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Emulator
from test_contract import geotiff

import nacre

SIZE = 512


def vrt(*names: str) -> bytes:
    """A VRT of these sources side by side."""
    sources = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="{int("/" not in name)}">{name}</SourceFilename>'
        f'<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="{SIZE}" ySize="{SIZE}"/>'
        f'<DstRect xOff="{SIZE * place}" yOff="0" xSize="{SIZE}" ySize="{SIZE}"/></SimpleSource>'
        for place, name in enumerate(names)
    )
    return (
        f'<VRTDataset rasterXSize="{SIZE * len(names)}" rasterYSize="{SIZE}">'
        "<GeoTransform>400000, 30, 0, 5300000, 0, -30</GeoTransform>"
        f'<VRTRasterBand dataType="Byte" band="1">{sources}</VRTRasterBand></VRTDataset>'
    ).encode()


def tile(place: int, number: int) -> nacre.windows.Window:
    """A tile of the source at a place of the VRT."""
    return nacre.windows.Window(SIZE * place + 128 * number, 0, 128, 128)


@pytest.fixture
def requests(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What the server was asked since the last call, sorted: method, status, and the object; a listing is "list"."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")

    def take() -> list[str]:
        named = [(entry, entry["path"].rsplit("/", 1)[-1]) for entry in emulator.take_log()]
        return sorted(f"{entry['method']} {entry['status']} {'list' if name == 'o' else name}" for entry, name in named)

    return take


@pytest.fixture
def tree(emulator: Emulator, requests: Callable[[], list[str]]) -> Any:
    """A VRT that names one object under two spellings and, by a third, in a VRT within it; its left is read."""
    emulator.put("demo", "one.tif", geotiff(1, driver="COG", compress="NONE", blocksize=128))
    emulator.put("demo", "inner.vrt", vrt("/vsigs/demo/one.tif"))
    emulator.put("demo", "outer.vrt", vrt("one.tif", "gcs://demo/one.tif", "inner.vrt"))
    requests()
    dataset = nacre.open("gs://demo/outer.vrt")
    assert requests() == ["GET 206 outer.vrt"]
    assert (dataset.read(1, window=tile(0, 0)) == 1).all()
    assert requests() == ["GET 200 list", "GET 206 one.tif", "GET 206 one.tif"]
    return dataset


def test_what_another_spelling_names_is_read_without_being_opened_again(tree: Any, requests: Any) -> None:
    assert (tree.read(1, window=tile(1, 0)) == 1).all()
    assert requests() == []
    assert (tree.read(1, window=tile(2, 0)) == 1).all()
    assert requests() == ["GET 200 list", "GET 206 inner.vrt"]
    assert (tree.read(1, window=tile(2, 1)) == 1).all()
    assert requests() == ["GET 206 one.tif"]


def test_an_overwrite_is_never_seen_by_a_second_spelling_or_a_nested_document(
    emulator: Emulator, tree: Any, requests: Any
) -> None:
    emulator.put("demo", "one.tif", geotiff(2, driver="COG", compress="NONE", blocksize=128))
    requests()
    for place, opened in ((1, []), (2, ["GET 200 list", "GET 206 inner.vrt"])):
        assert (tree.read(1, window=tile(place, 0)) == 1).all()  # cached bytes of the version that was pinned
        assert requests() == opened
        with pytest.raises(nacre.errors.ObjectChangedError, match="one.tif"):
            tree.read(1, window=tile(place, 1))
        assert requests() == ["GET 200 one.tif", "GET 404 one.tif"]  # the old one, and which one there is now
    fresh = nacre.open("gs://demo/outer.vrt").read(1)
    assert set(np.unique(fresh)) == {2}


def test_a_sidecar_that_is_a_source_too_has_one_pin(emulator: Emulator, requests: Any) -> None:
    emulator.put("demo", "one.tif", geotiff(1))
    emulator.put("demo", "one.tif.msk", geotiff(255))
    emulator.put("demo", "both.vrt", vrt("one.tif", "/vsigs/demo/one.tif.msk"))
    dataset = nacre.open("gs://demo/both.vrt")
    assert (dataset.read(1, window=tile(0, 0)) == 1).all()
    assert requests().count("GET 206 one.tif.msk") == 1
    emulator.put("demo", "one.tif.msk", geotiff(7, driver="COG", compress="NONE", blocksize=128))
    with pytest.raises(nacre.errors.ObjectChangedError, match="one.tif.msk"):
        dataset.read(1, window=tile(1, 3))


def test_an_object_that_was_not_there_is_asked_for_again(emulator: Emulator, requests: Any) -> None:
    emulator.put("demo", "outer.vrt", vrt("late.tif", "gcs://demo/late.tif"))
    dataset = nacre.open("gs://demo/outer.vrt")
    with pytest.raises(FileNotFoundError, match="late.tif"):
        dataset.read(1, window=tile(0, 0))
    emulator.put("demo", "late.tif", geotiff(3, driver="COG"))
    assert (dataset.read(1) == 3).all()

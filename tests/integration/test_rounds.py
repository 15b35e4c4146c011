# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Requests, rounds and bytes of the main job: exact, since they do not depend on the machine."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import ROOT, Emulator

import nacre
from nacre.vrt import WarpedVRT

sys.path.insert(0, str(ROOT / "demo"))
import scene

WINDOW = nacre.windows.Window(612, 612, 512, 512)


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pixel-interleaved COG of 2048 x 2048, three bands, tiles of 512, written by GDAL."""
    import rasterio.shutil

    folder = tmp_path_factory.mktemp("cog")
    plain, target = folder / "plain.tif", folder / "cog.tif"
    scene.write_geotiff(plain, scene.picture(scene.terrain(2048, seed=3)))
    rasterio.shutil.copy(plain, target, driver="COG", compress="DEFLATE", blocksize=512)
    return target.read_bytes()


@pytest.fixture
def path(emulator: Emulator, cog: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """The COG in a bucket that is read with a token, so that one request is enough."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    emulator.put("demo", "d/scene.tif", cog)
    emulator.take_log()
    return "gs://demo/d/scene.tif"


class Counted:
    """What a block cost."""

    requests: list[str]
    rounds: int
    received: int


@contextmanager
def counted(emulator: Emulator) -> Iterator[Counted]:
    """Counts the requests that the server saw and the rounds that nacre counted."""
    emulator.take_log()
    before = nacre.io_stats()["rounds"]
    result = Counted()
    yield result
    log = emulator.take_log()
    result.requests = [f"{entry['method']} {entry['status']} {entry['range'] or ''}".strip() for entry in log]
    result.rounds = nacre.io_stats()["rounds"] - before
    result.received = sum(entry["bytes"] for entry in log)


def test_a_cold_open_is_one_request_of_32_kib(emulator: Emulator, path: str) -> None:
    with counted(emulator) as cost:
        nacre.open(path)
    assert cost.requests == ["GET 206 bytes=0-32767"]
    assert cost.rounds == 1 and cost.received == 32768


def test_an_anonymous_cold_open_is_two_requests_in_one_round(
    emulator: Emulator, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NACRE_GS_ACCESS_TOKEN")
    with counted(emulator) as cost:
        nacre.open(path)
    assert sorted(cost.requests) == ["GET 200", "GET 206 bytes=0-32767"]
    assert cost.rounds == 1


def test_a_cold_open_over_http_is_one_request(emulator: Emulator, path: str) -> None:
    with counted(emulator) as cost:
        nacre.open(f"{emulator.url}/demo/d/scene.tif")
    assert cost.requests == ["GET 206 bytes=0-32767"]
    assert cost.rounds == 1


def test_a_window_across_four_tiles_is_one_round_of_two_ranges(emulator: Emulator, path: str) -> None:
    dataset = nacre.open(path)
    with counted(emulator) as cost:
        dataset.read(window=WINDOW)
    assert len(cost.requests) == 2 and cost.rounds == 1
    with counted(emulator) as cost:
        dataset.read(window=WINDOW)
    assert cost.requests == [] and cost.rounds == 0


def test_a_window_across_rows_of_tiles_is_one_round_of_a_range_for_each(emulator: Emulator, path: str) -> None:
    dataset = nacre.open(f"{emulator.url}/demo/d/scene.tif")
    with counted(emulator) as cost:
        dataset.read(window=nacre.windows.Window(100, 100, 1800, 1300))
    assert cost.rounds == 1
    assert len(cost.requests) == 1  # whole rows of tiles follow one another
    with counted(emulator) as cost:
        dataset.read(window=nacre.windows.Window(100, 1540, 500, 500))
    assert (len(cost.requests), cost.rounds) == (1, 1)


def test_a_thumbnail_is_one_round_of_one_range(emulator: Emulator, path: str, cog: bytes) -> None:
    import rasterio.io

    with rasterio.io.MemoryFile(cog) as memory, memory.open() as dataset:
        tile = int(dataset.get_tag_item("BLOCK_SIZE_0_0", "TIFF", bidx=1, ovr=1))
    dataset = nacre.open(f"{emulator.url}/demo/d/scene.tif")
    with counted(emulator) as cost:
        dataset.read(out_shape=(3, 512, 512))
    assert (len(cost.requests), cost.rounds) == (1, 1)
    assert cost.received <= tile + 8  # what the open has read of it is not read again


def test_reopening_a_saved_view_is_one_request_without_a_body(emulator: Emulator, path: str) -> None:
    source = nacre.open(path)
    view_path = path.replace("scene.tif", "view.vrt")
    WarpedVRT(source, crs="EPSG:3857").read(window=WINDOW)
    with counted(emulator) as cost:
        nacre.shutil.copy(WarpedVRT(source, crs="EPSG:3857"), view_path, driver="VRT")
    assert cost.requests == ["POST 200"]
    with counted(emulator) as cost:
        view = nacre.open(view_path)
    assert cost.requests == ["GET 304 bytes=0-32767"] and cost.received == 0
    with counted(emulator) as cost:
        view.read(window=WINDOW)
    # The source is proven, in one round with the look for what lies beside the view.
    assert sorted(cost.requests) == ["GET 200", "GET 304 bytes=0-32767"]
    assert cost.rounds == 1
    with counted(emulator) as cost:
        view.read(window=WINDOW)
        view.read()
        view.read_masks(window=WINDOW)
    assert [request for request in cost.requests if not request.startswith("GET 206")] == []
    with counted(emulator) as cost:
        view.read(window=WINDOW)
        view.read_masks(window=WINDOW)
    assert cost.requests == [] and cost.rounds == 0


def test_a_masks_read_of_a_view_without_masks_looks_beside_it_once(emulator: Emulator, path: str) -> None:
    view_path = path.replace("scene.tif", "view.vrt")
    nacre.shutil.copy(WarpedVRT(nacre.open(path), crs="EPSG:3857"), view_path, driver="VRT")
    view = nacre.open(view_path)
    for expected in (["GET 200"], []):
        with counted(emulator) as cost:
            view.read_masks(window=WINDOW)
        assert cost.requests == expected


def test_with_sidecars_never_nothing_is_looked_for(emulator: Emulator, path: str) -> None:
    view_path = path.replace("scene.tif", "view.vrt")
    nacre.shutil.copy(WarpedVRT(nacre.open(path), crs="EPSG:3857"), view_path, driver="VRT")
    with nacre.Env(sidecars="never"):
        view = nacre.open(view_path)
        with counted(emulator) as cost:
            view.read(window=WINDOW)
    assert "GET 304 bytes=0-32767" in cost.requests and "GET 200" not in cost.requests


def test_a_warped_read_of_a_cold_source_is_one_round(emulator: Emulator, path: str) -> None:
    view = WarpedVRT(nacre.open(path), crs="EPSG:3857", resampling=nacre.enums.Resampling.bilinear)
    with counted(emulator) as cost:
        view.read(window=WINDOW)
    assert cost.rounds == 1


def test_a_mosaic_reads_all_its_sources_in_the_rounds_of_one(
    emulator: Emulator, cog: bytes, path: str, tmp_path: pathlib.Path, run: Any
) -> None:
    paths = []
    for number in range(8):
        emulator.put("demo", f"m/{number}.tif", cog)
        paths.append(f"gs://demo/m/{number}.tif")
    run("vrt", *paths, "gs://demo/m/all.vrt")
    mosaic = nacre.open("gs://demo/m/all.vrt")
    with counted(emulator) as cost:
        mosaic.read(1, window=nacre.windows.Window(0, 0, 256, 256))
    assert cost.rounds == 2  # headers and sidecars, then tiles


def test_the_pinned_version_travels_with_every_range(emulator: Emulator, path: str) -> None:
    dataset = nacre.open(path)
    emulator.take_log()
    dataset.read(window=WINDOW)
    assert all("generation=" in entry["query"] for entry in emulator.take_log())

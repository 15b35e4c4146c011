# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Points 1 to 5 of the coherence contract, end to end, on both servers; requests and rounds are exact."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import rasterio

import nacre
from nacre.vrt import WarpedVRT


def geotiff(value: int, size: int = 512, **profile: Any) -> bytes:
    """A GeoTIFF whose every pixel is `value`: a mixture of versions shows."""
    options = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": rasterio.transform.from_origin(400000, 5300000, 30, 30), "tiled": True, "blockxsize": 128,
        "blockysize": 128, **profile,
    }  # fmt: skip
    with rasterio.MemoryFile() as memory:
        with memory.open(**options) as target:
            target.write(np.full((1, size, size), value, "uint8"))
        return memory.read()


@pytest.fixture
def path(bucket: Any) -> str:
    """An object of ones."""
    bucket.blob("d/one.tif").upload_from_string(geotiff(1))
    return f"gs://{bucket.name}/d/one.tif"


# --- 1. Own writes are seen at once. ---


def test_1_own_copy_and_delete_are_seen_under_every_spelling(path: str) -> None:
    target = path.replace("one", "two")
    assert not nacre.shutil.exists(target)
    nacre.shutil.copy(path, target, driver="GTiff")
    for spelling in (target, target.replace("gs://", "gcs://"), target.replace("gs://", "/vsigs/")):
        assert nacre.shutil.exists(spelling)
        assert (nacre.open(spelling).read() == 1).all()
    nacre.shutil.delete(target.replace("gs://", "/vsigs/"))
    for spelling in (target, target.replace("gs://", "gcs://"), target.replace("gs://", "/vsigs/")):
        assert not nacre.shutil.exists(spelling)
        with pytest.raises(FileNotFoundError):
            nacre.open(spelling)


def test_1_own_overwrite_is_read_back(bucket: Any, path: str) -> None:
    bucket.blob("d/five.tif").upload_from_string(geotiff(5))
    assert nacre.open(path).read().max() == 1
    nacre.shutil.copy(path.replace("one", "five"), path, driver="GTiff")
    assert (nacre.open(path).read() == 5).all()


# --- 2. Others' writes are seen at open. ---


@pytest.mark.parametrize("size", [512, 256, 1024], ids=["same size", "smaller", "larger"])
def test_2_an_overwrite_by_another_client_is_seen_at_the_next_open(bucket: Any, path: str, size: int) -> None:
    assert (nacre.open(path).read() == 1).all()
    bucket.blob("d/one.tif").upload_from_string(geotiff(2, size))
    after = nacre.open(path)
    assert after.shape == (size, size)
    assert (after.read() == 2).all()


def test_2_a_warm_open_is_one_small_request_and_warm_reads_are_none(
    emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    emulator.make_bucket("warm")
    emulator.put("warm", "one.tif", geotiff(1, driver="COG"))
    dataset = nacre.open("gs://warm/one.tif")
    assert (dataset.read() == 1).all()
    emulator.take_log()
    dataset.read()
    assert emulator.take_log() == []
    nacre.open("gs://warm/one.tif").read()
    log = emulator.take_log()
    assert [entry["status"] for entry in log] == [304]
    assert log[0]["bytes"] == 0


# --- 3. An open dataset is a snapshot. ---


def test_3_an_overwritten_object_is_refused_never_mixed(bucket: Any, path: str) -> None:
    dataset = nacre.open(path)
    first = dataset.read(window=nacre.windows.Window(0, 0, 128, 128))
    assert (first == 1).all()
    bucket.blob("d/one.tif").upload_from_string(geotiff(2))
    with pytest.raises(nacre.errors.ObjectChangedError) as caught:
        dataset.read()
    message = str(caught.value)
    assert "one.tif" in message and message.count("generation=") == 2
    assert (dataset.read(window=nacre.windows.Window(0, 0, 128, 128)) == 1).all()  # these are cached, and are right
    assert (nacre.open(path).read() == 2).all()


def test_3_a_deleted_object_is_changed_for_who_has_it_open(bucket: Any, path: str) -> None:
    dataset = nacre.open(path)
    bucket.blob("d/one.tif").delete()
    with pytest.raises(nacre.errors.ObjectChangedError):
        dataset.read()
    with pytest.raises(FileNotFoundError):
        nacre.open(path)


def test_3_the_source_of_a_view_is_pinned_at_its_first_read(bucket: Any, path: str) -> None:
    target = path.replace("one.tif", "view.vrt")
    nacre.shutil.copy(WarpedVRT(nacre.open(path), crs="EPSG:3857"), target, driver="VRT")
    view = nacre.open(target)
    window = nacre.windows.Window(10, 10, 20, 20)
    assert view.read(1, window=window).max() == 1
    bucket.blob("d/one.tif").upload_from_string(geotiff(2))
    with pytest.raises(nacre.errors.ObjectChangedError):
        view.read(1)
    assert nacre.open(target).read(1).max() == 2


def test_3_readers_in_many_threads_see_one_version_or_an_error(bucket: Any, path: str) -> None:
    mixed: list[str] = []
    seen: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                values = set(np.unique(nacre.open(path).read()))
            except nacre.errors.ObjectChangedError:
                continue
            seen.update(values)
            if len(values) != 1:
                mixed.append(f"values {values}")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for value in range(2, 12):
        bucket.blob("d/one.tif").upload_from_string(geotiff(value))
    stop.set()
    for thread in threads:
        thread.join()
    assert mixed == []
    assert seen and seen <= set(range(1, 12))


# --- 4. Absence is never cached. ---


def test_4_a_missing_object_is_seen_as_soon_as_it_is_there(bucket: Any, path: str) -> None:
    missing = path.replace("one", "later")
    nacre.open(path).read()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            nacre.open(missing)
    bucket.blob("d/later.tif").upload_from_string(geotiff(7))
    assert (nacre.open(missing).read() == 7).all()


def test_4_a_missing_source_of_a_view_is_found_once_it_is_there(bucket: Any, path: str) -> None:
    target = path.replace("one.tif", "view.vrt")
    nacre.shutil.copy(WarpedVRT(nacre.open(path), crs="EPSG:3857"), target, driver="VRT")
    content = bucket.blob("d/one.tif").download_as_bytes()
    bucket.blob("d/one.tif").delete()
    view = nacre.open(target)
    with pytest.raises(FileNotFoundError):
        view.read(1)
    bucket.blob("d/one.tif").upload_from_string(content)
    assert view.read(1).max() == 1


# --- 5. Failures are never cached. ---


def test_5_credentials_fixed_after_a_failure_are_tried(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    emulator.make_bucket("private")
    emulator.put("private", "one.tif", geotiff(1))
    emulator.set_access(require_token="right")
    with pytest.raises(PermissionError, match="no Google credentials found"):
        nacre.open("gs://private/one.tif")
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "wrong")
    with pytest.raises(PermissionError) as caught:
        nacre.open("gs://private/one.tif")
    assert "wrong" not in str(caught.value)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "right")
    assert (nacre.open("gs://private/one.tif").read() == 1).all()


def test_5_an_endpoint_fixed_after_a_failure_is_used(bucket: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with nacre.Env(**{"gs.endpoint": "http://127.0.0.1:9", "http.retries": "0"}):
        with pytest.raises(ConnectionError, match="127.0.0.1:9"):
            nacre.open(path)
    assert (nacre.open(path).read() == 1).all()


def test_offline_gives_what_is_cached_or_says_so(bucket: Any, path: str) -> None:
    with pytest.raises(nacre.RasterioIOError, match="offline"):
        nacre.open(path, cache="offline")
    assert (nacre.open(path).read() == 1).all()
    bucket.blob("d/one.tif").upload_from_string(geotiff(2))
    assert (nacre.open(path, cache="offline").read() == 1).all()
    assert (nacre.open(path).read() == 2).all()


def test_invalidate_forgets_an_object_or_all_below_a_prefix(
    emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody needs it to see the truth; what was forgotten is read in full again."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    for key in ("d/one.tif", "d/two.tif", "e/three.tif"):
        emulator.put("demo", key, geotiff(1, driver="COG"))

    def statuses() -> list[int]:
        """Of an open of each: 206 where it is read, 304 where what is known is proven."""
        emulator.take_log()
        for key in ("d/one.tif", "d/two.tif", "e/three.tif"):
            nacre.open(f"gs://demo/{key}")
        return [entry["status"] for entry in emulator.take_log()]

    assert statuses() == [206, 206, 206]
    assert statuses() == [304, 304, 304]
    nacre.cache.invalidate("/vsigs/demo/d/one.tif")
    assert statuses() == [206, 304, 304]
    nacre.cache.invalidate("gs://demo/d/")
    assert statuses() == [206, 206, 304]
    nacre.cache.invalidate_all()
    assert nacre.cache.stats()["bytes"] == 0
    assert statuses() == [206, 206, 206]


def test_provenance_names_every_object_with_its_version(path: str) -> None:
    view = WarpedVRT(nacre.open(path), crs="EPSG:3857")
    view.read(1)
    (source,) = view.provenance
    assert source["path"] == path
    assert source["version"].startswith("generation=")
    assert source["snapshot"] == "proven"

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Batches, asyncio, and Ctrl-C: reads that nobody waits for in a thread of its own, counted at the server."""

from __future__ import annotations

import asyncio
import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable

import numpy as np
import pytest
from conftest import Emulator

import nacre
from nacre.enums import Resampling
from nacre.vrt import WarpedVRT
from nacre.windows import Window

COUNT = 200
FIRST_READ = 32768
FIRST_READ_OF_MANY = 12 * 1024


def write_cog(path: pathlib.Path, seed: int, size: int = 512) -> bytes:
    """A COG of noise, which does not compress, so that each tile of 256 lies behind the first bytes."""
    import rasterio

    values = np.random.default_rng(seed).integers(0, 60000, (1, size, size)).astype("uint16")
    options = {"width": size, "height": size, "count": 1, "dtype": "uint16", "crs": "EPSG:32618"}
    transform = rasterio.transform.from_origin(5e5, 4e6, 10, 10)
    with rasterio.open(path, "w", driver="COG", compress="DEFLATE", blocksize=256, nodata=0, transform=transform, **options) as dataset:
        dataset.write(values)
    return path.read_bytes()


def tile_bytes(cog: bytes) -> int:
    """Of the first tile, as it is stored."""
    import rasterio.io

    with rasterio.io.MemoryFile(cog) as memory, memory.open() as dataset:
        return int(dataset.get_tag_item("BLOCK_SIZE_0_0", "TIFF", bidx=1))


@pytest.fixture(scope="module")
def cogs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Two COGs of the same layout and other values."""
    folder = tmp_path_factory.mktemp("cogs")
    return [write_cog(folder / f"{seed}.tif", seed) for seed in range(2)]


@pytest.fixture
def paths(emulator: Emulator, cogs: list[bytes], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """COGs in a bucket that is read with a token, so that one request opens one."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("NACRE_GS_ACCESS_TOKEN", "any")
    return make_paths(emulator, cogs, 20)


def make_paths(emulator: Emulator, cogs: list[bytes], count: int) -> list[str]:
    folder = emulator.root / "demo" / "d"
    folder.mkdir(exist_ok=True)
    for index in range(count):
        (folder / f"{index}.tif").write_bytes(cogs[index % 2])
    return [f"gs://demo/d/{index}.tif" for index in range(count)]


def requests(emulator: Emulator) -> list[str]:
    return [f"{entry['method']} {entry['status']}" for entry in emulator.take_log()]


def counted(emulator: Emulator, work: Callable[[], Any]) -> tuple[Any, int, int, int]:
    """What it gave, the requests that the server saw, the rounds, and the bytes of bodies."""
    emulator.take_log()
    before = nacre.io_stats()["rounds"]
    result = work()
    log = emulator.take_log()
    return result, len(log), nacre.io_stats()["rounds"] - before, sum(entry["bytes"] for entry in log)


def test_200_cogs_take_the_rounds_of_one(emulator: Emulator, paths: list[str], cogs: list[bytes]) -> None:
    """Each is two requests: its first bytes, fewer where they are many, and the tile."""
    window = Window(0, 0, 256, 256)
    paths = make_paths(emulator, cogs, COUNT)
    total = 0
    for index in range(2):
        emulator.put("demo", f"{index}.tif", cogs[index])
        _, sent, rounds, received = counted(
            emulator, lambda: nacre.read_batch([(f"gs://demo/{index}.tif", window)])
        )
        assert (sent, rounds) == (2, 2)
        assert FIRST_READ < received <= FIRST_READ + tile_bytes(cogs[index]) + 8  # and what is around a tile of a COG
        total += (received - FIRST_READ + FIRST_READ_OF_MANY) * (COUNT // 2)
    arrays, sent, rounds, received = counted(emulator, lambda: nacre.read_batch([(path, window) for path in paths]))
    assert (sent, rounds, received) == (2 * COUNT, 2, total)
    for index in (0, 1, COUNT - 1):
        assert np.array_equal(arrays[index], nacre.open(paths[index]).read(window=window))


def test_many_are_read_again_with_proofs_alone(emulator: Emulator, paths: list[str]) -> None:
    items = [(path, Window(0, 0, 256, 256)) for path in paths]
    nacre.read_batch(items)
    _, sent, rounds, received = counted(emulator, lambda: nacre.read_batch(items))
    assert (sent, rounds, received) == (len(paths), 1, 0)
    _, sent, _, received = counted(emulator, lambda: nacre.open(paths[0]))
    assert (sent, received) == (1, 0)


def test_opens_do_not_stand_in_line_before_reads(emulator: Emulator, cogs: list[bytes], paths: list[str]) -> None:
    paths = make_paths(emulator, cogs, 60)
    emulator.take_log()
    with nacre.Env(**{"http.connections": "4"}):
        nacre.read_batch([(path, Window(0, 0, 256, 256)) for path in paths])
    kinds = [entry["range"] == f"bytes=0-{FIRST_READ_OF_MANY - 1}" for entry in emulator.take_log()]
    assert kinds.count(True) == 60
    assert kinds.index(False) < 20


def test_a_small_memory_limit_changes_neither_values_nor_rounds(emulator: Emulator, paths: list[str]) -> None:
    window = Window(100, 100, 300, 300)
    items = [(path, window) for path in paths[:20]]
    expected = nacre.read_batch(items)
    nacre.cache.invalidate_all()
    with nacre.Env(**{"memory.limit": "300000"}):
        arrays, _, rounds, _ = counted(emulator, lambda: nacre.read_batch(items))
    assert rounds == 2
    assert all(np.array_equal(a, b) for a, b in zip(arrays, expected))


def test_windows_of_one_cog_are_fetched_together(emulator: Emulator, paths: list[str]) -> None:
    """One open, and one range for four tiles that lie beside one another, however many items want them."""
    windows = [Window(x, y, 60, 60) for y in range(0, 512, 64) for x in range(0, 512, 64)]
    arrays, sent, rounds, _ = counted(
        emulator, lambda: nacre.read_batch([(paths[0], window) for window in windows])
    )
    assert (sent, rounds) == (2, 2)
    whole = nacre.open(paths[0]).read()
    for window, array in zip(windows, arrays):
        rows, columns = window.toslices()
        assert np.array_equal(array, whole[:, rows, columns])


def test_a_large_read_in_windows_is_one_round(emulator: Emulator, paths: list[str]) -> None:
    dataset = nacre.open(paths[0])
    with nacre.Env(**{"memory.limit": "200000"}):
        cut, _, rounds, _ = counted(emulator, dataset.read)
    assert rounds == 1
    nacre.cache.invalidate_all()
    assert np.array_equal(cut, nacre.open(paths[0]).read())


def test_items_of_all_kinds_and_those_that_fail(emulator: Emulator, paths: list[str]) -> None:
    dataset = nacre.open(paths[0])
    view = WarpedVRT(dataset, crs="EPSG:3857")
    emulator.delete("demo", "d/5.tif")
    items = [
        dataset,
        paths[1],
        nacre.BatchItem(dataset, 1, out_shape=(50, 60), resampling=Resampling.average, out_dtype="float32"),
        nacre.BatchItem(paths[0], [1, 1], masked=True),
        (paths[5], Window(0, 0, 1, 1)),
        (paths[1], Window(500, 0, 100, 1)),
        nacre.BatchItem(paths[1], 2),
        nacre.BatchItem(dataset, 2),
        nacre.BatchItem(view, 1, ((10, 60), (20, 90)), masked=True),
        (dataset, Window(500, 500, 100, 100)),
    ]
    results = nacre.read_batch(items, return_exceptions=True)
    assert np.array_equal(results[0], dataset.read())
    assert np.array_equal(results[1], nacre.open(paths[1]).read())
    assert np.array_equal(
        results[2], dataset.read(1, out_shape=(50, 60), resampling=Resampling.average, out_dtype="float32")
    )
    masked = dataset.read([1, 1], masked=True)
    assert np.array_equal(results[3].data, masked.data) and np.array_equal(results[3].mask, masked.mask)
    assert isinstance(results[4], nacre.errors.ObjectNotFoundError) and "gs://demo/d/5.tif" in str(results[4])
    assert isinstance(results[5], ValueError) and "outside the raster" in str(results[5])
    assert isinstance(results[6], ValueError) and "no band 2" in str(results[6])
    assert isinstance(results[7], IndexError)
    expected = view.read(1, window=((10, 60), (20, 90)), masked=True)
    assert np.array_equal(results[8].data, expected.data) and np.array_equal(results[8].mask, expected.mask)
    assert results[9].shape == (1, 12, 12)
    with pytest.raises(nacre.errors.ObjectNotFoundError):
        nacre.read_batch(items)
    with pytest.raises(TypeError):
        nacre.read_batch([3])
    assert nacre.read_batch([]) == []


def test_items_come_as_they_end(emulator: Emulator, paths: list[str]) -> None:
    """What is slow does not hold back the others; leaving the loop cancels it."""
    emulator.set_faults({"kind": "slow", "path": "d%2F3.tif", "ms": 60000, "count": 100})
    seen: dict[int, Any] = {}
    start = time.monotonic()
    for index, array in nacre.iter_batch([(path, Window(0, 0, 10, 10)) for path in paths[:10]]):
        seen[index] = array
        if len(seen) == 9:
            break
    gc.collect()
    assert time.monotonic() - start < 30
    assert sorted(seen) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert all(array.shape == (1, 10, 10) for array in seen.values())


# --- asyncio ---


def test_asyncio_reads_wait_beside_one_another_in_one_thread(emulator: Emulator, paths: list[str]) -> None:
    async def work() -> list[Any]:
        datasets = await asyncio.gather(*(nacre.aopen(path) for path in paths[:20]))
        assert threading.active_count() == before
        return await asyncio.gather(*(dataset.aread(1, window=Window(0, 0, 9, 8)) for dataset in datasets))

    before = threading.active_count()
    arrays = asyncio.run(work())
    for path, array in zip(paths, arrays):
        assert np.array_equal(array, nacre.open(path).read(1, window=Window(0, 0, 9, 8)))


def test_asyncio_gives_the_values_masks_and_errors_of_read(emulator: Emulator, paths: list[str]) -> None:
    async def work() -> None:
        dataset = await nacre.aopen(paths[0])
        masked, expected = await dataset.aread(masked=True), dataset.read(masked=True)
        assert np.array_equal(masked.data, expected.data) and np.array_equal(masked.mask, expected.mask)
        out = np.zeros((512, 512), ">u2")
        assert (await dataset.aread(1, out=out)) is out and np.array_equal(out, dataset.read(1))
        with pytest.raises(IndexError):
            await dataset.aread(2)
        with pytest.raises(nacre.errors.ObjectNotFoundError):
            await nacre.aopen("gs://demo/none.tif")
        batch = await nacre.aread_batch([paths[1], "gs://demo/none.tif", dataset], return_exceptions=True)
        assert np.array_equal(batch[2], dataset.read()) and isinstance(batch[1], FileNotFoundError)

    asyncio.run(work())


def test_an_awaited_read_of_what_has_changed(emulator: Emulator, paths: list[str], cogs: list[bytes]) -> None:
    async def work() -> None:
        dataset = nacre.open(paths[0])
        reopened = nacre.open(paths[0], on_change="refresh")
        emulator.put("demo", "d/0.tif", cogs[1])
        with pytest.raises(nacre.errors.ObjectChangedError):
            await dataset.aread()
        assert np.array_equal(await reopened.aread(), nacre.open(paths[1]).read())

    asyncio.run(work())


def test_cancelling_a_task_cancels_its_read(emulator: Emulator, paths: list[str]) -> None:
    async def work() -> None:
        dataset = nacre.open(paths[0])
        emulator.set_faults({"kind": "slow", "ms": 60000, "count": 100})
        calls = [dataset.aread(), dataset.aread(masked=True), nacre.aopen(paths[1]), nacre.aread_batch(paths[:9])]
        tasks = [asyncio.create_task(call) for call in calls]
        await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 4
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(dataset.aread(), 0.1)

    start = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - start < 30


def test_nothing_is_left_open_by_what_was_awaited(emulator: Emulator, paths: list[str]) -> None:
    async def work() -> None:
        dataset = await nacre.aopen(paths[0])
        await asyncio.gather(*(dataset.aread(1, window=Window(0, 0, 5, 5)) for _ in range(50)))
        await nacre.aread_batch(paths[:5])

    asyncio.run(work())
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        asyncio.run(work())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


# --- Ctrl-C ---

SCRIPT = """
import os, signal, sys, threading, time
import nacre, nacre.shutil
path = sys.argv[1]
dataset = nacre.open(path) if sys.argv[2] in ("read", "masked", "refresh", "copy") else None
print("ready", flush=True)
sys.stdin.readline()
calls = {
    "open": lambda: nacre.open(path),
    "read": lambda: dataset.read(),
    "masked": lambda: dataset.read(masked=True),
    "refresh": lambda: dataset.refresh(),
    "copy": lambda: nacre.shutil.copy(dataset, path + ".copy.tif", driver="COG"),
    "exists": lambda: nacre.shutil.exists(path),
    "batch": lambda: nacre.read_batch([path] * 3),
    "iter": lambda: list(nacre.iter_batch([path] * 3)),
}
seen = []
own = lambda *_: seen.append(1)  # whoever started the tests may have set that it is ignored
signal.signal(signal.SIGINT, own if sys.argv[3] == "handler" else signal.default_int_handler)
print("calling", flush=True)
try:
    calls[sys.argv[2]]()
    print("done", len(seen), flush=True)
except KeyboardInterrupt:
    print("interrupted", threading.active_count(), flush=True)
"""


def interrupted(path: str, call: str, slow: Callable[[], None], handler: str = "none") -> tuple[str, float]:
    """Runs a call that hangs, sends Ctrl-C; what the program said last, and how long it took after that."""
    command = [sys.executable, "-c", SCRIPT, path, call, handler]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        slow()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "calling\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        said = process.stdout.readline().strip()
        seconds = time.monotonic() - start
        assert process.wait(30) == 0
        return said, seconds
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize("call", ["open", "read", "masked", "refresh", "copy", "exists", "batch", "iter"])
def test_ctrl_c_ends_every_call_that_waits(emulator: Emulator, paths: list[str], call: str) -> None:
    fault = {"kind": "slow", "ms": 60000, "count": 1000}
    said, seconds = interrupted(paths[0], call, lambda: emulator.set_faults(fault))
    assert said == "interrupted 1"
    assert seconds < 15


def test_a_handler_that_does_not_raise_lets_the_call_go_on(emulator: Emulator, paths: list[str]) -> None:
    for call in ("read", "exists"):
        fault = {"kind": "slow", "ms": 1500, "count": 1}
        assert interrupted(paths[0], call, lambda: emulator.set_faults(fault), "handler")[0] == "done 1"

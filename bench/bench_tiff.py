# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Reading COGs from a server with 20 ms latency: open, windows, a thumbnail, 200 files in one call; one read whole.

Beside Rasterio with its tuned options and async-geotiff, all over plain HTTP from the same server. Every run is in a
process of its own, which has imported its modules and done nothing else, and meets objects that nobody has opened. NACRE_BENCH_SIZE: pixels a side of the scene (10980), for a quick try.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.metadata
import os
import pathlib
from collections.abc import Callable
from typing import Any

import make_data
import nacre
import peers
import rasterio
import report
from async_geotiff import GeoTIFF, Window
from obstore.store import HTTPStore
from server import Server

REPEATS = 11
BATCH_REPEATS = 5
FULL_REPEATS = 5
BATCH = 200
TASKS = 64
SIZE = int(os.environ.get("NACRE_BENCH_SIZE", "10980"))

# The best of the peers' medians must be beaten by so much.
GOALS = {"open": 0.9, "open + 512 x 512": 0.75, "open + 2048 x 2048": 0.6, "512-pixel thumbnail": 0.75}


class Sides:
    """The three programs, each for an object that it has not seen. Used in processes of their own."""

    def __init__(self, server: Server) -> None:
        self._url = f"{server.url}/bench"

    def _store(self) -> HTTPStore:
        return HTTPStore.from_url(self._url, client_options={"allow_http": True})

    def nacre(self, key: str, window: tuple[int, int, int, int] | None, small: bool) -> None:
        """Open, and read a window or a thumbnail."""
        with nacre.open(f"{self._url}/{key}") as dataset:
            if small:
                dataset.read(out_shape=(512, 512))
            elif window:
                dataset.read(window=nacre.windows.Window(*window))

    def rasterio(self, key: str, window: tuple[int, int, int, int] | None, small: bool) -> None:
        """The same."""
        with rasterio.Env(**peers.RASTERIO_TUNED), rasterio.open(f"/vsicurl/{self._url}/{key}") as dataset:
            if small:
                dataset.read(out_shape=(3, 512, 512))
            elif window:
                dataset.read(window=rasterio.windows.Window(*window))

    async def async_read(self, store: HTTPStore, key: str, window: tuple[int, int, int, int] | None) -> None:
        """The same, without thumbnails."""
        dataset = await GeoTIFF.open(key, store=store)
        if window:
            await dataset.read(window=Window(*window))

    def async_geotiff(self, key: str, window: tuple[int, int, int, int] | None) -> None:
        """Waits for it."""
        asyncio.run(self.async_read(self._store(), key, window))

    def nacre_batch(self, keys: list[str], window: tuple[int, int, int, int]) -> None:
        """One call, no thread."""
        nacre.read_batch([(f"{self._url}/{key}", nacre.windows.Window(*window)) for key in keys])

    def rasterio_batch(self, keys: list[str], window: tuple[int, int, int, int]) -> None:
        """Threads."""
        with concurrent.futures.ThreadPoolExecutor(TASKS) as pool:
            list(pool.map(lambda key: self.rasterio(key, window, False), keys))

    def async_batch(self, keys: list[str], window: tuple[int, int, int, int]) -> None:
        """Tasks, so many at once."""

        async def all_of() -> None:
            store = self._store()
            gate = asyncio.Semaphore(TASKS)

            async def one(key: str) -> None:
                async with gate:
                    await self.async_read(store, key, window)

            await asyncio.gather(*(one(key) for key in keys))

        asyncio.run(all_of())


def cost(server: Server, work: Callable[[], Any]) -> dict[str, int]:
    """Requests and body bytes of something."""
    server.take_log()
    report.in_child(work)
    log = server.take_log()
    return {"requests": len(log), "bytes": sum(entry["bytes"] for entry in log)}


def best_row(name: str, ours: list[float], peer_times: dict[str, list[float]], goal: float) -> bool:
    """A row for each peer; the goal counts against the best of them."""
    best = min(peer_times, key=lambda peer: sorted(peer_times[peer])[len(peer_times[peer]) // 2])
    for peer, times in peer_times.items():
        reached = report.ratio_row(name, ours, times, goal if peer == best else float("inf"), peer)
        if peer == best:
            verdict = reached
    return verdict


def single_reads(server: Server, sides: Sides, cog: pathlib.Path) -> bool:
    """Open, windows, thumbnail."""
    reached = True
    large = min(2048, SIZE // 2)
    offset = min(512 * 3 + 100, SIZE // 4)
    kinds: dict[str, tuple[tuple[int, int, int, int] | None, bool]] = {
        "open": (None, False),
        "open + 512 x 512": ((offset, offset, 512, 512), False),
        "open + 2048 x 2048": ((offset, offset, large, large), False),
        "512-pixel thumbnail": (None, True),
    }
    for number, (name, (window, small)) in enumerate(kinds.items()):
        keys = server.links(cog, f"single{number}", 3 * REPEATS + 3)
        told = cost(server, lambda: sides.nacre(keys[-1], window, small))
        reached &= report.count_row(f"{name}, nacre", told, {"requests": 1} if name == "open" else {})
        report.count_row(f"{name}, rasterio tuned", cost(server, lambda: sides.rasterio(keys[-2], window, small)), {})
        if not small:
            report.count_row(
                f"{name}, async-geotiff", cost(server, lambda: sides.async_geotiff(keys[-3], window)), {}
            )
        runs: dict[str, Callable[[int], None]] = {
            "nacre": lambda repeat: sides.nacre(keys[repeat], window, small),
            "rasterio tuned": lambda repeat: sides.rasterio(keys[REPEATS + repeat], window, small),
        }
        if not small:
            runs["async-geotiff"] = lambda repeat: sides.async_geotiff(keys[2 * REPEATS + repeat], window)
        others = report.cold_times(runs, REPEATS)
        ours = others.pop("nacre")
        reached &= best_row(name, ours, others, GOALS[name])
    return reached


def batches(server: Server, sides: Sides, cog: pathlib.Path) -> bool:
    """200 COGs, one window of 256 each, in one call."""
    window = (256, 256, 256, 256)
    rounds = range(BATCH_REPEATS + 1)
    ours = [server.links(cog, f"ours{number}", BATCH) for number in rounds]
    theirs = [server.links(cog, f"theirs{number}", BATCH) for number in rounds]
    others = [server.links(cog, f"others{number}", BATCH) for number in rounds]
    peer = cost(server, lambda: sides.async_batch(others[-1], window))
    told = cost(server, lambda: sides.nacre_batch(ours[-1], window))
    reached = report.count_row(f"{BATCH} COGs, nacre", told, {"bytes": peer["bytes"] * 7 // 10})
    report.count_row(f"{BATCH} COGs, async-geotiff, {TASKS} tasks", peer, {})
    told = cost(server, lambda: sides.rasterio_batch(theirs[-1], window))
    report.count_row(f"{BATCH} COGs, rasterio tuned, {TASKS} threads", told, {})
    times = report.cold_times(
        {
            "nacre": lambda repeat: sides.nacre_batch(ours[repeat], window),
            "async-geotiff": lambda repeat: sides.async_batch(others[repeat], window),
            "rasterio tuned": lambda repeat: sides.rasterio_batch(theirs[repeat], window),
        },
        BATCH_REPEATS,
    )
    return reached & best_row(f"{BATCH} COGs, 256 x 256 each", times.pop("nacre"), times, 0.5)


def full_reads(cog: pathlib.Path) -> bool:
    """A local file read whole, with one thread and with two; the file is in the page cache."""

    def nacre_read(threads: int) -> None:
        with nacre.Env(threads=threads), nacre.open(cog) as dataset:
            dataset.read()

    def rasterio_read(threads: int) -> None:
        with rasterio.Env(GDAL_NUM_THREADS=threads), rasterio.open(cog) as dataset:
            dataset.read()

    reached = True
    for threads in (1, 2):
        times = report.cold_times(
            {
                "nacre": lambda repeat, threads=threads: nacre_read(threads),
                "rasterio": lambda repeat, threads=threads: rasterio_read(threads),
            },
            FULL_REPEATS,
        )
        name = f"local full read, {threads} thread{'s' if threads > 1 else ''}"
        reached &= report.ratio_row(name, times["nacre"], times["rasterio"], 1.05, "rasterio")
    return reached


def run(folder: pathlib.Path) -> bool:
    """Every row; whether all goals were reached."""
    report.header(
        {
            "nacre": nacre.__version__,
            "rasterio": f"{rasterio.__version__} (GDAL {rasterio.__gdal_version__})",
            "async-geotiff": importlib.metadata.version("async-geotiff"),
        }
    )
    cog = make_data.uint16_cog(folder, SIZE)
    print(f"scene      {SIZE} x {SIZE} x 3 uint16, {cog.stat().st_size >> 20} MiB, latency 20 ms\n")
    with Server(latency_ms=20) as server:
        sides = Sides(server)
        reached = single_reads(server, sides, cog)
        reached &= batches(server, sides, make_data.small_cog(folder))
    return reached & full_reads(cog)

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The main job: reopening after a save, cold opens, a warped read from a cold COG, `nacre info`."""

from __future__ import annotations

import pathlib
import subprocess
from collections.abc import Callable
from typing import Any

import make_data
import nacre
import peers
import rasterio
import report
from nacre.enums import Resampling
from nacre.vrt import WarpedVRT
from rasterio.vrt import WarpedVRT as RasterioWarpedVRT
from server import NACRE, Server

REPEATS = 15
WINDOW = (1500, 1500, 256, 256)


def counter(server: Server) -> Callable[[], dict[str, int]]:
    """A function that gives the requests, body bytes and rounds since its last call."""
    server.take_log()
    rounds = nacre.io_stats()["rounds"]

    def take() -> dict[str, int]:
        nonlocal rounds
        log = server.take_log()
        before, rounds = rounds, nacre.io_stats()["rounds"]
        return {
            "requests": len(log),
            "bytes": sum(entry["bytes"] for entry in log),
            "rounds": rounds - before,
        }

    return take


def reopening(server: Server, key: str) -> bool:
    """Save a view, open it, read it with its tiles cached, and again."""
    window = nacre.windows.Window(*WINDOW)
    path = f"gs://bench/{key.removesuffix('.tif')}.vrt"
    source = nacre.open(f"gs://bench/{key}")
    WarpedVRT(source, crs="EPSG:3857").read(window=window)
    nacre.shutil.copy(WarpedVRT(source, crs="EPSG:3857"), path, driver="VRT")
    take = counter(server)
    view = nacre.open(path)
    reached = report.count_row("reopen after the save", take(), {"requests": 1, "rounds": 1})
    view.read(window=window)
    # The listing of what lies beside the view, and the proof of its source; together with the open two rounds.
    reached &= report.count_row("its first read, tiles cached", take(), {"requests": 2, "rounds": 1})
    view.read(window=window)
    return reached & report.count_row("the same read again", take(), {"requests": 0, "rounds": 0})


def cold_open(server: Server, path: str, title: str, requests: int) -> bool:
    """Open an object never seen before, then read 512 x 512 of it: with the connection three rounds."""
    take = counter(server)
    dataset = nacre.open(path)
    reached = report.count_row(f"cold open, {title}", take(), {"requests": requests, "rounds": 1})
    dataset.read(window=nacre.windows.Window(512 * 3 + 100, 512 * 2 + 100, 512, 512))
    return reached & report.count_row("its window of 512 x 512", take(), {"requests": 2, "rounds": 1})


def warped_read(server: Server, keys: list[str]) -> bool:
    """256 x 256 warped pixels from a COG that nobody has opened."""

    def ours(repeat: int) -> None:
        with nacre.open(f"gs://bench/{keys[repeat]}") as source:
            view = WarpedVRT(source, crs="EPSG:3857", resampling=Resampling.bilinear)
            view.read(window=nacre.windows.Window(*WINDOW))

    def theirs(repeat: int) -> None:
        with rasterio.open(f"/vsigs/bench/{keys[repeat]}") as source:
            with RasterioWarpedVRT(source, crs="EPSG:3857", resampling=rasterio.enums.Resampling.bilinear) as view:
                view.read(window=rasterio.windows.Window(*WINDOW))

    with rasterio.Env(**peers.RASTERIO_TUNED, **peers.rasterio_gs(server.url)):
        times = report.pairs(ours, theirs, REPEATS)
    return report.ratio_row("warped read of 256 x 256, cold COG, 20 ms", *times, 0.6, "rasterio tuned")


def info(path: pathlib.Path) -> bool:
    """`nacre info` beside `gdalinfo` on a local file."""

    def run(*command: Any) -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    times = report.pairs(lambda _: run(NACRE, "info", path), lambda _: run("gdalinfo", path), 31)
    reached = report.ratio_row("nacre info, local file", *times, 0.5, "gdalinfo")
    memory = {"MiB": report.peak_memory_mib([NACRE, "info", path])}
    return reached & report.count_row("its peak memory", memory, {"MiB": 32})


def run(folder: pathlib.Path) -> bool:
    """Every row; whether all goals were reached."""
    gdal = subprocess.run(["gdalinfo", "--version"], capture_output=True, text=True, check=True).stdout
    report.header(
        {
            "nacre": nacre.__version__,
            "rasterio": f"{rasterio.__version__} (GDAL {rasterio.__gdal_version__})",
            "gdalinfo": gdal.split(",")[0].split()[-1],
        }
    )
    cog = make_data.rgb_cog(folder)
    with Server(latency_ms=20) as server, nacre.Env(**{"gs.endpoint": server.url}):
        keys = server.copies(cog, "cold", REPEATS + 4)
        reached = reopening(server, keys[-1])
        reached &= cold_open(server, f"gs://bench/{keys[-2]}", "Google, anonymous", 2)
        with nacre.Env(**{"gs.access_token": "any"}):
            reached &= cold_open(server, f"gs://bench/{keys[-4]}", "Google, with a token", 1)
        reached &= cold_open(server, f"{server.url}/bench/{keys[-3]}", "HTTP", 1)
        reached &= warped_read(server, keys)
    return reached & info(cog)

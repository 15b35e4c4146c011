# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Does the same Rasterio read faster through the plugin than through GDAL's own handlers, default and tuned? 20 ms.

NACRE_BENCH_SIDE makes the large scene smaller, to try the program out. NACRE_BENCH_DATA keeps the scenes elsewhere.
"""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys

import make_data
import peers
import report
from server import ROOT, Server

SIDE = int(os.environ.get("NACRE_BENCH_SIDE", "10980"))
REPEATS = 3
SOURCES = 10  # a side of the mosaic
HOWS = ("default", "tuned", "nacre")

# With what VSI_CACHE serves Rasterio's small reads: those of several ranges at once pass it by, so there are none.
VSI_CACHE = {"VSI_CACHE": "TRUE", "GDAL_MAX_RAW_BLOCK_CACHE_SIZE": "0", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}

# One piece of work in a new process, from the open on; it tells its seconds and a hash of the pixels.
CHILD = """
import hashlib, json, os, sys, time, urllib.request
import numpy as np, rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

how, work, path, side = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
if how == "nacre":
    import nacre.gdal
    nacre.gdal.install()
env = rasterio.Env()
env.__enter__()
digest = hashlib.md5()
def window():
    with rasterio.open(path) as d:
        digest.update(d.read(window=Window(side // 4, side // 4, min(2048, side // 2), min(2048, side // 2))).tobytes())
def tiles():
    with rasterio.open(path) as d, WarpedVRT(d, crs="EPSG:3857", resampling=Resampling.bilinear) as view:
        for n in range(16):
            where = Window(side // 4 + n % 4 * 512, side // 4 + n // 4 * 512, 512, 512)
            digest.update(view.read(window=where, out_shape=(3, 256, 256)).tobytes())
def mosaic():
    with rasterio.open(path) as d: digest.update(d.read(1).tobytes())
def small(d):
    places = np.random.default_rng(6).integers(0, 2000, (1000, 2))
    for x, y in places.tolist(): digest.update(d.read(1, window=Window(x, y, 16, 16)).tobytes())
def requests(): return len(json.load(urllib.request.urlopen(os.environ["BENCH_LOG"])))
if work == "small":
    with rasterio.open(path) as d:
        small(d)
        before, passes = requests(), []
        for _ in range(9):
            began = time.perf_counter()
            small(d)
            passes.append(time.perf_counter() - began)
        seconds = min(passes)
        assert requests() == before, "it is not warm"
else:
    began = time.perf_counter()
    {"window": window, "tiles": tiles, "mosaic": mosaic}[work]()
    seconds = time.perf_counter() - began
print(json.dumps([seconds, digest.hexdigest()]))
"""


def environment(server: Server, how: str, work: str) -> dict[str, str]:
    """Default, tuned or nacre's: where the server is, and for the tuned one what the peers are tuned with."""
    names = {**os.environ, **peers.rasterio_s3(server.s3_url)}
    names["PYTHONPATH"] = str(ROOT / "build-release" / "python")
    if how == "tuned":
        names |= peers.RASTERIO_TUNED
    if work == "small":  # blocks come from the file and not from GDAL's cache of them
        names |= {"GDAL_CACHEMAX": "0", "BENCH_LOG": f"{server.url}/emulator/log"}
        if how != "nacre":
            for name in peers.RASTERIO_TUNED:
                names.pop(name, None)
            names |= VSI_CACHE
    return names


class Row:
    """Times, requests and pixels of one piece of work, by turns in all three ways."""

    def __init__(self, server: Server, work: str, paths: list[str], side: int = 0, hows: tuple[str, ...] = HOWS) -> None:
        self.times: dict[str, list[float]] = {how: [] for how in hows}
        self.requests: dict[str, list[int]] = {how: [] for how in self.times}
        pixels = set()
        for repeat, path in enumerate(paths):
            turn = list(self.times)
            for how in turn[repeat % len(turn) :] + turn[: repeat % len(turn)]:
                server.take_log()
                command = [sys.executable, "-W", "ignore", "-c", CHILD, how, work, f"/vsis3/bench/{path}", str(side)]
                env = environment(server, how, work)
                told = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
                seconds, digest = json.loads(told)
                pixels.add(digest)
                self.times[how].append(seconds)
                self.requests[how].append(len(server.take_log()))
        assert len(pixels) == 1, "the pixels differ"

    def print(self, title: str, goal: float, most: int | None, peer: str = "tuned") -> bool:
        """The ratio against the tuned one and the requests; whether both goals were reached."""
        reached = report.ratio_row(title, self.times["nacre"], self.times["tuned"], goal, peer)
        counts = {how: int(statistics.median(numbers)) for how, numbers in self.requests.items()}
        if "default" not in counts:
            return reached
        default = statistics.median(self.times["default"]) * 1e3
        print(f"{'  own handlers, default':<44} {default:.1f} ms, {counts['default']} requests; tuned {counts['tuned']} requests")
        return reached & report.count_row("  its requests", {"requests": counts["nacre"]}, {"requests": most} if most else {})


def mosaic(server: Server, source: pathlib.Path) -> None:
    """A mosaic of 100 copies of a source, without gaps."""
    (server.bucket / "mosaic").mkdir()
    size = 512
    part = (
        '<SimpleSource><SourceFilename relativeToVRT="1">{0}.tif</SourceFilename><SourceBand>1</SourceBand>'
        '<SrcRect xOff="0" yOff="0" xSize="{1}" ySize="{1}"/><DstRect xOff="{2}" yOff="{3}" xSize="{1}" ySize="{1}"/></SimpleSource>'
    )
    parts = []
    for number in range(SOURCES * SOURCES):
        os.link(source, server.bucket / "mosaic" / f"{number}.tif")
        parts.append(part.format(number, size, number % SOURCES * size, number // SOURCES * size))
    band = f'<VRTRasterBand dataType="UInt16" band="1">{"".join(parts)}</VRTRasterBand>'
    text = f'<VRTDataset rasterXSize="{SOURCES * size}" rasterYSize="{SOURCES * size}">{band}</VRTDataset>'
    (server.bucket / "mosaic" / "all.vrt").write_text(text)


def run(folder: pathlib.Path) -> bool:
    """Every row; whether all goals were reached."""
    import rasterio

    report.header({"rasterio": f"{rasterio.__version__} (GDAL {rasterio.__gdal_version__})"})
    folder = pathlib.Path(os.environ.get("NACRE_BENCH_DATA", folder))
    scene, source, plain = make_data.uint16_cog(folder, SIDE), make_data.uint16_cog(folder, 512), make_data.small_tiles(folder)
    side = f"COG of {SIDE} x {SIDE} x 3 uint16"
    with Server(latency_ms=20) as server:
        for name, file in (("scene", scene), ("small", plain)):
            os.link(file, server.bucket / f"{name}.tif")
        mosaic(server, source)
        window = Row(server, "window", ["scene.tif"] * REPEATS, SIDE)
        reached = window.print(f"open, 2048 x 2048, {side}", 0.85, 8)
        reached &= Row(server, "tiles", ["scene.tif"] * REPEATS, SIDE).print("16 warped tiles, one at a time", 1.0, None)
        reached &= Row(server, "mosaic", ["mosaic/all.vrt"] * REPEATS).print("a VRT over 100 sources", 0.8, 200)
        reached &= Row(server, "small", ["small.tif"] * 5, hows=("tuned", "nacre")).print("1,000 small reads, warm", 1.0, None, "VSI_CACHE")
    return reached

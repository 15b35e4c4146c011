# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Warping a scene in memory, UTM to Web Mercator, beside rasterio.warp.reproject: two threads, in pairs, by turns."""

from __future__ import annotations

import os
import pathlib
import statistics
import subprocess
import time
from typing import Any

import numpy as np
import rasterio
import report
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "build-release" / "bench" / "bench-warp"
SIDE = int(os.environ.get("BENCH_WARP_SIDE", "10980"))
REPEATS = int(os.environ.get("BENCH_WARP_REPEATS", "5"))
THREADS = 2
# Resampling, type, how much smaller the output is, how many times as fast as GDAL it has to be.
ROWS = [
    ("nearest", "uint16", 1, 8),
    ("bilinear", "uint16", 1, 8),
    ("cubic", "uint16", 1, 10),
    ("cubic_spline", "uint16", 1, 10),
    ("lanczos", "uint16", 1, 10),
    ("average", "uint16", 1, 8),
    ("average", "uint16", 8, 8),
    ("mode", "uint16", 2, 5),
    ("med", "uint16", 2, 5),
    ("bilinear", "float32", 1, 8),
]


def scene(dtype: str) -> Any:
    """The pixels that warp.c makes."""
    column, row = np.arange(SIDE, dtype="i8"), np.arange(SIDE, dtype="i8")[:, None]
    bands = np.empty((3, SIDE, SIDE), dtype)
    for band in range(3):
        bands[band] = (column * 7 + row * 13 + band * 101 + column * row % 251) % 10000 + 1
        if dtype.startswith("float"):
            bands[band][(column // 64 + row // 64) % 16 == 0] = np.nan
    return bands


class Ours:
    """The program, which warps once for each line it is given."""

    def __init__(self, resampling: str, dtype: str, shrink: float) -> None:
        words = [PROGRAM, SIDE, 3, dtype, resampling, shrink, THREADS]
        self.process = subprocess.Popen([*map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        width, height, *transform = self.process.stdout.readline().split()
        self.width, self.height = int(width), int(height)
        a, c, e, f = map(float, transform)
        self.transform = Affine(a, 0, c, 0, e, f)

    def run(self) -> tuple[float, float]:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, cpu = self.process.stdout.readline().split()
        return float(wall), float(cpu)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def theirs(source: Any, ours: Ours, resampling: str) -> tuple[float, float]:
    destination = np.ones((3, ours.height, ours.width), source.dtype)  # touched, as ours is, before the clock starts
    nodata = {"src_nodata": np.nan, "dst_nodata": np.nan} if source.dtype.kind == "f" else {}
    wall, cpu = time.perf_counter(), time.process_time()
    reproject(
        source, destination, src_transform=Affine(10, 0, 499980, 0, -10, 4600020), src_crs="EPSG:32618",
        dst_transform=ours.transform, dst_crs="EPSG:3857", resampling=Resampling[resampling], num_threads=THREADS,
        **nodata,
    )
    return time.perf_counter() - wall, time.process_time() - cpu


def row(resampling: str, dtype: str, shrink: float, goal: float) -> bool:
    """Prints millions of pixels and bands a second, and the ratio by the clock and by the processor."""
    source, ours = scene(dtype), Ours(resampling, dtype, shrink)
    ours.run()
    mine, others = [], []
    for _ in range(REPEATS):
        mine.append(ours.run())
        others.append(theirs(source, ours, resampling))
    ours.close()
    values = 3e-6 * ours.width * ours.height
    speed = [values / statistics.median(run[0] for run in runs) for runs in (mine, others)]
    ratios = [statistics.median(b[i] / a[i] for a, b in zip(mine, others)) for i in (0, 1)]
    name = f"{resampling}, {dtype}" + (f", {shrink} x down" if shrink > 1 else "")
    verdict = "ok" if max(ratios) >= goal else "MISSED"
    print(f"{name:<32} nacre {speed[0]:7.1f}  rasterio {speed[1]:6.1f} Mpixel x band / s  ratio {ratios[0]:5.1f}, "
          f"of processor time {ratios[1]:5.1f} (>= {goal}) {verdict}", flush=True)
    return max(ratios) >= goal


def run(folder: pathlib.Path) -> bool:
    """Every row; whether all goals were reached."""
    report.header({"rasterio": f"{rasterio.__version__} (GDAL {rasterio.__gdal_version__})"})
    print(f"{SIDE} x {SIDE} x 3 in memory, EPSG:32618 to EPSG:3857, {THREADS} threads, medians of {REPEATS} pairs\n")
    only = os.environ.get("BENCH_WARP_ONLY", "")
    return all([row(*words) for words in ROWS if not only or words[0] in only.split(",")])

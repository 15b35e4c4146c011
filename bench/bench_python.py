# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What Python costs: the import, the call of a read whose pixels are cached, 200 remote COGs in one call.

Imports are timed in processes of their own, with the interpreter's own start in both; the rows of processor time count
user and system time of all threads. Reads are of a GeoTIFF in the page cache, whose blocks both libraries hold.
"""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import statistics
import sys
import time
from collections.abc import Callable

import make_data
import nacre
import numpy as np
import rasterio
import rasterio.windows
import report
from bench_tiff import BATCH, TASKS, Sides
from server import ROOT, Server

IMPORTS = 31
ROUNDS, CALLS = 15, 2000
BATCHES = 7
WINDOW = (256, 256, 256, 256)


def seconds_of(code: str) -> tuple[float, float]:
    """Wall and processor seconds of an interpreter of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "build-release" / "python")}
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environment)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    if status:
        raise RuntimeError(f"a measured process failed: {code}")
    return wall, usage.ru_utime + usage.ru_stime


def imports(scene: pathlib.Path) -> bool:
    """`import nacre` beside `import rasterio`; and with the first use, which imports what it needs."""
    use = "with {0}.open({1!r}) as d: d.read(1, window=((0, 256), (0, 256)))"
    programs = {
        "nacre": "import nacre",
        "rasterio": "import rasterio",
        "nacre, one read": "import nacre\n" + use.format("nacre", str(scene)),
        "rasterio, one read": "import rasterio\n" + use.format("rasterio", str(scene)),
        "python": "pass",
        "numpy": "import numpy",
    }
    for code in programs.values():
        seconds_of(code)  # compiled, and in the page cache
    wall: dict[str, list[float]] = {name: [] for name in programs}
    cpu: dict[str, list[float]] = {name: [] for name in programs}
    for repeat in range(IMPORTS):
        for name in programs if repeat % 2 else reversed(list(programs)):
            seconds = seconds_of(programs[name])
            wall[name].append(seconds[0])
            cpu[name].append(seconds[1])
    floor = {name: statistics.median(cpu[name]) * 1e3 for name in ("python", "numpy")}
    print(f"interpreter alone {floor['python']:.1f} ms, with numpy {floor['numpy']:.1f} ms of processor time")
    reached = report.ratio_row("import", wall["nacre"], wall["rasterio"], 0.4, "rasterio")
    reached &= report.ratio_row("  its processor time", cpu["nacre"], cpu["rasterio"], 0.4, "rasterio")
    one = [times["nacre, one read"] for times in (wall, cpu)], [times["rasterio, one read"] for times in (wall, cpu)]
    report.ratio_row("import, open a local file and read 256 x 256", one[0][0], one[1][0], float("inf"), "rasterio")
    report.ratio_row("  its processor time", one[0][1], one[1][1], float("inf"), "rasterio")
    return reached


def many(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of many calls."""
    began, used = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        call()
    return time.perf_counter() - began, time.process_time() - used


def warm_reads(scene: pathlib.Path) -> bool:
    """Windows that both hold decoded: what is left is the call, and the copy."""
    reached = True
    with nacre.open(scene) as ours, rasterio.open(scene) as theirs:
        for width, goal in ((256, 0.5), (8, float("inf"))):
            box = (*WINDOW[:2], width, width)
            window, other = nacre.windows.Window(*box), rasterio.windows.Window(*box)
            out = np.empty((width, width), theirs.dtypes[0])
            kinds: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
                f"{CALLS} warm reads of {width} x {width}": (
                    lambda window=window: ours.read(1, window=window),
                    lambda other=other: theirs.read(1, window=other),
                ),
                f"{CALLS} of the same into an array": (
                    lambda window=window, out=out: ours.read(1, window=window, out=out),
                    lambda other=other, out=out: theirs.read(1, window=other, out=out),
                ),
            }
            for name, calls in kinds.items():
                times: list[tuple[list[float], list[float]]] = [([], []), ([], [])]
                for repeat in range(ROUNDS + 1):
                    for index in (0, 1) if repeat % 2 else (1, 0):
                        wall, cpu = many(calls[index])
                        if repeat:  # the first fills the caches
                            times[index][0].append(wall)
                            times[index][1].append(cpu)
                reached &= report.ratio_row(name, times[0][0], times[1][0], goal, "rasterio")
                reached &= report.ratio_row("  their processor time", times[0][1], times[1][1], goal, "rasterio")
    return reached


def batches(server: Server, cog: pathlib.Path) -> bool:
    """200 COGs that nobody has opened, one window of 256 each, in one call; async-geotiff with 64 tasks."""
    sides = Sides(server)
    ours = [server.links(cog, f"ours{number}", BATCH) for number in range(BATCHES)]
    theirs = [server.links(cog, f"theirs{number}", BATCH) for number in range(BATCHES)]
    wall: dict[str, list[float]] = {"ours": [], "theirs": []}
    cpu: dict[str, list[float]] = {"ours": [], "theirs": []}

    def timed(name: str, work: Callable[[], None]) -> None:
        before = children_seconds()
        wall[name].append(report.in_child(work))
        cpu[name].append(children_seconds() - before)

    for repeat in range(BATCHES):
        turn: list[tuple[str, Callable[[], None]]] = [
            ("ours", lambda repeat=repeat: sides.nacre_batch(ours[repeat], WINDOW)),
            ("theirs", lambda repeat=repeat: sides.async_batch(theirs[repeat], WINDOW)),
        ]
        for name, work in turn if repeat % 2 else reversed(turn):
            timed(name, work)
    name = f"read_batch of {BATCH} COGs at 20 ms, {TASKS} tasks"
    reached = report.ratio_row(name, wall["ours"], wall["theirs"], 0.5, "async-geotiff")
    return reached & report.ratio_row("  its processor time", cpu["ours"], cpu["theirs"], 0.5, "async-geotiff")


def children_seconds() -> float:
    """Processor time of the processes that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def run(folder: pathlib.Path) -> bool:
    """Every row; whether all goals were reached."""
    report.header(
        {
            "python": sys.version.split()[0],
            "nacre": nacre.__version__,
            "rasterio": f"{rasterio.__version__} (GDAL {rasterio.__gdal_version__})",
            "async-geotiff": importlib.metadata.version("async-geotiff"),
        }
    )
    small = make_data.small_cog(folder)
    reached = imports(small)
    reached &= warm_reads(small)
    with Server(latency_ms=20) as server:
        return reached & batches(server, small)

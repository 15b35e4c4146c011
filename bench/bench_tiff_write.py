# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Is a COG written from memory faster than by GDAL's COG driver, in less memory? Same pixels, options and threads."""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys

import report

SIDE = int(os.environ.get("NACRE_BENCH_SIDE", "10980"))
BANDS = 3
OPTIONS = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": "512", "NUM_THREADS": "ALL_CPUS"}
OPTIONS["OVERVIEW_RESAMPLING"] = "CUBIC"
REPEATS = 3

# One write in a process of its own, which tells its seconds and what its peak grew by over the pixels themselves.
CHILD = """
import json, os, resource, sys, time
import numpy as np

who, side, bands, path, options = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], json.loads(sys.argv[5])
y, x = np.mgrid[0:side, 0:side].astype("float32")
random = np.random.default_rng(1)
pixels = np.empty((bands, side, side), "uint16")
for band in range(bands):
    smooth = (np.sin(x / 97 + band) * np.cos(y / 71) + 1) * 1500
    pixels[band] = smooth + random.integers(0, 40, (side, side), dtype="uint16")
    del smooth
del x, y
if who == "nacre":
    from nacre import _lib
    from nacre._native import ffi, lib
    def write():
        out, err = ffi.new("nacre_dataset **"), ffi.new("nacre_error *")
        kind = lib.nacre_dtype_from_name(b"uint16")
        _lib.check(lib.nacre_dataset_from_memory(side, side, bands, kind, ffi.from_buffer(pixels), 0, 0, 0, out, err), err)
        save = _lib.sized("nacre_save_options")
        pairs = [ffi.new("char[]", f"{k}={v}".encode()) for k, v in options.items()]
        creation = ffi.new("char const *[]", [*pairs, ffi.NULL])
        save.creation, save.overwrite = creation, True
        _lib.check(lib.nacre_dataset_save(out[0], path.encode(), save, ffi.NULL, err), err)
        lib.nacre_dataset_close(out[0])
else:
    import rasterio, rasterio.shutil
    def write():
        with rasterio.Env(GDAL_MEM_ENABLE_OPEN="YES"):
            name = (f"MEM:::DATAPOINTER={pixels.ctypes.data},PIXELS={side},LINES={side},BANDS={bands},"
                    f"DATATYPE=UInt16,PIXELOFFSET=2,LINEOFFSET={2 * side},BANDOFFSET={2 * side * side}")
            with rasterio.open(name) as source:
                rasterio.shutil.copy(source, path, driver="COG", **options)
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before, began, cpu = rss(), time.perf_counter(), time.process_time()
write()
took, cpu = time.perf_counter() - began, time.process_time() - cpu
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
print(json.dumps({"seconds": took, "cpu": cpu, "peak": peak - before, "size": os.path.getsize(path)}))
"""


def once(who: str, folder: pathlib.Path) -> dict[str, float]:
    """One write by one of both."""
    path = folder / f"written-{who}.tif"
    path.unlink(missing_ok=True)
    words = [sys.executable, "-c", CHILD, who, str(SIDE), str(BANDS), str(path), json.dumps(OPTIONS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder)}
    told = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    path.unlink()
    return dict(json.loads(told))


def run(folder: pathlib.Path) -> bool:
    """Both rows; whether the goals were reached."""
    import nacre
    import rasterio

    report.header({"nacre": nacre.__version__, "rasterio": rasterio.__version__, "gdal": rasterio.__gdal_version__})
    both: dict[str, list[dict[str, float]]] = {"nacre": [], "gdal": []}
    for repeat in range(REPEATS):
        for who in ("nacre", "gdal") if repeat % 2 else ("gdal", "nacre"):
            both[who].append(once(who, folder))
    seconds = {who: [one["seconds"] for one in rows] for who, rows in both.items()}
    name = f"COG of {SIDE} x {SIDE} x {BANDS} uint16, Deflate"
    reached = report.ratio_row(name, seconds["nacre"], seconds["gdal"], 0.7, "gdal")
    cpu = {who: [one["cpu"] for one in rows] for who, rows in both.items()}
    report.ratio_row("  its processor time", cpu["nacre"], cpu["gdal"], 0.7, "gdal")
    peaks = {who: statistics.median(one["peak"] for one in rows) / 2**20 for who, rows in both.items()}
    ratio = peaks["nacre"] / peaks["gdal"]
    told = f"nacre {peaks['nacre']:.0f} MiB, gdal {peaks['gdal']:.0f} MiB, ratio {ratio:.2f} (<= 0.5)"
    print(f"{'memory above the pixels':<44} {told} {'ok' if ratio <= 0.5 else 'MISSED'}")
    sizes = {who: rows[0]["size"] / 2**20 for who, rows in both.items()}
    print(f"{'size':<44} nacre {sizes['nacre']:.1f} MiB, gdal {sizes['gdal']:.1f} MiB")
    return reached and ratio <= 0.5

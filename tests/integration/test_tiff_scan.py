# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Reading whole files: in bounded memory whatever their size, and without driving out what is read again."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import rasterio

import nacre

LIMITS = {"memory.limit": str(32 << 20), "cache.size": str(16 << 20)}

# What the peak of a process grows by over the pixels that it was given.
CHILD = """
import json, os, sys
import numpy as np
import nacre

path, limits, strips = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "strips"

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

with nacre.Env(**limits), nacre.open(path) as dataset:
    rows = 512 if strips else dataset.height
    pixels = np.empty((dataset.count, rows, dataset.width), "uint8")
    pixels[:] = 1
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    before = status("VmRSS")
    for top in range(0, dataset.height, rows):
        dataset.read(out=pixels, window=nacre.windows.Window(0, top, dataset.width, rows))
    print(status("VmHWM") - before, int(pixels[0, 0, 0]))
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[int, pathlib.Path]:
    """Uncompressed files: what is fetched is as large as what is decoded."""
    folder, paths = tmp_path_factory.mktemp("scan"), {}
    for side in (2048, 8192):
        profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "tiled": True}
        paths[side] = folder / f"{side}.tif"
        with rasterio.open(paths[side], "w", blockxsize=512, blockysize=512, interleave="pixel", **profile) as dataset:
            row = np.full((3, 512, side), 7, "uint8")
            for top in range(0, side, 512):
                dataset.write(row, window=rasterio.windows.Window(0, top, side, 512))
    return paths


@pytest.mark.parametrize("how", ["whole", "strips"])
def test_a_read_of_a_whole_file_takes_no_more_memory_for_a_larger_one(plain: dict[int, pathlib.Path], how: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for path in plain.values():
        words = [sys.executable, "-c", CHILD, str(path), json.dumps(LIMITS), how]
        told = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
        grown, value = map(int, told.split())
        assert value == 7
        assert grown <= (32 + 16 + 40) << 20, (path, grown >> 20)  # 40: threads, libraries, one block each


@pytest.mark.filterwarnings("ignore::nacre.errors.NotGeoreferencedWarning")
def test_what_a_large_read_gives_whole_is_not_kept(plain: dict[int, pathlib.Path]) -> None:
    with nacre.Env(**{"memory.limit": str(2 << 20)}), nacre.open(plain[2048]) as dataset:
        nacre.cache.invalidate_all()
        dataset.read(window=nacre.windows.Window(0, 0, 2048, 1024))
        assert nacre.cache.stats()["bytes"] < 1 << 20
        dataset.read(window=nacre.windows.Window(100, 1024, 1024, 1024))  # cuts four blocks
        assert nacre.cache.stats()["bytes"] >= 4 * 3 * 512 * 512
        nacre.cache.invalidate_all()
        dataset.read(1)  # other bands of the blocks are read next
        assert nacre.cache.stats()["bytes"] >= 16 * 3 * 512 * 512
        before = nacre.io_stats()["cache_misses"]
        dataset.read(2)
        assert nacre.io_stats()["cache_misses"] == before

# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Memory of what is made, changed and converted does not grow with the raster: windows in any order go to $TMPDIR."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import rasterio

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

# In a process of its own: writes every block of a raster, in an order without any order, and tells what memory that took
# beyond what was there before, in bytes.
SCRIPT = """
import json, resource, sys
import numpy as np
from edits import create, update

path, mode, side, count, options = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), json.loads(sys.argv[5])
BLOCK = 512
edit = create(path, side, side, count, "uint16", **options) if mode == "w" else update(path)
warm = np.zeros((count, BLOCK, BLOCK), "uint16")
edit.write(warm, (0, 0, BLOCK, BLOCK))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cells = [(x, y) for y in range(0, side, BLOCK) for x in range(0, side, BLOCK)]
row = np.arange(BLOCK, dtype="uint16")
for number in np.random.default_rng(3).permutation(len(cells)):
    x, y = cells[number]
    width, height = min(BLOCK, side - x), min(BLOCK, side - y)
    pixels = np.broadcast_to((row[:width] + number).astype("uint16"), (count, height, width))
    edit.write(pixels, (x, y, width, height))
edit.commit()
edit.close()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def grown(tmp_path: pathlib.Path, path: pathlib.Path, mode: str, side: int, count: int, **options: Any) -> int:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    words = [sys.executable, "-c", SCRIPT, path, mode, str(side), str(count), json.dumps(options)]
    here = str(pathlib.Path(__file__).parent)
    environment = {**os.environ, "TMPDIR": str(scratch), "NACRE_CACHE_MEMORY": str(32 << 20),
                   "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}  # fmt: skip
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert os.listdir(scratch) == []
    return int(done.stdout)


def assert_pixels(path: pathlib.Path, side: int, count: int) -> None:
    """Of a few blocks: what was written last counts, wherever it was in the order."""
    across = -(-side // 512)
    with rasterio.open(path) as dataset:
        for number in (0, 1, across, across * across - 1):
            x, y = number % across * 512, number // across * 512
            width, height = min(512, side - x), min(512, side - y)
            pixels = dataset.read(window=rasterio.windows.Window(x, y, width, height))
            expected = np.broadcast_to((np.arange(512)[:width] + number).astype("uint16"), (count, height, width))
            assert np.array_equal(pixels, expected), number


CASES: list[tuple[str, dict[str, Any]]] = [
    ("w", {"tiled": "YES", "compress": "ZSTD", "zstd_level": 1, "blockxsize": 512, "blockysize": 512}),
    ("w", {"driver": "COG", "compress": "ZSTD", "level": 1, "overviews": "NONE"}),
    ("r+", {"tiled": "YES", "compress": "ZSTD", "zstd_level": 1, "blockxsize": 512, "blockysize": 512}),
]


def assert_bounded(tmp_path: pathlib.Path, mode: str, options: dict[str, Any], side: int, count: int, most: int) -> None:
    path = tmp_path / "a.tif"
    if mode == "r+":
        profile = {k: v for k, v in options.items() if k != "zstd_level"}
        with rasterio.open(path, "w", driver="GTiff", width=side, height=side, count=count, dtype="uint16", sparse_ok=True,
                           **profile):  # fmt: skip
            pass
    growth = grown(tmp_path, path, mode, side, count, **options)
    assert growth <= most, f"{growth >> 20} MiB for {side * side * count * 2 >> 20} MiB of pixels"
    assert_pixels(path, side, count)


@pytest.mark.parametrize(("mode", "options"), CASES)
def test_windows_in_any_order_take_bounded_memory(tmp_path: pathlib.Path, mode: str, options: dict[str, Any]) -> None:
    """180 MiB of pixels."""
    assert_bounded(tmp_path, mode, options, 5600, 3, 128 << 20)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "options"), CASES)
def test_memory_does_not_grow_with_the_raster(tmp_path: pathlib.Path, mode: str, options: dict[str, Any]) -> None:
    """1.4 GiB of pixels, under the same bound."""
    assert_bounded(tmp_path, mode, options, 16000, 3, 128 << 20)


def test_a_raster_of_which_little_is_written_takes_little_of_the_disk(tmp_path: pathlib.Path) -> None:
    """64 MB of pixels, of which a few blocks are there: what was not written is neither kept nor stored."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    script = """
import sys
import numpy as np
from edits import create
with create(sys.argv[1], 8_000, 8_000, 1, "uint8", tiled="YES", sparse_ok="TRUE", blockxsize=512, blockysize=512) as edit:
    for x, y in [(0, 0), (7_600, 5), (7, 7_650), (4_000, 4_000)]:
        edit.write(np.full((1, 300, 300), 7, "uint8"), (x, y, 300, 300))
"""
    path, here = tmp_path / "a.tif", str(pathlib.Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=environment,
                          preexec_fn=limit)  # fmt: skip
    assert done.returncode == 0, done.stderr
    with rasterio.open(path) as dataset:
        assert dataset.read(1, window=rasterio.windows.Window(7_700, 10, 3, 3)).tolist() == [[7] * 3] * 3
        assert not dataset.read(1, window=rasterio.windows.Window(6_000, 10, 300, 300)).any()
